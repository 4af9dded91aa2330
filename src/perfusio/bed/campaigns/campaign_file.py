"""A saved campaign: settings, pending recipes, and all runs as one JSON file that a person can read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import model_validator

from perfusio.config import Constraint, DesignSpace, Objective
from perfusio.errors import ConfigError
from perfusio.frozen import Frozen
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.document import Process, panel_of
from perfusio.process.medium import Medium
from perfusio.process.panel import Panel
from perfusio.state import Setpoints, State
from perfusio.trajectory import Feed, Trajectory

FORMAT = 1


class CampaignSettings(Frozen):
    """Settings with which a campaign was started; see `Campaign`."""

    objective: Objective
    constraints: tuple[Constraint, ...]
    design_space: DesignSpace
    factors: tuple[str, ...]
    days: int
    from_day: int
    seed: int
    process: Process = CHO_PERFUSION

    @model_validator(mode="before")
    @classmethod
    def _of_its_process(cls, given: object) -> object:
        """All saved values are of the process that the file names."""
        if not isinstance(given, dict) or not isinstance(given.get("design_space"), dict):
            return given
        process = panel_of(given.get("process"))
        own = {name: {**given[name], "process": process} for name in ("objective", "design_space")}
        constraints = tuple({**one, "process": process} for one in given["constraints"])
        return {**given, "process": process, **own, "constraints": constraints}

    def to_plain(self) -> dict[str, Any]:
        """Return the settings as plain data; the default process is not said."""
        told = self.model_dump(mode="json")
        return {k: v for k, v in told.items() if k != "process"} if self.process == CHO_PERFUSION else told


def write_campaign(
    path: Path, settings: CampaignSettings, pending: Mapping[str, Setpoints], runs: Sequence[Trajectory]
) -> Path:
    """Write a campaign, whole or not at all; its folder is made if need be."""
    about = {
        "format": FORMAT,
        "settings": settings.to_plain(),
        "pending": {name: _known_setpoints(u) for name, u in pending.items()},
        "runs": [to_plain(run) for run in runs],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(about, indent=1, allow_nan=False), encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def read_campaign(path: Path) -> tuple[CampaignSettings, dict[str, Setpoints], tuple[Trajectory, ...]]:
    """Return settings, pending recipes and runs.

    Raises:
        ConfigError: the file is not a campaign that this version reads.
    """
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        if about["format"] != FORMAT:
            raise ValueError(f"format {about['format']!r}, this version reads {FORMAT}")
        settings = CampaignSettings(**about["settings"])
        panel = settings.process
        pending = {name: Setpoints.of_values(panel, u) for name, u in about["pending"].items()}
        return settings, pending, tuple(from_plain(run, panel) for run in about["runs"])
    except (OSError, ValueError, KeyError, TypeError, ConfigError) as error:
        raise ConfigError(
            f"{path} is not a saved campaign ({type(error).__name__}: {error}). Expected the JSON file that "
            "Campaign.save() wrote: check the path, or start anew from the runs."
        ) from error


def to_plain(trajectory: Trajectory) -> dict[str, Any]:
    """Return a run as plain data for JSON; missing values are left out."""
    medium = trajectory.medium
    return {
        **({} if medium is None else {"medium": medium.of(dict(trajectory.panel.dissolved)).as_dict()}),
        "reactor_id": trajectory.reactor_id,
        "run_id": trajectory.run_id,
        "clone": trajectory.clone,
        "states": [
            {k: v for k, v in {"time_h": s.time_h, **s.measured(), "quality": dict(s.quality)}.items() if v != {}}
            for s in trajectory.states
        ],
        "setpoints": [_known_setpoints(u) for u in trajectory.setpoints],
        "feeds": [None if f is None else {"fraction": f.fraction, **f.concentrations()} for f in trajectory.feeds],
    }


def from_plain(node: Mapping[str, Any], panel: Panel = CHO_PERFUSION) -> Trajectory:
    """Undo `to_plain` for a run of a process."""
    return Trajectory(
        reactor_id=node["reactor_id"],
        run_id=node["run_id"],
        clone=node["clone"],
        states=tuple(_state(s, panel) for s in node["states"]),
        setpoints=tuple(Setpoints.of_values(panel, u) for u in node["setpoints"]),
        feeds=tuple(None if f is None else _feed(f, panel) for f in node["feeds"]),
        medium=Medium(**node["medium"]) if "medium" in node else None,
    )


def _state(node: Mapping[str, Any], panel: Panel) -> State:
    values = {name: value for name, value in node.items() if name not in ("time_h", "quality")}
    return State.of_values(panel, node["time_h"], values, node.get("quality"))


def _feed(node: Mapping[str, Any], panel: Panel) -> Feed:
    return Feed.of_values(panel, node["fraction"], {name: v for name, v in node.items() if name != "fraction"})


def _known_setpoints(setpoints: Setpoints) -> dict[str, float]:
    """Return the known setpoints by name."""
    return {name: v for name, v in setpoints.by_name().items() if v == v}

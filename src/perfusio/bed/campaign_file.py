"""A saved campaign: settings, what waits, and all runs as one JSON file that a person can read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perfusio.config import Constraint, DesignSpace, Objective
from perfusio.errors import ConfigError
from perfusio.frozen import Frozen
from perfusio.state import Setpoints, State
from perfusio.trajectory import Feed, Trajectory

FORMAT = 1


class CampaignSettings(Frozen):
    """What a campaign was started with; see `Campaign`."""

    objective: Objective
    constraints: tuple[Constraint, ...]
    design_space: DesignSpace
    factors: tuple[str, ...]
    days: int
    from_day: int
    seed: int


def write_campaign(
    path: Path, settings: CampaignSettings, pending: Mapping[str, Setpoints], runs: Sequence[Trajectory]
) -> Path:
    """Write a campaign, whole or not at all; its folder is made if need be."""
    about = {
        "format": FORMAT,
        "settings": settings.model_dump(mode="json"),
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
        pending = {name: Setpoints(**u) for name, u in about["pending"].items()}
        return CampaignSettings(**about["settings"]), pending, tuple(map(from_plain, about["runs"]))
    except (OSError, ValueError, KeyError, TypeError, ConfigError) as error:
        raise ConfigError(
            f"{path} is not a saved campaign ({type(error).__name__}: {error}). Expected the JSON file that "
            "Campaign.save() wrote: check the path, or start anew from the runs."
        ) from error


def to_plain(trajectory: Trajectory) -> dict[str, Any]:
    """Return a run as plain data for JSON; what was not measured is left out."""
    return {
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


def from_plain(node: Mapping[str, Any]) -> Trajectory:
    """Undo `to_plain`."""
    return Trajectory(
        reactor_id=node["reactor_id"],
        run_id=node["run_id"],
        clone=node["clone"],
        states=tuple(State(**s) for s in node["states"]),
        setpoints=tuple(Setpoints(**u) for u in node["setpoints"]),
        feeds=tuple(None if f is None else Feed(**f) for f in node["feeds"]),
    )


def _known_setpoints(setpoints: Setpoints) -> dict[str, float]:
    """Return the known setpoints by name."""
    return {name: v for name, v in setpoints.by_name().items() if v == v}

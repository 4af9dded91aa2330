"""The opening of a run told in lines: aim, process, and for each vessel its source, gaps and mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perfusio.config import Objective, in_words
from perfusio.events import RunStarted
from perfusio.process.panel import Panel
from perfusio.record.places import whole_source
from perfusio.report.about_process import about
from perfusio.report.lines import Line, Tone, counted, note
from perfusio.report.wording import another_aim


def opening(
    event: RunStarted, panel: Panel, objectives: Sequence[Objective], run_dir: Path | None = None
) -> list[Line]:
    """Return the lines that begin a run.

    Args:
        event: The start.
        panel: The process of the run.
        objectives: Aims of the run.
        run_dir: Folder of the run, from which its record sees places; None = places are told as they stand there.
    """
    run, modes = event.config["run"], event.config["modes"]
    length = counted(run["duration_days"], "day")
    said = [
        *note("Aim:", f"{in_words(tuple(objectives))}, {length}, {run['acquisition']}, seed {run['seed']}."),
        *note("", another_aim(panel)),
        *about(panel),
    ]
    bounds = event.config["design_space"]["bounds"]
    for reactor, source in event.sources.items():
        said += note("Vessel:", reactor) if len(modes) > 1 else []
        placed = source if run_dir is None else whole_source(source, run_dir)
        said += [*_source(placed, panel, bounds), *_mode(modes[reactor], placed)]
    return said


def never_measured(source: Mapping[str, Any], panel: Panel) -> list[str]:
    """Return the species without a column in a source; none where it does not say its columns."""
    known = _meanings(source)
    return [name for name in panel.species_names if known and name not in known]


def _meanings(source: Mapping[str, Any]) -> set[str]:
    return {meaning.split(" ")[0] for meaning in (source.get("columns") or {}).values()}


def _source(source: Mapping[str, Any], panel: Panel, bounds: Mapping[str, Any]) -> list[Line]:
    said = []
    if where := source.get("path") or source.get("url"):
        said += note("Source:", f"{where}, {source.get('n_rows', '?')} samples, {source['kind']}.")
    if absent := never_measured(source, panel):
        said += note("", f"Never measured, no such column: {', '.join(absent)}. They are estimated.")
    known = _meanings(source)
    if known and (assumed := [name for name in panel.setpoint_names if name not in known]):
        values = ", ".join(f"{n} {bounds[n]['nominal']:g} {panel[n].unit}" for n in assumed)
        said += note("", f"Assumed in force, no such column: {values}.")
    for warning in source.get("warnings", ()):
        said += note("Note:", warning, Tone.WARN)
    return said


def _mode(mode: str, source: Mapping[str, Any]) -> list[Line]:
    if mode == "automatic" and source.get("kind") == "replay":
        to = source.get("setpoints_path", "the database")
        return note("Mode:", f"A replay: decisions go to {to}; what was in force is what the source says.")
    return note("Mode:", f"{mode}.")

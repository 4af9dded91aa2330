"""`perfusio simulate`: a training experiment in virtual vessels."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.processes import ProcessOption, panel_in
from perfusio.cli.models.design import Centre, Factors, Kind, Runs, Seed, describe, design_table, planned_design

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perfusio.bed.campaigns.initial_designs import InitialDesign
    from perfusio.process.panel import Panel
    from perfusio.state import Setpoints
    from perfusio.trajectory import Trajectory

VARIED = "perfusion_rate,bleed_rate,glucose_setpoint,temperature"
"""Factors unless others are named, as far as the process has them."""


def simulate(
    clone: Annotated[
        str,
        typer.Option(
            help="CloneX (switches to lactate), CloneY (never does), Random1, ...; of foreign make: Y-T127, Y-GS46, "
            "Y-1, Monod-lit, Monod-1, Own2-1, ..."
        ),
    ] = "CloneX",
    kind: Kind = "box-behnken",
    factors: Factors = VARIED,
    centre: Centre = 3,
    runs: Runs = None,
    recipes: Annotated[
        Path | None,
        typer.Option(help="Recipes to run instead of a design, as design --out and recommend --out write them."),
    ] = None,
    days: Annotated[int, typer.Option(help="Length of the runs [day]; one sample per day.", min=1, max=365)] = 28,
    seed: Seed = 0,
    process: ProcessOption = None,
    perfect: Annotated[bool, typer.Option("--perfect", help="Report the truth: no noise, nothing missing.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for runs.csv, design.csv and trajectories.png.")] = Path("runs"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of an earlier call.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Run a design, or given recipes, in virtual ambr 250 vessels and write the analyzers' reports.

    With --process they are fed with its medium and report its species; quantities that no virtual vessel knows are
    refused.
    """
    from perfusio.errors import ConfigError
    from perfusio.plant.experiment import simulate_runs
    from perfusio.plant.families import clone_named
    from perfusio.plant.of_process import check_known
    from perfusio.plant.sensors import PERFECT, SensorSettings
    from perfusio.report.trajectory_plot import plot_trajectories
    from perfusio.tables.runs_table import runs_header, runs_rows, write_csv

    panel = panel_in(process)
    check_known(panel)
    files = [out / name for name in ("runs.csv", "design.csv", "trajectories.png")]
    if (present := [str(f) for f in files if f.exists()]) and not overwrite:
        raise ConfigError(f"{', '.join(present)} would be replaced. Choose another folder (--out), or say --overwrite.")
    if factors == VARIED:
        factors = ",".join(name for name in VARIED.split(",") if name in panel.by_name)
    if recipes is not None:
        plan = _given(recipes, panel)
    else:
        plan = _designed(planned_design(kind, factors, centre, runs, seed, panel))
    cell_line = clone_named(clone)
    with _Progress(days, quiet=json_output) as progress:
        trajectories = simulate_runs(
            cell_line,
            plan.recipes,
            days=days,
            seed=seed,
            sensors=PERFECT if perfect else SensorSettings(),
            process=panel,
            on_day=progress.done,
        )
    write_csv(files[0], runs_header(panel), runs_rows(trajectories))
    write_csv(files[1], *plan.table)
    title = f"{cell_line.name}: {len(trajectories)} runs of {days} days ({plan.kind})"
    plot_trajectories(trajectories, files[2], color_by=plan.color_by, title=title)
    summary = _summary(trajectories)
    if json_output:
        about = {"clone": cell_line.name, "design": plan.kind, "runs": len(trajectories), "days": days}
        echo(json.dumps({**about, "files": [str(f) for f in files], "last_day": summary}, indent=1))
        return
    echo(f"{cell_line.name}, {days} days; {plan.about}")
    echo("On the last day, lowest to highest of all runs:")
    for label, (low, high) in summary.items():
        echo(f"  {label:34}{low:>10.4g} {high:>10.4g}")
    for file, what in zip(files, ("one row per run and day", "the recipes", "all runs in one figure"), strict=True):
        echo(f"{file}: {what}")
    first = next(iter(plan.recipes))
    replayed = f'FilesystemStore(source_path="{files[0].as_posix()}", run="{first}")'
    if process is not None:
        of = f"--process {process.as_posix()}"
        replayed = f"perfusio run --csv {files[0].as_posix()} --run {first} --days {days} {of}"
    echo(f"Replay one run: {replayed}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Recipes to run by name, their table, and how to speak of them."""

    recipes: Mapping[str, Setpoints]
    table: tuple[list[str], list[list[str]]]
    kind: str
    about: str
    color_by: str


def _designed(planned: InitialDesign) -> _Plan:
    return _Plan(
        recipes={run.name: run.setpoints for run in planned.runs},
        table=design_table(planned),
        kind=str(planned.kind),
        about=describe(planned),
        color_by=planned.factors[0],
    )


def _given(file: Path, process: Panel) -> _Plan:
    from perfusio.tables.recipes import read_recipes, recipe_cells, recipes_header

    recipes, names = read_recipes(file, process), process.setpoint_names
    differ = [name for name in names if len({getattr(u, name) for u in recipes.values()}) > 1]
    return _Plan(
        recipes=recipes,
        table=(list(recipes_header(process)), recipe_cells(recipes, "given")),
        kind=file.name,
        about=f"{len(recipes)} recipes of {file}",
        color_by=(differ or list(names))[0],
    )


def _summary(trajectories: Sequence[Trajectory]) -> dict[str, tuple[float, float]]:
    """Lowest and highest last measured value of each quantity over the runs."""
    summary = {}
    for quantity in trajectories[0].panel.species:
        last = [v for t in trajectories if (v := getattr(t.states[-1], quantity.name)) == v]
        if last:
            summary[quantity.axis_label] = (min(last), max(last))
    return summary


class _Progress:
    """A bar on a terminal, nothing elsewhere."""

    def __init__(self, days: int, *, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self._bar = Progress(console=Console(stderr=True), disable=quiet or not sys.stderr.isatty(), transient=True)
        self._task = self._bar.add_task("Days", total=days)

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def done(self, day: int) -> None:
        """Show that this day is done."""
        self._bar.update(self._task, completed=day)

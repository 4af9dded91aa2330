"""`perfusio simulate`: a training experiment in virtual vessels."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.design import Centre, Factors, Kind, Runs, Seed, describe, design_table, planned_design
from perfusio.cli.echo import echo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from perfusio.bed.initial_designs import InitialDesign
    from perfusio.state import Setpoints
    from perfusio.trajectory import Trajectory


def simulate(
    clone: Annotated[
        str,
        typer.Option(
            help="CloneX (switches to lactate), CloneY (never does), Random1, ...; of foreign make: Y-T127, Y-GS46, "
            "Y-1, Monod-lit, Monod-1, Own2-1, ..."
        ),
    ] = "CloneX",
    kind: Kind = "box-behnken",
    factors: Factors = "perfusion_rate,bleed_rate,glucose_setpoint,temperature",
    centre: Centre = 3,
    runs: Runs = None,
    recipes: Annotated[
        Path | None,
        typer.Option(help="Recipes to run instead of a design, as design --out and recommend --out write them."),
    ] = None,
    days: Annotated[int, typer.Option(help="Length of the runs [day]; one sample per day.", min=1, max=365)] = 28,
    seed: Seed = 0,
    perfect: Annotated[bool, typer.Option("--perfect", help="Report the truth: no noise, nothing missing.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for runs.csv, design.csv and trajectories.png.")] = Path("runs"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of an earlier call.")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Run a design, or given recipes, in virtual ambr 250 vessels and write what the analyzers report."""
    from perfusio.connectors.runs_table import RUNS_HEADER, runs_rows, write_csv
    from perfusio.errors import ConfigError
    from perfusio.plant.experiment import simulate_runs
    from perfusio.plant.families import clone_named
    from perfusio.plant.sensors import PERFECT, SensorSettings
    from perfusio.report.trajectory_plot import plot_trajectories

    files = [out / name for name in ("runs.csv", "design.csv", "trajectories.png")]
    if (present := [str(f) for f in files if f.exists()]) and not overwrite:
        raise ConfigError(f"{', '.join(present)} would be replaced. Choose another folder (--out), or say --overwrite.")
    plan = _given(recipes) if recipes is not None else _designed(planned_design(kind, factors, centre, runs, seed))
    cell_line = clone_named(clone)
    with _Progress(days, quiet=json_output) as progress:
        trajectories = simulate_runs(
            cell_line,
            plan.recipes,
            days=days,
            seed=seed,
            sensors=PERFECT if perfect else SensorSettings(),
            on_day=progress.done,
        )
    write_csv(files[0], RUNS_HEADER, runs_rows(trajectories))
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
    echo(
        f'Replay one run: FilesystemStore(source_path="{files[0].as_posix()}", run="{next(iter(plan.recipes))}")'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is run: recipes by name, their table, and how to speak of them."""

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


def _given(file: Path) -> _Plan:
    from perfusio.connectors.recipes import RECIPES_HEADER, read_recipes, recipe_cells
    from perfusio.state import SETPOINTS

    recipes = read_recipes(file)
    differ = [name for name in SETPOINTS if len({getattr(u, name) for u in recipes.values()}) > 1]
    return _Plan(
        recipes=recipes,
        table=(list(RECIPES_HEADER), recipe_cells(recipes, "given")),
        kind=file.name,
        about=f"{len(recipes)} recipes of {file}",
        color_by=(differ or list(SETPOINTS))[0],
    )


def _summary(trajectories: Sequence[Trajectory]) -> dict[str, tuple[float, float]]:
    """Lowest and highest last measured value of each quantity over the runs."""
    from perfusio.state import STATE_QUANTITIES

    summary = {}
    for name, quantity in STATE_QUANTITIES.items():
        last = [v for t in trajectories if (v := getattr(t.states[-1], name)) == v]
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

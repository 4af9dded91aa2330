"""`perfusio recommend`: which runs to do next."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.processes import ProcessOption, VolumeOption, panel_in
from perfusio.cli.models.history import FileAnswers, MappingOption, SeedOption, Steps, read_runs_aloud
from perfusio.cli.options import ColumnOption, IgnoreOption, JsonOption, OverwriteOption, SetMissingOption, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfusio.bed.campaigns.recommendation import Recommendation
    from perfusio.config import Objective
    from perfusio.process.panel import Panel
    from perfusio.trajectory import Trajectory

UNLIKELY = 0.05
"""Below this probability of keeping all limits a recipe is not one to hope for."""


def recommend(
    runs: Annotated[
        list[Path] | None,
        typer.Option(help="Past runs: a CSV file, or a folder with runs.csv or one file per run; repeatable."),
    ] = None,
    batch: Annotated[int, typer.Option(help="How many recipes.", min=1, max=96)] = 6,
    maximize: Annotated[
        str, typer.Option(help="Raise a quantity; productivity unless another aim is given.", metavar="NAME")
    ] = "",
    minimize: Annotated[str, typer.Option(help="Lower a quantity, e.g. medium.", metavar="NAME")] = "",
    track: Annotated[str, typer.Option(help="Hold a quantity, e.g. vcd=40.", metavar="NAME=VALUE")] = "",
    days: Annotated[int, typer.Option(help="Length of the runs to come [day].", min=1, max=90)] = 28,
    from_day: Annotated[int, typer.Option(help="First day that counts for the aim.", min=1, max=90)] = 9,
    factors: Annotated[
        str, typer.Option(help="Setpoints to vary, separated by commas. Default: those that vary between the runs.")
    ] = "",
    pending: Annotated[
        list[Path] | None, typer.Option(help="Recipes that wait for their results, as --out wrote them; repeatable.")
    ] = None,
    seed: SeedOption = 0,
    out: Annotated[Path | None, typer.Option(help="CSV file to write; default: only print.")] = None,
    overwrite: OverwriteOption = False,
    mapping: MappingOption = None,
    column: ColumnOption = None,
    ignore: IgnoreOption = None,
    set_missing: SetMissingOption = None,
    process: ProcessOption = None,
    working_volume: VolumeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Recommend the next batch of run recipes, from the runs that are finished.

    A recipe holds its setpoints from the first day to the last. Limits are those of the process on every day; without
    --process viability >= 95 %, glucose >= 0.3 g/L, ammonium <= 10 mmol/L, perfusion >= 15 pL/cell/day. Runs may still
    go on, and species may be missing. Without --runs the recipes fill the design space. perfusio simulate --recipes
    FILE tries them in virtual vessels.
    """
    from perfusio.bed.campaigns.campaign import Campaign
    from perfusio.config import DesignSpace
    from perfusio.errors import ConfigError
    from perfusio.hybrid.model import HybridModel
    from perfusio.tables.recipes import read_recipes

    if out is not None and out.exists() and not overwrite:
        raise ConfigError(
            f"{out} would be replaced. If its recipes still wait for results, give it as --pending and another --out; "
            "else say --overwrite."
        )
    panel = panel_in(process, working_volume)
    campaign = Campaign(
        HybridModel.prior(panel),
        objective=_objective(maximize, minimize, track, panel),
        design_space=DesignSpace.of(panel),
        factors=[name.strip() for name in factors.split(",") if name.strip()],
        days=days,
        from_day=from_day,
        seed=seed,
    )
    waiting = [read_recipes(file, panel) for file in pending or ()]
    told = FileAnswers(mapping=mapping, column=column, ignore=ignore, set_missing=set_missing, granted=[])
    past = _read(runs or (), panel, told)
    campaign.add_measurements(past)
    for recipes in waiting:
        campaign.add_pending(recipes)
    n_waiting = len(campaign.pending)
    for note in campaign.notes:
        echo(note, err=True)
    echo(_beginning(past, n_waiting), err=True)
    with Steps("Fitting the model, then playing recipes", None if not past else 4) as steps:
        found = campaign.recommend(batch, on_step=lambda done, _total: steps.done(done))
    if out is not None:
        _write(out, found)
    if json_output:
        print_json({"recipes": [_plain(r) for r in found], "taken_for_granted": told.granted})
        return
    _print(campaign.varied(), found)
    if remark := _remark(found):
        echo(remark, err=True)
    if out is not None:
        echo(f"{out}: the recipes. When their results are there, give them too: --runs FOLDER once more.")


def _read(sources: Sequence[Path], process: Panel, told: FileAnswers) -> list[Trajectory]:
    """Read all runs; where two sources use the same name, the name of the source goes before it."""
    groups = [(source, read_runs_aloud(source, process, told.about(source, sources))) for source in sources]
    names = [run.reactor_id for _, group in groups for run in group]
    return [
        replace(run, reactor_id=f"{source}/{run.reactor_id}") if names.count(run.reactor_id) > 1 else run
        for source, group in groups
        for run in group
    ]


def _objective(maximize: str, minimize: str, track: str, process: Panel) -> Objective | None:
    """Return the aim that was typed; None = the usual one."""
    from perfusio import config
    from perfusio.errors import ConfigError
    from perfusio.process.derived import forecast_names

    aims = {"--maximize": maximize, "--minimize": minimize, "--track": track}
    if len(given := [f"{option} {value}" for option, value in aims.items() if value]) > 1:
        raise ConfigError(f"{' and '.join(given)} together: a campaign has one aim. Leave one away.")
    if minimize:
        return config.minimize(minimize, process=process)
    if not track:
        known = forecast_names(process)
        if not maximize and "productivity" not in known:
            raise ConfigError(
                f"{process.name} has no productivity, so it is not known what its runs are for. Say --maximize NAME, "
                f"--minimize NAME or --track NAME=VALUE with one of {', '.join(known)}."
            )
        return config.maximize(maximize, process=process) if maximize else None
    name, _, text = (part.strip() for part in track.partition("="))
    try:
        return config.Objective(kind="track", quantity=name, target=float(text), process=process)
    except ValueError:
        raise ConfigError(f"--track {track}: expected a name, = and a number, e.g. --track vcd=40.") from None


def _beginning(past: Sequence[Trajectory], n_waiting: int) -> str:
    wait = f" {n_waiting} recipes wait for their results." if n_waiting else ""
    if not past:
        return (
            f"No runs are given (--runs), so the recipes fill the design space.{wait} A Box-Behnken design, the usual "
            "start: perfusio design."
        )
    samples = sum(len(run.states) for run in past)
    return f"Learning from {len(past)} runs with {samples} samples; half a minute for 30 runs of 28 days.{wait}"


def _print(varied: Sequence[str], found: Sequence[Recommendation]) -> None:
    for r in found:
        recipe = ", ".join(f"{n} {getattr(r.setpoints, n):g} {r.setpoints.panel[n].unit}" for n in varied)
        echo(f"{r.name}  {recipe}\n     {r.why}")


def _remark(found: Sequence[Recommendation]) -> str:
    """Say so if nothing is likely to keep the limits."""
    best = max(found, key=lambda r: r.probability if r.limits else 1.0)
    if not best.limits or best.probability >= UNLIKELY:
        return ""
    worst = min(best.limits, key=lambda limit: best.limits[limit])
    return (
        f"Note: no recipe is likely to keep all limits: P = {best.probability:.2f} for {best.name}, the best of them; "
        f"{worst} is in the way. These recipes find out how far off it is. Shorter runs (--days) or other factors "
        "(--factors) may help."
    )


def _plain(r: Recommendation) -> dict[str, Any]:
    known = {"expected": r.value, "sd": r.sd, "probability": r.probability}
    return {
        "run": r.name,
        "setpoints": r.setpoints.by_name(),
        **{name: value if value == value else None for name, value in known.items()},
        "limits": dict(r.limits),
        "why": r.why,
    }


def _write(out: Path, found: Sequence[Recommendation]) -> None:
    """Write the table that `perfusio design` writes, with expected outcomes as notes behind."""
    from perfusio.tables.recipes import recipe_cells, recipes_header
    from perfusio.tables.runs_table import write_csv

    rows = recipe_cells({r.name: r.setpoints for r in found}, "recommended")
    header = recipes_header(found[0].setpoints.panel)
    write_csv(out, (*header, "why"), [[*row, r.why] for row, r in zip(rows, found, strict=True)])

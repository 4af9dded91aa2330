"""`perfusio forecast`: a model's forecast of a vessel, with its uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.processes import ProcessOption, VolumeOption, process_of
from perfusio.cli.models.history import (
    FileAnswers,
    MappingOption,
    ModelOption,
    PathsOption,
    RunsOption,
    SeedOption,
    chosen,
    read_runs_aloud,
    refuse_to_replace,
)
from perfusio.cli.options import (
    LATEST_DAY,
    ColumnOption,
    IgnoreOption,
    JsonOption,
    OverwriteOption,
    SetMissingOption,
    print_json,
)

if TYPE_CHECKING:
    from perfusio.forecast import Forecast, QuantityForecast
    from perfusio.quantities import Quantity
    from perfusio.state import FloatArray, Setpoints
    from perfusio.trajectory import Feed, Trajectory

SHOWN_DAYS = (1, 3, 7, 14, 28)
LOW_SUPPORT, PRIOR_ALONE = 0.7, 0.1
CSV_HEADER = ("day", "quantity", "unit", "median", "mean", "sd", "q05", "q10", "q90", "q95")


class Plan(StrEnum):
    """Setpoints over the days ahead."""

    HOLD = "hold"
    RECORDED = "recorded"
    NOMINAL = "nominal"


def forecast(
    model: ModelOption,
    runs: RunsOption,
    run: Annotated[str | None, typer.Option(help="Which run, if there are several.", metavar="NAME")] = None,
    from_day: Annotated[
        float | None,
        typer.Option(
            help="Forget what was measured after this day. Default: the last sample.", min=0.0, max=LATEST_DAY
        ),
    ] = None,
    days: Annotated[int, typer.Option(help="Length of the forecast [day].", min=1, max=90)] = 28,
    plan: Annotated[
        Plan, typer.Option(help="Setpoints ahead: those in force then, those that were recorded, or the nominal ones.")
    ] = Plan.HOLD,
    n_paths: PathsOption = 256,
    seed: SeedOption = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for forecast.csv and forecast.png.")] = None,
    overwrite: OverwriteOption = False,
    mapping: MappingOption = None,
    column: ColumnOption = None,
    ignore: IgnoreOption = None,
    set_missing: SetMissingOption = None,
    process: ProcessOption = None,
    working_volume: VolumeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Forecast one vessel with 80 and 90 % intervals of its true state, from the measurements up to a day.

    The run is read as one of the process of the model; --process says another medium or vessel. With --plan recorded
    it also gets the feeds on record, with the other plans none.
    """
    from perfusio.hybrid.checkpoints import load

    files = [] if out is None else [out / "forecast.csv", out / "forecast.png"]
    refuse_to_replace(files, overwrite=overwrite)
    believed = load(model)
    told = FileAnswers(mapping=mapping, column=column, ignore=ignore, set_missing=set_missing)
    whole = _the_run(read_runs_aloud(runs, process_of(believed.panel, process, working_volume), told), run)
    past = _until(whole, from_day)
    ahead = _plan(whole, past, plan, days)
    feeds = _feeds(whole, past, plan, days)
    (future,) = believed.rollout(past, [ahead], interval_hours=24.0, n_paths=n_paths, seed=seed, feeds=feeds)
    quantities = _quantities(past, future, ahead)
    start = past.states[-1].day
    if files:
        from perfusio.report.vessel_plot import plot_vessel_forecast
        from perfusio.tables.runs_table import write_csv

        write_csv(files[0], CSV_HEADER, _rows(quantities))
        plot_vessel_forecast(
            whole,
            future,
            ahead,
            files[1],
            start_h=24.0 * start,
            title=f"{whole.reactor_id}, forecast made on day {start:g} by model {believed.model_id}, plan: {plan}",
            derived={name: pair for name, pair in quantities.items() if name not in future.panel.species_names},
        )
    if json_output:
        about = {"run": whole.reactor_id, "from_day": start, "plan": plan, "model_id": believed.model_id}
        table = [dict(zip(CSV_HEADER, row, strict=True)) for row in _rows(quantities)]
        numeric = [{k: v if k in ("quantity", "unit") else float(v) for k, v in row.items()} for row in table]
        support = {} if future.support is None else {"support": [round(float(v), 3) for v in future.support]}
        print_json({**about, **support, "forecast": numeric})
        return
    echo(f"{whole.reactor_id} from day {start:g} on, plan: {plan}; median and 80 % interval of the true state.")
    echo(_table(quantities, start))
    if future.support is not None:
        echo(_support(future.support))
    for file in files:
        echo(f"{file}")


def _the_run(runs: Sequence[Trajectory], name: str | None) -> Trajectory:
    from perfusio.errors import ConfigError

    if name is not None:
        return chosen(runs, [name], "--run")[0]
    if len(runs) > 1:
        known = ", ".join(t.reactor_id for t in runs)
        raise ConfigError(f"There are {len(runs)} runs: {known}. Choose one, e.g. --run {runs[0].reactor_id}.")
    return runs[0]


def _until(run: Trajectory, from_day: float | None) -> Trajectory:
    """Return the run as it was known on that day."""
    from perfusio.errors import ConfigError

    n = sum(from_day is None or state.day <= from_day + 1e-6 for state in run.states)
    if n == 0:
        raise ConfigError(f"--from-day {from_day:g}: the first sample of {run.reactor_id} is of day "
                          f"{run.states[0].day:g}. Choose that day or a later one.")  # fmt: skip
    return run.until(n)


def _plan(whole: Trajectory, past: Trajectory, plan: Plan, days: int) -> list[Setpoints]:
    from perfusio.config import DesignSpace
    from perfusio.errors import ConfigError
    from perfusio.study.backtest import plan_in_force

    if plan is Plan.NOMINAL:
        return [DesignSpace.of(whole.panel).nominal] * days
    if not whole.setpoints:
        raise ConfigError(f"{whole.reactor_id} has one sample, so it is not known what was in force: expected two or "
                          "more. Say --plan nominal.")  # fmt: skip
    if plan is Plan.HOLD:
        return [(past.setpoints or whole.setpoints[:1])[-1]] * days
    return plan_in_force(whole, past.states[-1].time_h, days)


def _feeds(whole: Trajectory, past: Trajectory, plan: Plan, days: int) -> tuple[Feed | None, ...]:
    """Return the feeds ahead: those on record with the recorded plan; that others have none is said aloud."""
    from perfusio.study.backtest import feeds_given

    if plan is Plan.RECORDED:
        return feeds_given(whole, past.states[-1].time_h, days)
    if any(whole.fed):
        echo(
            f"Note: {whole.reactor_id} was fed; with --plan {plan} nothing is fed ahead. --plan recorded gives the "
            "feeds on record.", err=True,
        )  # fmt: skip
    return ()


def _quantities(
    past: Trajectory, future: Forecast, plan: Sequence[Setpoints]
) -> dict[str, tuple[Quantity, QuantityForecast]]:
    """Return species and derived quantities; the cell volume only if a diameter was ever measured."""
    from perfusio.bed.derived_forecasts import FORECAST_QUANTITIES, derived_forecast
    from perfusio.process.derived import forecast_names
    from perfusio.process.needs import NEEDS
    from perfusio.process.roles import SIZE

    panel = future.panel
    sizes = panel.of_role("size")[:1]
    diameters = [v for s in past.states for name in sizes if (v := getattr(s, name)) == v]
    found: dict[str, tuple[Quantity, QuantityForecast]] = {s.name: (s, future[s.name]) for s in panel.modelled}
    for name, quantity in FORECAST_QUANTITIES.items():
        if name in forecast_names(panel) and (diameters or "size" not in NEEDS[name]):
            of_size: dict[str, Any] = {SIZE: diameters[-1]} if "size" in NEEDS[name] else {}
            found[name] = (quantity, derived_forecast(future, name, plan, **of_size))
    return found


def _rows(quantities: dict[str, tuple[Quantity, QuantityForecast]]) -> list[list[str]]:
    rows = []
    for name, (quantity, f) in quantities.items():
        (q05, q95), (q10, q90) = f.interval(0.9), f.interval(0.8)
        for i, time_h in enumerate(f.times_h):
            numbers = (f.median[i], f.mean[i], f.sd[i], q05[i], q10[i], q90[i], q95[i])
            rows.append([f"{time_h / 24.0:g}", name, quantity.unit, *(f"{v:.6g}" for v in numbers)])
    return rows


def _table(quantities: dict[str, tuple[Quantity, QuantityForecast]], start: float) -> str:
    from perfusio.hybrid.scores.scoreboard import aligned

    n_days = len(next(iter(quantities.values()))[1].times_h)
    shown = [d for d in SHOWN_DAYS if d <= n_days]
    rows = [["", *(f"day {start + d:g}" for d in shown)]]
    for quantity, f in quantities.values():
        low, high = f.interval(0.8)
        cells = [f"{_short(f.median[d - 1])} ({_short(low[d - 1])} to {_short(high[d - 1])})" for d in shown]
        rows.append([quantity.axis_label, *cells])
    return aligned(rows)


def _support(support: FloatArray) -> str:
    if support.mean() < PRIOR_ALONE:
        return (
            f"Support {support.mean():.2f}: nothing that the model learnt from is like this. The forecast rests on the "
            "rates that are usual of CHO cells and on this vessel's own samples; take it as a guess."
        )
    least = int(support.argmin())
    words = f"Support {support.mean():.2f} on average (1: much like what the model learnt from, 0: nothing like it)"
    return words if support[least] > LOW_SUPPORT else (
        f"{words}, least on day {least + 1} ahead: {support[least]:.2f}. The model has not seen such states under such "
        "setpoints; its intervals are widened, and may still be too narrow."
    )  # fmt: skip


def _short(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:.0f}" if abs(value) >= 100.0 else f"{value:.3g}"

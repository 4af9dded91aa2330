"""`perfusio end-values`: the last sample of runs from their first days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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
    read_runs_aloud,
)
from perfusio.cli.options import LATEST_DAY, ColumnOption, IgnoreOption, JsonOption, SetMissingOption, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfusio.process.panel import Panel
    from perfusio.study.end_values import EndValue


def end_values(
    model: ModelOption,
    runs: RunsOption,
    quantity: Annotated[
        str, typer.Option(help="Species, separated by commas. Default: the products.", metavar="NAMES")
    ] = "",
    from_day: Annotated[
        float, typer.Option(help="Forget what was measured after this day.", min=0.0, max=LATEST_DAY)
    ] = 3.0,
    end_day: Annotated[
        float | None,
        typer.Option(help="Day of the end. Default: that of the last sample of each run.", min=0.0, max=LATEST_DAY),
    ] = None,
    n_paths: PathsOption = 256,
    seed: SeedOption = 0,
    mapping: MappingOption = None,
    column: ColumnOption = None,
    ignore: IgnoreOption = None,
    set_missing: SetMissingOption = None,
    process: ProcessOption = None,
    working_volume: VolumeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Foresee the end of runs from their first days: the titer, say, with an 80 % interval of its measurement.

    Setpoints and feeds are those on record; after the last sample the last setpoints stay. Where the end was
    measured it stands beside, and the error over all runs beside that of saying the mean end of the other runs.
    """
    from perfusio.errors import NotEnoughData
    from perfusio.hybrid.checkpoints import load
    from perfusio.state import find_quantity
    from perfusio.study.end_values import end_value

    believed = load(model)
    panel = process_of(believed.panel, process, working_volume)
    asked = [name.strip() for name in quantity.split(",") if name.strip()] or list(panel.of_role("product"))
    names = [find_quantity(name, panel).name for name in asked]
    found, left_out = list["EndValue"](), list[str]()
    told = FileAnswers(mapping=mapping, column=column, ignore=ignore, set_missing=set_missing)
    for run in read_runs_aloud(runs, panel, told):
        try:
            found.append(end_value(believed, run, from_day=from_day, end_day=end_day, n_paths=n_paths, seed=seed))
        except NotEnoughData as error:
            left_out.append(str(error))
    if not found:
        raise NotEnoughData(left_out[0] if left_out else "There is no run. Give one or more.")
    for line in left_out:
        echo(f"Note: {line}", err=True)
    rows, errors = _rows(found, names, panel), _errors(found, names, panel)
    if json_output:
        print_json({"model_id": believed.model_id, "ends": rows, "errors": errors})
        return
    echo(_table(rows, panel))
    for name, of in errors.items():
        said = ", ".join(f"{who} {value:.3g}" for who, value in of.items())
        echo(f"Root mean squared error of {name} [{panel[name].unit}]: {said}.")


def _rows(found: Sequence[EndValue], names: Sequence[str], panel: Panel) -> list[dict[str, object]]:
    rows = []
    for e in found:
        for name in names:
            f, actual = e.forecast[name], float(e.actual[panel.index(name)])
            low, high = f.interval(0.8)
            row: dict[str, object] = {
                "run": e.run, "from_day": round(e.from_day, 3), "end_day": round(e.end_day, 3), "quantity": name,
                "median": float(f"{f.median[0]:.6g}"), "q10": float(f"{low[0]:.6g}"), "q90": float(f"{high[0]:.6g}"),
                "measured": float(f"{actual:.6g}") if actual == actual else None,
            }  # fmt: skip
            rows.append(row)
    return rows


def _errors(found: Sequence[EndValue], names: Sequence[str], panel: Panel) -> dict[str, dict[str, float]]:
    """Return the error of the forecasts and of the mean of the other runs' ends, where two or more were measured."""
    from perfusio.study.end_values import mean_predictor_rmse, rmse

    ours, theirs = rmse(found), mean_predictor_rmse(found)
    places = {name: panel.index(name) for name in names}
    return {
        name: {"forecast": float(f"{ours[q]:.4g}"), "mean of the other runs": float(f"{theirs[q]:.4g}")}
        for name, q in places.items()
        if theirs[q] == theirs[q]
    }


def _table(rows: Sequence[dict[str, object]], panel: Panel) -> str:
    from perfusio.hybrid.scores.scoreboard import aligned

    head = ["run", "known to day", "end on day", "", "median", "80 % interval", "measured"]
    cells = [
        [
            str(r["run"]), f"{r['from_day']:g}", f"{r['end_day']:g}", panel[str(r["quantity"])].axis_label,
            f"{r['median']:.4g}", f"{r['q10']:.4g} to {r['q90']:.4g}",
            "-" if r["measured"] is None else f"{r['measured']:.4g}",
        ]
        for r in rows
    ]  # fmt: skip
    return aligned([head, *cells])

"""`perfusio score`: how good a model's forecasts are on runs that it has not seen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
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
    Steps,
    read_runs_aloud,
    refuse_to_replace,
)
from perfusio.cli.options import ColumnOption, IgnoreOption, JsonOption, OverwriteOption, SetMissingOption, print_json

if TYPE_CHECKING:
    from perfusio.hybrid.model import HybridModel
    from perfusio.process.panel import Panel
    from perfusio.study.backtest import Backtest
    from perfusio.trajectory import Trajectory

HYBRID = "hybrid"


def score(
    model: ModelOption,
    runs: RunsOption,
    horizons: Annotated[str, typer.Option(help="Days ahead, separated by commas.", metavar="DAYS")] = "1,3,7,28",
    every: Annotated[int, typer.Option(help="Days between two starts of forecasts in a run.", min=1, max=365)] = 3,
    n_paths: PathsOption = 128,
    seed: SeedOption = 0,
    out: Annotated[Path | None, typer.Option(help="Folder for scores.json, parity.png and coverage.png.")] = None,
    overwrite: OverwriteOption = False,
    mapping: MappingOption = None,
    column: ColumnOption = None,
    ignore: IgnoreOption = None,
    set_missing: SetMissingOption = None,
    process: ProcessOption = None,
    working_volume: VolumeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Score a model on past runs, per species and horizon, beside four simpler forecasters.

    From every few days of each run the days ahead are forecast with the data known then, and held against the
    measurements: error, coverage of the 80 and 90 % intervals, their width, CRPS. The runs are read as runs of the
    process of the model; --process says another medium or vessel.
    """
    from perfusio.hybrid.checkpoints import read_checkpoint

    days = _days(horizons)
    files = [] if out is None else [out / name for name in ("scores.json", "parity.png", "coverage.png")]
    refuse_to_replace(files, overwrite=overwrite)
    checkpoint = read_checkpoint(model)
    told = FileAnswers(mapping=mapping, column=column, ignore=ignore, set_missing=set_missing, granted=[])
    past = read_runs_aloud(runs, process_of(checkpoint.model.panel, process, working_volume), told)
    _warn_of_known(checkpoint.training, past)
    result = compare(
        checkpoint.model, checkpoint.training, past, horizons=days, every=every, n_paths=n_paths, seed=seed
    )
    if files:
        _write(files, result, str(checkpoint.about["model_id"]), past[0].panel)
    if json_output:
        print_json({**result.board.to_json(), "taken_for_granted": told.granted})
        return
    echo(f"Model {checkpoint.about['model_id']} on {len(past)} runs, a forecast every {every} days of each.")
    echo(result.board.table())
    for file in files:
        echo(f"{file}")


def compare(
    model: HybridModel,
    training: Sequence[Trajectory],
    runs: Sequence[Trajectory],
    *,
    horizons: Sequence[int] = (1, 3, 7, 28),
    every: int = 3,
    n_paths: int = 128,
    seed: int = 0,
) -> Backtest:
    """Backtest a model and the baselines that its training runs make, with a progress bar."""
    from perfusio.hybrid.rivals.forecasters import baselines
    from perfusio.study.backtest import backtest

    with Steps(f"Scoring {len(runs)} runs", len(runs)) as steps:
        return backtest(
            {HYBRID: model, **baselines(training, seed=seed)},
            runs,
            horizons=horizons,
            every=every,
            n_paths=n_paths,
            seed=seed,
            on_run=steps.done,
        )


def _days(text: str) -> list[int]:
    from perfusio.errors import ConfigError

    try:
        days = sorted({int(part) for part in text.split(",")})
    except ValueError:
        days = []
    if not days or days[0] < 1:
        raise ConfigError(f"--horizons {text}: expected whole days from 1 on, separated by commas, e.g. 1,3,7,28.")
    return days


def _warn_of_known(training: Sequence[Trajectory], runs: Sequence[Trajectory]) -> None:
    """Say which runs the model learnt from: their scores are no evidence."""
    from perfusio.hybrid.checkpoints import data_sha256

    learnt = {data_sha256([t]) for t in training}
    if known := [t.reactor_id for t in runs if data_sha256([t]) in learnt]:
        echo(
            f"Note: the model learnt from {', '.join(known)}. Scores on what was learnt say little about new runs.",
            err=True,
        )


def _write(files: Sequence[Path], result: Backtest, model_id: str, panel: Panel) -> None:
    from perfusio.report.score_plots import plot_coverage, plot_parity

    files[0].parent.mkdir(parents=True, exist_ok=True)
    files[0].write_text(json.dumps(result.board.to_json(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    cases = dict(list(result.cases[HYBRID].items())[:5])
    plot_parity(cases, files[1], title=f"Model {model_id}: forecast over measurement", process=panel)
    plot_coverage(cases, files[2], title=f"Model {model_id}: what its intervals promise and keep")

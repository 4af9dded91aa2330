"""`perfusio bench`: score controllers on PerfusionBench, a fixed cohort of virtual cultures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.options import JsonOption, print_json
from perfusio.cli.studies.engines import (
    AddressOption,
    EngineOption,
    TimeoutOption,
    WorkersOption,
    engine_of,
    find_local_modules,
    in_seconds,
    tell_failures,
    teller,
    written_to,
)

if TYPE_CHECKING:
    from perfusio.study.bench.bench_run import BenchScores

bench = typer.Typer(no_args_is_help=True, help="PerfusionBench: virtual cultures on which controllers are scored.")
OutOption = Annotated[Path, typer.Option(help="Folder of the results; what is done there is not done again.")]


@bench.command()
def run(
    controller: Annotated[
        list[str] | None,
        typer.Option(
            help="By name (nominal, pi, model-free-mpc, twin, twin-with-history, one of another package) or "
            "module:function; several times for several. Default: nominal, pi and model-free-mpc."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick/--full", help="30 cultures, or all 2,400.")] = True,
    cultures: Annotated[int | None, typer.Option(min=1, max=100_000, help="Only the first so many of the set.")] = None,
    out: OutOption = Path("perfusionbench"),
    engine: EngineOption = "processes",
    workers: WorkersOption = None,
    address: AddressOption = None,
    task_timeout: TimeoutOption = None,
    json_output: JsonOption = False,
) -> None:
    """Score controllers and print the table.

    A controller of yours is a function `decide(history, in_force, task)` that returns setpoints, see
    docs/reference/perfusionbench.md.
    """
    from perfusio.study.bench.bench_run import run_bench, scores_in
    from perfusio.study.bench.cohort import full_set, quick_set
    from perfusio.study.cultures.controllers import CHEAP

    find_local_modules()
    members = (quick_set() if quick else full_set())[:cultures]
    where = engine_of(engine, workers, address, task_timeout)
    try:
        with written_to(out):
            work = run_bench(
                controller or list(CHEAP), members, where, out, limit_s=in_seconds(task_timeout), on_progress=teller()
            )
    finally:
        where.close()
    tell_failures(work)
    if work.failures:
        raise typer.Exit(1)
    _print(scores_in(out), json_output=json_output)


@bench.command()
def table(out: OutOption = Path("perfusionbench"), json_output: JsonOption = False) -> None:
    """Print the table of results in a folder."""
    from perfusio.study.bench.bench_run import scores_in

    _print(scores_in(out), json_output=json_output)


def _print(scores: BenchScores, *, json_output: bool) -> None:
    from perfusio.study.bench.score_table import results_hash, scenario_table, score_table
    from perfusio.study.scenarios.study_summary import as_text

    lines, by_scenario = score_table(scores), scenario_table(scores)
    whole = results_hash([row for rows in (scores.oracle, *scores.controllers.values()) for row in rows])
    if scores.left_out:
        names = ", ".join(scores.left_out)
        echo(f"Left out: {names}. They were scored on other cultures or by another perfusio. Run them again.", err=True)
    if json_output:
        rows = [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
        by = [dict(zip(by_scenario[0], line, strict=True)) for line in by_scenario[1:]]
        cpu = {name: round(s, 2) for name, s in scores.cpu_seconds.items()}
        print_json(
            {"version": scores.version, "results": whole, "table": rows, "by_scenario": by, "cpu_seconds": cpu}
        )
        return
    echo(f"PerfusionBench {scores.version}, {len(scores.oracle)} cultures, results {whole}\n")
    echo(as_text(lines))
    echo("\nMean gap by scenario [points]:")
    echo(as_text(by_scenario))

"""`perfusio design`: which runs to do first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.processes import ProcessOption, panel_in

if TYPE_CHECKING:
    from perfusio.bed.campaigns.initial_designs import InitialDesign
    from perfusio.process.panel import Panel

Kind = Annotated[
    str, typer.Option("--design", help="box-behnken, central-composite, latin-hypercube or sobol.", metavar="NAME")
]
Factors = Annotated[
    str, typer.Option(help="Setpoints to vary, separated by commas; the others stay nominal. Default: all.")
]
Centre = Annotated[int, typer.Option(help="Centre points, added to the runs of the design.", min=0, max=1000)]
Runs = Annotated[int | None, typer.Option(help="Number of runs (latin-hypercube and sobol only).", min=1, max=10_000)]
Seed = Annotated[int, typer.Option(help="Seed of the run order and of every other random draw.", min=0)]


def design(
    kind: Kind = "box-behnken",
    factors: Factors = "",
    centre: Centre = 3,
    runs: Runs = None,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="CSV file to write; default: print the table.")] = None,
    process: ProcessOption = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print the design as JSON.")] = False,
) -> None:
    """Plan the first runs of a cell line within the bounds of its process, in a randomised order."""
    planned = planned_design(kind, factors, centre, runs, seed, panel_in(process))
    header, rows = design_table(planned)
    if out is not None:
        from perfusio.tables.runs_table import write_csv

        write_csv(out, header, rows)
    if json_output:
        echo(json.dumps([dict(zip(header, row, strict=True)) for row in rows], indent=1))
    elif out is not None:
        echo(f"{out}: {describe(planned)}")
    else:
        widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
        for row in (header, *rows):
            echo("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))
        echo(describe(planned))


def planned_design(
    kind: str, factors: str, centre: int, runs: int | None, seed: int, process: Panel
) -> InitialDesign:
    """The design that the options ask for, within the bounds of the process."""
    from perfusio.bed.campaigns.initial_designs import plan
    from perfusio.config import DesignSpace

    names = tuple(name.strip() for name in factors.split(",") if name.strip())
    return plan(kind, DesignSpace.of(process), names, n_centre=centre, n_runs=runs, seed=seed)


def design_table(planned: InitialDesign) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a design: run, its place in the standard order, its kind, the setpoints with units."""
    from perfusio.tables.recipes import recipes_header

    process = planned.runs[0].setpoints.panel
    header = list(recipes_header(process))
    rows = [
        [
            run.name,
            str(run.standard_order),
            "centre" if run.is_centre else "design",
            *(f"{getattr(run.setpoints, name):g}" for name in process.setpoint_names),
        ]
        for run in planned.runs
    ]
    return header, rows


def describe(planned: InitialDesign) -> str:
    """One line about a design."""
    n_centre = sum(run.is_centre for run in planned.runs)
    return (
        f"{planned.kind} in {', '.join(planned.factors)}: {len(planned.runs) - n_centre} runs and {n_centre} centre "
        "points, in the order in which to run them"
    )

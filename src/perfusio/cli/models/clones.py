"""`perfusio clones`: how alike the cell lines of past runs are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.processes import ProcessOption, VolumeOption, panel_in
from perfusio.cli.models.history import (
    FileAnswers,
    MappingOption,
    RunsOption,
    SeedOption,
    Steps,
    read_runs_aloud,
    refuse_to_replace,
)
from perfusio.cli.options import ColumnOption, IgnoreOption, JsonOption, OverwriteOption, SetMissingOption, print_json


def clones(
    runs: RunsOption,
    out: Annotated[Path | None, typer.Option(help="Figure to write, e.g. clones.png.", metavar="FILE")] = None,
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
    mapping: MappingOption = None,
    column: ColumnOption = None,
    ignore: IgnoreOption = None,
    set_missing: SetMissingOption = None,
    process: ProcessOption = None,
    working_volume: VolumeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Say how alike the clones of past runs are, by the rates that their own runs tell.

    A clone with few runs stays near typical CHO cells in all parameters that its runs do not identify. A run whose
    clone is not named counts as one of a clone without a name.
    """
    from perfusio.hybrid.clones.embedding import CloneRegistry
    from perfusio.report.clone_plot import clone_table, plot_clones

    refuse_to_replace([] if out is None else [out], overwrite=overwrite)
    told = FileAnswers(mapping=mapping, column=column, ignore=ignore, set_missing=set_missing)
    past = read_runs_aloud(runs, panel_in(process, working_volume), told)
    with Steps(f"Learning from {len(past)} past runs", None):
        registry = CloneRegistry.fit(past, seed=seed)
    names = [name or "(no name)" for name in registry.models]
    distances = registry.distances()
    if out is not None:
        plot_clones(names, distances, registry.places(), out)
    if json_output:
        print_json({"clones": names, "distances": distances.tolist(), "places": registry.places().tolist()})
        return
    counts = ", ".join(
        f"{name} {len(model.courses)}" for name, model in zip(names, registry.models.values(), strict=True)
    )
    echo(f"Runs by clone: {counts}.")
    echo(clone_table(names, distances))
    if out is not None:
        echo(f"{out}")

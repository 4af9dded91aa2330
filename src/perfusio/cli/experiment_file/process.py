"""`perfusio process`: look at a process, list the gaps of a model of it, write a file to start from."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.processes import panel_in
from perfusio.cli.options import JsonOption, OverwriteOption, print_json

process = typer.Typer(
    help="The process: its quantities, medium and vessel.", no_args_is_help=True, rich_markup_mode=None
)
FILE = Path("process.toml")
ProcessFile = Annotated[Path, typer.Argument(help="The process.", metavar="FILE")]


@process.callback()
def _group() -> None:
    """Look at a process, list the gaps of a model of it, write a file to start from."""


@process.command()
def show(
    file: Annotated[
        Path | None, typer.Argument(help="The process; without it CHO cells in perfusion.", metavar="[FILE]")
    ] = None,
    json_output: JsonOption = False,
) -> None:
    """Print the quantities of a process, its media and vessel, its limits and alarms, with units."""
    from perfusio.process.document import plain_of

    panel = panel_in(file)
    if json_output:
        print_json(plain_of(panel) or {"name": panel.name, "base": panel.name})
        return
    from perfusio.report.process_table import process_lines

    for line in process_lines(panel):
        echo(line)


@process.command()
def check(file: ProcessFile = FILE, json_output: JsonOption = False) -> None:
    """Read a process as a run would, and list in words the gaps of a model of it.

    An impossible process is refused: an unknown entry, a unit that is missing, a medium with a species that is not
    declared, bounds with which the vessel would run empty.
    """
    from perfusio.config import DesignSpace
    from perfusio.hybrid.model import HybridModel
    from perfusio.kinetics.unknown import assumed, unsaid, without_bounds

    panel = panel_in(file)
    HybridModel.prior(panel)  # refused if the rate laws cannot be those of its quantities
    if not without_bounds(panel):
        DesignSpace.of(panel)
    said = (*unsaid(panel), *assumed(panel))
    if json_output:
        print_json({"name": panel.name, "unknown": list(unsaid(panel)), "assumed": list(assumed(panel))})
        return
    echo(f"{file}: {panel.name}, {len(panel.species)} measured and {len(panel.setpoints)} set. It can be run.")
    for sentence in said:
        echo("\n".join(textwrap.wrap(sentence, 120, initial_indent="- ", subsequent_indent="  ")))


@process.command()
def new(
    file: Annotated[Path, typer.Argument(help="Where to write it.", metavar="[FILE]")] = FILE,
    overwrite: OverwriteOption = False,
) -> None:
    """Write a process.toml to start from: CHO cells in perfusion, with comments on each entry."""
    from perfusio.cli.experiment_file.process_template import TEMPLATE
    from perfusio.errors import ConfigError

    if file.exists() and not overwrite:
        raise ConfigError(f"{file} would be replaced. Choose another name, or say --overwrite.")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(TEMPLATE, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}. Choose a place that you may write.") from error
    echo(f"{file}: say there what differs, then perfusio process check {file}")

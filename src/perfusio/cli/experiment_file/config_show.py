"""`perfusio config show`: every setting of an experiment, and where it comes from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.processes import ProcessOption
from perfusio.cli.options import JsonOption, print_json

if TYPE_CHECKING:
    from perfusio.cli.experiment_file.experiment import Experiment

config = typer.Typer(help="Look at the settings of an experiment.", no_args_is_help=True, rich_markup_mode=None)


@config.callback()
def _group() -> None:
    """Look at the settings of an experiment."""


@config.command()
def show(
    experiment: Annotated[Path, typer.Argument(help="The experiment.", metavar="EXPERIMENT.TOML")] = Path(
        "experiment.toml"
    ),
    process: ProcessOption = None,
    changed: Annotated[bool, typer.Option("--changed", help="Only what is not a default.")] = False,
    json_output: JsonOption = False,
) -> None:
    """Print process, medium and each setting with its origin: a variable PERFUSIO_*, the file, or the default.

    Nothing is run. The file is checked as `perfusio run` would: unknown and impossible entries are refused, all at
    once.
    """
    from perfusio.cli.experiment_file.experiment import load
    from perfusio.cli.experiment_file.processes import FILE
    from perfusio.cli.experiment_file.settings import DEFAULT, Setting

    found = load(experiment, {} if process is None else {FILE: Setting(process, "--process")})
    shown = {k: s for k, s in found.settings.items() if not (changed and s.origin == DEFAULT)}
    if json_output:
        settings = {".".join(k): {"value": s.value, "origin": s.origin} for k, s in shown.items()}
        print_json({"settings": settings, "vessels": [v.model_dump() for v in found.vessels]})
        return
    width = max((len(".".join(k)) for k in shown), default=0)
    for key, setting in shown.items():
        echo(f"{'.'.join(key):{width}} = {json.dumps(setting.value, ensure_ascii=False)}  ({setting.origin})")
    _show_vessels(found, experiment)


def _show_vessels(found: Experiment, path: Path) -> None:
    for vessel in found.vessels:
        echo(f"vessel {vessel.name}: reactor {vessel.reactor or vessel.name!r}  ({path.name})")

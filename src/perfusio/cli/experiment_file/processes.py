"""The process of a command: `--process FILE`, and `[process]` of an experiment, a file or the document itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.cli.experiment_file.settings import DEFAULT, Key, Setting, from_environment
from perfusio.errors import ConfigError, UnknownQuantity

if TYPE_CHECKING:
    from perfusio.process.panel import Panel

ProcessOption = Annotated[
    Path | None,
    typer.Option("--process", help="The process: quantities, medium, vessel in a process.toml.", metavar="FILE"),
]
VolumeOption = Annotated[
    str | None,
    typer.Option("--working-volume", help="Of the vessels, e.g. 250mL, for flows in mL/h.", metavar="VOLUME"),
]
FILE: Key = ("process", "file")
VOLUME_KEY: Key = ("process", "working_volume")
FLAGS = (FILE, VOLUME_KEY)
"""Keys of flags and variables."""
MEDIUM, VOLUME = "medium", "working_volume"


def panel_in(path: Path | None, volume: str | None = None) -> Panel:
    """Return the process of a file; without one, that of CHO cells in perfusion.

    Args:
        path: Of the file.
        volume: The working volume with its unit, where the command says it.

    Raises:
        ConfigError: the file cannot be read, or does not describe a process.
    """
    from perfusio.process import CHO_PERFUSION
    from perfusio.process.document import read_process

    panel = CHO_PERFUSION if path is None else read_process(path.expanduser())
    return panel if volume is None else panel.with_(working_volume=volume)


def process_of(known: Panel, path: Path | None, volume: str | None = None) -> Panel:
    """Return the process of runs that a model is asked about: its own, unless a file says another medium or vessel.

    Args:
        known: The process of the model.
        path: The process of the runs; None = that of the model.
        volume: The working volume with its unit, where the command says it.

    Raises:
        ConfigError: the file cannot be read, or is of other quantities than the model.
    """
    if path is None:
        return known if volume is None else known.with_(working_volume=volume)
    said = panel_in(path, volume)
    names = [(*p.species_names, *p.setpoint_names) for p in (said, known)]
    if names[0] != names[1]:
        more, less = (", ".join(n for n in one if n not in other) for one, other in (names, names[::-1]))
        differ = "; ".join(f"{what} {these}" for what, these in (("with", more), ("without", less)) if these)
        differ = differ or "the same quantities in another order"
        raise ConfigError(
            f"{path} is of {said.name!r}, the model of {known.name!r}: {differ}."
            " Expected the quantities of the model. Leave --process away, or fit a model of this process."
        )
    return said


def stated(
    section: object, name: str, folder: Path, flags: Mapping[Key, Setting], environ: Mapping[str, str] | None
) -> tuple[Panel, Setting]:
    """Return the process of an experiment, and where it comes from: a flag, a variable, its file, or nowhere.

    A working volume that is said in a flag or a variable wins over that of the process.

    Args:
        section: `[process]` of the file; None = there is none.
        name: Of the file.
        folder: Of the file; the path in it counts from there.
        flags: As `experiment.load` takes them.
        environ: The same.

    Raises:
        ConfigError: the process cannot be read, or is none.
    """
    elsewhere = from_environment({"process": FLAGS}, environ)
    elsewhere |= {k: s for k, s in flags.items() if k in FLAGS}
    panel, source = _stated(section, name, folder, elsewhere)
    volume = elsewhere.get(VOLUME_KEY)
    if volume is None or volume.value is None:
        return panel, source
    said = panel.with_(working_volume=str(volume.value))
    return said, source if source.value is not None else Setting(None, volume.origin)


def _stated(section: object, name: str, folder: Path, elsewhere: Mapping[Key, Setting]) -> tuple[Panel, Setting]:
    from perfusio.process.document import panel_of

    if FILE in elsewhere:
        setting = elsewhere[FILE]
        return panel_in(Path(str(setting.value))), setting
    if section is None:
        return panel_in(None), Setting(None, DEFAULT)
    if not isinstance(section, dict):
        raise ConfigError(f'{name}: process = {section!r:.80}, expected a section: write file = "..." under [process].')
    if "file" not in section:
        try:
            return panel_of(section), Setting(None, name)
        except (ConfigError, UnknownQuantity) as error:
            raise ConfigError(f"{name}: [process]: {error}") from error
    if others := [key for key in section if key != "file"]:
        raise ConfigError(
            f"{name}: [process] names a file and says {', '.join(others)} as well. Write all of it into that file, or "
            "take out file and describe the process here."
        )
    if not isinstance(section["file"], str):
        raise ConfigError(f'{name}: process.file = {section["file"]!r:.80}, expected a path such as "process.toml".')
    path = folder / Path(section["file"]).expanduser()
    try:
        return panel_in(path), Setting(str(path), name)
    except ConfigError as error:
        raise ConfigError(f"{name}: process.file: {error}") from error


def told(panel: Panel, source: Setting) -> dict[Key, Setting]:
    """Return the process of an experiment as settings, for people."""
    from perfusio.process import CHO_PERFUSION

    origin = DEFAULT if panel == CHO_PERFUSION else source.origin
    volume = panel.equipment.volume_ml
    shown: dict[str, Any] = {
        "name": panel.name,
        **({} if source.value is None else {"file": str(source.value)}),
        MEDIUM: in_units(panel, panel.medium),
        **({"media": {n: in_units(panel, m) for n, m in panel.media}} if panel.media else {}),
        VOLUME: "not declared" if volume is None else f"{volume:g} mL",
        "sampling_flow": f"{panel.equipment.sampling:g} 1/day",
    }
    return {("process", key): Setting(value, origin) for key, value in shown.items()}


def in_units(panel: Panel, composition: Mapping[str, float] | Any) -> dict[str, str]:
    """Return the concentrations of a medium of the process with their units, by species."""
    return {name: f"{composition[name]:g} {panel[name].unit}" for name in composition}

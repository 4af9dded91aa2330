"""The part of a column map about a sheet of pump rates: one row per step of time, rates by column, whole run long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.process.medium import DRY, amount_of
from perfusio.process.panel import Panel
from perfusio.quantities import closest, conversion_factor
from perfusio.tables.columns.header_names import VOLUME

HOURS_OF = {"h": 1.0, "min": 1.0 / 60.0, "day": 24.0}
ANY = "*"
"""Name that stands for every file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Setpoints of a file from a culture day on.

    Attributes:
        file: Name of the file without its ending; ``"*"`` = every file.
        day: Of the first sample after which they are in force.
        setpoints: By name, canonical units.
    """

    file: str
    day: float
    setpoints: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpSchedule:
    """A sheet of pump rates.

    Attributes:
        sheet: Its name.
        step_h: Time that a row lasts [h].
        factor: Of a rate, to mL per hour.
        taken: Column of what is taken out; empty = nothing is.
        feeds: Column -> composition, by quantity, canonical units.
        start_ml: Volume before the first step, by name of the file without its ending; ``"*"`` = every other file.
        changes: Of setpoints.
    """

    sheet: str
    step_h: float
    factor: float
    taken: str
    feeds: Mapping[str, Mapping[str, float]]
    start_ml: Mapping[str, float]
    changes: Sequence[Change] = field(default_factory=tuple)

    def start_of(self, file: str) -> float | None:
        """Return the volume before the first step of a file [mL]; None = not said."""
        return self.start_ml.get(file, self.start_ml.get(ANY))

    @classmethod
    def of(cls, data: Mapping[str, Any], panel: Panel) -> PumpSchedule:
        """Read the table ``[schedule]`` of a map.

        Raises:
            ConfigError: an entry is unknown, missing, or not what it should be.
        """
        known = ("sheet", "step", "rate_unit", "taken", "start_volume", "feeds", "changes")
        for name in data:
            if name not in known:
                near = f"{closest(name, known)} Known: {', '.join(known)}."
                raise ConfigError(f"schedule.{name} is no entry of a column map.{near}")
        for name in ("sheet", "step", "rate_unit", "start_volume", "feeds"):
            if name not in data:
                raise ConfigError(f"schedule.{name} is not there, expected in every schedule.")
        starts = data["start_volume"] if isinstance(data["start_volume"], Mapping) else {ANY: data["start_volume"]}
        return cls(
            sheet=str(data["sheet"]),
            step_h=_time(data["step"]),
            factor=_rate_factor(str(data["rate_unit"])),
            taken=str(data.get("taken", "")),
            feeds={str(column): _composition(str(column), held, panel) for column, held in data["feeds"].items()},
            start_ml=MappingProxyType({str(f): _volume(f"start_volume of {f}", v) for f, v in starts.items()}),
            changes=tuple(_change(one, panel) for one in data.get("changes", ())),
        )


def _time(said: object) -> float:
    number, _, unit = str(said).partition(" ")
    try:
        hours = float(number) * HOURS_OF[unit.strip()]
    except (ValueError, KeyError):
        hours = 0.0
    if not 0.0 < hours < 1000.0:
        raise ConfigError(f"schedule.step = {said!r}, expected the time that a row lasts, as '0.01 h' or '1 min'.")
    return hours


def _rate_factor(unit: str) -> float:
    volume, _, time = unit.partition("/")
    try:
        return conversion_factor(volume.strip(), VOLUME) / HOURS_OF[time.strip()]
    except (UnknownQuantity, KeyError):
        raise ConfigError(f"schedule.rate_unit = {unit!r}, expected a volume per time, as 'L/h' or 'mL/min'.") from None


def _volume(where: str, said: object) -> float:
    number, _, unit = str(said).partition(" ")
    try:
        volume = float(number) * conversion_factor(unit.strip(), VOLUME)
    except (ValueError, UnknownQuantity):
        volume = 0.0
    if not volume > 0.0:
        raise ConfigError(f"schedule: {where} = {said!r}, expected a volume above 0, as '0.9 L'.")
    return volume


def _composition(column: str, held: object, panel: Panel) -> dict[str, float]:
    if not isinstance(held, Mapping):
        raise ConfigError(f"schedule.feeds.{column} = {held!r}, expected concentrations by quantity.")
    solutes = panel.of_role("solute")
    for name in held:
        if name not in solutes:
            raise ConfigError(f"schedule.feeds.{column}: {name!r} is no solute of {panel.name}."
                              f"{closest(str(name), solutes)} Known: {', '.join(solutes)}.")  # fmt: skip
    return {name: amount_of(value, replace(panel[name], high=DRY)) for name, value in held.items()}


def _change(said: Mapping[str, Any], panel: Panel) -> Change:
    setpoints = {n: v for n, v in said.items() if n not in ("file", "day")}
    day = said.get("day")
    if not isinstance(day, int | float) or isinstance(day, bool) or not setpoints:
        raise ConfigError(f"schedule.changes has {dict(said)!r}, expected a day and one setpoint or more.")
    for name, value in setpoints.items():
        if name not in panel.setpoint_names:
            raise ConfigError(f"schedule.changes: {name!r} is no setpoint of {panel.name}."
                              f"{closest(name, panel.setpoint_names)} Known: {', '.join(panel.setpoint_names)}."
                              )  # fmt: skip
        panel[name].check(float(value))
    return Change(
        file=str(said.get("file", ANY)), day=float(day), setpoints={n: float(v) for n, v in setpoints.items()}
    )

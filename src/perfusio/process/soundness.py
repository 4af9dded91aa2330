"""Quantities that make no process are refused: names, roles, strangers in lists, signals of something else. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from perfusio.errors import ConfigError
from perfusio.process.needs import NEEDS
from perfusio.process.sound_numbers import refuse_unsound
from perfusio.process.species import ABOUT_A_SPECIES, Setpoint, Species

NAME = re.compile("[a-z][a-z0-9_]{0,63}")
TAKEN = frozenset({
    "time_h", "time", "day", "quality", "panel", "more", "fraction", "run", "reactor", "clone", "vector", "measured",
    "missing", "is_signal", "of", "of_values", "with_values", "by_name", "filled_from", "together", "concentrations",
    "process",
}) | frozenset(NEEDS)  # fmt: skip
"""Names that stand beside quantities in a State, in Setpoints, in a table or in a forecast."""


def check_name(name: str, of: str) -> None:
    """Refuse a name that could not stand in a record, a column or a State.

    Raises:
        ConfigError: it is none.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{of}: {name!r:.80} is no name of a quantity: expected small letters, digits and underscores, a letter "
            "first, such as 'dissolved_oxygen'. What people call it goes into label and aliases."
        )
    if name in TAKEN:
        raise ConfigError(f"{of}: {name!r} has a meaning of its own beside quantities. Give the quantity another name.")


def refuse_no_process(
    process: str,
    species: Sequence[Species],
    setpoints: Sequence[Setpoint],
    *,
    critical: Sequence[str],
    alarmed: Sequence[str],
) -> None:
    """Refuse quantities that make no process.

    Raises:
        ConfigError: a name stands twice, cells are missing or counted twice, a list names a stranger, or a signal reads
            something else than its species.
    """
    quantities: tuple[Species | Setpoint, ...] = (*species, *setpoints)
    modelled = {s.name: s for s in species if s.is_modelled}
    names = [q.name for q in quantities]
    for name in names:
        check_name(name, process)
    for quantity in quantities:
        refuse_unsound(process, quantity)
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise ConfigError(f"{process}: {', '.join(twice)} declared twice. Give each quantity a name of its own.")
    for role in ("cells", "viability", "size", "perfusion", "bleed"):
        found = [q.name for q in quantities if q.role == role]
        if len(found) > 1 or (role == "cells" and not found):
            kind = "setpoints" if role in ("perfusion", "bleed") else "species"
            raise ConfigError(
                f"{process}: {len(found)} {kind} have the role {role!r} ({', '.join(found) or 'none'}), "
                f"expected {'exactly' if role == 'cells' else 'at most'} 1. Give one of them another role."
            )
    concerned = [s.of for s in setpoints if s.role in ABOUT_A_SPECIES]
    for what, said in (("critical", critical), ("alarmed", alarmed), ("setpoints", concerned)):
        if strangers := [n for n in said if n not in modelled]:
            known = ", ".join(modelled)
            raise ConfigError(
                f"{process}: {what} name {', '.join(map(repr, strangers))}, expected modelled species: {known}. "
                "Declare the species, or leave it out there."
            )
    if silent := [n for n in alarmed if n not in {s.name for s in species if s.alarm is not None}]:
        raise ConfigError(
            f"{process}: {', '.join(silent)} in alarmed, expected species with levels. Give them an Alarm."
        )
    _refuse_signals_of_something_else(process, species, modelled)


def _refuse_signals_of_something_else(
    process: str, species: Sequence[Species], modelled: Mapping[str, Species]
) -> None:
    for signal in (s for s in species if s.measures):
        if signal.role != "signal" or signal.measures not in modelled:
            raise ConfigError(
                f"{process}: {signal.name} of role {signal.role!r} measures {signal.measures!r}, expected a "
                f"signal and one of {', '.join(modelled)}. Correct the role or the name, or leave measures out."
            )
        if signal.unit != modelled[signal.measures].unit:
            raise ConfigError(
                f"{process}: {signal.name} in {signal.unit} measures {signal.measures} in "
                f"{modelled[signal.measures].unit}, expected the same unit: what turns one into the other is not "
                "guessed. Give the signal as it was calibrated."
            )
        if not signal.error_memory_h > 0.0:
            raise ConfigError(f"{process}: error_memory_h of {signal.name} = {signal.error_memory_h:g}: above 0.")

"""What people write above their columns: names, names with units, and names that can mean several things."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from perfusio.errors import UnknownQuantity
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.quantities import Quantity, closest, conversion_factor, normalised
from perfusio.state import QUANTITIES, SETPOINTS, STATE_QUANTITIES

TIME = Quantity(name="time", unit="h", label="Culture time", low=0.0, high=24.0 * 366, aliases=(
    "culture time", "culture duration", "culture age", "elapsed time", "process time", "age"))  # fmt: skip
VOLUME = Quantity(name="volume", unit="mL", label="Volume", low=0.0, high=1e9)
FED: tuple[str, ...] = CHO_PERFUSION.of_role("solute")
"""What a feed can hold."""
FEEDS: Mapping[str, Quantity] = {
    "feed_fraction": Quantity(name="feed_fraction", unit="-", label="Feed over culture volume", low=0.0, high=2.0),
    **{
        f"feed_{name}": replace(QUANTITIES[name], name=f"feed_{name}", label=f"{QUANTITIES[name].label} in the feed",
                                high=1e5, aliases=())
        for name in FED
    },
}  # fmt: skip
"""A bolus right after the sample of a row: its volume over that of the culture, and what it holds."""
STAMP = "timestamp"
"""What a column of dates with times means."""
STAMP_WORDS = (
    "timestamp", "date", "datetime", "date time", "date & time", "date/time", "date and time", "sample date",
    "sample time", "sample date/time", "sample data/time", "sampled at", "sample taken at", "taken at", "sampling date",
    "analysis date", "analysis date/time", "analysis time", "run date", "sampling time", "measured at",
)  # fmt: skip
"""What people and instruments call it (one analyzer really writes "data/time")."""
SAMPLE, QUALITY = "sample", "quality"
TEXTS: Mapping[str, tuple[str, ...]] = {
    "run": ("run id", "experiment", "exp", "batch", "batch id"),
    "reactor": ("reactor id", "vessel", "vessel id", "bioreactor", "reactor identifier", "reactor identifer"),
    "clone": ("clone id", "cell line"),
    STAMP: STAMP_WORDS,
    SAMPLE: (),
    QUALITY: (),
}
"""Columns that hold texts, with what people call them (one analyzer really writes "identifer")."""
AMBIGUOUS: Mapping[str, tuple[str, ...]] = {
    "glu": ("glutamate", "glucose"),
    "t": ("temperature", "time", "titer"),
    "g": ("glucose", "glutamine", "glutamate"),
    "l": ("lactate",),
    "v": ("viability", "vcd"),
    "p": ("titer", "pyruvate", "perfusion_rate"),
    "d": ("perfusion_rate", "diameter", "time"),
}
"""Forms that people use for several things, each with the readings that perfusio could give it."""
SELF_EVIDENT_UNITS = ("h", "%", "1/day", "°C", "rpm")
"""A single letter with one of these units can only be one thing."""
KNOWN = f"day, time, {', '.join(STATE_QUANTITIES)};\n  setpoints {', '.join(SETPOINTS)}; run, reactor, clone"
"""All names, for messages."""
_DAY_WORDS = ("day", "days", "culture day", "process day", "day of culture")
_HOUR_WORDS = ("hours", "hour", "hrs", "culture hours", "elapsed hours")
_COMMON_UNITS = (
    "1e6 cells/mL", "cells/mL", "g/L", "mg/L", "mmol/L", "umol/L", "%", "fraction", "um", "1/day", "1/h", "°C", "rpm",
    "h", "day",
)  # fmt: skip
_UNIT_AT_END = re.compile(r"(?P<name>.+?)\s*(?:\[(?P<square>[^\[\]]*)\]|\((?P<round>[^()]*(?:\([^()]*\))?[^()]*)\))\s*")


def form_of(name: str) -> str:
    """Return the form in which headers are compared: points, hyphens and colons do not count either."""
    return re.sub(r"[.\-:]", "", normalised(name))


def _all_names() -> dict[str, str]:
    every = (*QUANTITIES.values(), TIME, *FEEDS.values())
    names = {form_of(n): q.name for q in every for n in (q.name, q.label, *q.aliases)}
    names |= {form_of(word): text for text, aliases in TEXTS.items() for word in (text, *aliases)}
    return {form: name for form, name in names.items() if form not in AMBIGUOUS}


NAMES = _all_names()
"""What each form means: a quantity, ``"time"``, or a key of TEXTS."""
HOURS = frozenset(form_of(word) for word in _HOUR_WORDS)
"""Forms that mean a time and say that it is in hours."""
WITH_UNIT = {form_of(word): "day" for word in _DAY_WORDS} | dict.fromkeys(HOURS, "h")
"""Forms that mean a time, with their unit."""


def numeric(name: str) -> Quantity:
    """Return the quantity of that name, of a feed, or TIME."""
    return TIME if name == "time" else FEEDS[name] if name in FEEDS else QUANTITIES[name]


def amount(value: float, quantity: Quantity) -> str:
    """Say a value with its unit: ``3.5 g/L``, ``20 x 1e6 cells/mL``."""
    return f"{value:.4g} {'x ' if quantity.unit.startswith('1e') else ''}{quantity.unit}"


def accepts(name: str, unit: str) -> bool:
    """Whether `unit` can be a unit of the quantity of that name."""
    try:
        conversion_factor(unit, numeric(name))
    except UnknownQuantity:
        return False
    return True


def fitting_units(name: str) -> str:
    """Return the common units of a quantity, for a message."""
    return ", ".join(unit for unit in _COMMON_UNITS if accepts(name, unit))


def split(text: str) -> tuple[str, str]:
    """Part a header into name and unit; the unit is empty where there is none."""
    form = form_of(text)
    if form in NAMES or form in WITH_UNIT or form in AMBIGUOUS:
        return text, ""
    if match := _UNIT_AT_END.fullmatch(text):
        unit = match["square"] if match["square"] is not None else match["round"]
        return match["name"].rstrip(" /,_"), unit.strip()
    for at in (m.start() for m in re.finditer(r"[/,_ ]", text)):
        name, unit = text[:at].rstrip(" /,_"), text[at + 1 :].strip(" _,/")
        meaning = meaning_of(name)
        if meaning is not None and meaning not in TEXTS and unit and accepts(meaning, unit):
            return name, unit
    return text, ""


def bare_unit(text: str) -> str:
    """Return a unit without the brackets or parentheses around it."""
    text = text.strip()
    return text[1:-1].strip() if text[:1] + text[-1:] in ("[]", "()") else text


def meaning_of(name: str) -> str | None:
    """Return what a name without unit means, None where that is unknown or open."""
    form = form_of(name)
    return "time" if form in WITH_UNIT else NAMES.get(form)


def did_you_mean(text: str) -> str:
    """Return a hint for an unknown header, or nothing; a wrong hint would be worse than none."""
    name = split(text)[0]
    if re.search(r"date|time|datum", form_of(text)):
        return " Times are read from a column 'day', 'time [h]' or 'timestamp'."
    if len(form_of(name)) < 3:  # two letters are near everything
        return ""
    words = (*QUANTITIES, "day", "time", *TEXTS, *(a for q in QUANTITIES.values() for a in q.aliases if len(a) > 3))
    return closest(name, words, cutoff=0.74)  # 'Total density' must not suggest 'viable density'

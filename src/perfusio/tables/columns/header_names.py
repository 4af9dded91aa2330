"""Headers as people write them: names, names with units, and names that can mean several things.

`names_of` a panel knows the words for its quantities; words for time, vessels and samples are the same in any process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.process.panel import Panel
from perfusio.process.species import Setpoint, SetpointRole
from perfusio.quantities import CELLS, Quantity, closest, conversion_factor, named, normalised
from perfusio.unit_spellings import two_densities

TIME = Quantity(name="time", unit="h", label="Culture time", low=0.0, high=24.0 * 366, aliases=(
    "culture time", "culture duration", "culture age", "elapsed time", "process time", "age",
    "Kulturzeit", "Prozesszeit"))  # fmt: skip
ELAPSED = ("hh:mm", "h:mm", "hh:mm:ss", "h:mm:ss")
"""Units that say that hours and minutes count from inoculation."""
VOLUME = Quantity(name="volume", unit="mL", label="Volume", low=0.0, high=1e9)
FEED, FRACTION = "feed_", "feed_fraction"
STAMP = "timestamp"
"""Meaning of a column of dates with times."""
STAMP_WORDS = (
    "timestamp", "date", "datetime", "date time", "date & time", "date/time", "date and time", "sample date",
    "sample time", "sample date/time", "sample data/time", "sampled at", "sample taken at", "taken at", "sampling date",
    "analysis date", "analysis date/time", "analysis time", "run date", "sampling time", "measured at", "Datum",
    "Datum/Uhrzeit", "Datum und Uhrzeit", "Zeitpunkt", "Probenahme", "Probenahmezeit",
)  # fmt: skip
"""Names by people and instruments (one analyzer really writes "data/time")."""
SAMPLE, QUALITY, MEDIUM, INOCULATED = "sample", "quality", "medium", "inoculated"
TEXTS: Mapping[str, tuple[str, ...]] = {
    "run": ("run id", "experiment", "exp", "batch", "batch id", "Lauf", "Versuch"),
    "reactor": ("reactor id", "vessel", "vessel id", "bioreactor", "reactor identifier", "reactor identifer", "Reaktor",
                "Gefäß"),
    "clone": ("clone id", "cell line", "Klon", "Zelllinie"),
    MEDIUM: ("media", "perfusion medium", "medium name"),
    STAMP: STAMP_WORDS,
    INOCULATED: ("inoculated at", "inoculation", "inoculation date", "inoculation time", "date of inoculation"),
    SAMPLE: ("sample id", "sample name", "sample identifier", "Probenname", "Probennummer"),
    QUALITY: (),
}
"""Columns that hold texts, with their names by people (one analyzer really writes "identifer")."""
_NO_QUANTITIES = (
    "operator", "user", "analyst", "initials", "sampled by", "measured by", "comment", "comments", "remark", "remarks",
    "note", "notes", "sample type", "material type", "specimen type", "dilution", "dilution factor", "file name",
    "filename", "barcode", "instrument", "instrument id", "device", "device id", "serial number", "unit s/n", "method",
    "project", "lot", "lot number", "status", "flag", "flags", "cell type", "tray location", "images", "valid images",
    "ph", "ph (external)", "do", "po2", "pco2", "o2", "co2", "osm", "osmolality", "osmolarity", "na+", "na", "k+",
    "ca++", "sodium", "potassium", "calcium", "ldh", "conductivity", "capacitance", "room temperature",
    "ambient temperature", "Bemerkung", "Bemerkungen", "Kommentar", "Notiz", "Bearbeiter", "Gerät",
)  # fmt: skip
FLOWS: tuple[SetpointRole, ...] = ("perfusion", "bleed", "feed_rate")
"""Setpoints that people also give as a volume per time."""
FLOW_UNITS = ("mL/h", "mL/day", "L/day")
SELF_EVIDENT_UNITS = ("h", "%", "1/day", "°C", "rpm")
"""A single letter with one of these units can only be one thing."""
TRULY_ZERO = ", truly zero"
"""End of the meaning of a column whose zeros in all samples were measured: ``glutamine [mmol/L], truly zero``."""
_SAYS_ZERO = re.compile(r"\s*,\s*truly zero\s*$", re.IGNORECASE)
ASKED_WORDS = ("sp", "setpoint", "set", "setvalue", "target", "sv", "soll", "sollwert")
MEASURED_WORDS = ("measured", "actual", "pv", "meas", "ist", "istwert", "reading", "probe")
"""Additions of people to a name that say which of the two it is: setpoint or reading."""
_DAY_WORDS = ("day", "days", "culture day", "process day", "day of culture", "Kulturtag", "Prozesstag")
_HOUR_WORDS = ("hours", "hour", "hrs", "culture hours", "elapsed hours", "Stunden", "Kulturstunden")
_VAGUE_TIMES = ("t", "d")
_COMMON_UNITS = (
    "1e6 cells/mL", "cells/mL", "g/L", "mg/L", "mmol/L", "umol/L", "%", "fraction", "um", "1/day", "1/h", "°C", "rpm",
    "h", "day",
)  # fmt: skip
_UNIT_AT_END = re.compile(r"(?P<name>.+?)\s*(?:\[(?P<square>[^\[\]]*)\]|\((?P<round>[^()]*(?:\([^()]*\))?[^()]*)\))\s*")


def form_of(name: str) -> str:
    """Return the form in which headers are compared: points, hyphens and colons do not count either."""
    return re.sub(r"[.\-:]", "", normalised(name))


NO_QUANTITIES = frozenset(form_of(word) for word in _NO_QUANTITIES)
"""Forms of columns that people keep beside the quantities of a process: left unread with a note, unless declared."""
HOURS = frozenset(form_of(word) for word in _HOUR_WORDS)
"""Forms that mean a time and say that it is in hours."""
WITH_UNIT = {form_of(word): "day" for word in _DAY_WORDS} | dict.fromkeys(HOURS, "h")
"""Forms that mean a time, with their unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The words for the quantities of one process.

    Attributes:
        panel: Of the process.
        feeds: A bolus right after the sample of a row: its volume over that of the culture, and its composition.
        forms: Meaning of each form: a quantity, ``"time"``, a key of TEXTS, or the measured twin of a setpoint, which
            the panel may lack.
        open: Forms of a setpoint that do not say whether the setpoint or the reading is meant.
        vague: Forms that people use for several things, each with the readings that perfusio could give it.
    """

    panel: Panel
    feeds: Mapping[str, Quantity]
    forms: Mapping[str, str]
    open: frozenset[str]
    vague: Mapping[str, tuple[str, ...]]

    @property
    def known(self) -> str:
        """All names, for messages."""
        species = ", ".join(s.name for s in self.panel.species)
        return f"day, time, {species};\n  setpoints {', '.join(self.panel.setpoint_names)}; run, reactor, clone"

    @property
    def fed(self) -> tuple[str, ...]:
        """Solutes that a feed can hold."""
        return tuple(name.removeprefix(FEED) for name in self.feeds if name != FRACTION)

    def numeric(self, name: str) -> Quantity:
        """Return the quantity of that name, of a feed, or TIME."""
        if name == TIME.name:
            return TIME
        if name in self.feeds:
            return self.feeds[name]
        if (setpoint := self.asked_of(name)) is not None and name not in self.panel.by_name:
            return replace(setpoint, name=name)
        return self.panel[name]

    def asked_of(self, name: str) -> Setpoint | None:
        """Return the setpoint of which this is the measured twin, None if it is none's."""
        return next((s for s in self.panel.setpoints if s.measured_name == name), None)

    def factor(self, name: str, unit: str, *words: str) -> float:
        """Return the factor that turns a value in a unit into the canonical unit of a quantity.

        Args:
            name: Of the quantity.
            unit: Of the value.
            words: Its name in the sheet: NH3 has another molar mass than NH4+.

        Raises:
            UnknownQuantity: it can be no unit of it.
            ConfigError: it is a flow of volume, and the working volume is not declared.
        """
        if name == TIME.name and unit.lower() in ELAPSED:
            return 1.0
        quantity = self.numeric(name)
        for word in words:
            quantity = named(quantity, word)
        try:
            return conversion_factor(unit, quantity)
        except UnknownQuantity:
            if not self.is_flow(name) or not is_flow_of_volume(unit):
                raise
        return self.panel.equipment.flow_factor(unit, name)

    def mistaken_for(self, name: str) -> set[str]:
        """Return the other quantities that share a vague word with this one."""
        sharing = [set(readings) for readings in self.vague.values() if name in readings]
        return set[str]().union(*sharing) - {name}

    def is_flow(self, name: str) -> bool:
        """Whether it is a setpoint that people also give as a volume per time."""
        return name in self.panel.of_role(*FLOWS)

    def accepts(self, name: str, unit: str) -> bool:
        """Whether `unit` can be a unit of the quantity of that name."""
        try:
            self.factor(name, unit)
        except UnknownQuantity:
            return self.numeric(name).unit == CELLS and two_densities(unit) is not None
        except ConfigError:
            return True
        return True

    def fitting_units(self, name: str) -> str:
        """Return the common units of a quantity, for a message."""
        canonical = self.numeric(name).unit
        flows = FLOW_UNITS if self.is_flow(name) else ()
        common = [u for u in dict.fromkeys((*_COMMON_UNITS, canonical, *flows)) if self.accepts(name, u)]
        return ", ".join(common)

    def split(self, text: str) -> tuple[str, str]:
        """Part a header into name and unit; the unit is empty where there is none."""
        text = _SAYS_ZERO.sub("", text)
        form = form_of(text)
        if form in self.forms or form in WITH_UNIT or form in self.vague:
            return text, ""
        if match := _UNIT_AT_END.fullmatch(text):
            unit = match["square"] if match["square"] is not None else match["round"]
            return match["name"].rstrip(" /,_"), unit.strip()
        for at in (m.start() for m in re.finditer(r"[/,_ ]", text)):
            name, unit = text[:at].rstrip(" /,_"), text[at + 1 :].strip(" _,/")
            meaning = self.meaning_of(name)
            if meaning is not None and meaning not in TEXTS and unit and self.accepts(meaning, unit):
                return name, unit
        return text, ""

    def meaning_of(self, name: str) -> str | None:
        """Return the meaning of a name without unit, None where that is unknown or open."""
        form = form_of(name)
        return TIME.name if form in WITH_UNIT else self.forms.get(form)

    def did_you_mean(self, text: str) -> str:
        """Return a hint for an unknown header, or nothing; a wrong hint would be worse than none."""
        name = self.split(text)[0]
        if re.search(r"date|time|datum", form_of(text)):
            return " Times are read from a column 'day', 'time [h]' or 'timestamp'."
        if len(form_of(name)) < 3:  # two letters are near everything
            return ""
        quantities = self.panel.by_name
        aliases = (a for q in quantities.values() for a in q.aliases if len(a) > 3)
        words = (*quantities, "day", "time", *TEXTS, *aliases)
        return closest(name, words, cutoff=0.74)  # 'Total density' must not suggest 'viable density'


@lru_cache(maxsize=32)
def names_of(panel: Panel) -> Names:
    """Return the words for the quantities of a panel."""
    feeds = _feeds(panel)
    vague = _vague(panel)
    asked = {form: s.name for s in panel.setpoints if _has_two_readings(s) for form in _with(s, ASKED_WORDS)}
    measured = {
        form: s.measured_name for s in panel.setpoints if _has_two_readings(s) for form in _with(s, MEASURED_WORDS)
    }
    every = (*panel.quantities, TIME, *feeds.values())
    names = {form_of(n): q.name for q in every for n in (q.name, q.label, *q.aliases)}
    names |= {form: s.name for s in panel.setpoints if _has_two_readings(s) for form in _bare(s)}
    names |= {form_of(word): text for text, aliases in TEXTS.items() for word in (text, *aliases)}
    forms = {form: name for form, name in {**measured, **asked, **names}.items() if form not in vague}
    bare = {form for s in panel.setpoints if _has_two_readings(s) for form in _bare(s)}
    return Names(
        panel=panel,
        feeds=MappingProxyType(feeds),
        forms=MappingProxyType(forms),
        open=frozenset(bare),
        vague=MappingProxyType(vague),
    )


def _has_two_readings(setpoint: Setpoint) -> bool:
    """Whether a column of this name can be a reading: no sheet measures the flow of a pump that is set."""
    return setpoint.role == "condition" or setpoint.twin() is not None


def _words(setpoint: Setpoint) -> tuple[str, ...]:
    return tuple(form_of(w) for w in (setpoint.name, setpoint.label, *setpoint.aliases, *setpoint.vague))


def _bare(setpoint: Setpoint) -> list[str]:
    """Return the forms that say neither that it is asked nor that it is measured; a word that says so is taken off."""
    found = []
    for word in _words(setpoint):
        end = next((s for s in sorted(ASKED_WORDS, key=len, reverse=True) if word.endswith(s) and word != s), "")
        found.append(word.removesuffix(end))
    return list(dict.fromkeys(found))


def _with(setpoint: Setpoint, said: tuple[str, ...]) -> list[str]:
    """Return the forms of a setpoint that say which of the two readings is meant."""
    return [form for word in _bare(setpoint) for s in said for form in (f"{word}{s}", f"{s}{word}")]


def _feeds(panel: Panel) -> dict[str, Quantity]:
    fraction = Quantity(name=FRACTION, unit="-", label="Feed over culture volume", low=0.0, high=2.0)
    held = [panel[name] for name in panel.of_role("solute")]
    return {FRACTION: fraction} | {
        f"{FEED}{q.name}": Quantity(name=f"{FEED}{q.name}", unit=q.unit, label=f"{q.label} in the feed", low=q.low,
                                    high=1e5, molar_mass=q.molar_mass)
        for q in held
    }  # fmt: skip


def _vague(panel: Panel) -> dict[str, tuple[str, ...]]:
    """Return the readings of each form that people use for several things; time is one of them for two letters."""
    found: dict[str, tuple[str, ...]] = {}
    for quantity in panel.quantities:
        for word in quantity.vague:
            found[form_of(word)] = (*found.get(form_of(word), ()), quantity.name)
    return {form: (*names, *((TIME.name,) if form in _VAGUE_TIMES else ())) for form, names in found.items()}


def is_flow_of_volume(unit: str) -> bool:
    """Whether a unit is that of a volume per time, e.g. ``mL/h``."""
    volume, sign, time = unit.replace(" ", "").partition("/")
    return bool(sign) and time in ("day", "d", "h", "min") and normalised(volume) in ("ml", "l", "ul")


def says_truly_zero(meaning: str) -> bool:
    """Whether a person says of a column that its zeros were measured."""
    return _SAYS_ZERO.search(meaning) is not None


def amount(value: float, quantity: Quantity) -> str:
    """Say a value with its unit: ``3.5 g/L``, ``20 x 1e6 cells/mL``."""
    return f"{value:.4g} {'x ' if quantity.unit.startswith('1e') else ''}{quantity.unit}"


def bare_unit(text: str) -> str:
    """Return a unit without the brackets or parentheses around it."""
    text = text.strip()
    return text[1:-1].strip() if text[:1] + text[-1:] in ("[]", "()") else text

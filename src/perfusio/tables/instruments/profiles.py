"""Kinds of files that instruments write, each recognised by the signature of its header.

Columns that a profile does not name stay unread. Header facts: Nova FLEX2, Vi-CELL BLU and XR, Cedex HiRes write one
row per sample, with a date; DataHow's layout marks columns by groups (X states, W controlled, Z static, F feeds, Y
outputs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perfusio.process.panel import Panel
from perfusio.process.roles import share_alive
from perfusio.tables.cells.cells import read_numbers
from perfusio.tables.cells.sheets import Sheet
from perfusio.tables.columns.column import Role
from perfusio.tables.columns.columns import is_units_row, read_header
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.columns.header_names import SAMPLE, STAMP, TEXTS, Names, form_of, names_of
from perfusio.tables.columns.problems import Problems
from perfusio.tables.instruments.cell_counters import IMAGE_DATE, plain

_SAMPLE_COLUMNS = {"Sample ID": SAMPLE, "Sample identifier": SAMPLE, "Sample name": SAMPLE}
_VESSEL_COLUMNS = {
    "Vessel ID": "reactor", "Reactor identifer": "reactor", "Reactor identifier": "reactor", "Batch ID": "run",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One kind of file.

    Attributes:
        name: Instrument.
        needs: Headers that such a file has, all of them.
        one_of: Headers of which it has at least one.
        columns: Header -> meaning with the unit of that instrument; the first that is there counts for a meaning.
        logs: Whether it writes rows between samples, too, in which the columns of samples are empty.
    """

    name: str
    needs: tuple[str, ...]
    one_of: tuple[str, ...]
    columns: Mapping[str, str]
    logs: bool = False


PROFILES: tuple[Profile, ...] = (
    Profile(
        name="Nova FLEX2",
        needs=("Gln", "Glu", "Gluc"),
        one_of=("Total Density", "Viable Density", "Vessel ID", "Sample Type", "Osm", "pO2", "NH4+"),
        columns={
            "Date & Time": STAMP, "Date and Time": STAMP, "Sample Time": STAMP,
            "Gln": "glutamine [mmol/L]", "Glu": "glutamate [mmol/L]", "Gluc": "glucose [g/L]", "Lac": "lactate [g/L]",
            "NH4+": "ammonium [mmol/L]", "Viable Density": "vcd [1e6 cells/mL]", "Viability": "viability [%]",
            "Avg. Live Diameter": "diameter [um]", "Average Live Cell Diameter": "diameter [um]",
            **_VESSEL_COLUMNS, **_SAMPLE_COLUMNS,
        },
    ),
    Profile(
        name="Vi-CELL BLU",
        needs=("Viable (x10^6) cells/mL",),
        one_of=("Analysis date/time", "Dilution", "Total (x10^6) cells/mL"),
        columns={
            "Analysis date/time": STAMP, "Viable (x10^6) cells/mL": "vcd [1e6 cells/mL]",
            "Viability (%)": "viability [%]", "Average diameter (µm)": "diameter [um]",
            **_VESSEL_COLUMNS, **_SAMPLE_COLUMNS,
        },
    ),
    Profile(
        name="Vi-CELL XR",
        needs=(),
        one_of=("Viable cells/ml (x10^6)", "Total viable cells / ml (x 10^6)"),
        columns={
            "Sample date/time": STAMP, "Sample data/time": STAMP, "Sample date": STAMP, "RunDate": STAMP,
            "Viable cells/ml (x10^6)": "vcd [1e6 cells/mL]", "Total viable cells / ml (x 10^6)": "vcd [1e6 cells/mL]",
            "Viability (%)": "viability [%]", "Avg. diam. (microns)": "diameter [um]",
            "Average diameter (microns)": "diameter [um]", **_VESSEL_COLUMNS, **_SAMPLE_COLUMNS,
        },
    ),
    Profile(
        name="NucleoCounter",
        needs=("Live (cells/ml)", "Viability (%)"),
        one_of=("Image", "Sample ID"),
        columns={
            "Date time": STAMP, IMAGE_DATE: STAMP, "Live (cells/ml)": "vcd [cells/mL]",
            "Viability (%)": "viability [%]",
            "Estimated cell diameter": "diameter [um]", "Diameter (µm)": "diameter [um]",
            **_VESSEL_COLUMNS, **_SAMPLE_COLUMNS, "Image": SAMPLE,
        },
    ),
    Profile(
        name="Cellaca, Matrix",
        needs=("Well Name", "Live Count"),
        one_of=("Live Concentration (E6)", "Live Cells/mL"),
        columns={
            "Results Timestamp": STAMP, "Live Concentration (E6)": "vcd [1e6 cells/mL]",
            "Live Cells/mL": "vcd [cells/mL]", "Viability (%)": "viability [%]", "Viability": "viability [%]",
            "Live Diameter": "diameter [um]", "Live Mean Size": "diameter [um]", "Well Name": SAMPLE,
            **_VESSEL_COLUMNS, **_SAMPLE_COLUMNS,
        },
    ),
    Profile(
        name="Cedex HiRes",
        needs=("Viable Cell Conc.",),
        one_of=("Reactor identifer", "Reactor identifier", "Total Cell Conc.", "Aggregation Rate"),
        columns={
            "Sample draw Time": STAMP,  # where it is empty, when it was counted
            "Date": STAMP, "Date/Time": STAMP, "Sample Date": STAMP, "Date finished": STAMP, "Time stamp": STAMP,
            "Viable Cell Conc.": "vcd [cells/mL]", "Viability": "viability [%]", "Avg. Diameter": "diameter [um]",
            "Avg. Cell Diameter": "diameter [um]", "Average Diameter": "diameter [um]",
            **_VESSEL_COLUMNS, **_SAMPLE_COLUMNS,
        },
    ),
    Profile(
        name="Lucullus",  # by the description of a published data set; a user may call ports otherwise
        needs=("Timestamp", "M_VDENS"),
        one_of=("M_VIAB", "M_GLUC", "M_LAC", "m_temp"),
        columns={
            "Timestamp": STAMP, "M_VDENS": "vcd [1e6 cells/mL]", "M_VIAB": "viability [%]", "M_GLUC": "glucose [g/L]",
            "M_LAC": "lactate [g/L]", "M_GLUN": "glutamine [mmol/L]", "M_GLUT": "glutamate [mmol/L]",
            "M_AMM": "ammonium [mmol/L]", **_VESSEL_COLUMNS, **_SAMPLE_COLUMNS,
        },
        logs=True,
    ),
    Profile(
        name="Pioreactor",
        needs=("pioreactor_unit",),
        one_of=("timestamp_localtime", "hours_since_experiment_created"),
        columns={"timestamp_localtime": STAMP, "timestamp": STAMP, "pioreactor_unit": "reactor", "experiment": "run"},
    ),
)  # fmt: skip
DATAHOW = "DataHow layout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A sheet of a known kind, and how to read it.

    Attributes:
        name: Of the profile; empty where none fits and the sheet is somebody's own.
        sheet: One row per sample.
        options: The profile's columns, joined with the user's declarations.
        remarks: Assumptions, in sentences.
    """

    name: str
    sheet: Sheet
    options: ReadOptions
    remarks: tuple[str, ...] = ()


def recognised(sheet: Sheet, options: ReadOptions) -> Recognised:
    """Return the sheet with the options of its profile; the user's declarations go first."""
    sheet = plain(sheet)
    for at, header in enumerate(sheet.rows[:12]):
        split = names_of(options.panel).split
        forms = {form_of(split(h)[0]) for h in header} | {form_of(h) for h in header}
        for profile in PROFILES:
            if {form_of(n) for n in profile.needs} <= forms and forms & {form_of(n) for n in profile.one_of}:
                return _by_profile(profile, _below(sheet, at), options)
        if "timesteps" in forms and any(h.strip().lower().startswith("x:") for h in header):
            return _datahow(_below(sheet, at), options)
    return Recognised(name="", sheet=sheet, options=options)


def _below(sheet: Sheet, at: int) -> Sheet:
    """Leave out the lines that an instrument writes above its header."""
    return replace(sheet, rows=sheet.rows[at:], lines=sheet.lines[at:])


def _by_profile(profile: Profile, sheet: Sheet, options: ReadOptions) -> Recognised:
    header = [" ".join(h.split()) for h in sheet.rows[0]]
    names, panel = names_of(options.panel), options.panel
    split, by_form = names.split, dict[str, str]()
    for head in header:
        by_form.setdefault(form_of(head), head)
        by_form.setdefault(form_of(split(head)[0]), head)
    found: dict[str, str] = {}
    for known, meaning in profile.columns.items():
        if split(meaning)[0] not in (*panel.by_name, *TEXTS):
            continue
        text = by_form.get(form_of(known), "")
        is_given = split(meaning)[0] in {split(m)[0] for m in found.values()}
        if text and not is_given and not _is_empty_text(sheet, header, text, meaning):
            found[text] = meaning
    found |= _further(header, found, names)
    remarks: tuple[str, ...] = ()
    if profile.logs:
        sheet, remarks = _samples_only(sheet, [header.index(t) for t, m in found.items() if m not in TEXTS])
    bare = {text: split(meaning)[0] for text, meaning in found.items()}
    below = sheet.rows[1] if len(sheet.rows) > 1 else []
    has_units = is_units_row(
        read_header(header, Problems(""), columns=bare, only_named=True, panel=panel), below, panel
    )
    said = {i for i, cell in enumerate(below) if cell.strip()} if has_units else set()
    is_said = {t: header.index(t) in said or _says_unit(t, bare[t], names) for t in found}
    columns = {t: bare[t] if is_said[t] or m == bare[t] else m for t, m in found.items()}
    options = _with(options, columns)
    if options.fractions is None and _has_whole_percents(sheet, header, columns, panel):
        options = replace(options, fractions=False)
    return Recognised(name=profile.name, sheet=sheet, options=options, remarks=remarks)


def _samples_only(sheet: Sheet, places: Sequence[int]) -> tuple[Sheet, tuple[str, ...]]:
    """Leave out the rows that a rig logs between samples."""
    kept = [0, *(i for i, row in enumerate(sheet.rows[1:], start=1)
                 if any(row[place].strip() for place in places if len(row) > place))]  # fmt: skip
    left = len(sheet.rows) - len(kept)
    remark = f"{left} rows without any value of a sample were left out: the rig logs between samples."
    shorter = replace(sheet, rows=tuple(sheet.rows[i] for i in kept), lines=tuple(sheet.lines[i] for i in kept))
    return shorter, (remark,) if left else ()


def _has_whole_percents(sheet: Sheet, header: Sequence[str], columns: Mapping[str, str], panel: Panel) -> bool:
    """Whether a share of living cells of 0 or 1 is meant in %: an instrument writes 1, and 0.97 is a person's."""
    alive = share_alive(panel)
    text = next((t for t, m in columns.items() if names_of(panel).split(m)[0] == alive), None)
    if text is None:
        return False
    place = header.index(text)
    values = read_numbers([row[place] for row in sheet.rows[1:] if len(row) > place], may_be_percent=True).values
    known = values[np.isfinite(values)]
    return bool(known.size) and bool((known == np.round(known)).all())


def _further(header: Sequence[str], found: Mapping[str, str], names: Names) -> dict[str, str]:
    """Return the quantities of the process that the profile does not name, by header: further solutes, signals."""
    given = {names.split(meaning)[0] for meaning in found.values()}
    species, more = {s.name for s in names.panel.species} - given, dict[str, str]()
    for text in header:
        meaning = names.meaning_of(names.split(text)[0]) if text not in found else None
        if meaning in names.panel.setpoint_names and form_of(names.split(text)[0]) in names.open:
            meaning = f"{meaning}_measured"
        if meaning in species and meaning not in more.values():
            more[text] = meaning
    return more


def _says_unit(text: str, name: str, names: Names) -> bool:
    said = names.split(text)[1]
    column = read_header([text], Problems(""), columns={text: name}, panel=names.panel) if said else ()
    return any(c.role is not Role.TEXT for c in column)


def _is_empty_text(sheet: Sheet, header: Sequence[str], text: str, meaning: str) -> bool:
    """An instrument has columns for vessels and batches that people leave empty."""
    place = header.index(text)
    return meaning in TEXTS and not any(row[place].strip() for row in sheet.rows[1:] if len(row) > place)


def _with(options: ReadOptions, columns: Mapping[str, str]) -> ReadOptions:
    said = {form_of(text) for text in (*options.columns, *options.ignore)}
    kept = {text: meaning for text, meaning in columns.items() if form_of(text) not in said}
    return replace(options, columns={**kept, **options.columns}, only_named=True, may_be_unsorted=True)


def _datahow(sheet: Sheet, options: ReadOptions) -> Recognised:
    """Columns are ``group:name``. Time steps are days, or hours.

    Static ones (Z) and outputs (Y) may stay unread; of states, controls and feeds (X, W, F) none is lost in silence: a
    culture whose feeds are left away would seem to live on nothing. What is not understood is asked about.
    """
    header = [" ".join(h.split()) for h in sheet.rows[0]]
    names, columns = names_of(options.panel), dict[str, str]()
    for text in header:
        group, sign, rest = text.partition(":")
        name = rest.strip() if sign and len(group.strip()) == 1 else text
        bare, unit = names.split(name)
        meaning = names.meaning_of(bare)
        measured = f"{meaning}_measured"
        if group.strip().lower() == "x" and form_of(bare) in names.open and measured in names.panel.by_name:
            meaning = measured
        if meaning in (*names.panel.by_name, "run", "reactor", "clone") and meaning not in columns.values():
            columns[text] = meaning + (f" [{unit}]" if unit else "")
    steps = next(h for h in header if form_of(h) == "timesteps")
    place = header.index(steps)
    values = read_numbers([row[place] for row in sheet.rows[1:] if len(row) > place]).values
    step = np.diff(values[np.isfinite(values)])
    typical = float(np.median(step[step > 0])) if (step > 0).any() else float("nan")
    unit = "h" if typical >= _LEAST_HOURS else "day"
    columns[steps] = f"time [{unit}]"
    remark = f"column {steps!r}: steps are {typical:g} apart, read as {'hours' if unit == 'h' else 'days'}."
    found = _with(options, columns)
    unread = [t for i, t in enumerate(header) if t and t not in found.columns and not _counts(sheet, i, t)]
    ignore = (*found.ignore, *(t for t in unread if form_of(t) not in {form_of(i) for i in found.ignore}))
    options = replace(found, only_named=False, ignore=ignore)
    return Recognised(name=DATAHOW, sheet=sheet, options=options, remarks=(remark,))


def _counts(sheet: Sheet, place: int, header: str) -> bool:
    """Whether a column must not be lost: a state, or a control or feed that was anything but 0."""
    group = header.partition(":")[0].strip().upper() if ":" in header else ""
    cells = [row[place].strip() for row in sheet.rows[1:] if len(row) > place]
    return group == "X" or (group in ("W", "F") and any(cell.strip("0.,") for cell in cells))


_LEAST_HOURS = 4.0
"""Steps of 1 to 3 are days: nobody samples a culture every hour for weeks. Steps from 4 on are hours."""

"""Cultures written in every layout that is known, as people and instruments write them: encodings, marks, dates, Excel.

`clean_tables.py` holds tables that must be read; these may be asked about, and must never come back as something else.
Drawn are the layout, the order of columns and rows, spellings, units in headers or in a row of their own, decimal
marks, separators, gaps, forms of dates and clock times, encodings, line ends, and CSV, Excel or Parquet.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time

from clean_tables import LAYOUTS as CLEAN
from clean_tables import Sample, Truth, culture

Cell = str | float | datetime | time
UNITS: Mapping[str, tuple[tuple[str, float], ...]] = {
    "vcd": (("1e6 cells/mL", 1.0), ("10^6/mL", 1.0), ("x10^6 vc/mL", 1.0), ("cells/mL", 1e6), ("10⁵ cells/mL", 10.0),
            ("Mio/mL", 1.0), ("cells/µL", 1e3), ("10E6 cells/mL", 1.0)),
    "viability": (("%", 1.0), ("-", 0.01), ("fraction", 0.01)),
    "glucose": (("g/L", 1.0), ("mM", 1e3 / 180.16), ("mg/dL", 100.0), ("mg/L", 1e3), ("g·L⁻¹", 1.0)),
    "lactate": (("mmol/L", 1.0), ("g/L", 0.09008), ("mg/L", 90.08), ("mM", 1.0), ("µmol/L", 1e3)),
    "ammonium": (("mmol/L", 1.0), ("mM", 1.0), ("mg/L", 18.04)),
    "titer": (("mg/L", 1.0), ("g/L", 1e-3), ("µg/mL", 1.0), ("mg/dL", 0.1)),
}  # fmt: skip
NAMES: Mapping[str, tuple[str, ...]] = {
    "vcd": ("VCD", "Xv", "Viable Cell Density", "VCC", "viable cells", "Viable Density"),
    "viability": ("Via", "Viability", "viab", "Cell viability"),
    "glucose": ("Glc", "Glucose", "gluc", "GLUCOSE"),
    "lactate": ("Lac", "Lactate", "Lactic acid"),
    "ammonium": ("NH4+", "Ammonium", "Amm", "NH4"),
    "titer": ("Titer", "IgG", "mAb", "titre"),
}
DATES = (
    "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%d-%b-%Y %H:%M", "%Y-%m-%dT%H:%M:%S",
    "%d.%m.%y %H:%M", "%Y/%m/%d %H:%M:%S",
)  # fmt: skip
GAPS = ("", "-", "n.d.", "NA", "nan")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """One file: the name of its layout, its ending, its bytes, and what it says."""

    layout: str
    ending: str
    content: bytes
    truth: Truth


def _dated(samples: list[Sample], quantities: Mapping[str, set[int]]) -> Truth:
    """Return the truth of a file with dates: culture time counts from the first sample of each vessel."""
    first: dict[str, datetime] = {}
    for vessel, _, when, _ in sorted(samples, key=lambda s: s[2]):
        first.setdefault(vessel, when)
    return {
        (vessel, round((when - first[vessel]).total_seconds() / 3600.0, 3)):
            {n: v[n] for n, gaps in quantities.items() if i not in gaps}
        for i, (vessel, _, when, v) in enumerate(samples)
    }  # fmt: skip


def _number(value: float, digits: int, mark: str) -> str:
    return f"{value:.{digits}g}".replace(".", mark)


def wide(rng: random.Random) -> WrittenFile:
    """Somebody's own sheet, as it comes: units here or there, dates or days, Excel or text."""
    n_vessels = rng.choice((1, 2, 3))
    samples = culture(rng, vessels=n_vessels)
    if rng.random() < 0.3:  # vessel by vessel instead of day by day
        samples.sort(key=lambda s: (s[0], s[2]))
    ending = rng.choice((".csv", ".csv", ".csv", ".xlsx", ".parquet"))
    is_excel = ending == ".xlsx"
    separator, mark = rng.choice(((",", "."), (";", ","), ("\t", "."), (";", "."), ("\t", ",")))
    mark = "." if ending != ".csv" else mark
    where = rng.choice(("square", "round", "below", "slash", "bare"))
    quantities = [n for n in NAMES if n == "vcd" or rng.random() < 0.8]
    gaps = {n: {i for i in range(len(samples)) if n != "vcd" and rng.random() < 0.1} for n in quantities}
    columns: list[tuple[str, str, list[Cell]]] = []
    if n_vessels > 1 or rng.random() < 0.5:
        columns.append((rng.choice(("reactor", "Vessel", "Bioreactor", "Vessel ID")), "", [s[0] for s in samples]))
    for n in quantities:
        unit, factor = rng.choice(UNITS[n])
        if where == "bare":
            unit, factor = "", 1.0
        name, digits = rng.choice(NAMES[n]), rng.choice((7, 8, 9))
        values = [s[3][n] * factor for s in samples]
        gap = rng.choice(GAPS)
        cells: list[Cell] = [v if is_excel else _number(v, digits, mark) for v in values]
        columns.append((name, unit, [gap if i in gaps[n] else c for i, c in enumerate(cells)]))
    truth_columns = {n: gaps[n] for n in quantities}
    by_date = rng.random() < 0.6
    if by_date:
        columns += _date_columns(rng, samples, is_excel=is_excel)
        truth = _dated(samples, truth_columns)
    else:
        columns.append(_age_column(rng, samples, mark))
        truth = {(s[0], 24.0 * s[1]): {n: s[3][n] for n, g in truth_columns.items() if i not in g}
                 for i, s in enumerate(samples)}  # fmt: skip
    if rng.random() < 0.4:
        columns.append(("Operator", "", [rng.choice(("AB", "JD")) for _ in samples]))
        columns.append(("Comment", "", ["" for _ in samples]))
    if not any(form in ("reactor", "Vessel", "Bioreactor", "Vessel ID") for form, _, _ in columns):
        truth = {("", t): v for (_, t), v in truth.items()}
    if not by_date or not any("time" in name.lower() or "uhrzeit" in name.lower() for name, _, _ in columns):
        rng.shuffle(columns)
    rows = _with_units([(name, unit) for name, unit, _ in columns], where)
    rows += [list(row) for row in zip(*(cells for _, _, cells in columns), strict=True)]
    rows = _about(rng, rows, ending)
    content = _contained(rng, rows, ending, separator)
    return WrittenFile(layout="wide", ending=ending, content=content, truth=truth)


def _age_column(rng: random.Random, samples: list[Sample], mark: str) -> tuple[str, str, list[Cell]]:
    """Return culture ages, as numbers of days or hours, or as hours and minutes."""
    name, unit, per_day = rng.choice((("day", "", 1.0), ("time", "h", 24.0), ("Culture time", "d", 1.0),
                                      ("Elapsed time", "h", 24.0), ("Day", "", 1.0), ("Hours", "", 24.0),
                                      ("Process time", "hh:mm", 24.0), ("Age", "days", 1.0)))  # fmt: skip
    if unit == "hh:mm":
        return name, unit, [f"{24 * s[1]:02d}:00" for s in samples]
    return name, unit, [f"{per_day * s[1]:g}".replace(".", mark) for s in samples]


def _about(rng: random.Random, rows: list[list[Cell]], ending: str) -> list[list[Cell]]:
    """Add what sheets have beside their samples: empty columns, a line of means below, a title above in Excel."""
    if ending != ".parquet" and rng.random() < 0.2:
        rows = [[*row, ""] for row in rows]
    if ending != ".parquet" and rng.random() < 0.15:
        rows = [*rows, ["Mean", *[""] * (len(rows[0]) - 1)]]
    return rows


def _date_columns(rng: random.Random, samples: list[Sample], *, is_excel: bool) -> list[tuple[str, str, list[Cell]]]:
    """Return dates with times in one column, in one of many forms, or in two."""
    form = rng.choice(DATES)
    if is_excel and rng.random() < 0.6:
        if rng.random() < 0.5:
            return [("Date", "", [s[2] for s in samples])]
        midnight = [datetime(s[2].year, s[2].month, s[2].day) for s in samples]
        return [("Date", "", list(midnight)), ("Time", "", [s[2].time() for s in samples])]
    if rng.random() < 0.3 and "T" not in form:
        day, clock = form.split(" ", 1)
        times: list[Cell] = [s[2].strftime(clock) for s in samples]
        return [("Date", "", [s[2].strftime(day) for s in samples]), ("Time", "", times)]
    name = rng.choice(("Date", "Sample date", "timestamp", "Date & Time", "Sampling time"))
    return [(name, "", [s[2].strftime(form) for s in samples])]


def _with_units(headers: list[tuple[str, str]], where: str) -> list[list[Cell]]:
    if where == "below":
        return [[name for name, _ in headers], [unit for _, unit in headers]]
    form = {"square": "{} [{}]", "round": "{} ({})", "slash": "{} / {}", "bare": "{} [{}]"}[where]
    return [[form.format(name, unit) if unit else name for name, unit in headers]]


def _contained(rng: random.Random, rows: list[list[Cell]], ending: str, separator: str) -> bytes:
    """Return rows of cells as the bytes of a file."""
    if ending == ".xlsx":
        import openpyxl

        book = openpyxl.Workbook()
        for row in rows:
            book.active.append([None if cell == "" else cell for cell in row])
        buffer = io.BytesIO()
        book.save(buffer)
        return buffer.getvalue()
    if ending == ".parquet":
        import pyarrow
        import pyarrow.parquet

        cells = [[None if cell == "" else str(cell) for cell in row] for row in rows[1:]]
        named = {str(head): [row[i] for row in cells] for i, head in enumerate(rows[0])}
        buffer = io.BytesIO()
        pyarrow.parquet.write_table(pyarrow.table(named), buffer)
        return buffer.getvalue()
    quote = rng.choice(("", "", '"'))
    text = rng.choice(("\n", "\r\n")).join(separator.join(f"{quote}{c}{quote}" for c in row) for row in [*rows, []])
    encoding = rng.choice(ENCODINGS)
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:  # no superscripts in these
        return text.encode("utf-8")


def sheets(rng: random.Random) -> WrittenFile:
    """A workbook with a sheet per vessel and, sometimes, one of remarks."""
    import openpyxl

    samples = culture(rng, vessels=rng.choice((2, 3)))
    book = openpyxl.Workbook()
    book.remove(book.active)
    names = [n for n in NAMES if n == "vcd" or rng.random() < 0.8]
    for vessel in dict.fromkeys(s[0] for s in samples):
        sheet = book.create_sheet(vessel)
        chosen = {n: (rng.choice(NAMES[n]), *rng.choice(UNITS[n])) for n in names}
        order = list(names)
        rng.shuffle(order)
        sheet.append(["day", *(f"{chosen[n][0]} [{chosen[n][1]}]" for n in order)])
        for _, day, _, values in (s for s in samples if s[0] == vessel):
            sheet.append([day, *(values[n] * chosen[n][2] for n in order)])
    if rng.random() < 0.5:
        book.create_sheet("Notes").append(["Made for a test"])
    buffer = io.BytesIO()
    book.save(buffer)
    truth = {(s[0], 24.0 * s[1]): {n: s[3][n] for n in names} for s in samples}
    return WrittenFile(layout="sheets", ending=".xlsx", content=buffer.getvalue(), truth=truth)


def tags(rng: random.Random) -> WrittenFile:
    """Tags of a historian, a row per value, in any order."""
    samples = culture(rng, vessels=rng.choice((1, 2)))
    words = {"vcd": "VCD", "viability": "Viability", "glucose": "Glucose", "lactate": "Lactate", "ammonium": "NH4+",
             "titer": "Titer"}  # fmt: skip
    chosen = {n: rng.choice(UNITS[n]) for n in words if n == "vcd" or rng.random() < 0.7}
    path = rng.choice(("Plant.Line1.{}", "{}", "Lab/{}", "BIO\\{}"))
    body = [[s[2].strftime("%Y-%m-%d %H:%M:%S"), s[0], f"{path.format(words[n])} [{unit}]", f"{s[3][n] * factor:.9g}"]
            for s in samples for n, (unit, factor) in chosen.items()]  # fmt: skip
    if rng.random() < 0.5:
        rng.shuffle(body)
    rows: list[list[Cell]] = [["timestamp", "unit_name", "tag", "numerical_value"], *map(list, body)]
    content = _contained(rng, rows, ".csv", rng.choice((",", ";", "\t")))
    truth = _dated(samples, {n: set() for n in chosen})
    return WrittenFile(layout="tags", ending=".csv", content=content, truth=truth)


def datahow(rng: random.Random) -> WrittenFile:
    """DataHow: states X, controls W, outputs Y, a static Z; days or hours; several runs."""
    samples = culture(rng, vessels=rng.choice((1, 2)))
    per_day = rng.choice((1.0, 24.0))
    names = [n for n in NAMES if n == "vcd" or rng.random() < 0.7]
    columns: list[tuple[str, list[Cell]]] = [
        (f"{rng.choice('XY') if n == 'titer' else 'X'}:{rng.choice(NAMES[n])} [{unit}]",
         [f"{s[3][n] * factor:.9g}" for s in samples])
        for n in names for unit, factor in (rng.choice(UNITS[n]),)
    ]  # fmt: skip
    if rng.random() < 0.5:
        columns.append(("W:perfusion [1/day]", ["1.0" for _ in samples]))
    if rng.random() < 0.5:
        columns.append(("Z:clone", ["C1" for _ in samples]))
    rng.shuffle(columns)
    head: list[tuple[str, list[Cell]]] = [("run", [s[0] for s in samples])] if len({s[0] for s in samples}) > 1 else []
    columns = [*head, ("timesteps", [f"{per_day * s[1]:g}" for s in samples]), *columns]
    samples_by_run = bool(head)
    rows: list[list[Cell]] = [[h for h, _ in columns], *map(list, zip(*(c for _, c in columns), strict=True))]
    truth = {(s[0] if samples_by_run else "", 24.0 * s[1]): {n: s[3][n] for n in names} for s in samples}
    return WrittenFile(layout="datahow", ending=".csv", content=_contained(rng, rows, ".csv", ","), truth=truth)


def tidy(rng: random.Random) -> WrittenFile:
    """One value per row, in any order, with any unit."""
    samples = culture(rng)
    body: list[list[Cell]] = []
    chosen = {n: rng.choice(UNITS[n]) for n in NAMES}
    for vessel, day, _, values in samples:
        for n, (unit, factor) in chosen.items():
            body.append([vessel, f"{24 * day}", n, f"{values[n] * factor:.9g}", unit])
    if rng.random() < 0.5:
        body.sort(key=lambda row: (rng.random() * 0, row[0], float(str(row[1])), rng.random()))
    order = [0, 1, 2, 3, 4]
    rng.shuffle(order)
    rows: list[list[Cell]] = [["reactor", "time [h]", "quantity", "value", "unit"], *body]
    content = _contained(rng, [[row[i] for i in order] for row in rows], ".csv", rng.choice((",", ";", "\t")))
    truth = {(s[0], 24.0 * s[1]): s[3] for s in samples}
    return WrittenFile(layout="tidy", ending=".csv", content=content, truth=truth)


def counters(rng: random.Random) -> WrittenFile:
    """NucleoView-like and Cellaca-like tables with vessel and day in the name of the sample."""
    samples = culture(rng, vessels=rng.choice((1, 2)))
    name = rng.choice(("{}-D{:02d}", "{} day {}", "{}_D{}"))
    header: list[Cell] = ["Sample ID", "Live (cells/ml)", "Viability (%)", "Date time", "Image"]
    rows = [header, *([name.format(s[0], s[1]), f"{s[3]['vcd'] * 1e6:.0f}", f"{s[3]['viability']:.6g}",
                       s[2].strftime("%Y-%m-%d %H:%M:%S"), f"i{k}"] for k, s in enumerate(samples))]  # fmt: skip
    content = _contained(rng, rows, ".csv", rng.choice((",", ";")))
    truth = _dated(samples, {"vcd": set(), "viability": set()})
    return WrittenFile(layout="NucleoCounter", ending=".csv", content=content, truth=truth)


def _clean(name: str) -> Callable[[random.Random], WrittenFile]:
    """Return the writer of a clean table whose lines are put into another encoding and other line ends."""

    def written(rng: random.Random) -> WrittenFile:
        one = CLEAN[name](rng)
        text = one.content.decode()
        text = text.replace("\n", rng.choice(("\n", "\r\n")))
        try:
            content = text.encode(rng.choice(ENCODINGS))
        except UnicodeEncodeError:
            content = text.encode("utf-8-sig")
        return WrittenFile(layout=name, ending=".csv", content=content, truth=one.truth)

    return written


WRITERS: Mapping[str, Callable[[random.Random], WrittenFile]] = {
    "wide": wide, "sheets": sheets, "tags": tags, "datahow_runs": datahow, "tidy_any": tidy, "nucleo": counters,
    **{name: _clean(name) for name in CLEAN},
}  # fmt: skip

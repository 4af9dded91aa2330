"""Clean tables of made-up cultures in the layouts that are known, each with what it truly says.

Every layout is written as its instrument or its people write it, with shuffled columns, spellings, units, decimal marks
and gaps where the layout leaves them free. A reader must give back the truth, or ask; never anything else.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

Truth = Mapping[tuple[str, float], Mapping[str, float]]
"""Values in canonical units by vessel and culture time [h]."""
Sample = tuple[str, int, datetime, dict[str, float]]

SPELLINGS: Mapping[str, tuple[tuple[str, float], ...]] = {
    "vcd": (("VCD [1e6 cells/mL]", 1.0), ("Xv (10^6/mL)", 1.0), ("Viable Cell Density [x10^6 vc/mL]", 1.0),
            ("VCC (cells/mL)", 1e6), ("Viable cells [10^5 cells/mL]", 10.0)),
    "viability": (("Via [%]", 1.0), ("Viability (%)", 1.0), ("viability [-]", 0.01)),
    "glucose": (("Glc [g/L]", 1.0), ("Glucose (mM)", 1e3 / 180.16), ("gluc [mg/dL]", 100.0)),
    "lactate": (("Lac [mmol/L]", 1.0), ("Lactate (g/L)", 0.09008)),
    "ammonium": (("NH4+ [mmol/L]", 1.0), ("NH3 [mg/L]", 17.03), ("Ammonium (mg/L)", 18.04)),
    "titer": (("IgG [mg/L]", 1.0), ("mAb (g/L)", 1e-3), ("Titer [mg/dL]", 0.1)),
}  # fmt: skip
QUANTITIES = tuple(SPELLINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One table.

    Attributes:
        layout: Its name.
        content: Its bytes.
        truth: What it says.
    """

    layout: str
    content: bytes
    truth: Truth


def culture(rng: random.Random, vessels: int = 2) -> list[Sample]:
    """Draw the daily samples of some vessels, at nine in the morning and some minutes."""
    growth, most, start = rng.uniform(0.4, 0.8), rng.uniform(10.0, 50.0), datetime(2031, 3, rng.randint(1, 12), 9)
    found: list[Sample] = []
    for day in range(rng.randint(5, 9)):
        for k in range(vessels):
            vcd = min((0.5 + 0.1 * k) * math.exp(growth * day), most)
            values = {
                "vcd": vcd, "viability": rng.uniform(91.0, 99.4), "glucose": rng.uniform(2.0, 6.0),
                "lactate": 1.0 + 0.8 * vcd, "ammonium": 0.5 + 0.05 * vcd, "titer": 12.0 * vcd,
            }  # fmt: skip
            values = {n: float(f"{v:.5g}") for n, v in values.items()}
            when = start + timedelta(days=day, minutes=4 * k)
            found.append((f"R0{k + 1}", day, when, values))
    return found


def _by_dates(samples: list[Sample], quantities: tuple[str, ...]) -> Truth:
    first: dict[str, datetime] = {}
    for vessel, _, when, _ in samples:
        first.setdefault(vessel, when)
    return {
        (vessel, round((when - first[vessel]).total_seconds() / 3600.0, 3)): {n: v[n] for n in quantities if n in v}
        for vessel, _, when, v in samples
    }


def _lines(rows: list[list[str]], separator: str) -> bytes:
    return ("\n".join(separator.join(row) for row in rows) + "\n").encode()


def own(rng: random.Random) -> Written:
    """Somebody's own table: units in every header, all else as it comes."""
    samples = culture(rng, vessels=rng.choice((1, 2, 3)))
    separator, mark = rng.choice(((",", "."), (";", ","), ("\t", "."), (";", "."), ("\t", ",")))
    time, per_day = rng.choice((("day", 1.0), ("time [h]", 24.0), ("Culture time (d)", 1.0)))
    chosen = {n: rng.choice(SPELLINGS[n]) for n in QUANTITIES}
    gaps = {(n, rng.randrange(1, len(samples))) for n in ("titer", "lactate", "ammonium") if rng.random() < 0.5}
    columns = [("reactor", [v for v, _, _, _ in samples]),
               (time, [f"{per_day * day:g}" for _, day, _, _ in samples])]  # fmt: skip
    for n, (header, factor) in chosen.items():
        cells = [f"{s[3][n] * factor:.9g}" for s in samples]
        columns.append((header, ["" if (n, i) in gaps else c.replace(".", mark) for i, c in enumerate(cells)]))
    rng.shuffle(columns)
    rows = [[header for header, _ in columns], *map(list, zip(*(cells for _, cells in columns), strict=True))]
    truth = {
        (vessel, 24.0 * day): {n: v for n, v in values.items() if (n, i) not in gaps}
        for i, (vessel, day, _, values) in enumerate(samples)
    }
    return Written(layout="own", content=_lines(rows, separator), truth=truth)


def flex2(rng: random.Random) -> Written:
    """Nova FLEX2: one row per sample, chemistry in g/L and mmol/L."""
    samples = culture(rng)
    form = rng.choice(("%Y-%m-%d %H:%M:%S", "%d %b %Y %H:%M:%S"))
    columns: list[tuple[str, Callable[[Sample], str]]] = [
        ("Date & Time", lambda s: s[2].strftime(form)), ("Sample Type", lambda _: "Default"),
        ("Gln", lambda _: "2.1"), ("Glu", lambda _: "1.5"), ("Gluc", lambda s: f"{s[3]['glucose']:.9g}"),
        ("Lac", lambda s: f"{s[3]['lactate'] * 0.09008:.9g}"), ("NH4+", lambda s: f"{s[3]['ammonium']:.9g}"),
        ("Osm", lambda _: "300"), ("Total Density", lambda s: f"{s[3]['vcd'] * 1.05:.4g}"),
        ("Viable Density", lambda s: f"{s[3]['vcd']:.9g}"), ("Viability", lambda s: f"{s[3]['viability']:.9g}%"),
        ("Vessel ID", lambda s: s[0]),
    ]  # fmt: skip
    rng.shuffle(columns)
    rows = [[h for h, _ in columns], *([cell(s) for _, cell in columns] for s in samples)]
    quantities = ("glucose", "lactate", "ammonium", "vcd", "viability")
    return Written(layout="Nova FLEX2", content=_lines(rows, ","), truth=_by_dates(samples, quantities))


def blu(rng: random.Random) -> Written:
    """Vi-CELL BLU: vessel and day in the name of the sample."""
    samples = culture(rng)
    mu = rng.choice(("μ", "µ"))
    header = ["Sample ID", "Viable (x10^6) cells/mL", "Viability (%)", f"Average diameter ({mu}m)"]
    header.append("Analysis date/time")
    rows = [header, *([f"{s[0]}-D{s[1]:02d}", f"{s[3]['vcd']:.9g}", f"{s[3]['viability']:.9g}", "15.2",
                       s[2].strftime("%Y-%m-%d %H:%M")] for s in samples)]  # fmt: skip
    return Written(layout="Vi-CELL BLU", content=_lines(rows, ","), truth=_by_dates(samples, ("vcd", "viability")))


def xr(rng: random.Random) -> Written:
    """Vi-CELL XR 2.06: names in two rows below lines about the file."""
    samples = culture(rng)
    above = ["Sample ID", "Sample date/time", "Viable", "Viability", "Viable cells", "Avg. diam."]
    rows = [["Vi-CELL XR 2.06.3", *[""] * 5], above, ["", "", "cells", "(%)", "/ml (x10^6)", "(microns)"]]
    rows += [[f"{s[0]}-D{s[1]:02d}", s[2].strftime("%-d %b %Y  %I:%M:%S %p"), "900", f"{s[3]['viability']:.9g}",
              f"{s[3]['vcd']:.9g}", "15.2"] for s in samples]  # fmt: skip
    return Written(layout="Vi-CELL XR", content=_lines(rows, "\t"), truth=_by_dates(samples, ("vcd", "viability")))


def bio_ht(rng: random.Random) -> Written:
    """Cedex Bio HT 5 or 7: a line for each value, 40 s apart."""
    samples = culture(rng)
    is_old = rng.random() < 0.5
    tests = [("GLC3B", "glucose", "g/L", 1.0), ("LAC2B", "lactate", "g/L", 0.09008),
             ("NH3B", "ammonium", "mg/L", 17.03), ("IGGHB", "titer", "mg/L", 1.0)]  # fmt: skip
    rng.shuffle(tests)
    version = "5.0.0.1206 (1206.0)" if is_old else "7.0.0.2410 (2410)"
    rows = [["0", "2031-04-01 12:00:00", "#ARC-FILE#", "1.1a", "", "2031-04-01", "CEDEX BIO HT", "1", version, "ADMIN"]]
    for vessel, day, when, values in samples:
        for k, (code, name, unit, factor) in enumerate(tests):
            at = (when + timedelta(seconds=40 * k)).strftime("%Y-%m-%d %H:%M:%S")
            value = f"  {values[name] * factor:.9g}"
            sample = f"{vessel}-D{day:02d}"
            rows.append(["40", at, code, "", "", sample, "SAM", unit, " ", value, "  0.1", "R"] if is_old else
                        ["40", at, sample, "", "SAM", " ", code, " ", unit, " ", value, "  0.1", "R"])  # fmt: skip
    truth = _by_dates(samples, tuple(name for _, name, _, _ in tests))
    return Written(layout="Cedex Bio HT", content=_lines(rows, "\t"), truth=truth)


def hires(rng: random.Random) -> Written:
    """Cedex HiRes: cells per mL."""
    samples = culture(rng)
    rows = [["Date", "Reactor identifer", "Viable Cell Conc.", "Total Cell Conc.", "Viability", "Avg. Diameter"]]
    rows += [[s[2].strftime("%Y-%m-%d %H:%M:%S"), s[0], f"{s[3]['vcd'] * 1e6:.9g}", f"{s[3]['vcd'] * 1.1e6:.4g}",
              f"{s[3]['viability']:.9g}", "15.2"] for s in samples]  # fmt: skip
    return Written(layout="Cedex HiRes", content=_lines(rows, ";"), truth=_by_dates(samples, ("vcd", "viability")))


def datahow(rng: random.Random) -> Written:
    """DataHow: groups in the header, one culture."""
    samples = culture(rng, vessels=1)
    columns = [("X:VCD [1e6 cells/mL]", "vcd"), ("X:Glc [g/L]", "glucose"), ("X:Lac [mmol/L]", "lactate"),
               ("X:Titer [mg/L]", "titer")]  # fmt: skip
    rng.shuffle(columns)
    rows = [["timesteps", *(h for h, _ in columns)],
            *([str(s[1]), *(f"{s[3][n]:.9g}" for _, n in columns)] for s in samples)]  # fmt: skip
    truth = {("", 24.0 * s[1]): {n: s[3][n] for _, n in columns} for s in samples}
    return Written(layout="DataHow", content=_lines(rows, ","), truth=truth)


def tidy(rng: random.Random) -> Written:
    """One value per row."""
    samples = culture(rng)
    units = {"vcd": "1e6 cells/mL", "viability": "%", "glucose": "g/L", "lactate": "mmol/L", "ammonium": "mmol/L",
             "titer": "mg/L"}  # fmt: skip
    body = [[s[0], f"{24 * s[1]}", n, f"{s[3][n]:.9g}", units[n]] for s in samples for n in QUANTITIES]
    rows = [["reactor", "time [h]", "quantity", "value", "unit"], *body]
    truth = {(s[0], 24.0 * s[1]): s[3] for s in samples}
    return Written(layout="one value per row", content=_lines(rows, ","), truth=truth)


LAYOUTS: Mapping[str, Callable[[random.Random], Written]] = {
    "own": own, "flex2": flex2, "blu": blu, "xr": xr, "bio_ht": bio_ht, "hires": hires, "datahow": datahow,
    "tidy": tidy,
}  # fmt: skip


def clean_tables(n: int, seed: int = 25) -> Iterator[Written]:
    """Yield n tables, the layouts in turn."""
    rng = random.Random(seed)
    for i in range(n):
        yield list(LAYOUTS.values())[i % len(LAYOUTS)](rng)


def found_wrong(table: object, truth: Truth) -> list[str]:
    """Return in what a table as read differs from the truth."""
    read = {(row.reactor, round(row.state.time_h, 3)): row.state for row in table.rows}  # type: ignore[attr-defined]
    wrong = [f"{key} is not there" for key in truth if key not in read]
    wrong += [f"{key} is new" for key in read if key not in truth]
    for key in truth.keys() & read.keys():
        for name in QUANTITIES:
            value, right = getattr(read[key], name), truth[key].get(name, math.nan)
            if (value == value) != (right == right) or abs(value - right) > 1e-5 * max(abs(right), 1e-3):
                wrong.append(f"{name} of {key}: {value:g} and not {right:g}")
    return wrong

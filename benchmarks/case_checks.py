"""The cases of `shared/cases`: what a user types, and how each answer is judged."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from oracle_values import written

Rows = list[tuple[str, dict[str, float]]]


@dataclass(frozen=True)
class Answer:
    """What the command said, and the table that it wrote, if it did."""

    code: int
    text: str
    out: Path

    @property
    def rows(self) -> Rows:
        """The rows of the table; none where there is no table."""
        return written(self.out) if self.out.exists() else []


@dataclass(frozen=True)
class Try:
    """One command.

    Attributes:
        case: Folder of the case.
        command: Arguments of `perfusio`; OUT stands for a fresh table. A `.py` first is run by Python.
        is_right: Whether a table that was written, or what was told, is right.
        words: Words of a right question or refusal; empty = it must be read.
        before: Commands to run first.
        is_long: Whether a run is simulated.
    """

    case: str
    command: str
    is_right: Callable[[Answer], bool]
    words: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    is_long: bool = False


def said(*words: str) -> Callable[[Answer], bool]:
    """Right if all of these were told, whatever was written."""
    return lambda answer: all(re.search(w, answer.text, re.IGNORECASE) for w in words)


def never(_: Answer) -> bool:
    """No table that is written could be right."""
    return False


def column(name: str, values: Sequence[float], *, rows: int | None = None) -> Callable[[Answer], bool]:
    """Right if a quantity begins with these values."""

    def check(answer: Answer) -> bool:
        read = [n.get(name) for _, n in answer.rows]
        n_fits = rows is None or len(read) == rows
        return n_fits and all(
            r is not None and abs(r - v) <= 2e-3 * max(abs(v), 1e-3) for r, v in zip(read, values, strict=False)
        ) and len(read) >= len(values)  # fmt: skip

    return check


def all_of(*checks: Callable[[Answer], bool]) -> Callable[[Answer], bool]:
    """Right if every check holds."""
    return lambda answer: all(check(answer) for check in checks)


def vessels(n: int, each: int, quantities: Sequence[str]) -> Callable[[Answer], bool]:
    """Right if there are n vessels with so many samples each, all of them with these quantities."""

    def check(answer: Answer) -> bool:
        names = [text for text, _ in answer.rows]
        full = all(q in numbers for _, numbers in answer.rows for q in quantities)
        return full and len(set(names)) == n and all(names.count(x) == each for x in set(names))

    return check


def _times(answer: Answer) -> list[float]:
    return [n["time"] for _, n in answer.rows]


def _late_titers(answer: Answer) -> bool:
    days = {round(n["time"] / 24.0) for _, n in answer.rows if "titer" in n}
    return days == {3, 5, 7}


def _clock_times(answer: Answer) -> bool:
    times = _times(answer)
    return len(times) == 15 and abs(times[1] - (24 + 67 / 60)) < 0.01 and abs(times[3] - (72 + 21 / 60)) < 0.01


BIOHT = vessels(2, 5, ("glucose", "lactate", "glutamine", "ammonium", "titer"))
XR = all_of(
    column("vcd", (0.517, 0.947, 1.715, 3.044, 5.218), rows=5), column("viability", (98.4, 98.53)),
    column("diameter", (15.1, 15.1)),
)  # fmt: skip
VCD = column("vcd", (0.517, 0.947, 1.715), rows=15)
FRACTIONS = ("fraction", "%")
TRIES: tuple[Try, ...] = (
    Try("01-bioht-archive", "import f01_bioht_archive.txt --out OUT", BIOHT),
    Try("01-bioht-archive", "import f02_bioht_padded.txt --out OUT", BIOHT),
    Try("01-bioht-archive", "import f02b_bioht_noarchive.txt --out OUT", BIOHT),
    Try("02-bioht-one-sample-many-times", "import f02b_bioht_noarchive.txt --out OUT", BIOHT),
    Try("03-vicell-xr-two-header-rows", "import f03_vicell_xr.xlsx --out OUT", XR),
    Try("03-vicell-xr-two-header-rows", "import f03_vicell_xr.txt --out OUT", XR),
    Try("03-vicell-xr-two-header-rows", "import f03b_vicell_xr_header_first.txt --out OUT", XR),
    Try("10-flex2-qc-rows", "import f28_flex_qc.csv --out OUT",
        all_of(said("QC"), lambda a: len(a.rows) > 0 and 5.0 not in [n["vcd"] for _, n in a.rows])),
    Try("10-flex2-qc-rows", "run --csv f28_flex_qc.csv --days 5 --out DIR",
        lambda a: not re.search(r"VCD\s+5\.00", a.text) and bool(re.search("QC", a.text)), is_long=True),
    Try("12-blu-barcodes", "import blu.csv --out OUT", never, ("--reactor|--vessel",)),
    Try("13-names-end-in-vessel-number", "import f40_iso.csv --out OUT", vessels(4, 5, ("vcd",)), ("vessel",)),
    Try("13-names-end-in-vessel-number", "import f40b_iso.csv --out OUT", vessels(4, 5, ("vcd",)), ("vessel",)),
    Try("17-line-above-the-header", "import sheet.csv --out OUT", never, ("line 2 looks like",)),
    Try("18-lactate-in-g-per-L", "import f09_lac_gL.csv --out OUT", column("lactate", (2.775,)),
        ("g/L", "mmol/L", "lactate|Lac")),
    Try("18-lactate-in-g-per-L", "run --csv f09_lac_gL.csv --days 8 --out DIR", never, ("g/L", "mmol/L"), is_long=True),
    Try("20-late-titer-into", "import titer_late.csv --into OUT", _late_titers, ("inoculated",),
        before=("import flex.csv --out OUT",)),
    Try("24-perfusion-in-mL-per-h", "import f19_perf_mLh.csv --out OUT", never, ("mL/h",)),
    Try("24-perfusion-in-mL-per-h", "import f19b_perf_mLh_header.csv --out OUT", never, ("working.volume",)),
    Try("24-perfusion-in-mL-per-h", "import f19b_perf_mLh_header.csv --working-volume 250mL --out OUT",
        column("perfusion_rate", (1.00032, 1.00032))),
    Try("24-perfusion-in-mL-per-h", "recommend --runs mLh.csv --batch 2 --days 14", never, ("mL/h",)),
    Try("25-vcd-in-1e5", "import f25_vcd_1e5.csv --out OUT", never, ("1e5",)),
    Try("27-viability-mixed", "import f12_via_mixed.csv --out OUT", never, FRACTIONS),
    Try("27-viability-mixed", "import f43_percent_mixed.xlsx --out OUT",
        lambda a: bool(a.rows) and min(n["viability"] for _, n in a.rows) > 50, FRACTIONS),
    Try("27-viability-mixed", "recommend --runs viamix.csv --batch 2 --days 14", never, FRACTIONS),
    Try("29-formula-without-value", "import f46b_formula_nocache.xlsx --out OUT", never, ("formula", "Excel")),
    Try("35-date-and-time-columns", "import f10_date_time.csv --out OUT", _clock_times),
    Try("35-date-and-time-columns", "import f10b_date_sampletime.csv --out OUT", _clock_times),
    Try("39-units-people-write", "import f25b_header_10E6.csv --out OUT", never, ("10E6", "1e6|1e7|10 x")),
    Try("39-units-people-write", "import f25c_header_variants.csv --out OUT", all_of(
        VCD, column("viability", (98.4, 98.53)), column("glucose", (5.5994,)), column("ammonium", (0.5987,)))),
    Try("39-units-people-write", "import f25d_lac_mgdl.csv --out OUT", all_of(
        VCD, column("glucose", (5.6,)), column("lactate", (2.775,)), column("titer", (0.0, 18.0)))),
    Try("39-units-people-write", "import f25f_vcd_upper.csv --out OUT", never, ("10E6",)),
    Try("42-online-density", "run --csv f52_online10min.csv --days 3 --out DIR",
        lambda a: not re.search(r"^ *\d\.[3-7]\d? +\d", a.text, re.MULTILINE), is_long=True),
    Try("43-limits-as-fractions", "run experiment.toml", never, ("95",), is_long=True),
    Try("46-target-in-cells-per-mL", "run experiment.toml", never, ("30", "cells/mL"), is_long=True),
    Try("47-all-zero-sample", "run --csv f70_zero_sample.csv --days 8 --out DIR",
        lambda a: not re.search("rises beyond 8", a.text), is_long=True),
    Try("51-runs-outside-the-design-space", "recommend --runs mLh.csv --batch 2 --days 14",
        said("outside"), ("mL/h",)),
    Try("52-pending-within-resolution", "try.py RUNS", lambda a: "pending: []" in a.text, is_long=True,
        before=("simulate --design latin-hypercube --runs 5 --days 14 --seed 3 --out DIR",)),
    Try("57-opcua-rig-that-rounds", "opc1.py", lambda a: a.text.count("DONE") >= 2, is_long=True),
    Try("58-opcua-value-that-stays", "opc2.py", lambda a: "'glucose'" in a.text.split("B.")[0].split("->")[-1],
        is_long=True),
    Try("60-ammonia-in-mg-per-L", "import nh3.csv --out OUT", column("ammonium", (0.278, 5.0))),
    Try("60-ammonia-in-mg-per-L", "import bioht.txt --out OUT", column("ammonium", (0.278, 5.0))),
)  # fmt: skip

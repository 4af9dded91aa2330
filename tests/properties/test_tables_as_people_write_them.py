"""A table with shuffled columns, other spellings, units, decimal marks and gaps comes back equal, or is asked about."""

import math

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from perfusio.errors import QuestionOpen
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.table import parse_table

# Header as people write it, and the factor from the canonical unit to theirs; a bare name is in the canonical unit.
WRITTEN = {
    "vcd": (("VCD [1e6 cells/mL]", 1.0), ("Xv (10⁶/mL)", 1.0), ("Viable Cell Density [x10^6 vc/mL]", 1.0),
            ("VCC (cells/mL)", 1e6), ("Viable cells [10^5 cells·mL⁻¹]", 10.0), ("VCD", 1.0),
            ("VCD (10E6 cells/mL)", 1.0)),
    "viability": (("Via [%]", 1.0), ("Viability (%)", 1.0), ("viability [-]", 0.01), ("Viab", 1.0)),
    "glucose": (("Glc [g/L]", 1.0), ("Glucose (mM)", 1e3 / 180.16), ("gluc [mg/dL]", 100.0), ("Glucose", 1.0)),
    "lactate": (("Lac [mmol/L]", 1.0), ("Lactate (g·L⁻¹)", 0.09008), ("lactic acid [mg/L]", 90.08), ("Lac", 1.0)),
    "ammonium": (("NH4+ [mmol/L]", 1.0), ("NH3 [mg/L]", 17.03), ("Ammonium (mg/L)", 18.04), ("Amm", 1.0)),
    "titer": (("IgG [mg/L]", 1.0), ("mAb (g/L)", 1e-3), ("titre [µg/mL]", 1.0), ("Titer [mg/dL]", 0.1), ("Titer", 1.0)),
    "perfusion_rate": (("perfusion [1/day]", 1.0), ("VVD", 1.0), ("perfusion rate (1/h)", 1 / 24), ("perfusion", 1.0)),
}  # fmt: skip
TIMES = (("day", 1.0), ("time [h]", 24.0), ("Culture time (d)", 1.0))
MARKS = ((",", "."), (";", ","), ("\t", "."), (";", "."), ("\t", ","))


@st.composite
def tables(draw):
    """Draw a culture and one way to write it; return the bytes and the true values by quantity."""
    n, growth, most = draw(st.integers(6, 12)), draw(st.floats(0.4, 0.9)), draw(st.floats(10.0, 60.0))
    truth = {name: [] for name in WRITTEN}
    for day in range(n):
        vcd = min(0.6 * math.exp(growth * day), most)
        truth["vcd"].append(vcd)
        truth["viability"].append(draw(st.floats(90.0, 99.9)))
        truth["glucose"].append(draw(st.floats(2.0, 6.0)))
        truth["lactate"].append(1.0 + vcd * 0.8)
        truth["ammonium"].append(0.5 + vcd * 0.05)
        truth["titer"].append(12.0 * vcd)
        truth["perfusion_rate"].append(1.0)
    separator, mark = draw(st.sampled_from(MARKS))
    time, per_day = draw(st.sampled_from(TIMES))
    columns = [(time, [per_day * day for day in range(n)])]
    for name, values in truth.items():
        header, factor = draw(st.sampled_from(WRITTEN[name]))
        gap = draw(st.integers(1, n - 1)) if name not in ("vcd", "perfusion_rate") and draw(st.booleans()) else None
        if gap is not None:
            values[gap] = math.nan
        columns.append((header, [v * factor for v in values]))
    columns = draw(st.permutations(columns))
    lines = [separator.join(header for header, _ in columns)]
    for i in range(n):
        cells = ["" if math.isnan(values[i]) else f"{values[i]:.7f}".replace(".", mark) for _, values in columns]
        lines.append(separator.join(cells))
    return ("\n".join(lines) + "\n").encode(), truth


@given(tables())
@settings(max_examples=150, deadline=None)
def test_it_comes_back_equal_or_is_asked_about(drawn):
    content, truth = drawn
    try:
        rows = parse_table(content, "sheet.csv", ReadOptions(is_part=True)).rows
    except QuestionOpen:
        event("asked")
        return
    for name, values in truth.items():
        read = [getattr(r.setpoints if name == "perfusion_rate" else r.state, name) for r in rows]
        assert read == pytest.approx(values, rel=1e-5, abs=1e-4, nan_ok=True), name

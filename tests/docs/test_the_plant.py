"""The page about the plant says what the code says. Run this file as a script to bring its table up to date."""

from pathlib import Path

import pytest

from perfusio.plant import equations, kinetics
from perfusio.plant.clones import CLONE_X, CLONE_Y
from perfusio.plant.medium import Equipment, Medium
from perfusio.plant.parameters import PARAMETERS
from perfusio.plant.sensors import SensorSettings
from perfusio.state import SETPOINTS, STATE_QUANTITIES

PAGE = Path(__file__).parents[2] / "docs" / "explanations" / "the-plant.md"
MARKS = {name: (f"<!-- {name} -->\n", f"<!-- /{name} -->") for name in ("parameters", "analyzers")}


def parameters() -> str:
    lines = [
        "| constant | unit | low | high | CloneX | CloneY | meaning | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, p in PARAMETERS.items():
        x, y = (getattr(clone.kinetics, name) for clone in (CLONE_X, CLONE_Y))
        lines.append(f"| `{name}` | {p.unit} | {p.low:g} | {p.high:g} | {x:g} | {y:g} | {p.meaning} | {p.source} |")
    return "\n".join(lines) + "\n"


def analyzers() -> str:
    """Of the usual laboratory: noise and detection limit of each quantity."""
    usual = SensorSettings()
    lines = ["| quantity | noise (sd) | detection limit |", "|---|---|---|"]
    for name, quantity in STATE_QUANTITIES.items():
        noise = f"{usual.viability_sd:g} points" if name == "viability" else f"{100.0 * usual.cv[name]:g} %"
        limit = f"{usual.limits[name]:g} {quantity.unit}" if name in usual.limits else "-"
        lines.append(f"| `{name}` | {noise} | {limit} |")
    return "\n".join(lines) + "\n"


TABLES = {"parameters": parameters, "analyzers": analyzers}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_up_to_date(name):
    start, end = MARKS[name]
    page = PAGE.read_text(encoding="utf-8")
    assert page.split(start)[1].split(end)[0] == TABLES[name](), f"python {Path(__file__).name} writes the tables anew"


def test_every_setpoint_is_explained():
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in page for name in SETPOINTS)


def test_numbers_in_the_text_are_those_of_the_code():
    page, medium, pumps = PAGE.read_text(encoding="utf-8"), Medium(), Equipment()
    for words in (
        f"S = {pumps.sampling_flow:g}",
        f"R = {equations.RETENTION:g}",
        f"R_d = {equations.RETENTION_DEAD:g}",
        f"{medium.glucose:g} g/L glucose",
        f"{medium.glutamine:g} mmol/L glutamine",
        f"{pumps.concentrate_glucose:g} g/L concentrate",
        f"at most {pumps.concentrate_max_flow:g} VVD",
        f"OTR = {kinetics.OXYGEN_CAPACITY:g} mmol/L/day",
        f"({kinetics.OVERFLOW_GLUCOSE:g} + G)",
        f"({kinetics.GLUCOSE_AFFINITY:g} + G)",
        f"({kinetics.LACTATE_AFFINITY:g} + L)",
        f"(sigma_P - {kinetics.SIEVING_FLOOR:g})",
        f"({kinetics.GLUTAMATE_AFFINITY:g} + Glu)",
        f"({kinetics.PYRUVATE_AFFINITY:g} + Pyr)",
        f"({kinetics.AMMONIUM_AFFINITY:g} + NH4)",
        f"probability of {100.0 * SensorSettings().missing:g} %",
    ):
        assert words in page, words


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    for name, (start, end) in MARKS.items():
        before, rest = text.split(start)
        text = before + start + TABLES[name]() + end + rest.split(end)[1]
    PAGE.write_text(text, encoding="utf-8")

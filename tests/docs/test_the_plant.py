"""The page about the plant says what the code says. Run this file as a script to bring its table up to date."""

from pathlib import Path

from perfusio.plant import equations, kinetics
from perfusio.plant.clones import CLONE_X, CLONE_Y
from perfusio.plant.medium import Equipment, Medium
from perfusio.plant.parameters import PARAMETERS
from perfusio.state import SETPOINTS

PAGE = Path(__file__).parents[2] / "docs" / "explanations" / "the-plant.md"
START, END = "<!-- parameters -->\n", "<!-- /parameters -->"


def table() -> str:
    lines = [
        "| constant | unit | low | high | CloneX | CloneY | meaning | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, p in PARAMETERS.items():
        x, y = (getattr(clone.kinetics, name) for clone in (CLONE_X, CLONE_Y))
        lines.append(f"| `{name}` | {p.unit} | {p.low:g} | {p.high:g} | {x:g} | {y:g} | {p.meaning} | {p.source} |")
    return "\n".join(lines) + "\n"


def test_table_of_constants_is_up_to_date():
    page = PAGE.read_text(encoding="utf-8")
    assert page.split(START)[1].split(END)[0] == table(), f"python {Path(__file__).name} writes the table anew"


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
        f"towards {kinetics.SIEVING_FLOOR:g}",
    ):
        assert words in page, words


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(START)
    PAGE.write_text(before + START + table() + END + rest.split(END)[1], encoding="utf-8")

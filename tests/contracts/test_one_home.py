"""A unit, a molar mass, a range or a noise level of a quantity stands in the panel and nowhere else.

What still stands elsewhere is in `second_homes.toml`, by file; that list only shrinks.
"""

import ast
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from perfusio.process import CHO_PERFUSION

ROOT = Path(__file__).parents[2] / "src" / "perfusio"
LISTED = Path(__file__).with_name("second_homes.toml")
HOMES = ("process/", "quantities.py", "units.py", "plant/", "connectors/database/migrations/")
"""The panel; the two tables of units (a test compares them); virtual cultures, which are the truth to find out."""
NAMES = {q.name for q in CHO_PERFUSION.quantities}
UNITS = {q.unit for q in CHO_PERFUSION.quantities} - {"%"}  # which is also how numbers are written
MOLAR = {m * f for q in CHO_PERFUSION.quantities if (m := q.molar_mass) for f in (1.0, 1e-1, 1e-3)}
MANY = len(CHO_PERFUSION.setpoints)
"""So many bare numbers in a row are an array by position."""


def _numbers(node):
    return [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and type(n.value) in (int, float)]


def _is_number(node):
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _units_of_constants(tree):
    """A number given with its unit, ``rate("growth", 0.8, "1/day")``, is a constant of a law, no fact of a quantity."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (unit for value, unit in pairwise(node.args) if _is_number(value))


def second_homes(source):
    """What of a source says a fact that the panel says, in words."""
    found, tree = [], ast.parse(source)
    of_constants = set(_units_of_constants(tree))
    for node in ast.walk(tree):
        if node in of_constants:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in UNITS:
            found.append(f"unit {node.value}")
        elif _is_number(node) and any(abs(node.value - m) <= 1e-9 * m for m in MOLAR):
            found.append(f"molar mass {node.value}")
        elif isinstance(node, ast.List | ast.Tuple) and len(node.elts) >= MANY and all(map(_is_number, node.elts)):
            found.append(f"array {ast.unparse(node)[:40]}")
        elif isinstance(node, ast.Dict):
            keys = [k.value for k in node.keys if isinstance(k, ast.Constant)]
            about = [v for k, v in zip(keys, node.values, strict=False) if k in NAMES and _numbers(v)]
            found += [f"table of {', '.join(k for k in keys if k in NAMES)}"] if len(about) > 1 else []
    return found


@cache
def found():
    homes = {}
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(HOMES) and (facts := second_homes(path.read_text(encoding="utf-8"))):
            homes[name] = facts
    return homes


def test_no_fact_has_a_second_home_that_is_not_listed():
    listed = tomllib.loads(LISTED.read_text(encoding="utf-8"))["second_homes"]
    more = {name: facts for name, facts in found().items() if len(facts) > listed.get(name, 0)}
    assert not more, f"Say it in process/cho_perfusion.py and derive it here: {more}"
    fewer = {name: n for name, n in listed.items() if n > len(found().get(name, []))}
    assert not fewer, f"Lower these numbers in {LISTED.name}, or take them out: {fewer}"


@pytest.mark.parametrize(
    "source",
    [
        "UNIT = '1e6 cells/mL'", "M = 180.16", "M = 0.18016", "x = 25.0 / 146.14", "F = np.array([1, 2, 3, 4, 5, 6.0])",
        "CV = {'glucose': 0.05, 'lactate': 0.05}", "RANGE = {'glucose': (0, 12), 'vcd': (0, 400)}",
    ],
)  # fmt: skip
def test_a_second_home_is_found(source):
    assert len(second_homes(source)) == 1


def test_what_is_no_fact_of_a_quantity_is_let_be():
    assert second_homes("rate('growth', 0.8, '1/day')") == []
    assert second_homes("a = {'glucose': 'Glucose', 'vcd': 'VCD'}; b = [1, 2, 3]; c = {'x': 1, 'y': 2}") == []

"""Tables of recipes: what `design` and `recommend` write, `simulate` reads."""

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import UnreadableSource
from perfusio.state import Setpoints
from perfusio.tables.recipes import RECIPES_HEADER, read_recipes, recipe_cells
from perfusio.tables.runs_table import write_csv

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
ROW = "R01,1,design,1,0.15,4,36.5,850,1\n"


@pytest.fixture
def table(tmp_path):
    """A function (rows) that writes them below the header and returns the path."""

    def written(*rows, header=RECIPES_HEADER):
        path = tmp_path / "next.csv"
        path.write_text(",".join(header) + "\n" + "".join(rows), encoding="utf-8")
        return path

    return written


def test_what_is_written_is_read(tmp_path):
    recipes = {"R02": NOMINAL, "R01": Setpoints.of(NOMINAL.vector() * 1.01)}
    rows = [[*row, "a note"] for row in recipe_cells(recipes, "recommended")]
    write_csv(tmp_path / "next.csv", (*RECIPES_HEADER, "why"), rows)
    assert read_recipes(tmp_path / "next.csv") == recipes
    assert list(read_recipes(tmp_path / "next.csv")) == ["R02", "R01"]


def test_a_spreadsheet_may_have_put_a_mark_before_it(table):
    path = table(ROW)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_recipes(path) == {"R01": NOMINAL}


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ((), "has no recipe, only a header"),
        ((ROW, ROW), "line 3: run 'R01', expected a name that no other row has"),
        ((ROW.replace("R01", ""),), "line 2: run ''"),
        ((ROW.replace("36.5", "warm"),), "line 2: could not convert string to float: 'warm'"),
        ((ROW.replace("36.5", ""),), "line 2: temperature is empty"),
        ((ROW.replace("36.5", "99"),), "line 2: temperature = 99 °C is not possible"),
    ],
)
def test_what_is_no_recipe_is_refused_with_its_line(table, rows, match):
    with pytest.raises(UnreadableSource, match=match):
        read_recipes(table(*rows))


def test_another_table_is_refused(table, tmp_path):
    with pytest.raises(UnreadableSource, match=r"no column 'bleed_rate \[1/day\]'.*perfusio recommend --out"):
        read_recipes(table(header=[h for h in RECIPES_HEADER if not h.startswith("bleed")]))
    with pytest.raises(UnreadableSource, match="was not found"):
        read_recipes(tmp_path / "none.csv")

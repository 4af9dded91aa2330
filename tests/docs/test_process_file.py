"""The reference of process.toml names every entry that a document may have, and no other."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from perfusio.process import CHO_PERFUSION
from perfusio.process import facts as parts
from perfusio.process.document import BASES, ENTRIES
from perfusio.process.roles import CELLS
from perfusio.process.species import Setpoint, SetpointRole, Species, SpeciesRole

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "process-file.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def entries(table):
    """Entries in the first cells of the rows of a table."""
    cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)[1:]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def tables(section):
    """Each table of a section, by what its first cell says."""
    found = re.findall(r"((?:^\|.*\n?)+)", section, re.MULTILINE)
    return {re.match(r"\| (.*?) \|", table)[1].strip("`[]"): table for table in found}


def of(kind):
    return {f.name for f in fields(kind) if f.init}


def test_the_file_has_these_entries():
    assert entries(tables(SECTIONS["The file"])["entry"]) == set(ENTRIES)
    for base in BASES:
        assert f'"{base}"' in SECTIONS["The file"]


@pytest.mark.parametrize(
    ("section", "kind", "inner"),
    [
        (
            "A species",
            Species,
            ("noise", "prior", "unexplained", "rise", "fall", "usual", "per_cell", "alarm", "analyzer"),
        ),
        ("A setpoint", Setpoint, ("allowed",)),
    ],
)
def test_a_quantity_has_these_entries(section, kind, inner):
    found = tables(SECTIONS[section])
    assert entries(found["entry"]) == of(kind)
    kinds = {"usual": parts.UsualColumn, "per_cell": parts.PerCell}
    for name in inner:
        assert entries(found[name]) == of(kinds.get(name) or getattr(parts, name.capitalize())), name
    assert set(found) == {"entry", *inner}


def test_a_limit_has_these_entries():
    assert entries(tables(SECTIONS["A limit"])["limits"]) == of(parts.Limit)


@pytest.mark.parametrize("role", [*SpeciesRole.__args__, *SetpointRole.__args__])
def test_every_role_is_named(role):
    assert f"`{role}`" in PAGE


def test_what_is_said_of_the_base_is_so():
    assert {n: CHO_PERFUSION.medium[n] for n in CHO_PERFUSION.medium} == {"glucose": 5.0, "glutamine": 6.0}
    assert (CHO_PERFUSION.equipment.sampling, CHO_PERFUSION.clear_days, CELLS) == (0.015, 7.0, "vcd")

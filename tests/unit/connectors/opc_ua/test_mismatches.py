"""A node without a unit whose present value fits another one better is told before a run; a told unit is not."""

from datetime import UTC, datetime

import pytest

from perfusio.connectors.opc_ua.mismatches import NodeShown, mismatches
from perfusio.connectors.opc_ua.node_map import node_map_of
from perfusio.connectors.opc_ua.properties import Properties
from perfusio.connectors.opc_ua.samples import Reading

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)


def found(glucose, value=25.0, told_by_server=""):
    node_map = node_map_of({
        "namespaces": {"rig": "urn:rig"}, "vessels": {"R01": "R01"},
        "sample": {"number": "rig:s=N", "time": "rig:s=T"},
        "measured": {"vcd": {"node": "rig:s=X", "unit": "1e6 cells/mL"}, "glucose": glucose},
    })  # fmt: skip
    vessel = node_map.vessels["R01"]
    values = {"vcd": 8.0, "glucose": value, "number": 3.0, "time": 24.0}
    nodes = {
        tag: NodeShown(
            reading=Reading(value=values[tag.name], status="Good", source_time=NOW), may_write=False, is_whole=False,
            properties=Properties(unit=told_by_server if tag.name == "glucose" else ""),
        )
        for tag in vessel.tags()
    }  # fmt: skip
    return [text for text in mismatches(vessel, nodes, None, NOW) if "glucose" in text]


def test_a_value_that_fits_another_unit_better_is_told_with_both_readings():
    (text,) = found({"node": "rig:s=G"})
    for words in ("R01", "mmol/L", "g/L", "unit = ..."):
        assert words in text


@pytest.mark.parametrize(
    ("glucose", "value", "told_by_server"),
    [({"node": "rig:s=G"}, 4.5, ""), ({"node": "rig:s=G", "unit": "g/L"}, 25.0, ""), ({"node": "rig:s=G"}, 25.0, "g/L"),
     ({"node": "rig:s=G", "unit": "mmol/L"}, 25.0, "")],
)  # fmt: skip
def test_a_value_that_fits_and_a_unit_that_was_told_are_not(glucose, value, told_by_server):
    assert found(glucose, value, told_by_server) == []

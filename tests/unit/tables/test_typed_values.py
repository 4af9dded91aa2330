"""Typed values follow the grammar of files: units are converted, all that is wrong is told together."""

import pytest

from perfusio.errors import ConfigError
from perfusio.process import CHO_PERFUSION
from perfusio.tables.typed_values import typed_values


def test_a_unit_is_converted_and_none_is_the_canonical_one():
    found = typed_values({"glucose": "4.5 g/L", "lactate": "1.8016 g/L", "vcd": "12"}, CHO_PERFUSION)
    assert found["glucose"] == pytest.approx(4.5)
    assert found["lactate"] == pytest.approx(20.0, rel=1e-3)
    assert found["vcd"] == 12.0


def test_all_that_is_wrong_is_told_together():
    typed = {"glucose": "4,6", "lactat": "3", "viability": "120", "titer": "", "ammonium": "<0.1"}
    with pytest.raises(ConfigError) as refused:
        typed_values(typed, CHO_PERFUSION)
    said = str(refused.value)
    for word in ("has a comma", "lactat", "viability", "titer", "is a limit"):
        assert word in said

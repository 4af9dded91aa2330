"""`changed` is `dataclasses.replace`, but for what is checked when a value is made."""

from dataclasses import replace

import pytest

from perfusio.frozen import changed
from perfusio.record.run_state import RunState, Today


def test_it_changes_the_fields_that_are_named_and_keeps_the_others():
    before = RunState(run_id="r", n_samples=2, today=Today(turn=3))
    after = changed(before, n_samples=3, left=frozenset({"R01"}))
    assert after == replace(before, n_samples=3, left=frozenset({"R01"}))
    assert before.n_samples == 2
    with pytest.raises(AttributeError):
        after.n_samples = 4


def test_a_field_that_is_not_there_is_refused():
    with pytest.raises(TypeError, match="RunState has no field 'n_sample'"):
        changed(RunState(), n_sample=1)

"""Models that break, and the row that a broken promise would give."""

import asyncio

from perfusio.selftest.loop import soak as soak_module
from perfusio.selftest.loop.model_faults import Sick, model_faults, not_learnt, not_written
from perfusio.selftest.loop.soak import Watch, soak
from perfusio.testing.fakes import SteadyModel


def test_a_model_that_fails_is_never_used():
    row = model_faults(False)
    assert row.is_kept, row.note
    assert row.n_tried > 15


def test_a_model_that_works_fails_the_test_so_the_test_can_fail():
    assert asyncio.run(not_written(SteadyModel())) == "something was written"
    assert asyncio.run(not_learnt(SteadyModel(), "")) == "the model was replaced"


def test_a_cause_that_is_not_named_is_seen():
    assert "does not name" in asyncio.run(not_learnt(Sick(fault=ValueError("one thing")), "another thing"))


def test_a_fleet_on_links_that_fail_completes():
    row = soak(False)
    assert row.is_kept, row.note
    assert row.n_tried == 28
    assert " 0 faults" not in row.note


def test_growing_memory_is_seen():
    watch = Watch()
    watch.memory_mb = [100.0, 400.0, 500.0, *(500.0 + 2.0 * day for day in range(6))]
    assert abs(watch.slope_mb() - 2.0) < 1e-9


def test_more_alarms_than_a_person_can_act_upon_break_the_promise(monkeypatch):
    monkeypatch.setattr(soak_module, "MOST_ALARMS", -1.0)  # none at all are too many
    row = soak(False)
    assert not row.is_kept
    assert row.note.endswith("; too many alarms")

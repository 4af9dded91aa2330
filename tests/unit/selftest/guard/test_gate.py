"""T05 finds no escape in the guard as it is, and finds each rule that is taken out of it."""

import numpy as np
import pytest

from perfusio.selftest.guard import gate
from perfusio.state import SETPOINTS
from perfusio.twin.writes import guard

N = 3_000


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(gate, "N_VECTORS_QUICK", N)


def test_no_vector_escapes(few):
    tried = gate.gate(False)
    assert tried.is_kept, tried.note
    assert tried.n_tried == N
    assert int(tried.note.split(",")[0].split()[-1]) > N / 10  # many are let pass


@pytest.mark.parametrize("rule", [0, 1, 2])
def test_a_guard_without_one_of_its_rules_is_caught(few, monkeypatch, rule):
    kept = guard.breaches

    def without(*numbers):
        found = list(kept(*numbers))
        found[rule] = np.zeros_like(found[rule])
        return tuple(found)

    monkeypatch.setattr(guard, "breaches", without)
    assert gate.gate(False).n_failed > 0


def test_a_guard_that_lets_cells_starve_is_caught(few, monkeypatch):
    monkeypatch.setattr(guard, "starves", lambda *_: False)
    tried = gate.gate(False)
    assert tried.n_failed > 0
    assert "starves" in tried.note


def test_a_guard_that_lets_nothing_pass_keeps_no_promise(few, monkeypatch):
    monkeypatch.setattr(guard, "_not_usable", lambda *_: ("No.",))
    assert not gate.gate(False).is_kept


def test_the_order_of_setpoints_is_the_one_that_the_rules_go_by():
    assert SETPOINTS[:2] == ("perfusion_rate", "bleed_rate")

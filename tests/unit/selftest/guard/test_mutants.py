"""The guard answers every case as it should; changed in a small way it does not, and that is noticed."""

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest

from perfusio.selftest.guard import mutants
from perfusio.selftest.guard.guard_checks import cases, wrong_answers
from perfusio.twin.writes import guard

SOURCE = Path(guard.__file__).read_text()


def changed(before, after):
    assert SOURCE.count(before) == 1
    return mutants.as_module(ast.parse(SOURCE.replace(before, after)))


def test_the_guard_answers_every_case_as_it_should():
    assert list(wrong_answers(guard)) == []
    assert len(list(cases())) > 100


def test_a_guard_that_lets_everything_pass_fails_every_case_that_must_be_held():
    def passes(decision, *, reactor, **_):
        return guard.Verdict(reactor_id=reactor, setpoints=decision.setpoints, action=guard.Action.WRITE)

    everything = SimpleNamespace(guard=passes, breaches=guard.breaches, starves=guard.starves)
    with pytest.raises(AttributeError):  # of an error in the place of a decision
        list(wrong_answers(everything))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("BLIND_HOURS = 48.0", "BLIND_HOURS = 49.0"),
        ("np.abs(new - current) <= max_step", "np.abs(new - current) < max_step"),
        ("count, max(floors)", "count, min(floors)"),
        ("if mode is Mode.AUTOMATIC", "if mode is not Mode.HOLD"),
        ("np.clip(decision.setpoints.vector(), design_space.low, design_space.high)", "decision.setpoints.vector()"),
    ],
)
def test_a_small_change_is_noticed(before, after):
    assert mutants.is_noticed(changed(before, after))


def test_a_guard_that_no_case_but_a_vector_finds_is_noticed(monkeypatch):
    monkeypatch.setattr(mutants, "wrong_answers", lambda module: iter(()))
    rule = "~rules.are_balanced(new, panel)"
    assert mutants.is_noticed(changed(rule, f"(new > 1e9).any() & {rule}"))
    assert not mutants.is_noticed(guard)


def test_nearly_all_mutants_are_noticed():
    row = mutants.mutants(False)
    assert row.is_kept, row.note
    assert row.n_tried > 100


@pytest.fixture
def few(monkeypatch):
    """Every eighth of the mutants."""
    sites = mutants.sites
    monkeypatch.setattr(mutants, "sites", lambda tree: sites(tree)[::8])


def test_survivors_are_named_and_too_many_of_them_break_the_promise(few, monkeypatch):
    monkeypatch.setattr(mutants, "wrong_answers", lambda module: iter(()))  # vectors alone do not see enough
    monkeypatch.setattr(mutants, "N_VECTORS", 50)
    row = mutants.mutants(False)
    assert not row.is_kept
    assert "; survived: line " in row.note


def test_checks_that_fail_on_the_guard_itself_prove_nothing(few, monkeypatch):
    monkeypatch.setattr(mutants, "wrong_answers", lambda module: iter(["always wrong"]))
    row = mutants.mutants(False)
    assert not row.is_kept
    assert "as it is" in row.note

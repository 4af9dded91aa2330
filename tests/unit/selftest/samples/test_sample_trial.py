"""The trial of false samples: quick, and it finds a bug that is planted in the checks."""

import pytest

from perfusio.selftest.samples.cultures import CELL_LINES, grown
from perfusio.selftest.samples.false_samples import KINDS
from perfusio.selftest.samples.sample_trial import N_DAYS, in_words, one_run
from perfusio.twin.samples import admission
from perfusio.twin.samples.sample_checks import Checked


@pytest.fixture(scope="module")
def cultures():
    return grown(2, N_DAYS, seed=19)


def test_every_kind_of_false_sample_is_found_and_no_true_one_refused(cultures):
    found = [one_run(i, cultures) for i in range(len(KINDS))]
    missed = {t.kind for t in found if not (t.is_quarantined or t.is_doubted)}
    assert missed <= {"swapped columns", "another vessel's"}, in_words(found)  # not all of these differ enough
    assert len(missed) < 2
    assert not any(t.n_refused for t in found), in_words(found)
    assert not any(t.has_ended for t in found), in_words(found)


def test_the_trial_notices_checks_that_believe_everything(cultures, monkeypatch):
    monkeypatch.setattr(admission, "checked", lambda sample, *_, **__: Checked(sample=sample))
    assert not one_run(0, cultures).is_quarantined


def test_cultures_are_of_several_authors():
    assert {name.partition("-")[0] for name in CELL_LINES} >= {"CloneX", "Y", "Monod", "Own2"}

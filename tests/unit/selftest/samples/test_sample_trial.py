"""The trial of false samples: quick, and it finds a bug that is planted in the checks."""

import numpy as np
import pytest

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.selftest.samples.cultures import CELL_LINES, CHOSEN_ON, grown
from perfusio.selftest.samples.false_samples import KINDS
from perfusio.selftest.samples.sample_trial import PANELS, _run, deceived, in_words
from perfusio.twin.samples import admission
from perfusio.twin.samples.sample_checks import Checked


@pytest.fixture(scope="module")
def fleet():
    """Five vessels, each deceived in a way of its own."""
    cultures, rng = grown(5, 8, seed=4, cell_lines=("CloneX", "Y-T127")), np.random.default_rng(4)
    return {f"R0{i + 1}": deceived(0, i, cultures, rng) for i in range(5)}


def test_every_kind_of_false_sample_is_found_and_no_true_one_refused(fleet):
    found = _run(fleet, {}, CHO_PERFUSION, 0)
    assert {t.kind for t in found} == set(KINDS)
    missed = {t.kind for t in found if not t.is_found}
    assert missed <= {"swapped columns"}, in_words(found)  # not all of these differ enough
    assert not any(t.n_refused or t.has_ended for t in found), in_words(found)


def test_the_trial_notices_checks_that_believe_everything(fleet, monkeypatch):
    monkeypatch.setattr(admission, "checked", lambda sample, *_, **__: Checked(sample=sample))
    (found,) = _run({"R01": fleet["R01"]}, {}, CHO_PERFUSION, 0)
    assert not found.is_found


def test_cultures_are_of_several_authors_and_none_that_the_checks_were_chosen_on():
    assert {name.partition("-")[0] for name in CELL_LINES} >= {"CloneY", "Y", "Monod", "Own2"}
    assert not set(CELL_LINES) & set(CHOSEN_ON)
    assert len(set(PANELS)) > 2

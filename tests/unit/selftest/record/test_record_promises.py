"""T01 and T03 find nothing in the record as it is, and find bugs that are planted in it."""

import pytest

from perfusio.record import recovery
from perfusio.record.verification.site_key import PublicKey
from perfusio.record.verification.verify import VerifyReport
from perfusio.selftest.record import tampering
from perfusio.selftest.record.planted import BUGS
from perfusio.selftest.record.power_loss import WatchedDisk, cut_power
from perfusio.selftest.record.sample_record import events


def test_the_sample_record_has_many_kinds_of_events():
    assert len({type(e) for e in events(40)}) == 7
    assert len(list(events(40))) == 40


def test_no_power_cut_loses_what_was_acknowledged():
    assert cut_power(WatchedDisk, 200, seed=1) == (0, 0)


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_in_the_disk_is_caught(bug):
    lost, _ = cut_power(BUGS[bug], 100, seed=2)
    assert lost > 0


def test_a_recovery_that_refuses_torn_lines_is_caught(monkeypatch):
    monkeypatch.setattr(recovery, "_is_whole", lambda line: True)
    assert cut_power(WatchedDisk, 100, seed=3)[1] > 0


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(tampering, "EVERY_QUICK", 5_003)
    monkeypatch.setattr(tampering, "N_LONG_QUICK", 20)
    monkeypatch.setattr(tampering, "N_FORGED_QUICK", 35)


def test_what_is_done_to_a_record_is_found(few):
    tried = tampering.tampering(False)
    assert tried.is_kept, tried.note
    assert tried.n_tried > 100
    assert "20 records verified" in tried.note


def test_a_verifier_that_looks_at_no_head_is_caught(few, monkeypatch):
    monkeypatch.setattr("perfusio.record.verification.verify.faults", lambda *_: [])
    assert tampering.tampering(False).n_failed >= 40  # cuts at line ends, and the two other records


def test_a_verifier_that_believes_everything_is_caught(few, monkeypatch):
    monkeypatch.setattr(VerifyReport, "is_intact", property(lambda self: True))
    assert not tampering.tampering(False).is_kept


def test_a_verifier_that_looks_at_no_signature_finds_all_but_forged_heads(few, monkeypatch):
    monkeypatch.setattr(PublicKey, "has_signed", lambda *_: True)
    assert tampering.tampering(False).is_kept  # forged heads are the test of `heads`


def test_a_judge_that_remembers_wrongly_is_caught(few, monkeypatch):
    monkeypatch.setattr(tampering, "EVERY_ANEW", 1)
    monkeypatch.setattr(tampering, "looked_at", lambda line: (None, ()))  # remembered: nothing wrong with any line
    assert not tampering.tampering(False).is_kept

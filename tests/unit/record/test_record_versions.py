"""Records of earlier versions verify, are read, mirrored, exported and replayed for ever."""

import json
import shutil
from pathlib import Path

import pytest

from perfusio.record.mirror import copy_record
from perfusio.record.verification import verify_alone
from perfusio.record.verification.schema import misfit
from perfusio.record.verification.verify import read_records, verify
from perfusio.twin.replay import Replay

VERSION_1 = Path(__file__).parents[2] / "fixtures" / "record-v1"
"""A run of two simulated vessels over three days, written by perfusio 0.1.0 of November 2026."""


class Lines:
    """A RecordIndex that keeps lines."""

    def __init__(self):
        self.lines = []

    def last(self, run):
        return 0, ""

    def add(self, lines):
        self.lines += [line for _, line in lines]
        return len(lines)

    def forget(self, run):
        self.lines = []


def test_both_verifiers_find_version_1_intact():
    log = VERSION_1 / "audit.jsonl"
    assert verify(log).is_intact
    assert verify_alone.problems(log.read_bytes(), (VERSION_1 / "audit.heads").read_bytes()) == []


def test_the_turn_of_version_1_is_its_day():
    records = list(read_records(VERSION_1 / "audit.jsonl"))
    lines = (VERSION_1 / "audit.jsonl").read_bytes().splitlines()
    assert [r.turn for r in records] == [json.loads(line)["day"] for line in lines]
    assert {r.culture_day for r in records} == {None}


def test_a_mirror_holds_the_lines_of_version_1_as_they_are():
    index = Lines()
    copy_record(VERSION_1 / "audit.jsonl", index)
    assert index.lines == (VERSION_1 / "audit.jsonl").read_text().splitlines()


def test_the_decisions_of_version_1_are_made_again(tmp_path):
    shutil.copytree(VERSION_1, tmp_path / "run")
    found = list(Replay(tmp_path / "run").compared())
    assert len(found) == 6
    assert [c.turn for c in found] == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("name", ["turn", "culture_day"])
def test_a_line_of_version_1_with_a_name_of_version_2_fits_neither(name):
    data = json.loads((VERSION_1 / "audit.jsonl").read_bytes().splitlines()[3])
    assert misfit(data) is None
    assert misfit({**data, name: 1}) is not None
    assert misfit({**{k: v for k, v in data.items() if k != "day"}, "turn": 1}) is not None

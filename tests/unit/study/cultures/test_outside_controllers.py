"""Controllers of others: each mistake is one sentence that says what was found, and another source is another task."""

import sys

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.errors import ConfigError, PerfusioError
from perfusio.state import State
from perfusio.study.cultures import controllers
from perfusio.study.cultures.control_task import ControlTask
from perfusio.study.cultures.controllers import check_source, controller_named, proposal
from perfusio.study.cultures.outside_controllers import source_sha256_of
from perfusio.trajectory import Trajectory

MISTAKES = """
import numpy as np

def number(h, u, t): return 7
def nothing(h, u, t): pass
def array(h, u, t): return np.zeros(6)
def nan(h, u, t): return {"bleed_rate": h.states[-1].vcd}
def endless(h, u, t): return u.with_values(bleed_rate=float("inf"))
def words(h, u, t): return {"bleed_rate": "much"}
def none(h, u, t): return {"bleed_rate": None}
def bleed(h, u, t): return {"bleed": 0.3}
def one(h): return {}
def tuned(h, u, t, *, gain=1.0): return {"bleed_rate": 0.1 * gain}
no_function = 3
"""
ASKED = (
    Trajectory(reactor_id="R01", states=(State(time_h=72.0),)), SPACE.nominal,
    ControlTask(target=30.0, limits=(), design_space=SPACE, process=SPACE.process, day=3, days=28),
)  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "mistakes.py").write_text(MISTAKES)
    (tmp_path / "broken.py").write_text("1 / 0")
    (tmp_path / "unread.py").write_text("def decide(")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("mistakes", "broken", "unread", "lab", "lab.control", "lab.law"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("number", "On day 3 the controller gave 7: expected setpoints"),
        ("nothing", "gave None: expected setpoints"),
        ("array", "gave array.*: expected setpoints"),
        ("nan", "On day 3 the controller gave bleed_rate = nan: expected a finite number"),
        ("endless", "bleed_rate = inf: expected a finite number"),
        ("words", "On day 3 the controller gave bleed_rate = 'much': expected a number"),
        ("none", "bleed_rate = None: expected a number"),
        ("bleed", "'bleed' is no quantity.*Did you mean 'bleed_rate'"),
    ],
)
def test_an_answer_that_is_none_is_one_sentence(folder, name, words):
    with pytest.raises(PerfusioError, match=words):
        proposal(controller_named(f"mistakes:{name}"), *ASKED)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mistakes:one", r"takes \(h\) and would be asked with \(history, in_force, task\)"),
        ("mistakes:no_function", "is int, expected a function"),
        ("mistakes:typo", "cannot be loaded.*has no attribute 'typo'"),
        ("broken:decide", "cannot be loaded: ZeroDivisionError"),
        ("unread:decide", "cannot be loaded: SyntaxError"),
        ("mistakes.py:number", "'mistakes.py' is a file.*say mistakes:decide"),
        ("./mistakes.py", "is a file.*say mistakes:decide"),
    ],
)
def test_a_controller_that_cannot_be_asked_is_refused_before_anything_runs(folder, name, words):
    with pytest.raises(ConfigError, match=words):
        controller_named(name)


def test_settings_are_those_that_the_controller_has(folder):
    assert proposal(controller_named("mistakes:tuned", {"gain": 2.0}), *ASKED).bleed_rate == 0.2
    for name in ("mistakes:tuned", "pi", "model-free-mpc"):
        with pytest.raises(ConfigError, match=r"asked with \(history, in_force, task, gian=...\)"):
            controller_named(name, {"gian": 2.0})


def test_another_source_anywhere_in_the_package_is_another_controller(folder, monkeypatch):
    package = folder / "lab"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "control.py").write_text("from lab.law import gain\ndef decide(h, u, t): return {}\n")
    (package / "law.py").write_text("gain = 1\n")
    decide = controller_named("lab.control:decide")
    before = source_sha256_of(decide)
    assert before == source_sha256_of(decide)
    monkeypatch.setattr(controllers, "source_of", lambda _: source_sha256_of(decide))
    check_source("lab.control:decide", before)
    (package / "law.py").write_text("gain = 2\n")
    assert source_sha256_of(decide) != before
    with pytest.raises(ConfigError, match="another one here than where the study was started"):
        check_source("lab.control:decide", before)


def test_a_module_in_no_package_counts_with_its_neighbours(folder):
    decide = controller_named("mistakes:number")
    before = source_sha256_of(decide)
    (folder / "broken.py").write_text("2 / 0")
    assert source_sha256_of(decide) != before

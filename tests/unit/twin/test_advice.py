"""Advice without a run: the decision that a run makes with its latest sample, and the same checks."""

import asyncio

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Mode, RunConfig
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.errors import NotEnoughData
from perfusio.events import Decided
from perfusio.record.verification.verify import read_records
from perfusio.twin.advice import advise
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.vessels import aboard

HEAD = "reactor,day,vcd,viability,glucose,lactate,glutamine,ammonium,titer,perfusion_rate,bleed_rate"
ROWS = [
    "{r},0,3.1,97.5,5.1,0.4,5.8,0.3,12,1.2,0.15",
    "{r},1,5.6,98.1,4.9,3.1,5.1,0.9,38,1.2,0.15",
    "{r},2,10.4,98.0,4.6,7.0,4.2,1.7,95,1.2,0.15",
    "{r},3,18.9,98.3,4.2,12.1,2.9,2.6,201,1.2,0.15",
    "{r},4,30.2,98.0,3.9,17.0,1.8,3.4,390,1.2,0.15",
]
QUICK = {"duration_days": 9, "n_paths": 16, "forecast_days": 4, "retrain_every": 2}


def sheet(path, rows, reactors=("A",)):
    path.write_text("\n".join([HEAD, *(row.format(r=r) for r in reactors for row in rows)]) + "\n")
    return path


def asked(path, **settings):
    config = RunConfig(**{**QUICK, **settings})
    return asyncio.run(advise(aboard(FilesystemStore(path)), SPACE, config))


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    return asked(sheet(tmp_path_factory.mktemp("advice") / "now.csv", ROWS))


def test_it_is_the_decision_that_a_run_makes_with_its_latest_sample(answer, tmp_path):
    config = RunConfig(**QUICK, mode=Mode.ADVISORY, run_dir=tmp_path / "run")
    DigitalTwin(FilesystemStore(sheet(tmp_path / "now.csv", ROWS)), SPACE, config).run_sync()
    recorded = [r.to_event() for r in read_records(tmp_path / "run" / "audit.jsonl")]
    last = [e for e in recorded if isinstance(e, Decided)][-1]
    advice = answer.advice["A"]
    assert advice.is_given
    assert advice.decided.setpoints == last.setpoints
    assert advice.decided.chosen == last.chosen
    assert advice.decided.reason == last.reason


def test_it_writes_nothing_and_makes_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "HOLD").touch()  # of a run that lies here: this is none
    found = asked(sheet(tmp_path / "now.csv", ROWS[:2]))
    assert found.advice["A"].is_given
    assert sorted(p.name for p in tmp_path.iterdir()) == ["HOLD", "now.csv"]


def test_a_sample_that_cannot_be_true_is_refused_as_in_a_run(tmp_path):
    grown = [*ROWS[:2], "{r},2,120,98.0,4.6,7.0,4.2,1.7,95,1.2,0.15"]
    found = asked(sheet(tmp_path / "now.csv", grown))
    assert [e.reason for e in found.events if type(e).__name__ == "SampleQuarantined"]
    assert found.run_state.trajectories["A"].states[-1].day == 1.0


def test_the_guard_holds_where_a_critical_value_was_not_measured(tmp_path):
    blind = [row.replace(",97.5,", ",,").replace(",98.1,", ",,") for row in ROWS[:2]]
    advice = asked(sheet(tmp_path / "now.csv", blind)).advice["A"]
    assert not advice.is_given
    assert "viability was not measured" in advice.withheld.reason
    assert ("decision", "doubt") in {(a.quantity, a.level) for a in advice.alarms}


def test_vessels_that_began_on_other_days_each_get_theirs(tmp_path):
    path = sheet(tmp_path / "now.csv", ROWS[:3])
    path.write_text(path.read_text() + "\n".join(row.format(r="B") for row in ROWS[:2]) + "\n")
    found = asked(path)
    latest = {name: t.states[-1].day for name, t in found.run_state.trajectories.items()}
    assert latest == {"A": 2.0, "B": 1.0}
    assert all(advice.is_given for advice in found.advice.values())


def test_without_a_usable_sample_it_says_why(tmp_path):
    with pytest.raises(NotEnoughData, match="No sample can be used, found 1 that were refused"):
        asked(sheet(tmp_path / "now.csv", ["{r},0,0,0,0,0,0,0,0,1.2,0.15"]))

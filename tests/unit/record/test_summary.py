"""What is kept of a record is the same whether its lines are tied to a head or looked at one by one."""

import asyncio
from dataclasses import MISSING
from dataclasses import fields as fields_of

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.errors import AuditError
from perfusio.events import EVENTS, Event, ModelFitted, ModelSaved, RunResumed, SampleRead, is_payload, to_json
from perfusio.record import good_prefix
from perfusio.record.apply_event import CHANGING, folded
from perfusio.record.line import Record, is_record
from perfusio.record.summary import Summary
from perfusio.record.verification.signed_heads import heads_of
from perfusio.record.verification.site_key import SiteKey
from perfusio.record.verification.verify import read_records
from perfusio.selftest.quiet_vessel import QuietVessel
from perfusio.selftest.record.sample_record import write
from perfusio.state import State
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin

N = 60


@pytest.fixture
def log(tmp_path, monkeypatch):
    monkeypatch.setenv("PERFUSIO_SITE_KEY", str(tmp_path / "site.key"))
    write(tmp_path / "audit.jsonl", N, key=SiteKey.of_site())
    good_prefix.forget()
    yield tmp_path / "audit.jsonl"
    good_prefix.forget()


def told(found):
    return (
        found.hashes, found.first, found.last, found.samples, found.numbers, found.decided_by, found.wrong,
        [found.latest(kind) for kind in EVENTS.values()],
    )  # fmt: skip


def test_the_short_way_and_the_long_one_keep_the_same(log):
    data = log.read_bytes()
    short = good_prefix.prefix_of(log, data)
    good_prefix.forget()
    heads_of(log).unlink()
    long = good_prefix.prefix_of(log, data)
    assert told(short) == told(long) == told(Summary.of(read_records(log)))
    assert short.n_bytes == long.n_bytes == len(data)


def test_what_is_known_is_what_folding_the_events_gives(stopped_record):
    records = list(read_records(stopped_record))
    known = good_prefix.prefix_of(stopped_record, stopped_record.read_bytes()).run_state
    assert known == folded((r.to_event() for r in records), records[0].run)
    assert known.trajectories["R01"].states


@pytest.fixture(scope="module")
def stopped_record(tmp_path_factory):
    """Return the record of a short run with a cheap model."""
    run_dir = tmp_path_factory.mktemp("run")
    config = RunConfig(duration_days=4, n_paths=16, forecast_days=1, run_dir=run_dir)
    twin = DigitalTwin(
        connector={"R01": QuietVessel(5)}, design_space=DEFAULT_AMBR250_DESIGN_SPACE,
        run_config=config, model=SteadyModel(), policy=SteppingPolicy(),
    )  # fmt: skip
    asyncio.run(twin.run())
    return run_dir / "audit.jsonl"


def record(seq, name, payload, **fields):
    values = {f.name: None for f in fields_of(Record)} | {
        "v": 2, "seq": seq, "ts": "2026-01-05T00:00:00.000000Z", "run": "r", "event": name, "payload": payload,
        "reason": "", "hash": f"{seq:064x}",
    }  # fmt: skip
    return Record(**{**values, **fields})


def test_an_event_that_changes_nothing_is_not_made_but_must_fit():
    assert "ModelSaved" not in CHANGING
    first = record(1, "ModelSaved", {"model_id": "m", "file": "f", "sha256": "s"}, turn=4)
    assert Summary.of([first]).run_state.today.turn == 4
    for odd in (record(2, "ModelSaved", {"file": "f"}), record(2, "FromTheFuture", {})):
        found = Summary.of([first, odd])
        assert len(found) == 2  # what has to be known of the record itself is known all the same
        with pytest.raises(AuditError):
            found.run_state.today  # noqa: B018


def test_the_latest_of_each_kind_and_who_decides():
    saved = [record(i, ModelSaved.__name__, {"sha256": str(i)}) for i in (1, 3)]
    fitted = record(2, ModelFitted.__name__, {})
    found = Summary.of([saved[0], fitted, saved[1]])
    assert (found.latest(ModelSaved), found.latest(ModelFitted), found.latest(RunResumed)) == (saved[1], fitted, None)
    resumed = [record(i, RunResumed.__name__, payload) for i, payload in ((4, {"decided_by": {"a": 1}}), (5, {}))]
    assert Summary.of([*saved, *resumed]).decided_by == {"a": 1}


def test_samples_are_counted_by_vessel_and_time():
    payload = to_json(SampleRead(state=State(time_h=24.0), in_force=DEFAULT_AMBR250_DESIGN_SPACE.nominal))
    found = Summary.of([record(1, "SampleRead", payload, reactor="R01", turn=1)])
    assert found.numbers == {("R01", 24.0): 1}
    assert [(s.reactor, s.turn, s.time_h, s.is_extra) for s in found.samples] == [("R01", 1, 24.0, False)]


def test_only_the_fields_of_a_readable_version_are_a_record():
    data = record(1, "RunEnded", {}).fields()
    assert is_record(data)
    assert not is_record({**data, "v": 3})
    assert not is_record({**data, "more": 1})
    assert not is_record({k: v for k, v in data.items() if k != "sw"})
    old = {k: v for k, v in data.items() if k not in ("turn", "culture_day")} | {"v": 1, "day": None}
    assert is_record(old)


@pytest.mark.parametrize("name", EVENTS)
def test_what_fits_is_what_an_event_can_be_made_of(name):
    own = {f.name: f for f in fields_of(EVENTS[name]) if f.name not in {h.name for h in fields_of(Event)}}
    needed = {n: None for n, f in own.items() if f.default is MISSING and f.default_factory is MISSING}
    assert is_payload(name, needed)
    assert is_payload(name, dict.fromkeys(own))
    assert not is_payload(name, {**needed, "something": 1})
    for gone in needed:
        assert not is_payload(name, {n: v for n, v in needed.items() if n != gone})

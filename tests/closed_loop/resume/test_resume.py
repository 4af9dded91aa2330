"""A run that was cut off at any record goes on as if it had not been: the same decisions, each vessel changed once."""

import json
import shutil
from dataclasses import replace

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode
from perfusio.errors import AuditError, ConfigError, NotConnected
from perfusio.protocols import ConnectorKind
from perfusio.record.summary import Summary
from perfusio.record.verification.verify import read_records, verify
from perfusio.testing import ManualClock, ScriptedConnector, make_state
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.operators.orders import Order, give
from perfusio.twin.resume import waiting_refit

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
N_DAYS = 4


class Killed(BaseException):
    """The program is gone: nothing in it may catch this."""


class Vessel:
    """A vessel that goes on while programs come and go; each program reads its samples from the first one on."""

    def __init__(self, n_days=N_DAYS, kind=ConnectorKind.SIMULATED):
        self.n_days, self.kind = n_days, kind
        self.in_force, self.written, self.is_cut_off = NOMINAL, [], False

    def connector(self):
        vessel = self

        class Link(ScriptedConnector):
            async def read_setpoints(self):
                return vessel.in_force

            async def write_setpoints(self, setpoints):
                if vessel.is_cut_off:
                    raise Killed
                vessel.written.append(setpoints)
                vessel.in_force = setpoints
                return setpoints

        return Link([make_state(day=d, vcd=20.0 + d) for d in range(self.n_days + 1)], kind=self.kind)


def reactors(vessels):
    return {r: v.connector() for r, v in vessels.items()}


def killed_after(n, vessels):
    """An observer that ends the program once `n` records are durable; nothing reaches a vessel after them."""
    seen = []

    def observer(event):
        seen.append(event)
        if len(seen) == n:
            for vessel in vessels.values():
                vessel.is_cut_off = True
            raise Killed

    return observer


async def cut_off(make_twin, vessels, n, path, **settings):
    """Run until `n` records are durable; the record then ends there, as after a kill."""
    twin = make_twin(reactors(vessels), days=N_DAYS, retrain_every=2, observers=(killed_after(n, vessels),), **settings)
    with pytest.raises(Killed):
        await twin.run()
    for vessel in vessels.values():
        vessel.is_cut_off = False
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:n]))
    heads = path.with_name("audit.heads")
    kept = [h for h in heads.read_bytes().splitlines(keepends=True) if json.loads(h)["seq"] <= n]
    heads.write_bytes(b"".join(kept))


def resumed(path, vessels, persistence, alternating, **settings):
    return DigitalTwin.resume(
        path.parent, connector=reactors(vessels), model=persistence, policy=alternating, **settings
    )


def facts_of(path):
    """What became of each vessel, day by day: decisions, writes, samples."""
    names = ("Decided", "SetpointsWritten", "SampleRead")
    found = [r for r in read_records(path) if r.event in names]
    return sorted(
        (r.reactor, r.turn, r.event, json.dumps({k: v for k, v in r.payload.items() if k not in ("key", "model_id")}))
        for r in found
    )


async def test_cut_off_after_any_record_it_goes_on_to_the_same_end(make_twin, persistence, alternating, tmp_path):
    path = tmp_path / "audit.jsonl"
    whole = {r: Vessel() for r in ("R01", "R02")}
    await make_twin(reactors(whole), days=N_DAYS, retrain_every=2).run()
    n_records, reference = len(list(read_records(path))), facts_of(path)
    for n in range(1, n_records):
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        vessels = {r: Vessel() for r in ("R01", "R02")}
        await cut_off(make_twin, vessels, n, path)
        cut = next(r for r in list(read_records(path))[::-1])
        result = await resumed(path, vessels, persistence, alternating).run()
        report = verify(path)
        assert report.is_intact, (n, report.problems)
        assert (result.outcome.name, result.n_samples) == ("COMPLETED", 2 * (N_DAYS + 1)), (n, cut.event)
        for reactor, vessel in vessels.items():
            written = [r for r in read_records(path) if r.event == "SetpointsWritten" and r.reactor == reactor]
            assert len(vessel.written) == len(written) == len({r.payload["key"] for r in written}), (n, cut.event)
        # a write whose intent was on record but that was not sent did not happen, and is not made up for
        kept = list(read_records(path))[:n]
        ended = {r.payload["key"] for r in kept if r.event == "SetpointsWritten"}
        pending = [r for r in kept if r.event == "WriteIntended" and r.payload["key"] not in ended]
        ends = [r for r in read_records(path) if r.event in ("WriteRefused", "SetpointsWritten") and r.seq > n]
        for intent in pending:
            (end,) = [r for r in ends if r.payload["key"] == intent.payload["key"]]
            assert "cut short" in end.reason
        if not pending:
            assert facts_of(path) == reference, (n, cut.event)


async def test_a_write_that_happened_though_its_end_was_not_recorded_is_found_and_not_repeated(
    make_twin, persistence, alternating, tmp_path
):
    path, vessels = tmp_path / "audit.jsonl", {"R01": Vessel()}
    await make_twin(reactors({"R01": Vessel()}), days=N_DAYS, retrain_every=2).run()
    n = 1 + [r.event for r in read_records(path)].index("WriteIntended")
    new = list(read_records(path))[n - 1].to_event().new
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    await cut_off(make_twin, vessels, n, path)
    vessels["R01"].written, vessels["R01"].in_force = [new], new
    await resumed(path, vessels, persistence, alternating).run()
    first = next(r for r in read_records(path) if r.event == "SetpointsWritten")
    assert first.reason == "Found in force after the write was cut short."
    assert len(vessels["R01"].written) == N_DAYS


async def test_days_that_passed_meanwhile_are_missed_and_never_acted_upon(
    make_twin, persistence, alternating, tmp_path
):
    path, clock = tmp_path / "audit.jsonl", ManualClock()
    vessels = {"R01": Vessel(kind=ConnectorKind.HARDWARE)}
    twin = make_twin(
        reactors(vessels), days=N_DAYS, observers=(killed_after(8, vessels),), mode=Mode.AUTOMATIC, clock=clock
    )
    with pytest.raises(Killed):
        await twin.run()
    for vessel in vessels.values():
        vessel.is_cut_off = False
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:8]))
    path.with_name("audit.heads").unlink()
    last = list(read_records(path))[-1]
    assert (last.event, last.turn) == ("SampleRead", 1)
    clock.advance(hours=36)  # the sample of day 1 came at once, so that of day 2 was due 12 hours ago
    n_before = len(vessels["R01"].written)
    await resumed(path, vessels, persistence, alternating, clock=clock).run()
    assert [r.turn for r in read_records(path) if r.event == "DayMissed"] == [1]
    assert [r.turn for r in read_records(path) if r.event == "Decided" and r.seq > 8] == [2, 3]
    assert len(vessels["R01"].written) == n_before + 2


async def test_the_model_goes_on_from_where_it_was_saved(make_twin, tmp_path):
    from perfusio.hybrid.model import HybridModel

    path, vessels = tmp_path / "audit.jsonl", {"R01": Vessel()}
    whole = {"R01": Vessel()}
    await make_twin(reactors(whole), days=N_DAYS, retrain_every=2, model=HybridModel()).run()
    names = [(r.event, r.turn) for r in read_records(path)]
    reference = [r.payload["model_id"] for r in read_records(path) if r.event == "ModelConditioned"]
    n = names.index(("ModelSaved", 2)) + 3
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    await cut_off(make_twin, vessels, n, path, model=HybridModel())
    policy = make_twin(reactors(whole))._mind.policy
    twin = DigitalTwin.resume(tmp_path, connector=reactors(vessels), policy=policy)
    await twin.run()
    found = {r.turn: r.payload["model_id"] for r in read_records(path) if r.event == "ModelConditioned"}
    assert [found[day] for day in sorted(found)] == reference
    saved = tmp_path / "models" / "turn-002" / "checkpoint.json"
    saved.write_text(saved.read_text().replace('"n_runs": 1', '"n_runs": 2'))


async def test_a_refit_that_waits_for_a_person_still_waits_after_a_kill(make_twin, tmp_path):
    from perfusio.hybrid.model import HybridModel

    path, vessels = tmp_path / "audit.jsonl", {"R01": Vessel(n_days=3)}
    settings = {"days": 3, "retrain_every": 2, "model_update": "approve"}

    def killed_once_it_waits(event):
        if type(event).__name__ == "ModelWaiting":
            raise Killed

    with pytest.raises(Killed):
        await make_twin(reactors(vessels), model=HybridModel(), observers=(killed_once_it_waits,), **settings).run()
    n = 1 + [r.event for r in read_records(path)].index("ModelWaiting")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:n]))
    path.with_name("audit.heads").unlink()
    give(tmp_path, Order(act="adopt", reactor="", who="A. Smith", why="It forecasts better."))
    policy = make_twin(reactors(vessels))._mind.policy
    twin = DigitalTwin.resume(tmp_path, connector=reactors(vessels), policy=policy)
    await twin.run()
    later = [r for r in read_records(path) if r.seq > n]
    assert [r.payload["is_done"] for r in later if r.event == "OperatorActed"] == [True]
    (fitted,) = [r for r in later if r.event == "ModelFitted"]
    assert (fitted.turn, fitted.reason) == (2, "The refit of turn 2, adopted by a person.")
    assert [r.payload["model_id"] for r in later if r.event == "ModelSaved"] == [fitted.payload["model_id"]]
    assert waiting_refit(Summary.of(read_records(path))) is None


async def test_what_cannot_be_resumed_is_refused_in_words(make_twin, persistence, alternating, tmp_path):
    path, vessels = tmp_path / "audit.jsonl", {"R01": Vessel()}
    with pytest.raises(AuditError, match="cannot be read"):
        resumed(path, vessels, persistence, alternating)
    await cut_off(make_twin, vessels, 6, path)
    with pytest.raises(ConfigError, match="no connector for R01"):
        resumed(path, {"R09": Vessel()}, persistence, alternating)
    with pytest.raises(ConfigError, match="knows nothing of R09"):
        resumed(path, vessels | {"R09": Vessel()}, persistence, alternating)
    await resumed(path, vessels, persistence, alternating).run()
    with pytest.raises(AuditError, match="is finished: nothing to resume"):
        resumed(path, vessels, persistence, alternating)


async def test_a_dead_link_at_the_restart_leaves_the_write_pending_and_nothing_is_written_over_it(
    make_twin, persistence, alternating, tmp_path
):
    path, vessels = tmp_path / "audit.jsonl", {"R01": Vessel()}
    await make_twin(reactors({"R01": Vessel()}), days=N_DAYS, retrain_every=2).run()
    n = 1 + [r.event for r in read_records(path)].index("WriteIntended")
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    await cut_off(make_twin, vessels, n, path)
    twin = resumed(path, vessels, persistence, alternating)
    connector = twin.vessels["R01"].connector
    calls = []

    async def dead_for_a_while():
        calls.append(1)
        if len(calls) < 4:
            raise NotConnected("No link.")
        return vessels["R01"].in_force

    connector.read_setpoints = dead_for_a_while
    await twin.run()
    records = list(read_records(path))
    settled = next(r.seq for r in records if r.event == "WriteRefused")
    assert not [r for r in records if r.event == "WriteIntended" and n < r.seq < settled]
    assert [r for r in records if r.event == "WriteIntended" and r.seq > settled]


async def test_modes_and_what_we_left_in_force_survive(make_twin, persistence, alternating, tmp_path):
    path, vessels = tmp_path / "audit.jsonl", {"R01": Vessel()}
    await make_twin(reactors({"R01": Vessel()}), days=N_DAYS, retrain_every=2).run()
    events = [(r.event, r.turn) for r in read_records(path)]
    n = events.index(("SetpointsWritten", 1)) + 1
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    await cut_off(make_twin, vessels, n, path)
    vessels["R01"].in_force = replace(vessels["R01"].in_force, temperature=35.5)  # by hand, while no twin was running
    twin = resumed(path, vessels, persistence, alternating)
    await twin.run()
    (found,) = [r for r in read_records(path) if r.event == "OverrideDetected"]
    assert found.turn == 1  # at the first look, before anything else is done
    assert twin.mode("R01") is Mode.ADVISORY
    assert len(vessels["R01"].written) == 2

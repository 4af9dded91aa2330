"""What each event changes of what is known of a run: hand-written answers, event by event."""

from dataclasses import replace
from math import nan

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Mode, RunConfig
from perfusio.events import (
    AlarmChanged,
    AlarmRaised,
    ConnectorFailed,
    ConnectorRecovered,
    DayMissed,
    Decided,
    Forecasted,
    ModeChanged,
    ModelConditioned,
    ModelFitted,
    ModelRejected,
    ModelWaiting,
    OperatorActed,
    OverrideDetected,
    SampleAccepted,
    SampleCorrected,
    SampleMissing,
    SampleQuarantined,
    SampleRead,
    SetpointsWritten,
    VesselJoined,
    VesselLeft,
    WaitBegan,
    Withheld,
    WriteIntended,
    WritePartial,
    WriteRefused,
    WriteRestored,
    WriteUnknown,
)
from perfusio.record.apply_event import CHANGING, after, folded
from perfusio.record.run_state import RunState
from perfusio.testing import make_state
from perfusio.twin.loop import first_records

OLD = SPACE.nominal
NEW = replace(OLD, bleed_rate=0.3)
KINDS = {"R01": "hardware", "R02": "replay"}


def started():
    config = RunConfig(duration_days=4)
    modes = {"R01": Mode.AUTOMATIC, "R02": Mode.ADVISORY}
    sources = {reactor: {"kind": kind} for reactor, kind in KINDS.items()}
    return first_records.started(config, SPACE, modes, sources)


def read(turn, reactor="R01", **values):
    return SampleRead(reactor=reactor, turn=turn, state=make_state(day=turn + 3), in_force=OLD, **values)


def decided(turn=1, reactor="R01", **values):
    return Decided(
        reactor=reactor, turn=turn, key=f"k{turn}", setpoints=NEW, chosen={}, hold={}, why={}, acquisition="LogEI",
        score=1.0, model_id="m", **values,
    )  # fmt: skip


def raised(quantity="glucose", level="act", turn=1, reactor="R01"):
    return AlarmRaised(
        reactor=reactor, turn=turn, quantity=quantity, level=level, value=0.1, limit=0.3, lead_days=0.0, response="Go."
    )


def intended(turn=1):
    return WriteIntended(reactor="R01", turn=turn, key="k", old=OLD, new=NEW)


@pytest.fixture
def known():
    return folded([started(), read(0), read(0, "R02"), read(1), read(1, "R02")], "run-1")


def follow(known, *events):
    for event in events:
        known = after(known, event)
    return known


class TestVessels:
    def test_a_run_begins_with_its_vessels(self):
        known = folded([started()], "run-1")
        assert (known.run_id, set(known.trajectories)) == ("run-1", {"R01", "R02"})
        assert known.kinds == KINDS
        assert known.modes == known.noted == {"R01": Mode.AUTOMATIC, "R02": Mode.ADVISORY}

    def test_a_vessel_joins_and_another_leaves(self, known):
        asked = {"design_space": SPACE.model_dump(mode="json")}
        joined = VesselJoined(reactor="R03", turn=2, mode="manual", source={"kind": "simulated"}, config=asked)
        known = follow(known, joined, VesselLeft(reactor="R02", turn=2))
        assert known.kinds == {**KINDS, "R03": "simulated"}
        assert (known.modes["R03"], known.noted["R03"]) == (Mode.MANUAL, Mode.MANUAL)
        assert known.modes["R01"] is Mode.AUTOMATIC
        assert known.left == {"R02"}
        assert "R02" in known.trajectories


class TestSamples:
    def test_a_due_sample_counts_and_is_of_its_turn(self, known):
        assert (known.n_samples, known.today.turn, known.today.sampled) == (4, 1, {"R01", "R02"})
        assert known.starts == {"R01": (0, 72.0), "R02": (0, 72.0)}

    def test_one_in_between_does_not(self, known):
        more = after(known, read(1, extra=True))
        assert (more.n_samples, more.today, more.starts) == (known.n_samples, known.today, known.starts)
        first = after(folded([started()], "run-1"), read(2, extra=True))
        assert first.starts == {"R01": (2, 120.0)}

    def test_a_sample_ends_advice_and_the_wait_one_in_between_neither(self, known):
        wait = WaitBegan(reactors=("R01", "R02"), since="", due="", until="", turn=2)
        known = follow(known, decided(1), Withheld(reactor="R01", turn=1, action="advise", because=("x",)), wait)
        assert (known.waits, set(known.advised)) == ({"R01": wait, "R02": wait}, {"R01"})
        assert follow(known, read(2, extra=True)).waits == known.waits
        later = follow(known, read(2))
        assert (later.waits, later.advised) == ({"R02": wait}, {})

    @pytest.mark.parametrize("event", [SampleMissing, DayMissed])
    def test_a_turn_without_its_sample(self, known, event):
        wait = WaitBegan(reactors=("R01",), since="", due="", until="", turn=2)
        later = follow(known, wait, event(reactor="R01", turn=2, expected_h=96.0))
        assert (later.waits, later.today.missed, later.today.sampled) == ({}, {"R01"}, frozenset())
        assert follow(later, event(reactor="R02", turn=2, expected_h=96.0)).today.missed == {"R01", "R02"}

    def test_refused_until_a_person_accepts_it(self, known):
        bad = make_state(day=5)
        refused = follow(known, SampleQuarantined(reactor="R01", turn=2, state=bad))
        assert refused.quarantined == {("R01", 120.0): bad}
        taken = follow(refused, SampleAccepted(reactor="R01", turn=2, state=bad, who="A. Smith"))
        assert (taken.quarantined, taken.today.is_corrected) == ({}, True)
        assert not refused.today.is_corrected
        assert follow(known, SampleQuarantined(reactor="R01", state=replace(bad, time_h=nan))).quarantined == {}

    def test_a_correction_makes_a_refit_due(self, known):
        event = SampleCorrected(reactor="R01", turn=1, state=make_state(day=4, glucose=2.5), corrects=3)
        assert after(known, event).today.is_corrected

    def test_a_source_fails_and_is_back(self, known):
        failing = after(known, ConnectorFailed(reactor="R01", operation="read_sample"))
        assert failing.failing == {"R01"}
        assert after(failing, ConnectorRecovered(reactor="R01", operation="heartbeat", seconds=1.0)).failing == {"R01"}
        assert after(failing, ConnectorRecovered(reactor="R01", operation="read_sample", seconds=1.0)).failing == set()
        assert after(known, ConnectorFailed(reactor="R01", operation="heartbeat")).failing == set()


class TestModel:
    def test_conditioned_then_fitted(self, known):
        one = after(known, ModelConditioned(turn=1, model_id="m"))
        assert (one.today.is_conditioned, one.today.is_fitted) == (True, False)
        for event in (
            ModelFitted(turn=1, model_id="m", holdout_error=1.0, previous_error=1.0),
            ModelWaiting(turn=1, model_id="m", holdout_error=1.0, previous_error=1.0),
            ModelRejected(turn=1, model_id="m"),
        ):
            two = after(one, event)
            assert (two.today.is_conditioned, two.today.is_fitted) == (True, True)

    def test_an_update_that_failed_is_over_too(self, known):
        one = after(known, ModelRejected(turn=1, model_id="m"))
        assert (one.today.is_conditioned, one.today.is_fitted) == (True, False)


class TestDecisionsAndWrites:
    def test_a_decision_is_the_latest_forecast(self, known):
        event = decided()
        one = after(known, event)
        assert (one.today.decided, one.forecasts, one.n_decisions) == ({"R01": event}, {"R01": event}, 1)
        only = Forecasted(reactor="R01", turn=1, hold={}, model_id="m")
        two = after(one, only)
        assert (two.forecasts, two.today.decided, two.n_decisions) == ({"R01": only}, {"R01": event}, 1)

    def test_advice_waits_for_a_person(self, known):
        one = follow(known, decided(), Withheld(reactor="R01", turn=1, action="advise", because=("x",)))
        assert (set(one.advised), one.today.settled, one.held) == ({"R01"}, {"R01"}, {})
        assert follow(known, Withheld(reactor="R01", turn=1, action="advise", because=("x",))).advised == {}

    def test_held_since_the_first_turn_without_anything_usable(self, known):
        hold = Withheld(reactor="R01", turn=1, action="hold", because=("x",))
        one = after(known, hold)
        assert (one.held, one.advised, one.today.settled) == ({"R01": 1}, {}, {"R01"})
        two = follow(one, read(2), replace(hold, turn=2))
        assert two.held == {"R01": 1}
        assert follow(two, decided(2), replace(hold, turn=2, action="advise")).held == {}
        assert follow(two, intended(2)).held == {}

    @pytest.mark.parametrize("mode", ["hold", "manual"])
    def test_what_a_person_ordered_is_no_fault(self, known, mode):
        ordered = follow(known, ModeChanged(reactor="R01", turn=1, before="automatic", mode=mode))
        assert after(ordered, Withheld(reactor="R01", turn=1, action="hold", because=("x",))).held == {}
        held = after(known, Withheld(reactor="R01", turn=1, action="hold", because=("x",)))
        assert after(held, ModeChanged(reactor="R01", turn=1, before="automatic", mode=mode)).held == {}

    def test_a_write_is_pending_until_its_end(self, known):
        advised = follow(known, decided(), Withheld(reactor="R01", turn=1, action="advise", because=("x",)))
        one = after(advised, intended())
        assert (one.pending, one.advised, one.today.settled) == ({"R01": intended()}, {}, {"R01"})
        for end in (
            SetpointsWritten(reactor="R01", turn=1, key="k", asked=NEW, acknowledged=NEW),
            WriteRefused(reactor="R01", turn=1, key="k", asked=NEW, read_back=OLD),
            WriteRestored(reactor="R01", turn=1, key="k", restored=OLD),
            WritePartial(reactor="R01", turn=1, key="k", asked=NEW, read_back=OLD, failed={}),
            OverrideDetected(reactor="R01", turn=1, key="k", expected=OLD, found=NEW),
            WriteUnknown(reactor="R01", turn=1, key="k", asked=NEW, read_back=OLD),
        ):
            assert after(one, end).pending == {}, end
        unread = WriteUnknown(reactor="R01", turn=1, key="k", asked=NEW, read_back=None)
        assert after(one, unread).pending == one.pending

    def test_what_was_written_is_expected_but_never_in_a_replay(self, known):
        event = SetpointsWritten(reactor="R01", turn=1, key="k", asked=NEW, acknowledged=NEW)
        assert after(known, event).done == {"R01": NEW}
        assert after(known, replace(event, reactor="R02")).done == {}

    def test_an_unknown_end_expects_nothing(self, known):
        done = after(known, SetpointsWritten(reactor="R01", turn=1, key="k", asked=NEW, acknowledged=NEW))
        unknown = WriteUnknown(reactor="R01", turn=2, key="k", asked=OLD, read_back=None)
        assert after(done, unknown).done == {}

    def test_another_hand_makes_the_vessel_advisory(self, known):
        done = after(known, SetpointsWritten(reactor="R01", turn=1, key="k", asked=NEW, acknowledged=NEW))
        one = after(done, OverrideDetected(reactor="R01", turn=2, key="k", expected=NEW, found=OLD))
        assert (one.done, one.modes) == ({}, {"R01": Mode.ADVISORY, "R02": Mode.ADVISORY})

    def test_a_bad_end_is_stuck_until_a_person_lets_it_write(self, known):
        stuck = after(known, WriteRestored(reactor="R01", turn=1, key="k", restored=OLD))
        assert stuck.stuck == {"R01"}
        held = after(stuck, ModeChanged(reactor="R01", turn=1, before="automatic", mode="hold"))
        assert held.stuck == {"R01"}
        assert after(held, ModeChanged(reactor="R01", turn=1, before="hold", mode="advisory")).stuck == set()


class TestOperatorsAndAlarms:
    def test_a_hold_is_noted_and_changes_no_mode(self, known):
        event = ModeChanged(reactor="R01", turn=1, before="automatic", mode="hold", who="A. Smith")
        one = after(known, event)
        assert (one.noted["R01"], one.modes["R01"], one.said) == (Mode.HOLD, Mode.AUTOMATIC, {"R01": event})

    @pytest.mark.parametrize(
        ("before", "mode", "forgets"),
        [("hold", "advisory", True), ("advisory", "automatic", True), ("automatic", "advisory", False)],
    )
    def test_what_a_person_left_in_the_vessel_is_wanted(self, known, before, mode, forgets):
        done = after(known, SetpointsWritten(reactor="R01", turn=1, key="k", asked=NEW, acknowledged=NEW))
        one = after(done, ModeChanged(reactor="R01", turn=1, before=before, mode=mode))
        assert ("R01" in one.done, "R01" in one.shown) == (not forgets, not forgets)
        assert one.modes["R01"] is one.noted["R01"] is Mode(mode)

    def test_an_order_is_answered_once_and_a_rejection_ends_advice(self, known):
        known = follow(known, decided(), Withheld(reactor="R01", turn=1, action="advise", because=("x",)))
        asked = OperatorActed(reactor="R01", turn=1, act="reject", who="A. Smith", order="f1")
        assert (after(known, asked).answered, after(known, asked).advised) == ({"f1"}, {})
        assert set(after(known, replace(asked, is_done=False)).advised) == {"R01"}
        assert set(after(known, replace(asked, act="approve")).advised) == {"R01"}
        assert after(known, replace(asked, order="")).answered == set()

    @pytest.mark.parametrize("act", ["approve", "modify"])
    def test_an_approval_is_owed_until_its_write_begins_or_it_is_refused(self, known, act):
        asked = OperatorActed(reactor="R01", turn=1, act=act, key="k", who="A. Smith", order="f1")
        owing = after(known, asked)
        assert owing.owed == {"R01": asked}
        assert after(owing, intended()).owed == {}
        assert after(owing, WriteRefused(reactor="R01", turn=1, key="k", asked=NEW)).owed == {}
        assert after(owing, replace(asked, is_done=False)).owed == {}
        assert after(owing, replace(asked, act="note", order="f2")).owed == {"R01": asked}

    def test_an_alarm_is_delayed_raised_shelved_and_over(self, known):
        change = AlarmChanged(reactor="R01", turn=1, alarm="glucose:act", status="delayed")
        name = ("R01", "glucose", "act")
        delayed = after(known, change)
        assert (delayed.delayed, delayed.alarms) == ({name: 1}, set())
        assert after(delayed, replace(change, status="passed")).delayed == {}
        active = after(delayed, raised())
        assert (active.delayed, active.alarms) == ({}, {name})
        assert after(active, replace(change, status="acknowledged")) == active
        shelved = after(active, replace(change, status="shelved", shelved_h=8.0))
        assert (shelved.shelved, shelved.alarms) == ({name: (1, 8.0)}, {name})
        assert after(shelved, raised()).shelved == {}
        over = after(shelved, replace(change, status="cleared"))
        assert (over.shelved, over.alarms) == ({}, set())

    def test_an_alarm_of_the_run_is_of_no_vessel(self, known):
        one = follow(known, raised("hold", reactor=None), raised("delivery: mail", reactor=None))
        assert one.alarms == {("", "hold", "act"), ("", "delivery: mail", "act")}
        over = after(one, AlarmChanged(turn=1, alarm="delivery: mail:act", status="cleared"))
        assert over.alarms == {("", "hold", "act")}


def test_the_turn_only_goes_on(known):
    assert after(known, decided(3)).today.turn == 3
    assert after(known, decided(0)).today.turn == 1
    assert after(known, replace(decided(3), turn=None)).today.turn == 1
    assert after(RunState(run_id="x"), ModelConditioned(turn=0, model_id="m")).today.turn == 0


def test_the_names_of_what_changes_are_those_of_the_tables():
    assert {"SampleRead", "WriteIntended", "SetpointsFound"} <= CHANGING
    assert not {"RunEnded", "ModelSaved"} & CHANGING

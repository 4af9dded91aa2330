"""Intake: samples from the inbox onto the record, each checked against the history of its vessel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf

from perfusio.config import Mode
from perfusio.events import OverrideDetected, SampleCorrected, SampleQuarantined, WriteIntended
from perfusio.protocols import ConnectorKind, Ending, WriteReport, is_live, shows_at_once, untold_units
from perfusio.record.audit_logger import AuditLogger
from perfusio.state import FloatArray, Setpoints, State
from perfusio.twin.samples.admission import Admission, Admit, Correct, Ignore, Quarantine, admission, impossible
from perfusio.twin.samples.by_hand import EnteredByHand, in_words_of_entry
from perfusio.twin.samples.copies import LOOKS_BACK, Neighbour
from perfusio.twin.samples.inbox import Inbox
from perfusio.twin.samples.newcomers import Newcomers
from perfusio.twin.samples.sampling_schedule import SamplingSchedule
from perfusio.twin.samples.surprises import foreseen
from perfusio.twin.state import event_builders
from perfusio.twin.state.arrival import Arrival
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.modes import Modes
from perfusio.twin.state.refused_samples import refused_lately
from perfusio.twin.state.standing_alarms import REFUSED, refused
from perfusio.twin.writes.actuate import cut_short, ended, settled
from perfusio.verified_write import differences, in_words, unread

AS_SHOWN = 0.05
"""Of the largest step: a file shows setpoints with few digits, and smaller differences are none."""


class Intake:
    """Takes in the samples of each turn.

    Args:
        book: State of the run, and its record.
        inbox: Where samples arrive.
        pace: Which days have passed.
        leave: Lets a vessel go, with the reason.
    """

    def __init__(self, book: Logbook, inbox: Inbox, pace: SamplingSchedule, leave: Callable[..., None]) -> None:
        self._book, self._inbox, self._pace, self._leave = book, inbox, pace, leave
        self._newcomers = Newcomers(book)
        self._modes = Modes(book)

    async def gather(self, turn: int) -> set[str]:
        """Take in samples due by this turn, all vessels at once; return the vessels whose sample of the day came."""
        today = self._book.run_state.today
        had_passed = {reactor for reactor in self._book.aboard if self.is_past(reactor, turn)}
        gathered = await self._inbox.gather(turn, known=today.sampled | today.missed)
        waiting = {reactor: [a.sample for a in arrived] for reactor, arrived in gathered.items()}
        for reactor, arrived in gathered.items():
            for arrival in arrived:
                self._take(reactor, turn, arrival, waiting)
                waiting[reactor].remove(arrival.sample)
            is_there = reactor in self._book.run_state.today.sampled  # a person has typed it
            came = is_there or any(arrival.is_due for arrival in arrived)  # if only to be quarantined
            if not came and not (reactor in self._inbox.over and not arrived):
                expected, hours = self._inbox.expected_h(reactor, turn), self._book.config.sampling_interval_hours
                missed = event_builders.day_missed if reactor in had_passed else event_builders.sample_missing
                self._book.append(missed(reactor, turn, expected, hours))
        await self._newcomers.look(turn)
        present = set(self._book.run_state.today.sampled)
        if not self._inbox.is_over:
            for reactor in sorted((self._inbox.over & self._book.aboard) - present):
                self._leave(reactor, reason="Its source has no further samples.")
        return present & self._book.aboard

    @property
    def turn(self) -> int | None:
        """Turn whose samples are waited for now; None while decisions are made."""
        return self._inbox.turn

    async def enter(self, reactor: str, sample: State) -> EnteredByHand:
        """Take in a sample that a person has typed, by the same admission as one that was read.

        It is that of the turn, one in between, or other values of one that is known. Values that cannot be are refused
        and not kept, as whoever types them is there to type them again.
        """
        arrival, known = await self._inbox.by_hand(reactor, sample), self._book.run_state
        if arrival is None or self.turn is None:
            return EnteredByHand(problem="Decisions are being made just now. Enter it again in a moment.")
        if problem := arrival.refused or impossible(sample, known.trajectories[reactor]):
            return EnteredByHand(problem=problem)
        if reactor in known.today.sampled and known.today.turn == self.turn:
            arrival = replace(arrival, is_due=False)
        ruling = self._take(reactor, self.turn, arrival, {})
        if arrival.is_due and isinstance(ruling, Admit):
            self._inbox.end_wait(reactor)
        return in_words_of_entry(ruling, is_due=arrival.is_due)

    def _take(
        self, reactor: str, turn: int, arrival: Arrival, waiting: Mapping[str, Sequence[State]]
    ) -> Admission:
        """Record and observe one sample, knowing those that wait to be judged; return the ruling on it."""
        known, sample, trajectory = self._book.run_state, arrival.sample, self._book.run_state.trajectories[reactor]
        before, assumed = known.in_force[reactor], known.assumed[reactor]
        judged = admission(
            sample, trajectory, before, forecast=known.forecasts.get(reactor),
            former=known.former_forecasts.get(reactor), untimely=arrival.refused,
            untold=untold_units(self._book.vessels[reactor].connector, trajectory.panel),
            refused=known.quarantined.get((reactor, sample.time_h)), lately=refused_lately(known, reactor),
            others=self._others(reactor, sample.time_h, waiting),
        )  # fmt: skip
        match judged:
            case Ignore():
                return judged
            case Quarantine():
                self._book.append(
                    SampleQuarantined(reactor=reactor, turn=turn, state=judged.sample, reason=judged.reason)
                )
                self._tell_of_doubt(reactor, turn, judged.reason)
                return judged
            case Correct():
                self._book.append(
                    SampleCorrected(
                        reactor=reactor, turn=turn, state=judged.state, reason=judged.reason,
                        corrects=self._number_of(reactor, sample.time_h),
                    )
                )  # fmt: skip
                return judged
        if judged.withdrawn is not None:
            self._book.append(
                SampleCorrected(
                    reactor=reactor, turn=turn, state=judged.withdrawn, reason=judged.why,
                    corrects=self._number_of(reactor, judged.withdrawn.time_h),
                )
            )  # fmt: skip
            self._tell_of_doubt(reactor, turn, judged.why)
        connector = self._book.vessels[reactor].connector
        arrival = replace(arrival, sample=judged.sample)
        shows_later = connector.kind is ConnectorKind.HARDWARE and not shows_at_once(connector)
        tells = shows_later and bool(trajectory.states) and not arrival.is_typed
        wanted = self._wanted(reactor)
        if tells and not connector.confirms_at_once:  # it shows with this sample what it made of our last write
            before, assumed = arrival.setpoints.filled_from(before)
        base = self._book.space(reactor).nominal if self._book.is_replay(reactor) else before
        since = (before, assumed) if shows_later and arrival.is_typed else arrival.setpoints.filled_from(base)
        self._book.append(event_builders.sample_read(reactor, turn, arrival, (before, assumed), since))
        if tells and arrival.is_due:  # an extra sample may be older than what it made of it
            self._hear(reactor, turn, arrival.setpoints, wanted)
        if self._book.config.decide_on_signals or not arrival.sample.is_signal:  # a sensor that reads on is no sample
            self._pace.begins(reactor, turn, hour=arrival.sample.time_h)
        return judged

    def _others(self, reactor: str, time_h: float, waiting: Mapping[str, Sequence[State]]) -> dict[str, Neighbour]:
        """Return the other vessels, with their samples of this turn that are not yet judged."""
        known, found = self._book.run_state, {}
        for other, trajectory in known.trajectories.items():
            if other == reactor:
                continue
            states = trajectory.states[-LOOKS_BACK:]
            last_h = states[-1].time_h if states else -inf
            ahead = [s for s in waiting.get(other, ()) if s.time_h > last_h]
            expected = foreseen(known.forecasts.get(other), known.in_force[other], time_h)
            found[other] = Neighbour(states=(*states, *ahead), expected=expected)
        return found

    def _tell_of_doubt(self, reactor: str, turn: int, why: str) -> None:
        """Raise one alarm for samples that were refused one after the other; a person says which is right."""
        if (reactor, REFUSED, "doubt") not in self._book.run_state.alarms:
            self._book.append(refused(why, reactor=reactor, turn=turn))

    def _number_of(self, reactor: str, time_h: float) -> int:
        """Return the number of the record that holds the sample of a time; -1 where the record cannot be asked."""
        sink = self._book.sink
        return sink.number_of_sample(reactor, time_h) if isinstance(sink, AuditLogger) else -1

    def _wanted(self, reactor: str) -> Setpoints | None:
        """Return the setpoints that a controller must show: our last write; after a restart also those before."""
        is_first = reactor not in self._book.seen and self._modes.mode(reactor) is Mode.AUTOMATIC
        return self._book.expected(reactor) if is_first else self._book.run_state.done.get(reactor)

    def _hear(self, reactor: str, turn: int, shown: Setpoints, wanted: Setpoints | None) -> None:
        """Settle a write that was cut short by the controller's setpoints, or note that somebody changed a setpoint."""
        intent = self._book.run_state.pending.get(reactor)
        within = AS_SHOWN * self._book.space(reactor).max_step
        if intent is not None:
            told = self._told(intent, shown, within)
            self._book.append(ended(cut_short(intent, reactor), told))
            self._modes.write_ended(reactor, turn, told.ending)
        elif wanted is not None and differences(wanted, shown, within):  # what is not shown says nothing
            last = "Written last" if reactor in self._book.run_state.done else "Known last"
            words = f"{last}, and shown with this sample: {in_words(wanted, shown.filled_from(wanted)[0])}."
            key = self._book.key(reactor, turn)
            self._book.append(
                OverrideDetected(reactor=reactor, turn=turn, key=key, expected=wanted, found=shown, reason=words)
            )
            self._modes.write_ended(reactor, turn, Ending.OVERRIDDEN)

    def _told(self, intent: WriteIntended, shown: Setpoints, within: FloatArray) -> WriteReport:
        if not unread(intent.old, intent.new, shown):
            return settled(intent, shown, within)
        words = "The write was cut short, and the sample after it does not show what became of it."
        return WriteReport(ending=Ending.UNKNOWN, in_force=shown, words=words)

    def is_past(self, reactor: str, turn: int) -> bool:
        """Whether the next sample of a live vessel is due already: this one is not acted upon any more."""
        return is_live(self._book.vessels[reactor].connector) and self._pace.has_passed(reactor, turn)

"""DigitalTwin: the loop. Each day: read, observe, condition, decide, guard, write; refit every few."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Self

from perfusio.bed.model_free.standing_in import StandIn
from perfusio.bed.policy import BEDPolicy
from perfusio.clock import Clock, SystemClock
from perfusio.config import DesignSpace, Mode, RunConfig
from perfusio.errors import AuditError, ConfigError
from perfusio.events import Event, VesselLeft
from perfusio.hybrid.model import HybridModel
from perfusio.protocols import Checking, Connector, EventSink, Model, NamedByRows, Policy, able
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.run_state import RunState
from perfusio.record.summary import Summary
from perfusio.twin import resume
from perfusio.twin.announce import Observer
from perfusio.twin.deciding.ladder import Ladder
from perfusio.twin.deciding.model_and_policy import Mind
from perfusio.twin.loop import first_records
from perfusio.twin.loop.beginning import Beginning
from perfusio.twin.loop.choice import Choice
from perfusio.twin.loop.deliveries import Deliveries
from perfusio.twin.loop.ending import RunEnding
from perfusio.twin.loop.first_rows import first_rows
from perfusio.twin.loop.heartbeat import Pulse
from perfusio.twin.loop.side_tasks import meanwhile, together
from perfusio.twin.loop.turns import Turns
from perfusio.twin.operators.acts import Acts
from perfusio.twin.operators.order_processor import Desk
from perfusio.twin.outcome import Outcome, RunResult
from perfusio.twin.processes import check_one_process
from perfusio.twin.run_sync import run_to_end
from perfusio.twin.samples.future_dates import Dates
from perfusio.twin.samples.inbox import Inbox
from perfusio.twin.samples.intake import Intake
from perfusio.twin.samples.sampling_schedule import SamplingSchedule
from perfusio.twin.samples.source_watch import SourceWatch
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.modes import Modes
from perfusio.twin.timeouts import Patience
from perfusio.twin.vessels import UNNAMED, Source, Vessel, aboard, holding
from perfusio.twin.writes.first_look import FirstLook
from perfusio.twin.writes.write_dispatcher import Hands


class DigitalTwin:
    """Runs an experiment on one vessel or many by itself.

    Args:
        connector: One vessel, a source of several (`vessels()`), or a mapping of reactor to connector or `Vessel`.
        design_space: Allowed setpoints.
        run_config: Settings of the run.
        model: Belief to start from; default: the mechanistic prior, no data.
        policy: Chooses setpoints; default: BEDPolicy.
        clock: Where wall time comes from.
        audit: Where events go; default: `audit.jsonl` in `run_config.run_dir`.
        observers: Called with each event after it is durable, e.g. to print it.
        patience: How long a vessel is waited for that holds up others; default `Patience.usual`.

    Attributes:
        vessels: The vessels by reactor id; those that left stay.
    """

    def __init__(
        self,
        connector: Source,
        design_space: DesignSpace,
        run_config: RunConfig,
        *,
        model: Model | None = None,
        policy: Policy | None = None,
        clock: Clock | None = None,
        audit: EventSink | None = None,
        observers: tuple[Observer, ...] = (),
        patience: Patience | None = None,
    ) -> None:
        self._source = connector
        self.vessels = holding(aboard(connector), design_space)
        self.design_space, self.config = design_space, run_config
        for vessel in self.vessels.values():
            vessel.config(run_config)  # what is asked of a vessel is refused here or never
        policy = policy or BEDPolicy()
        if isinstance(policy, Checking):
            policy.check(run_config)
        model = model if model is not None else HybridModel.prior(run_config.process)
        check_one_process(run_config, design_space, self.vessels, model)
        self._clock = clock or SystemClock()
        self._audit = audit
        self._patience = (patience or Patience.usual(run_config.sampling_interval_hours)).on(self._clock)
        self._book = Logbook(run_config, design_space, self.vessels, observers)
        self._modes = Modes(self._book)
        self._pace = SamplingSchedule(self._clock, run_config.sampling_interval_hours)
        self._watch = SourceWatch(self._book, self._pace, self._clock)
        self._inbox = Inbox(
            self.connectors, run_config.sampling_interval_hours, self._patience, Dates(self._pace, self._clock),
            pace=self._pace, clock=self._clock, troubles=self._watch,
            decides_on_signals=run_config.decide_on_signals, process=run_config.process,
        )  # fmt: skip
        self._mind = Mind(model, policy, run_config, self._tell)
        self._looks = FirstLook(self._book, self._patience, self._clock)
        self._hands = Hands(self._book, self._looks, self._patience, self._clock)
        self._intake = Intake(self._book, self._inbox, self._pace, self.leave)
        ladder = Ladder(self._book, stands_in=isinstance(policy, StandIn))
        choice = Choice(self._book, self._mind, self._hands, ladder)
        self._turns = Turns(self._book, self._mind, self._hands, self._inbox, self._intake, choice)
        self._beginning = Beginning(
            self._book, self._mind, self._turns, self._inbox, self._pace, self._clock, ladder
        )
        self._pulse, self._deliveries = Pulse(self._book), Deliveries(self._book, observers)
        self._ending = RunEnding(self._book, self._hands, self._deliveries)
        acts = Acts(
            self._book, self._hands, self._pace, self._turns.adopt, self._ending.stop, ladder, self._ending.give_back,
            self._intake,
        )  # fmt: skip
        self._desk = Desk(self._book, acts)
        self._goes_on = False

    @classmethod
    def resume(
        cls,
        run_dir: str | Path,
        *,
        connector: Source,
        model: Model | None = None,
        policy: Policy | None = None,
        clock: Clock | None = None,
        observers: tuple[Observer, ...] = (),
        patience: Patience | None = None,
        other: bool = False,
    ) -> Self:
        """Return a twin that goes on with an unfinished run, as its record says; `run` then does.

        Args:
            run_dir: Folder of the run.
            connector: The same vessels again.
            model: The one on record, if it was not saved: of the user's own, say.
            policy: The one on record, if it is not perfusio's own.
            clock: As for a new twin.
            observers: As for a new twin.
            patience: As for a new twin.
            other: Whether another policy or model than those on record may decide from now on.

        Raises:
            AuditError: there is no record, or its run is finished.
            ConfigError: these are not the vessels of the run, or another policy or model would decide.
            UnreadableSource: a source is another one than that of the run.
        """
        parts = resume.parts_of(Path(run_dir), aboard(connector), model=model, policy=policy, other=other)
        twin = cls(**parts, clock=clock, observers=observers, patience=patience)
        twin._goes_on = True
        return twin

    def __repr__(self) -> str:
        """Say which vessels, and how far the run is."""
        return f"<DigitalTwin of {', '.join(self.vessels)}: turn {self.run_state.today.turn} of {self.config.n_turns}>"

    @property
    def connectors(self) -> dict[str, Connector]:
        """The connector of each vessel, by reactor id."""
        return {reactor: vessel.connector for reactor, vessel in self.vessels.items()}

    @property
    def model(self) -> Model:
        """The present belief."""
        return self._mind.model

    @property
    def run_state(self) -> RunState:
        """Samples and setpoints in force."""
        return self._book.run_state

    def mode(self, reactor: str) -> Mode:
        """Return who may write to a vessel: nobody if it is held; else as configured, or as a person has changed it."""
        return self._modes.mode(reactor)

    def join(self, reactor: str, vessel: Connector | Vessel, *, reason: str) -> None:
        """Take one more vessel into a run; its first sample is expected with the next turn.

        Args:
            reactor: Its name, new to this run.
            vessel: Its connector, or with settings of its own.
            reason: Why, for the record.

        Raises:
            ConfigError: there is a vessel of that name, or it has left: its data would be mixed up with the new one's;
                or it is of another process.
        """
        if reactor in self.vessels:
            raise ConfigError(f"{reactor} is or was in this run. Give the new culture a name of its own, {reactor}-2.")
        one = vessel if isinstance(vessel, Vessel) else Vessel(connector=vessel)
        one = holding({reactor: one}, self.design_space)[reactor]
        check_one_process(self.config, self.design_space, {reactor: one})
        self.vessels[reactor] = one
        self._inbox.join(reactor, one.connector)
        if self._book.is_open:
            mode, turn = self._modes.base_mode(reactor), self.run_state.today.turn
            space = self._book.space(reactor)
            self._tell(
                first_records.joined(
                    reactor, one, self.config, space, mode, turn=turn, reason=reason, run_dir=self._mind.keeps_in
                )
            )

    def leave(self, reactor: str, *, reason: str) -> None:
        """Let a vessel go, e.g. contaminated or harvested: it is not read or written any more; its data stay.

        Args:
            reactor: Which.
            reason: Why, for the record.

        Raises:
            ConfigError: there is no such vessel.
        """
        if reactor not in self.vessels:
            raise ConfigError(f"There is no vessel {reactor}. Known: {', '.join(self.vessels)}.")
        if reactor in self._book.aboard:
            self._inbox.leave(reactor)
            if self._book.is_open:
                self._tell(VesselLeft(reactor=reactor, turn=self.run_state.today.turn, reason=reason))
            else:
                self._forget(reactor)

    def run_sync(self) -> RunResult:
        """Run the experiment as `run` does, from code that is not asynchronous; in notebooks and scripts alike.

        Raises:
            PerfusioError: as `run`.
            KeyboardInterrupt: Ctrl-C; the run is interrupted on record and can go on with `resume`.
        """
        return run_to_end(self.run)

    async def run(self) -> RunResult:
        """Run the experiment to its end and return how it ended.

        Raises:
            PerfusioError: the source or the record cannot be used; no vessel was written to before it was raised.
        """
        logger: AuditLogger | None = None
        try:
            if not self._goes_on:
                await self._name_vessels()
            sources = self._beginning.sources(goes_on=self._goes_on)
            await self._looks.take_vessels()
            if not self._goes_on:  # else its sources are known, and are waited for like any sample
                await self._first_look()
            logger, records = self._beginning.opened(self._audit, goes_on=self._goes_on)
            try:
                outcome = await self._from_begin_to_end(records, sources)
            except (asyncio.CancelledError, KeyboardInterrupt):
                self._ending.interrupted("Ctrl-C or a signal ended the program.")
                raise
            except AuditError:
                raise  # there is no record to write to; once there is, the run may go on
            except Exception as error:
                self._ending.interrupted(f"{type(error).__name__}: {error}")
                raise
            self._desk.close()
            self._ending.end(outcome)
        finally:
            self._inbox.close()
            self._mind.close()
            if logger is not None:
                logger.close()
            await self._looks.give_vessels_back()
        return RunResult(
            outcome=outcome,
            trajectories=self.run_state.trajectories,
            audit_path=logger.path if logger is not None else None,
            n_samples=self.run_state.n_samples,
            n_decisions=self.run_state.n_decisions,
        )

    async def _name_vessels(self) -> None:
        """Call the vessels of a source as its rows do; where there is no row yet, wait for the first."""
        named = able(self._source, NamedByRows)
        if named is None or [vessel.connector for vessel in self.vessels.values()] != [self._source]:
            return  # they have names of their own
        await first_rows(named, self._clock, self._book.tell)
        self._forget(UNNAMED)
        for reactor, vessel in aboard(self._source).items():
            self.join(reactor, vessel, reason="")

    def _forget(self, reactor: str) -> None:
        """Know nothing of a vessel any more; the run has not begun."""
        self._inbox.forget(reactor)
        del self.vessels[reactor]

    async def _first_look(self) -> None:
        watching = asyncio.ensure_future(self._watch.keep_on(self._inbox))
        try:
            await meanwhile(self._inbox.first_look(), watching)
        finally:
            watching.cancel()

    async def _from_begin_to_end(self, records: Summary | None, sources: Mapping[str, Mapping[str, object]]) -> Outcome:
        """Begin, or go on, and run the loop beside endless tasks."""
        beside = asyncio.ensure_future(
            together(
                self._desk.stay_open, self._pulse.keep_on, self._deliveries.keep_on,
                partial(self._watch.keep_on, self._inbox),
            )
        )  # fmt: skip
        try:
            if records is not None:
                self._beginning.go_on(records, sources)
            else:
                await self._beginning.start(sources)
            return await meanwhile(self._ending.until_stopped(self._turn_after_turn()), beside)
        finally:
            beside.cancel()

    def _tell(self, event: Event) -> int:
        return self._book.append(event)

    async def _turn_after_turn(self) -> Outcome:
        """Run turn after turn; only the planned length, the end of all sources, or a person ends them."""
        last = self.config.n_turns
        for turn in range(self.run_state.today.turn, last + 1):
            self._book.turn_to(turn)
            await self._desk.obey()
            self._modes.note_modes(turn)
            await self._looks.settle(turn)
            present = await self._intake.gather(turn)
            if not present and self._inbox.is_over:
                return Outcome.SOURCE_EXHAUSTED
            await self._looks.settle(turn)
            async with self._desk.thinking():
                await self._turns.think_and_act(turn, present, is_last=turn == last)
        return Outcome.COMPLETED

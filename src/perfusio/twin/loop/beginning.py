"""Beginning: a run starts anew, or goes on from its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from perfusio.clock import Clock
from perfusio.errors import ConnectorError
from perfusio.protocols import EventSink
from perfusio.record import good_prefix
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.places import recorded
from perfusio.record.run_state import RunState
from perfusio.record.summary import Summary
from perfusio.record.verification.site_key import SiteKey
from perfusio.twin import resume
from perfusio.twin.deciding.ladder import Ladder
from perfusio.twin.deciding.model_and_policy import Mind
from perfusio.twin.loop import first_records
from perfusio.twin.loop.turns import Turns
from perfusio.twin.samples.inbox import Inbox
from perfusio.twin.samples.sampling_schedule import SamplingSchedule
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.state.modes import Modes
from perfusio.twin.vessels import on_equal_terms


class Beginning:
    """Puts the first record on record, and informs all parts of the twin before the first turn.

    Args:
        book: State of the run, and its record.
        mind: The model and the policy.
        turns: Save the model.
        inbox: Where samples arrive.
        pace: When turns end.
        clock: Of the run.
        ladder: Who decides.
    """

    def __init__(
        self, book: Logbook, mind: Mind, turns: Turns, inbox: Inbox, pace: SamplingSchedule, clock: Clock,
        ladder: Ladder,
    ) -> None:  # fmt: skip
        self._book, self._mind, self._turns, self._ladder = book, mind, turns, ladder
        self._inbox, self._pace, self._clock = inbox, pace, clock
        self._modes = Modes(book)

    def sources(self, *, goes_on: bool) -> dict[str, dict[str, object]]:
        """Return where the samples of each vessel come from; a file that is away keeps no run from going on.

        Args:
            goes_on: Whether the run has begun before, and its sources are known.

        Raises:
            ConnectorError: a source of a new run cannot be read.
        """
        found: dict[str, dict[str, object]] = {}
        for reactor, vessel in self._book.vessels.items():
            try:
                found[reactor] = first_records.description(vessel)
            except ConnectorError as error:
                if not goes_on:
                    raise
                found[reactor] = {"kind": vessel.connector.kind.value, "unreadable": str(error)}
        return found

    def opened(
        self, sink: EventSink | None, *, goes_on: bool
    ) -> tuple[AuditLogger | None, Summary | None]:
        """Open the record; return it if it is ours to close, and its summary of a run that goes on.

        Args:
            sink: Where events go instead, if anybody gave one.
            goes_on: Whether the run has begun before.

        Raises:
            AuditError: there is a record where a new one is asked for, none where one should be, or it is not good.
        """
        logger: AuditLogger | None = None
        records: Summary | None = None
        config = self._book.config
        if sink is None:
            path = config.run_dir / "audit.jsonl"
            if goes_on:
                logger, records = AuditLogger.resumed(path, clock=self._clock, key=SiteKey.of_site())
            else:
                logger = AuditLogger(path, clock=self._clock, fresh=config.fresh, key=SiteKey.of_site())
            sink = logger
        if isinstance(sink, AuditLogger):
            self._book.run_state = RunState(run_id=sink.run_id, process=config.process)
        self._book.sink = sink
        self._mind.keeps_in = config.run_dir if logger is not None else None
        return logger, records

    async def start(self, sources: Mapping[str, Mapping[str, object]]) -> None:
        """Put the settings on record, and whether the model doubts that it can be done."""
        sources = self._seen_from_run(sources)
        modes = {reactor: self._modes.base_mode(reactor) for reactor in self._book.vessels}
        policy, model = self._mind.policy, self._mind.model
        config, space, vessels = self._book.config, self._book.design_space, self._book.vessels
        self._book.append(first_records.started(config, space, modes, sources, vessels, policy, model))
        groups = list(on_equal_terms(vessels, space, config))
        for terms in groups:
            await self._mind.doubts(terms, are_all=len(groups) == 1)
        await self._turns.keep_model(0)

    def go_on(self, records: Summary, sources: Mapping[str, Mapping[str, object]]) -> None:
        """Take over the state of the run before, and say that it goes on."""
        self._book.run_state = known = resume.known_after(records)
        for sample in records.samples:
            state = known.trajectories[sample.reactor].at(sample.time_h)
            if state is not None and state.is_signal and not self._book.config.decide_on_signals:
                continue
            self._pace.begins(
                sample.reactor, sample.turn, hour=float(sample.time_h), at=datetime.fromisoformat(sample.ts)
            )
        self._inbox.goes_on(known.starts, known.failing)
        for reactor in known.left & set(self._book.vessels):
            self._inbox.leave(reactor)
        if (waiting := resume.waiting_refit(records)) is not None and not self._ladder.stands_in:
            self._mind.goes_on(waiting)
        self._book.tell(records.first.to_event())
        functions = first_records.functions_used(self._book.config, self._book.vessels)
        model, policy = self._mind.model, self._mind.policy
        resumed = first_records.resumed(records.last, model, policy, self._seen_from_run(sources), functions)
        self._book.append(replace(resumed, decided_by={}) if self._ladder.stands_in else resumed)
        self._ladder.goes_on(known.today.turn)
        if step_s := resume.clock_step(records.last, self._clock.now()):
            self._modes.clock_set_back(-step_s, known.today.turn)
        good_prefix.forget()

    def _seen_from_run(self, sources: Mapping[str, Mapping[str, object]]) -> dict[str, Mapping[str, object]]:
        """Return sources with their places as seen from the folder of the record, if there is one."""
        run_dir = self._mind.keeps_in
        return {r: source if run_dir is None else recorded(source, run_dir) for r, source in sources.items()}

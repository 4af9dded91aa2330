"""Advice: one answer on vessels as they are now. No run: nothing is recorded, nothing is written.

The samples pass the parts of a run, turn after turn: the same admission, refits, policy, guard and alarms. Only the
latest sample is decided, in advisory mode, and events are kept in memory: the answer is the decision that a run on the
same source makes with its latest sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from uuid import uuid4

from perfusio.bed.policy import BEDPolicy
from perfusio.clock import SystemClock
from perfusio.config import DesignSpace, Mode, RunConfig
from perfusio.decision import Action
from perfusio.errors import NotEnoughData
from perfusio.events import AlarmRaised, Decided, Event, SampleQuarantined, Withheld
from perfusio.hybrid.model import HybridModel
from perfusio.protocols import Checking, Model, Policy
from perfusio.record.run_state import RunState, is_fit_due
from perfusio.twin.deciding.ladder import Ladder
from perfusio.twin.deciding.model_and_policy import Mind
from perfusio.twin.loop.beginning import Beginning
from perfusio.twin.loop.choice import Choice
from perfusio.twin.loop.turns import Turns
from perfusio.twin.processes import check_one_process
from perfusio.twin.samples.inbox import Inbox
from perfusio.twin.samples.intake import Intake
from perfusio.twin.samples.sampling_schedule import SamplingSchedule
from perfusio.twin.state.logbook import Logbook
from perfusio.twin.timeouts import Patience
from perfusio.twin.vessels import Vessel, holding
from perfusio.twin.writes.first_look import FirstLook
from perfusio.twin.writes.write_dispatcher import Hands

LOOK_BACK_DAYS = 4
"""Length of the forecasts of earlier turns: the checks of samples and the alarms look no further ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The answer on one vessel.

    Attributes:
        reactor: Its name.
        decided: The proposal with both its forecasts; None if there is none.
        withheld: The verdict of the guard: ``advise``, or ``hold`` with the reasons.
        alarms: That stand now, the gravest first.
    """

    reactor: str
    decided: Decided | None
    withheld: Withheld | None
    alarms: tuple[AlarmRaised, ...]

    @property
    def is_given(self) -> bool:
        """Whether setpoints are advised."""
        return self.decided is not None and self.withheld is not None and self.withheld.action == Action.ADVISE.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Consultation:
    """All answers, and how the twin came to them.

    Attributes:
        advice: By vessel.
        run_state: Samples, setpoints in force and alarms as a run would know them.
        events: As a run would have recorded them, in order.
        model: With which the latest sample was decided.
    """

    advice: Mapping[str, Advice]
    run_state: RunState
    events: tuple[Event, ...]
    model: Model


class _Kept:
    """Events in memory, in the place of a record."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, event: Event) -> int:
        """Keep an event; return its number."""
        self.events.append(event)
        return len(self.events) - 1


async def advise(
    vessels: Mapping[str, Vessel],
    design_space: DesignSpace,
    config: RunConfig,
    *,
    model: Model | None = None,
    policy: Policy | None = None,
) -> Consultation:
    """Return advice on the latest sample of each vessel.

    Args:
        vessels: By reactor id; sources that end by themselves, such as a finished file.
        design_space: Allowed setpoints.
        config: As for a run; its length does not matter.
        model: Belief to start from; default: the mechanistic prior, no data.
        policy: Chooses setpoints; default: BEDPolicy.

    Raises:
        ConnectorError: a source cannot be used.
        NotEnoughData: no sample of any vessel can be used.
        ConfigError: settings, vessels and model do not fit together.
    """
    nowhere = Path(gettempdir()) / f"perfusio-advice-{uuid4().hex}"  # is not made: nothing there holds a vessel
    # whoever asks once is told why there is no advice; the ladder is for vessels that go on
    config = config.model_copy(update={"mode": Mode.ADVISORY, "run_dir": nowhere, "fallback": "hold"})
    policy = policy or BEDPolicy()
    if isinstance(policy, Checking):
        policy.check(config)
    aboard = holding(vessels, design_space)
    model = model if model is not None else HybridModel.prior(config.process)
    check_one_process(config, design_space, aboard, model)
    past = config.model_copy(update={"forecast_days": min(LOOK_BACK_DAYS, config.forecast_days)})
    kept, clock = _Kept(), SystemClock()
    book = Logbook(past, design_space, aboard)
    pace = SamplingSchedule(clock, config.sampling_interval_hours)
    patience = Patience.usual(config.sampling_interval_hours).on(clock)
    connectors = {reactor: vessel.connector for reactor, vessel in aboard.items()}
    inbox = Inbox(
        connectors, config.sampling_interval_hours, patience, pace=pace, clock=clock,
        decides_on_signals=config.decide_on_signals, process=config.process,
    )  # fmt: skip
    mind = Mind(model, policy, past, book.append)
    hands = Hands(book, FirstLook(book, patience, clock), patience, clock)
    intake = Intake(book, inbox, pace, lambda *_, **__: None)  # a culture that began earlier has more samples
    ladder = Ladder(book)
    turns = Turns(book, mind, hands, inbox, intake, Choice(book, mind, hands, ladder))
    beginning = Beginning(book, mind, turns, inbox, pace, clock, ladder)
    try:
        sources = beginning.sources(goes_on=False)
        await inbox.first_look()
        beginning.opened(kept, goes_on=False)
        await beginning.start(sources)
        turn, present = 0, await intake.gather(0)
        await inbox.first_look()
        while not inbox.is_over:
            await turns.think_and_act(turn, present, is_last=True)
            if config.model_update == "auto" and is_fit_due(turn, config.retrain_every):
                await mind.refit(turn, turns.observed())
            turn += 1
            book.turn_to(turn)
            present = await intake.gather(turn)
            await inbox.first_look()  # whether a further sample comes: the latest one is decided
        sampled = {t.reactor_id for t in turns.observed()}
        if not sampled:
            raise NotEnoughData(_unusable(kept.events))
        book.config = config = config.model_copy(update={"model_update": "frozen"})  # no refit after the answer
        latest = Mind(mind.model, policy, config, book.append)
        try:
            choice = Choice(book, latest, hands, ladder)
            await Turns(book, latest, hands, inbox, intake, choice).think_and_act(turn, sampled, is_last=False)
        finally:
            latest.close()
    finally:
        inbox.close()
        mind.close()
    return Consultation(
        advice={reactor: _answer(reactor, turn, kept.events, book.run_state) for reactor in sorted(sampled)},
        run_state=book.run_state, events=tuple(kept.events), model=latest.model,
    )  # fmt: skip


def _answer(reactor: str, turn: int, events: list[Event], known: RunState) -> Advice:
    mine = [e for e in events if e.reactor == reactor]
    decided = [e for e in mine if isinstance(e, Decided) and e.turn == turn]
    withheld = [e for e in mine if isinstance(e, Withheld) and e.turn == turn]
    standing = {a[1:] for a in known.alarms if a[0] == reactor} | {a[1:] for a in known.alarms if not a[0]}
    told = [e for e in events if isinstance(e, AlarmRaised) and e.reactor in (reactor, None)]
    raised = [e for name, e in {(e.quantity, e.level): e for e in told}.items() if name in standing]
    return Advice(
        reactor=reactor,
        decided=decided[-1] if decided else None,
        withheld=withheld[-1] if withheld else None,
        alarms=tuple(sorted(raised, key=lambda e: (e.level == "warn", e.quantity))),
    )


def _unusable(events: list[Event]) -> str:
    """Say why no sample can be used."""
    refused = [e for e in events if isinstance(e, SampleQuarantined)]
    first = f" The first one: {refused[0].reason}" if refused else ""
    return f"No sample can be used, found {len(refused)} that were refused.{first} Expected at least one."

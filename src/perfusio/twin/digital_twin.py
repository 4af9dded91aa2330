"""DigitalTwin: the one object with state. Each day: read, observe, condition, decide, guard, write; refit every few."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from math import nan
from typing import TypeVar

import numpy as np

from perfusio.bed.policy import BEDPolicy
from perfusio.bed.well_posed import Doubt, doubt
from perfusio.clock import Clock, SystemClock
from perfusio.config import DesignSpace, Mode, RunConfig
from perfusio.decision import Action, Decision, Verdict
from perfusio.errors import AuditError, ConfigError, ModelError, PerfusioError
from perfusio.events import (
    ConnectorFailed,
    Event,
    Forecasted,
    ModeChanged,
    ModelConditioned,
    ModelRejected,
    RunEnded,
    SampleQuarantined,
    VesselJoined,
    VesselLeft,
)
from perfusio.forecast import Forecast
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.threads import one_thread
from perfusio.protocols import Connector, ConnectorKind, Described, EventSink, Model, Policy
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory
from perfusio.twin import facts
from perfusio.twin.actuate import actuate
from perfusio.twin.alarms import alarms
from perfusio.twin.announce import Announcing, Observer
from perfusio.twin.audit import AuditLogger
from perfusio.twin.day import RunState, in_force, is_fit_due, observe, problem_with, with_vessel
from perfusio.twin.guard import guard
from perfusio.twin.hold import word_on
from perfusio.twin.inbox import Arrival, Inbox, Trouble
from perfusio.twin.outcome import Outcome, RunResult
from perfusio.twin.patience import Patience
from perfusio.twin.proposal import proposed
from perfusio.twin.site_key import SiteKey
from perfusio.twin.vessels import Source, Vessel, aboard, on_equal_terms

OVERDUE_TURNS = 3
"""Turns in a row without any sample from any vessel after which a run ends as SAMPLE_OVERDUE."""
WORSE = 1.1
"""A refit that predicts the latest transitions this many times worse is refused."""
REFIT_SHARE = 0.25
"""Of the time between two samples that a refit may take: what it learns later is not used."""
T = TypeVar("T")
_N_WORKERS = 4
"""Threads for models and policies: their own, so that connectors that hang in threads of theirs take none of these."""


class DigitalTwin:
    """Runs an experiment on one vessel or many by itself.

    Args:
        connector: One vessel, a source of several (`vessels()`), or a mapping of reactor to connector or `Vessel`.
        design_space: What may be written.
        run_config: What to do for how long.
        model: Belief to start from; default: the mechanistic prior, no data.
        policy: Chooses setpoints; default: BEDPolicy.
        clock: Where wall time comes from.
        audit: Where events go; default: `audit.jsonl` in `run_config.run_dir`.
        observers: Called with each event after it is durable, e.g. to print it.
        patience: How long a vessel is waited for that holds up others; default `Patience.usual`.

    Attributes:
        vessels: The vessels by reactor id; those that left stay.
        model: What is believed now.
        run_state: What was seen and what is in force.
    """

    def __init__(
        self,
        *,
        connector: Source,
        design_space: DesignSpace,
        run_config: RunConfig,
        model: Model | None = None,
        policy: Policy | None = None,
        clock: Clock | None = None,
        audit: EventSink | None = None,
        observers: tuple[Observer, ...] = (),
        patience: Patience | None = None,
    ) -> None:
        self.vessels = aboard(connector)
        self.design_space, self.config = design_space, run_config
        for vessel in self.vessels.values():
            vessel.config(run_config)  # what is asked of a vessel is refused here or never
        self.model: Model = model if model is not None else HybridModel()
        self.policy: Policy = policy if policy is not None else BEDPolicy()
        self.run_state = RunState()
        self._clock = clock or SystemClock()
        self._audit, self._observers = audit, observers
        self._patience = patience or Patience.usual(run_config.sampling_interval_hours)
        self._inbox = Inbox(self.connectors, run_config.sampling_interval_hours, self._patience)
        self._left: set[str] = set()
        self._modes: dict[str, Mode] = {}
        self._turn = self._n_samples = self._n_decisions = 0
        self._is_running = False
        self._run_id = ""

    @property
    def connectors(self) -> dict[str, Connector]:
        """The connector of each vessel, by reactor id."""
        return {reactor: vessel.connector for reactor, vessel in self.vessels.items()}

    def mode(self, reactor: str) -> Mode:
        """Return who may write to a vessel: nobody if a person holds it; else as configured, or as its kind has it."""
        if word_on(self.config.run_dir, reactor).is_held:
            return Mode.HOLD
        return self.vessels[reactor].mode_within(self.config)

    def join(self, reactor: str, vessel: Connector | Vessel, *, reason: str) -> None:
        """Take one more vessel into a run; its first sample is expected with the next turn.

        Args:
            reactor: Its name, new to this run.
            vessel: Its connector, or with what is asked of it.
            reason: Why, for the record.

        Raises:
            ConfigError: there is a vessel of that name, or it has left: its data would be mixed up with the new one's.
        """
        if reactor in self.vessels:
            raise ConfigError(f"{reactor} is or was in this run. Give the new culture a name of its own, {reactor}-2.")
        self.vessels[reactor] = one = vessel if isinstance(vessel, Vessel) else Vessel(connector=vessel)
        self._inbox.join(reactor, one.connector)
        if self._is_running:
            source, mode = _description(one), self.mode(reactor).value
            self._sink.append(VesselJoined(reactor=reactor, day=self._turn, mode=mode, source=source, reason=reason))
            self._seat(reactor, source)

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
        if reactor not in self._left:
            self._left.add(reactor)
            self._inbox.leave(reactor)
            if self._is_running:
                self._sink.append(VesselLeft(reactor=reactor, day=self._turn, reason=reason))

    async def run(self) -> RunResult:
        """Run the experiment to its end and return how it ended.

        Raises:
            PerfusioError: the source or the record cannot be used; no vessel was written to before it was raised.
        """
        sources = {reactor: _description(vessel) for reactor, vessel in self.vessels.items()}
        try:
            await self._inbox.first_look()
        except BaseException:
            self._inbox.close()
            raise
        logger, sink = None, self._audit
        if sink is None:
            path = self.config.run_dir / "audit.jsonl"
            sink = logger = AuditLogger(path, clock=self._clock, fresh=self.config.fresh, key=SiteKey.of_site())
        if isinstance(sink, AuditLogger):
            self._run_id = sink.run_id
        self._sink: EventSink = Announcing(sink, self._observers)
        self._workers = ThreadPoolExecutor(_N_WORKERS, thread_name_prefix="perfusio")
        outcome, reason = Outcome.FAILED, ""
        try:
            self._start(sources)
            await self._doubt_the_aim()
            outcome = await self._turns()
        except (asyncio.CancelledError, KeyboardInterrupt):
            outcome = Outcome.STOPPED
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._inbox.close()
            self._workers.shutdown(wait=False)
            with suppress(AuditError):  # a record that cannot be written is the reason we are here
                self._sink.append(
                    RunEnded(
                        outcome=outcome.name, n_samples=self._n_samples, n_decisions=self._n_decisions,
                        reason=reason or outcome.value,
                    )
                )  # fmt: skip
            if logger is not None:
                logger.close()
        return RunResult(
            outcome=outcome,
            trajectories=self.run_state.trajectories,
            audit_path=logger.path if logger is not None else None,
            n_samples=self._n_samples,
            n_decisions=self._n_decisions,
        )

    # -- the loop ----------------------------------------------------------------------------------------------------

    def _start(self, sources: Mapping[str, Mapping[str, object]]) -> None:
        modes = {reactor: self.mode(reactor) for reactor in self.vessels}
        self._sink.append(facts.started(self.config, self.design_space, modes, sources, self.vessels))
        self._is_running = True
        for reactor in self.vessels:
            self._seat(reactor, sources[reactor])

    def _seat(self, reactor: str, source: Mapping[str, object]) -> None:
        self._modes[reactor] = self.mode(reactor)
        empty = Trajectory(reactor_id=reactor, run_id=self._run_id, clone=str(source.get("clone", "")))
        self.run_state = with_vessel(self.run_state, empty, self._space(reactor).nominal)

    def _space(self, reactor: str) -> DesignSpace:
        return self.vessels[reactor].design_space or self.design_space

    async def _work(self, work: Callable[[], T]) -> T:
        """Run code of a model or a policy in a thread of ours."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, one_thread(work))

    async def _doubt_the_aim(self) -> None:
        """Ask the model whether targets can be held at all, and put doubts on record; they stop nothing."""
        for terms in on_equal_terms(self.vessels, self.design_space, self.config):
            try:
                found = await self._work(partial(doubt, self.model, terms.design_space, terms.config))
            except Exception as error:  # noqa: BLE001 - as in `_attempt`; the first forecast says more about such a model
                words = f"Whether the aim can be held was not checked: {type(error).__name__}: {error}"
                found = Doubt(text=words, binding="not checked", remedies=(), growth=(nan, nan), window=(nan, nan))
            if found is not None:
                is_of_all = len(terms.reactors) == len(self.vessels)
                self._sink.append(facts.aim_doubted(found, () if is_of_all else terms.reactors))

    async def _turns(self) -> Outcome:
        last, silent = self.config.n_turns, 0
        for turn in range(last + 1):
            self._turn = turn
            self._note_modes(turn)
            present = await self._gather_samples(turn)
            if not present and self._inbox.is_over:
                return Outcome.SOURCE_EXHAUSTED
            silent = 0 if present else silent + 1
            if silent >= OVERDUE_TURNS and not self._inbox.is_reading_ahead:
                return Outcome.SAMPLE_OVERDUE
            await self._condition(turn)
            deciding = {r for r in present if turn < last and self.mode(r) in (Mode.AUTOMATIC, Mode.ADVISORY)}
            decisions = await self._decide(turn, deciding)
            await self._forecast_only(turn, set(self.vessels) - self._left - set(decisions))
            await self._apply_all(turn, self._judge(turn, decisions))
            if turn < last and is_fit_due(turn, self.config.retrain_every):
                await self._refit(turn)
        return Outcome.COMPLETED

    # -- hop 1 and 2: samples ----------------------------------------------------------------------------------------

    async def _gather_samples(self, turn: int) -> set[str]:
        """Take in what is due by this turn, all vessels at once; return the vessels whose sample of the day came."""
        present = set()
        gathered = await self._inbox.gather(turn)
        for reactor, arrived in gathered.items():
            for thing in arrived:
                if isinstance(thing, Trouble):
                    self._sink.append(
                        ConnectorFailed(reactor=reactor, day=turn, operation=thing.operation, reason=thing.reason)
                    )
                elif self._take(reactor, turn, thing):
                    present.add(reactor)
            came = any(isinstance(thing, Arrival) and thing.is_due for thing in arrived)  # if only to be quarantined
            if not came and not (reactor in self._inbox.over and not arrived):
                expected = self._inbox.expected_h(reactor, turn)
                self._sink.append(facts.sample_missing(reactor, turn, expected, self.config.sampling_interval_hours))
        self._n_samples += len(present)
        if not self._inbox.is_over:
            for reactor in sorted(self._inbox.over - self._left - present):
                self.leave(reactor, reason="Its source has no further samples.")
        return present - self._left

    def _take(self, reactor: str, turn: int, arrival: Arrival) -> bool:
        """Record and observe one sample; return whether it is the usable sample of this turn."""
        sample, trajectory = arrival.sample, self.run_state.trajectories[reactor]
        problem = problem_with(sample, trajectory)
        if problem is not None:
            self._sink.append(SampleQuarantined(reactor=reactor, day=turn, state=sample, reason=problem))
            return False
        connector, before = self.connectors[reactor], self.run_state.in_force[reactor]
        if connector.kind is ConnectorKind.HARDWARE and not connector.confirms_at_once and trajectory.states:
            # what a controller shows with this sample is what it made of our last write
            self.run_state = in_force(self.run_state, reactor, *arrival.setpoints.filled_from(before))
            before = self.run_state.in_force[reactor]
        self._sink.append(facts.sample_read(reactor, turn, arrival, before, self.run_state.assumed[reactor]))
        self.run_state = observe(self.run_state, reactor, sample)
        if connector.kind is ConnectorKind.REPLAY:
            before = self._space(reactor).nominal  # our own writes never count in a replay
        self.run_state = in_force(self.run_state, reactor, *arrival.setpoints.filled_from(before))
        return arrival.is_due

    # -- hop 3 and 4: model and decisions ----------------------------------------------------------------------------

    def _observed(self, but_not: AbstractSet[str] = frozenset()) -> list[Trajectory]:
        return [t for r, t in self.run_state.trajectories.items() if t.states and r not in but_not]

    async def _condition(self, turn: int) -> None:
        def condition() -> tuple[Model, ModelConditioned]:
            model = self.model.condition(self._observed())
            return model, ModelConditioned(day=turn, model_id=model.model_id)

        conditioned = await self._attempt(turn, condition)
        if conditioned is not None:
            self.model, event = conditioned
            self._sink.append(event)

    async def _attempt(self, turn: int, work: Callable[[], T], *, within_s: float | None = None) -> T | None:
        """Run model code in a thread; whatever fails there costs this turn's update, never the run or the vessel."""
        try:
            return await asyncio.wait_for(self._work(work), within_s)
        except Exception as error:  # noqa: BLE001 - a fault in a model must end as a HOLD with its name, not as a crash
            what = f"{type(error).__name__}: {error}"
            if isinstance(error, TimeoutError) and within_s is not None:
                what = f"It took longer than {within_s / 60.0:.3g} minutes."
            words = f"{what} The model before stays in use."
            self._sink.append(ModelRejected(day=turn, model_id=self.model.model_id, reason=words))
            return None

    async def _decide(self, turn: int, reactors: set[str]) -> dict[str, Decision | PerfusioError]:
        if not reactors:
            return {}
        chosen = {r: self.run_state.trajectories[r] for r in sorted(reactors)}
        now = {t.reactor_id: self.run_state.in_force[t.reactor_id] for t in self._observed(but_not=self._left)}
        answers: dict[str, object] = {}
        asked = {r: self.vessels[r] for r in chosen}
        for terms in on_equal_terms(asked, self.design_space, self.config):
            theirs = {r: chosen[r] for r in terms.reactors}
            decide = partial(
                self.policy.decide, theirs, dict(now), self.model, terms.design_space, terms.config, day=turn
            )
            try:
                decided = dict(await self._work(decide))
                answers |= {r: decided.get(r) for r in terms.reactors}
                now |= {r: d.setpoints for r, d in answers.items() if isinstance(d, Decision) and r in theirs}
            except Exception as error:  # noqa: BLE001 - as above: a fault in a policy is that day's HOLD
                fault = ModelError(f"The policy failed with {type(error).__name__}: {error}")
                answers |= dict.fromkeys(terms.reactors, fault)
        # for the vessels that were asked about, whatever the policy answered
        return {reactor: self._proposed(reactor, turn, answers.get(reactor)) for reactor in chosen}

    def _proposed(self, reactor: str, turn: int, answer: object) -> Decision | PerfusioError:
        """Put what a policy answered on record if it is a decision; what cannot be recorded cannot be done either."""
        proposal, event = proposed(answer, reactor=reactor, turn=turn, key=self._key(reactor, turn))
        if event is not None:
            self._sink.append(event)
            self._n_decisions += 1
        return proposal

    def _key(self, reactor: str, turn: int) -> str:
        return f"{self._run_id}:{reactor}:{turn}:0"

    async def _forecast_only(self, turn: int, reactors: set[str]) -> None:
        """Forecast the vessels for which nothing is decided, under the setpoints in force."""
        for reactor in sorted(reactors):
            if self.run_state.trajectories[reactor].states:
                forecast = await self._attempt(turn, partial(self._hold_forecast, reactor, turn))
                if forecast is not None:
                    self._sink.append(forecast[1])
                    self._alarm(reactor, turn, forecast[0])

    def _hold_forecast(self, reactor: str, turn: int) -> tuple[Forecast, Forecasted]:
        hours = self.config.sampling_interval_hours
        plan = [self.run_state.in_force[reactor]] * max(1, round(self.config.forecast_days * 24.0 / hours))
        trajectory, n, seed = self.run_state.trajectories[reactor], self.config.n_paths, self.config.seed
        forecast = self.model.rollout(trajectory, [plan], interval_hours=hours, n_paths=n, seed=seed)[0]
        if not forecast.is_finite():
            raise ModelError(f"The forecast for {reactor} is not finite.")
        event = Forecasted(reactor=reactor, day=turn, hold=forecast.to_json(), model_id=self.model.model_id)
        return forecast, event

    # -- hop 5 and 6: guard and write --------------------------------------------------------------------------------

    def _judge(self, turn: int, decisions: Mapping[str, Decision | PerfusioError]) -> list[Verdict]:
        self._note_modes(turn)
        verdicts = []
        for reactor, decision in decisions.items():
            verdict = guard(
                decision, reactor=reactor, trajectory=self.run_state.trajectories[reactor],
                current=self.run_state.in_force[reactor], design_space=self._space(reactor),
                constraints=self.config.constraints, mode=self.mode(reactor),
            )  # fmt: skip
            verdicts.append(verdict)
            if isinstance(decision, Decision) and decision.chosen.is_finite():
                self._alarm(reactor, turn, decision.chosen if verdict.action is Action.WRITE else decision.hold)
            if verdict.action is not Action.WRITE:
                self._sink.append(facts.withheld(verdict, turn))
        return verdicts

    def _note_modes(self, turn: int) -> None:
        """Put on record where a person has held or released a vessel since this was last asked."""
        for reactor, before in self._modes.items():
            now, word = self.mode(reactor), word_on(self.config.run_dir, reactor)
            if now is not before:
                changed = ModeChanged(
                    reactor=reactor, day=turn, before=before.value, mode=now.value, who=word.who, reason=word.why
                )
                self._sink.append(changed)
        self._modes = {reactor: self.mode(reactor) for reactor in self._modes}

    def _not_held(self, turn: int, verdict: Verdict) -> Verdict:
        """Return the verdict, or a HOLD if a person has held the vessel since it was judged."""
        if verdict.action is not Action.WRITE or self.mode(verdict.reactor_id) is Mode.AUTOMATIC:
            return verdict
        self._note_modes(turn)
        words = ("A person holds the vessel: nothing is written.",)
        held = Verdict(reactor_id=verdict.reactor_id, setpoints=None, action=Action.HOLD, because=words)
        self._sink.append(facts.withheld(held, turn))
        return held

    def _alarm(self, reactor: str, turn: int, forecast: Forecast) -> None:
        sample = self.run_state.trajectories[reactor].states[-1]
        found = alarms(self.config.alarms, sample, forecast, sample.time_h)
        active = {(reactor, a.quantity, a.level) for a in found}
        for alarm in found:
            if (reactor, alarm.quantity, alarm.level) not in self.run_state.alarms:
                self._sink.append(replace(alarm, reactor=reactor, day=turn))
        others = {a for a in self.run_state.alarms if a[0] != reactor}
        self.run_state = replace(self.run_state, alarms=frozenset(others | active))

    async def _apply_all(self, turn: int, verdicts: list[Verdict]) -> None:
        """Carry out what was decided, side by side: a vessel that does not answer holds up no other."""
        writes = [self._apply(turn, verdict) for verdict in verdicts if verdict.reactor_id not in self._left]
        ended = await asyncio.gather(*writes, return_exceptions=True)
        for error in ended:
            if error is not None:
                raise error

    async def _apply(self, turn: int, verdict: Verdict) -> None:
        verdict, reactor = self._not_held(turn, verdict), verdict.reactor_id
        connector, current = self.connectors[reactor], self.run_state.in_force[reactor]
        found = await actuate(
            verdict, connector=connector, current=current, audit=self._sink, day=turn,
            key=self._key(reactor, turn), patience=self._patience,
        )  # fmt: skip
        if connector.kind is ConnectorKind.REPLAY or verdict.action is not Action.WRITE:
            return  # what was in force in a replay is history: our own writes never count
        now, assumed = (found or Setpoints()).filled_from(current)
        self.run_state = in_force(self.run_state, reactor, now, assumed)

    # -- learning ----------------------------------------------------------------------------------------------------

    async def _refit(self, turn: int) -> None:
        seed = int(np.random.SeedSequence([self.config.seed, turn]).generate_state(1)[0])

        def refit() -> tuple[Model, Event]:
            new = self.model.refit(self._observed(), seed=seed)
            accepted = bool(np.isfinite(new.error) and new.error <= WORSE * new.previous_error)
            model = new.model if accepted else self.model
            return model, facts.refitted(new, turn, accepted=accepted, model_id=model.model_id)

        within_s = REFIT_SHARE * 3600.0 * self.config.sampling_interval_hours
        refitted = await self._attempt(turn, refit, within_s=within_s)
        if refitted is not None:
            self.model, event = refitted
            self._sink.append(event)


def _description(vessel: Vessel) -> dict[str, object]:
    """Return where the samples of a vessel come from; a clone that a person names counts before the source's."""
    found = dict(vessel.connector.describe()) if isinstance(vessel.connector, Described) else {}
    return found | ({"clone": vessel.clone} if vessel.clone else {})

"""The facts of a day as events: one function per fact, so that the loop reads as the loop."""

from __future__ import annotations

from perfusio.bed.target_feasibility import TargetDoubt
from perfusio.decision import Decision, Verdict
from perfusio.events import (
    AimDoubted,
    DayMissed,
    Decided,
    ModelFitted,
    ModelRejected,
    SampleMissing,
    SampleRead,
    Withheld,
)
from perfusio.protocols import Model, Refit
from perfusio.state import Setpoints
from perfusio.twin.state.arrival import Arrival


def aim_doubted(doubt: TargetDoubt, reactors: tuple[str, ...] = ()) -> AimDoubted:
    """Return the record of a target that may not be held, by all vessels or by some that are named."""
    growth, window = ({"low": low, "high": high} for low, high in (doubt.growth, doubt.window))
    return AimDoubted(
        binding=doubt.binding, remedies=doubt.remedies, growth=growth, window=window,
        reason=f"{', '.join(reactors)}: {doubt.text}" if reactors else doubt.text,
    )


InForce = tuple[Setpoints, tuple[str, ...]]
"""Setpoints, and which of them nobody confirmed."""


def sample_read(reactor: str, turn: int, arrival: Arrival, before: InForce, since: InForce) -> SampleRead:
    """Return the record of a sample; missing values of the day's sample are said in words.

    Args:
        reactor: Vessel.
        turn: Turn of the loop.
        arrival: The sample.
        before: Setpoints in force until then.
        since: Setpoints in force since.
    """
    missing = arrival.sample.missing() if arrival.is_due else ()
    return SampleRead(
        reactor=reactor,
        turn=turn,
        state=arrival.sample,
        in_force=before[0],
        next_in_force=since[0],
        assumed=before[1],
        next_assumed=since[1],
        extra=not arrival.is_due,
        reason=f"Not measured: {', '.join(missing)}." if missing else "",
    )


def sample_missing(reactor: str, turn: int, expected_h: float, interval_hours: float) -> SampleMissing:
    """Return the record of a sample that did not come."""
    near = f"within {interval_hours / 2:g} h of culture day {expected_h / 24:.4g}"
    words = f"No sample {near}: no decision for {reactor} in this turn."
    return SampleMissing(reactor=reactor, turn=turn, expected_h=expected_h, reason=words)


def day_missed(reactor: str, turn: int, expected_h: float, interval_hours: float) -> DayMissed:
    """Return the record of a day on which the twin was not there in time."""
    words = (
        f"Culture day {expected_h / 24:.4g} of {reactor} has passed: its next sample is due, more than "
        f"{interval_hours:g} h later. It is not decided, and nothing is written for it."
    )
    return DayMissed(reactor=reactor, turn=turn, expected_h=expected_h, reason=words)


def decided(decision: Decision, turn: int, key: str) -> Decided:
    """Return the record of a proposal with both its forecasts."""
    return Decided(
        reactor=decision.reactor_id,
        turn=turn,
        key=key,
        setpoints=decision.setpoints,
        chosen=decision.chosen.to_json(),
        hold=decision.hold.to_json(),
        why=decision.reason.to_json(),
        acquisition=decision.acquisition,
        score=decision.score,
        model_id=decision.model_id,
        plan={name: [getattr(u, name) for u in decision.plan] for name in decision.setpoints.panel.setpoint_names}
        if decision.plan
        else {},
        reason=decision.reason.text,
    )


def withheld(verdict: Verdict, turn: int) -> Withheld:
    """Return the record of a proposal that is not written, and why."""
    return Withheld(
        reactor=verdict.reactor_id,
        turn=turn,
        action=verdict.action.value,
        because=verdict.because,
        setpoints=verdict.setpoints,
        reason=" ".join(verdict.because),
    )


def refitted(refit: Refit[Model], turn: int, *, accepted: bool, model_id: str) -> ModelFitted | ModelRejected:
    """Return the record of a refit; `model_id` is the model in use from now on."""
    if accepted:
        return ModelFitted(turn=turn, model_id=model_id, holdout_error=refit.error, previous_error=refit.previous_error)
    words = f"Refit refused: one-step error {refit.error:.3g} against {refit.previous_error:.3g} before."
    return ModelRejected(turn=turn, model_id=model_id, reason=words)

"""T19: in runs with one false sample each, the false one is found, true ones are used, and no run ends."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.config import DesignSpace, RunConfig
from perfusio.decision import Decision, Reason
from perfusio.errors import PerfusioError
from perfusio.events import AlarmRaised, Event, SampleCorrected, SampleQuarantined, SampleRead
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.roles import share_alive
from perfusio.protocols import NOT_USED, Model
from perfusio.selftest.promises import Tried
from perfusio.selftest.samples.cultures import CELL_LINES, Culture, grown, other_than
from perfusio.selftest.samples.false_samples import KINDS, Told, false_of
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.outcome import Outcome

N_FULL, N_QUICK = 1000, 10
N_DAYS = 10
FOUND_SHARE, REFUSED_SHARE = 0.95, 0.005
"""Of the false samples found, at least, and of the runs in which a true one is refused, at most."""
FEW = 2
"""Of a handful of runs so many may miss a share that holds of a thousand."""
MOST_CULTURES = 200
_ALIVE = share_alive(CHO_PERFUSION)
PANELS = (CHO_PERFUSION, CHO_PERFUSION, CHO_PERFUSION.without(_ALIVE) if _ALIVE is not None else CHO_PERFUSION)
"""One of three runs does not measure viability."""


class Planned:
    """Sets the recorded setpoints of a culture, and forecasts it: vessels that are steered, without the price of it."""

    def __init__(self, plans: Mapping[str, Sequence[Setpoints]]) -> None:
        self._plans = plans

    def decide(
        self,
        trajectories: Mapping[str, Trajectory],
        in_force: Mapping[str, Setpoints],  # noqa: ARG002 - as the protocol has it
        model: Model,
        design_space: DesignSpace,  # noqa: ARG002 - the same
        config: RunConfig,
        *,
        day: int,
    ) -> dict[str, Decision | PerfusioError]:
        """Return one decision per vessel."""
        found: dict[str, Decision | PerfusioError] = {}
        for reactor, trajectory in trajectories.items():
            chosen = self._plans[reactor][day + 1]
            (ahead,) = model.rollout(
                trajectory, [[chosen] * config.forecast_days], interval_hours=24.0, n_paths=config.n_paths, seed=day
            )
            found[reactor] = Decision(
                reactor_id=reactor, setpoints=chosen, chosen=ahead, hold=ahead, acquisition=config.acquisition,
                score=0.0, model_id=model.model_id,
                reason=Reason(
                    text="As planned.", improvement=0.0, limiting="none", limiting_probability=1.0, feasible=True
                ),
            )  # fmt: skip
        return found


class Kept:
    """A record in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, event: Event) -> int:
        """Keep an event."""
        self.events.append(event)
        return len(self.events) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Result of one run with a false sample.

    Attributes:
        kind: Of the false sample.
        cell_line: Of the vessel.
        at: Number of the false sample.
        is_quarantined: Whether it was refused, or withdrawn later.
        is_doubted: Whether a value of it was not used, and a person told.
        n_refused: True samples that were refused or withdrawn.
        n_unused: True samples of which a single value was not used.
        has_ended: Whether the run ended before its time.
        words: Of the first true sample that was refused.
        remarks: On true samples of which a value was not used.
    """

    kind: str
    cell_line: str
    at: int
    is_quarantined: bool
    is_doubted: bool
    n_refused: int
    n_unused: int
    has_ended: bool
    words: str = ""
    remarks: tuple[str, ...] = ()


def one_run(number: int, cultures: Sequence[Culture]) -> Trial:
    """Run a culture for some days with one false sample; the number says which culture, which day, which kind."""
    rng = np.random.default_rng([19, number])
    kind, i = KINDS[number % len(KINDS)], number // len(KINDS) % len(cultures)
    at = int(rng.integers(0 if kind == "zeros" else 1, N_DAYS + 1))
    panel = PANELS[i % len(PANELS)]
    mine, other = cultures[i].within(panel), cultures[other_than(cultures, i, rng)].within(panel)
    samples = list(mine.samples)
    samples[at] = false_of(kind, samples[at], other.samples[at], rng)
    vessels = {"R01": Told(samples, mine.plan[0])}
    if number % 2:  # else another vessel's sample comes from elsewhere, and the twin knows nothing of that vessel
        vessels["R02"] = Told(other.samples, other.plan[0])
    config = RunConfig(
        duration_days=N_DAYS, forecast_days=2, n_paths=32, model_update="frozen", seed=number, process=panel,
        constraints=(),
    )  # fmt: skip
    record = Kept()
    twin = DigitalTwin(
        connector=vessels, design_space=DesignSpace.of(panel), run_config=config, audit=record,
        policy=Planned({"R01": mine.plan, "R02": other.plan}),
    )  # fmt: skip
    result = asyncio.run(twin.run())
    events = [e for e in record.events if e.reactor == "R01"]
    return _judged(kind, mine.cell_line, at, events, has_ended=result.outcome is not Outcome.COMPLETED)


def _judged(kind: str, cell_line: str, at: int, events: Sequence[Event], *, has_ended: bool) -> Trial:
    false_h = 24.0 * at
    refused = {e.state.time_h: e.reason for e in events if isinstance(e, SampleQuarantined | SampleCorrected)}
    doubts = {e.turn for e in events if isinstance(e, AlarmRaised) and e.level == "doubt"}
    unused = {
        e.state.time_h: "; ".join(f"{n} {remark}" for n, remark in e.state.quality.items() if NOT_USED in remark)
        for e in events
        if isinstance(e, SampleRead) and any(NOT_USED in remark for remark in e.state.quality.values())
    }
    true = sorted(set(refused) - {false_h})
    return Trial(
        kind=kind, cell_line=cell_line, at=at, is_quarantined=false_h in refused,
        is_doubted=false_h in unused and at in doubts, n_refused=len(true), n_unused=len(set(unused) - {false_h}),
        has_ended=has_ended, words=f"{kind} at {at}: hour {true[0]:g}: {refused[true[0]]}" if true else "",
        remarks=tuple(f"hour {h:g}: {words}" for h, words in sorted(unused.items()) if h != false_h),
    )  # fmt: skip


def trials(numbers: Sequence[int]) -> list[Trial]:
    """Run several, one after the other; each culture is deceived in every way."""
    n_cultures = max(len(PANELS) * len(CELL_LINES), len(numbers) // len(KINDS))
    cultures = grown(min(n_cultures, MOST_CULTURES), N_DAYS, seed=19)
    return [one_run(i, cultures) for i in numbers]


def false_samples(is_full: bool) -> Tried:
    """Try it with every kind of false sample over plants of several authors."""
    found = trials(range(N_FULL if is_full else N_QUICK))
    missed = [t for t in found if not (t.is_quarantined or t.is_doubted)]
    refused, ended = [t for t in found if t.n_refused], [t for t in found if t.has_ended]
    n_missed, n_refused = max(FEW, (1.0 - FOUND_SHARE) * len(found)), REFUSED_SHARE * len(found)
    is_kept = len(missed) <= n_missed and len(refused) <= (n_refused if is_full else FEW)
    return Tried(
        id="T19", promise="a false sample is found, true ones are used, the run goes on", n_tried=len(found),
        n_failed=0 if is_kept and not ended else max(len(missed), len(refused), len(ended)), note=in_words(found),
    )  # fmt: skip


def in_words(found: Sequence[Trial]) -> str:
    """Return the table of a trial: by kind how many were quarantined, doubted, missed, and the price for true ones."""
    lines = []
    for kind in KINDS:
        of_kind = [t for t in found if t.kind == kind]
        told = Counter("quarantined" if t.is_quarantined else "doubted" if t.is_doubted else "missed" for t in of_kind)
        lines.append(f"{kind}: {', '.join(f'{n} {word}' for word, n in sorted(told.items()))}")
    n_found = sum(t.is_quarantined or t.is_doubted for t in found)
    n_refused, n_unused = sum(t.n_refused > 0 for t in found), sum(t.n_unused > 0 for t in found)
    lines.append(
        f"found {n_found} of {len(found)}; runs with a true sample refused: {n_refused}, with a value of one not used: "
        f"{n_unused}; ended early: {sum(t.has_ended for t in found)}"
    )
    return "; ".join(lines)

"""T19: in runs with one false sample each, the false one is found, true ones are used, and no run ends.

Cultures are grown and tried in fleets, each a job of its own: a fleet is one run of many vessels, runs of two vessels,
or runs of one. In each vessel one sample is false, beside a second vessel that has none.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain
from multiprocessing import get_context

import numpy as np

from perfusio.config import DesignSpace, RunConfig
from perfusio.events import AlarmRaised, Event, SampleCorrected, SampleQuarantined, SampleRead
from perfusio.hybrid.model import HybridModel
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.process.roles import share_alive
from perfusio.protocols import NOT_USED
from perfusio.selftest.promises import Tried
from perfusio.selftest.samples.cultures import CELL_LINES, Culture, grown, other_than
from perfusio.selftest.samples.false_samples import KINDS, Told, false_of
from perfusio.selftest.samples.steered import ForecastsOnly, Kept, Planned
from perfusio.state import State
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.outcome import Outcome

N_FLEETS, FLEET, N_QUICK = 42, 24, 10
"""Fleets and vessels of each in full, vessels of the one fleet of the quick trial."""
N_DAYS = 12
SEED = 3100
"""Of the first fleet. Nothing was chosen on these seeds, nor on these cell lines."""
FOUND_SHARE, REFUSED_SHARE = 0.95, 0.005
"""Of the false samples found, at least, and of the runs in which a true one is refused, at most."""
FEW = 2
"""Of a handful of runs so many may miss a share that holds of a thousand."""
TOGETHER = (FLEET, 2, 1, 1)
"""Vessels in one run, by fleet in turn: in half of the vessels another one's sample comes from a run of its own."""
_ALIVE = share_alive(CHO_PERFUSION)
_LEAN = [*(name for name in CHO_PERFUSION.species_names[4::3]), *CHO_PERFUSION.of_role("inlet_concentration", "size")]
PANELS = (
    CHO_PERFUSION, CHO_PERFUSION.without(_ALIVE) if _ALIVE is not None else CHO_PERFUSION, CHO_PERFUSION,
    CHO_PERFUSION.without(*_LEAN),
)  # fmt: skip
"""Of the fleets in turn, four each: every fourth does not measure viability, every fourth lacks solutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Result of one vessel with a false sample.

    Attributes:
        kind: Of the false sample.
        cell_line: Of the vessel.
        at: Number of the false sample.
        is_quarantined: Whether it was refused, or withdrawn later.
        is_doubted: Whether a value of it was not used, and a person told.
        n_refused: True samples that were refused or withdrawn, of the vessel beside it, too.
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

    @property
    def is_found(self) -> bool:
        """Whether the false sample was refused, withdrawn or doubted."""
        return self.is_quarantined or self.is_doubted


@dataclass(frozen=True, slots=True, kw_only=True)
class Deceived:
    """A culture of which one sample is another than the true one.

    Attributes:
        culture: As it was grown.
        beside: One that another vessel's sample comes from.
        kind: Of the false sample.
        at: Its number.
        samples: As they are given.
    """

    culture: Culture
    beside: Culture
    kind: str
    at: int
    samples: tuple[State, ...]


def deceived(number: int, i: int, cultures: Sequence[Culture], rng: np.random.Generator) -> Deceived:
    """Return a culture of a fleet with a false sample; the numbers of fleet and vessel say of which kind."""
    kind, mine, other = KINDS[(number + i) % len(KINDS)], cultures[i], cultures[other_than(cultures, i, rng)]
    at = int(rng.integers(0 if kind == "zeros" else 1, len(mine.samples)))
    samples = list(mine.samples)
    samples[at] = false_of(kind, samples[at], other.samples[at], rng)
    return Deceived(culture=mine, beside=other, kind=kind, at=at, samples=tuple(samples))


def one_fleet(number: int, n_vessels: int = FLEET, cell_lines: Sequence[str] = CELL_LINES) -> list[Trial]:
    """Grow a fleet and run it with one false sample in each vessel.

    Args:
        number: Of the fleet: cultures, process, false samples, and vessels in one run follow from it.
        n_vessels: Vessels of the fleet.
        cell_lines: Their names.
    """
    panel = PANELS[number // len(TOGETHER) % len(PANELS)]
    cultures = [c.within(panel) for c in grown(n_vessels, N_DAYS, seed=SEED + number, cell_lines=cell_lines)]
    rng = np.random.default_rng([SEED, number])
    tried = [deceived(number, i, cultures, rng) for i in range(n_vessels)]
    together = TOGETHER[number % len(TOGETHER)]
    if together == FLEET:
        return _run({f"R{i + 1:02d}": one for i, one in enumerate(tried)}, {}, panel, number)
    found = []
    for i, one in enumerate(tried):
        first = i % 2 == 0  # the vessel with the false sample is read first, or last
        names = ("R01", "R02") if first else ("R02", "R01")
        beside = {names[1]: one.beside} if together > 1 else {}
        found += _run({names[0]: one}, beside, panel, number)
    return found


def _run(tried: Mapping[str, Deceived], true: Mapping[str, Culture], panel: Panel, seed: int) -> list[Trial]:
    """Run vessels together: some with a false sample, some with none."""
    samples = {r: one.samples for r, one in tried.items()} | {r: c.samples for r, c in true.items()}
    plans = {r: one.culture.plan for r, one in tried.items()} | {r: c.plan for r, c in true.items()}
    record, n_days = Kept(), len(next(iter(samples.values()))) - 1
    config = RunConfig(
        duration_days=n_days, forecast_days=2, n_paths=32, model_update="frozen", seed=seed, process=panel,
        constraints=(), fallback="hold",  # plans are given: whoever else decided would forecast other ones
    )  # fmt: skip
    twin = DigitalTwin(
        connector={r: Told(samples[r], plans[r][0]) for r in sorted(samples)}, design_space=DesignSpace.of(panel),
        run_config=config, audit=record, policy=Planned(plans), model=ForecastsOnly(HybridModel.prior(panel)),
    )  # fmt: skip
    has_ended = asyncio.run(twin.run()).outcome is not Outcome.COMPLETED
    of = {r: [e for e in record.events if e.reactor == r] for r in samples}
    beside = [words for r in true for words in _refused(of[r]).items()]
    return [_judged(one, of[r], beside, has_ended=has_ended) for r, one in tried.items()]


def _refused(events: Sequence[Event]) -> dict[float, str]:
    """Return the samples that were refused or withdrawn, by time, with the reason."""
    return {e.state.time_h: e.reason for e in events if isinstance(e, SampleQuarantined | SampleCorrected)}


def _judged(
    one: Deceived, events: Sequence[Event], beside: Sequence[tuple[float, str]], *, has_ended: bool
) -> Trial:
    false_h, refused = 24.0 * one.at, _refused(events)
    doubts = {e.turn for e in events if isinstance(e, AlarmRaised) and e.level == "doubt"}
    unused = {
        e.state.time_h: "; ".join(f"{n} {remark}" for n, remark in e.state.quality.items() if NOT_USED in remark)
        for e in events
        if isinstance(e, SampleRead) and any(NOT_USED in remark for remark in e.state.quality.values())
    }
    true = sorted((h, why) for h, why in [*refused.items(), *beside] if (h, why) in beside or h != false_h)
    return Trial(
        kind=one.kind, cell_line=one.culture.cell_line, at=one.at, is_quarantined=false_h in refused,
        is_doubted=false_h in unused and one.at in doubts, n_refused=len(true),
        n_unused=len(set(unused) - {false_h}), has_ended=has_ended,
        words=f"{one.kind} at {one.at}: hour {true[0][0]:g}: {true[0][1]}" if true else "",
        remarks=tuple(f"hour {h:g}: {words}" for h, words in sorted(unused.items()) if h != false_h),
    )  # fmt: skip


def trials(is_full: bool) -> list[Trial]:
    """Try fleet after fleet, in full as many side by side as there are processors."""
    if not is_full:
        return one_fleet(1, N_QUICK)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as workers:
        return list(chain.from_iterable(workers.map(one_fleet, range(N_FLEETS))))


def false_samples(is_full: bool) -> Tried:
    """Try it with every kind of false sample over plants of several authors."""
    found = trials(is_full)
    missed = [t for t in found if not t.is_found]
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
    n_found = sum(t.is_found for t in found)
    n_refused, n_unused = sum(t.n_refused > 0 for t in found), sum(t.n_unused > 0 for t in found)
    lines.append(
        f"found {n_found} of {len(found)}; vessels with a true sample refused: {n_refused}, with a value of one not "
        f"used: {n_unused}; runs ended early: {sum(t.has_ended for t in found)}"
    )
    return "; ".join(lines)

"""Fed-batch cultures by laws of nobody's model: they grow, are fed, run short of something unseen, and die.

Own equations of this benchmark, Euler steps of an hour, per day and 1e6 cells/mL: Monod growth on glucose and
glutamine, a hidden nutrient that no analyzer sees, a stress that adds up from ammonium and lactate, death that rises
steeply with it, and a product made by cells and by growth. **Collapse**: the stress kills, and viability falls from 97
to about 10 %.
Constants are drawn per clone within the ranges of process-facts 3.2 to 3.5 (synthetic), those of a run within 10 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perfusio.plant.sensors import Sensors
from perfusio.process import CHO_PERFUSION
from perfusio.state import Setpoints, State
from perfusio.trajectory import Feed, Trajectory

SETPOINTS = Setpoints(
    perfusion_rate=0.0, bleed_rate=0.0, glucose_setpoint=0.0, temperature=36.5, agitation=850.0, pyruvate_feed=0.0
)
FEED = {"glucose": 40.0, "glutamine": 30.0, "glutamate": 10.0}
"""What a bolus holds [g/L, mmol/L]; its hidden nutrient is 10 times that of the medium."""
_STEPS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Culture:
    """Constants of a clone: per day, pmol or pg per cell and day, mmol/L."""

    growth: float
    q_glucose: float
    q_glutamine: float
    lactate_yield: float
    productivity: float
    hidden: float
    stress: float
    collapse: float


def drawn(number: int, *, collapses: bool, productivity: float | None = None) -> Culture:
    """Draw a clone.

    Args:
        number: The same gives the same clone.
        collapses: Whether stress kills within the run.
        productivity: [pg/cell/day]; default: drawn from 10 to 40.
    """
    rng = np.random.default_rng([number, 77])
    u = rng.uniform(size=7)
    return Culture(
        growth=0.6 + 0.35 * u[0], q_glucose=0.8 + 1.0 * u[1], q_glutamine=0.15 + 0.2 * u[2],
        lactate_yield=0.6 + 0.8 * u[3], productivity=productivity or 10.0 + 30.0 * u[4], hidden=0.8 + 0.5 * u[5],
        stress=0.8 + 0.4 * u[6], collapse=1.1 if collapses else 0.06,
    )  # fmt: skip


def cultures(
    clone: Culture, n: int, *, days: int, seed: int, name: str, every: int = 1, only: Sequence[str] = ()
) -> tuple[tuple[Trajectory, ...], tuple[Trajectory, ...]]:
    """Run `n` cultures of different inocula and feeding; return what analyzers reported, and the truth.

    Args:
        clone: Constants.
        n: Runs.
        days: Their length.
        seed: Of inocula, feeds, run-to-run differences and analyzers.
        name: Of the runs, before their number.
        every: Days between samples, and one day more for every third of them.
        only: Species that are measured; empty = all but pyruvate.
    """
    measured, true = [], []
    for i in range(n):
        rng = np.random.default_rng([seed, i])
        apart = {f: float(np.exp(0.05 * rng.standard_normal())) for f in Culture.__slots__}
        here = replace(clone, **{f: getattr(clone, f) * factor for f, factor in apart.items()})
        sensors = Sensors(seed=int(rng.integers(2**31)))
        first_fed, fraction = int(rng.integers(2, 5)), float(rng.uniform(0.03, 0.06))
        y = np.array([rng.uniform(0.3, 0.8), 0.01, 6.0, 6.0, 1.0, 0.5, 0.5, 3.0, 1.0, 0.0])
        run = seen = Trajectory(reactor_id=f"{name}{i:02d}", run_id=f"{name}{i:02d}", clone=name)
        due, k, given = 0, 0, list[Feed]()
        for day in range(days + 1):
            if day == due:
                state, feed = _state(y, 24.0 * day), Feed.together(given) if given else None
                masked = dict.fromkeys((q for q in CHO_PERFUSION.species_names if only and q not in only), np.nan)
                report = sensors.report(state).with_values(**masked | {"pyruvate": np.nan})
                run, seen, given = run.observe(state, SETPOINTS, feed), seen.observe(report, SETPOINTS, feed), []
                k += 1
                due += every + (every > 1 and k % 3 == 0)
            if first_fed <= day < days:
                given.append(Feed.of_values(CHO_PERFUSION, fraction, FEED))
                y = _mixed(y, fraction)
            for _ in range(_STEPS):
                y = np.maximum(y + _slope(y, here) / _STEPS, 0.0)
        measured.append(seen)
        true.append(run)
    return tuple(measured), tuple(true)


def _slope(y: np.ndarray, c: Culture) -> np.ndarray:
    x, dead, glc, gln, glu, lac, amm, hidden, stress = y[0], y[1], y[2], y[3], y[4], y[5], y[6], y[7], y[9]
    mu = c.growth * glc / (0.3 + glc) * gln / (0.2 + gln) * hidden / (0.4 + hidden) / (1.0 + (amm / 12.0) ** 2)
    death = 0.004 + c.collapse * stress**4 / (1.0 + stress**4) + 0.3 * (0.05 / (0.05 + glc))
    uptake = c.q_glucose * (0.4 + mu / c.growth) * glc / (0.2 + glc) * x  # mmol/L/day
    switch = glc / (1.0 + glc) * (mu / c.growth)
    return np.array([
        (mu - death) * x,
        death * x - 0.02 * dead,
        -0.18016 * uptake,
        -c.q_glutamine * (0.4 + mu / c.growth) * gln / (0.3 + gln) * x - 0.04 * gln,
        0.3 * c.q_glutamine * x * gln / (0.3 + gln) - 0.02 * x * glu / (0.5 + glu),
        c.lactate_yield * uptake * switch - 0.25 * x * (1.0 - switch) * lac / (1.0 + lac),
        0.7 * c.q_glutamine * (0.4 + mu / c.growth) * gln / (0.3 + gln) * x + 0.04 * gln,
        -0.1 * c.hidden * mu * x,
        c.productivity * (1.0 + 0.5 * (1.0 - mu / c.growth)) * x,
        c.stress * (0.006 * amm + 0.0025 * lac + 0.004 * x),
    ])  # fmt: skip


def _state(y: np.ndarray, time_h: float) -> State:
    x, dead = y[0], y[1]
    return State.of_values(CHO_PERFUSION, time_h, {  # without pyruvate
        "vcd": x, "viability": 100.0 * x / (x + dead), "glucose": y[2], "glutamine": y[3], "glutamate": y[4],
        "lactate": y[5], "ammonium": y[6], "titer": y[8],
    })  # fmt: skip


def _mixed(y: np.ndarray, fraction: float) -> np.ndarray:
    held = np.array([0.0, 0.0, FEED["glucose"], FEED["glutamine"], FEED["glutamate"], 0.0, 0.0, 30.0, 0.0, y[9]])
    after: np.ndarray = (y + fraction * held) / (1.0 + fraction)
    after[9] = y[9]
    return after

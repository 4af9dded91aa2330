"""Designs for the first experiments, before a model can recommend any: Box-Behnken, composite, space-filling.

A design is drawn in coded units (-1 low, 0 centre, +1 high of each factor), scaled to a DesignSpace, and run in a
randomised order, so that drifts of laboratory and operator do not look like effects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product

import numpy as np
from scipy.stats import qmc

from perfusio.config import DesignSpace
from perfusio.errors import ConfigError
from perfusio.quantities import closest
from perfusio.state import FloatArray, Setpoints

# Factors that are varied together in each block of the published designs (Box and Behnken 1960, Technometrics
# 2:455-475). Up to five factors these are all pairs; for six and seven they are triples, not pairs.
_TRIPLES: dict[int, tuple[tuple[int, ...], ...]] = {
    6: ((0, 1, 3), (1, 2, 4), (2, 3, 5), (0, 3, 4), (1, 4, 5), (0, 2, 5)),
    7: ((3, 4, 5), (0, 5, 6), (1, 4, 6), (0, 1, 3), (2, 3, 6), (0, 2, 4), (1, 2, 5)),
}


class DesignKind(StrEnum):
    """Designs by the name that the command line uses."""

    BOX_BEHNKEN = "box-behnken"
    CENTRAL_COMPOSITE = "central-composite"
    LATIN_HYPERCUBE = "latin-hypercube"
    SOBOL = "sobol"

    @property
    def fills_space(self) -> bool:
        """Whether the number of runs is chosen freely."""
        return self in (DesignKind.LATIN_HYPERCUBE, DesignKind.SOBOL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One run of a design.

    Attributes:
        name: ``"R01"``, ``"R02"``, ... in the order of running.
        standard_order: Its place, from 1, before the order was randomised.
        is_centre: Whether it is a centre point.
        setpoints: Setpoints to hold.
    """

    name: str
    standard_order: int
    is_centre: bool
    setpoints: Setpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialDesign:
    """The runs of a design in the order in which to run them.

    Attributes:
        kind: Which design.
        factors: Setpoints that vary; the others are nominal.
        runs: The runs.
    """

    kind: DesignKind
    factors: tuple[str, ...]
    runs: tuple[PlannedRun, ...]


def plan(
    kind: DesignKind | str,
    space: DesignSpace,
    factors: Sequence[str] = (),
    *,
    n_centre: int = 0,
    n_runs: int | None = None,
    seed: int = 0,
) -> InitialDesign:
    """Plan the runs of a design.

    Args:
        kind: Which design.
        space: Bounds of the factors and nominal values of the rest.
        factors: Setpoints to vary; none means all that the space does not hold.
        n_centre: Centre points, added to the runs of the design.
        n_runs: Runs without centre points; needed by Latin hypercube and Sobol, fixed for the others.
        seed: Seed of the run order and of the space-filling designs.

    Returns:
        The design; every run lies within `space`.

    Raises:
        ConfigError: an unknown or held factor, a design that does not exist for so many factors, a number of runs
            where it is fixed (or none where it is free), or runs that the cross rules forbid.
    """
    kind = _known_kind(kind)
    factors = usable(factors, space)
    if n_centre < 0 or (n_runs is not None and n_runs < 1):
        raise ConfigError(f"A design needs centre points >= 0 and runs >= 1, found {n_centre} and {n_runs}.")
    if kind.fills_space and n_runs is None:
        raise ConfigError(f"A {kind} design can have any number of runs: say how many (n_runs, --runs).")
    if not kind.fills_space and n_runs is not None:
        raise ConfigError(f"The number of runs of a {kind} design follows from its factors: leave n_runs (--runs) out.")
    points = _points(kind, len(factors), n_runs or 0, seed)
    coded = np.vstack([points, np.zeros((n_centre, len(factors)))])
    order = np.random.default_rng(seed).permutation(len(coded))
    width = max(2, len(str(len(coded))))
    runs = tuple(
        PlannedRun(
            name=f"R{place:0{width}d}",
            standard_order=int(number) + 1,
            is_centre=bool(number >= len(points)),
            setpoints=_scaled(coded[number], factors, space),
        )
        for place, number in enumerate(order, start=1)
    )
    if outside := [run.name for run in runs if not space.contains(run.setpoints)]:
        raise ConfigError(
            f"{len(outside)} of {len(runs)} runs break bleed <= perfusion ({', '.join(outside[:5])}). Raise the lowest "
            "inflow or lower the highest bleed rate of the design space."
        )
    return InitialDesign(kind=kind, factors=factors, runs=runs)


def box_behnken(n_factors: int) -> FloatArray:
    """The published Box-Behnken design without centre points: 12, 24, 40, 48, 56 runs for 3 to 7 factors.

    Every run moves two factors (three from six factors on) to their ends and leaves the others in the middle: no
    corner, where everything is extreme at once, is ever visited.

    Returns:
        Coded points (N, n_factors), each -1, 0 or 1.
    """
    if not 3 <= n_factors <= 7:
        raise ConfigError(
            f"There is no Box-Behnken design for {n_factors} factors: it needs 3 to 7. Use central-composite for 2, or "
            "a space-filling design."
        )
    blocks = _TRIPLES.get(n_factors) or tuple(combinations(range(n_factors), 2))
    points = np.zeros((sum(2 ** len(block) for block in blocks), n_factors))
    row = 0
    for block in blocks:
        for signs in product((-1.0, 1.0), repeat=len(block)):
            points[row, block] = signs
            row += 1
    return points


def central_composite(n_factors: int) -> FloatArray:
    """The face-centred central composite design without centre points: corners, and the middle of every face.

    From five factors on half of the corners are left out (the last sign is the product of the others, so that main
    effects and pairs stay clear of each other): 2^k + 2k runs for 2 to 4 factors, 2^(k-1) + 2k for 5 to 7.

    Returns:
        Coded points (N, n_factors), each -1, 0 or 1.
    """
    if not 2 <= n_factors <= 7:
        raise ConfigError(f"There is no central composite design here for {n_factors} factors: it needs 2 to 7.")
    n_free = n_factors if n_factors < 5 else n_factors - 1
    corners = np.array(list(product((-1.0, 1.0), repeat=n_free)))
    if n_free < n_factors:
        corners = np.column_stack([corners, corners.prod(axis=1)])
    faces = np.vstack([-np.eye(n_factors), np.eye(n_factors)])
    return np.vstack([corners, faces])


def latin_hypercube(n_factors: int, n_runs: int, *, seed: int) -> FloatArray:
    """A Latin hypercube: every factor visits each of `n_runs` equal slices once. Coded points (n_runs, n_factors)."""
    return np.asarray(2.0 * qmc.LatinHypercube(n_factors, rng=np.random.default_rng(seed)).random(n_runs) - 1.0)


def sobol(n_factors: int, n_runs: int, *, seed: int) -> FloatArray:
    """The first points of a scrambled Sobol sequence; best balanced for powers of two. Coded (n_runs, n_factors)."""
    power = int(np.ceil(np.log2(max(n_runs, 1))))
    points = qmc.Sobol(n_factors, rng=np.random.default_rng(seed)).random_base2(power)
    return np.asarray(2.0 * points[:n_runs] - 1.0)


def _points(kind: DesignKind, n_factors: int, n_runs: int, seed: int) -> FloatArray:
    match kind:
        case DesignKind.BOX_BEHNKEN:
            return box_behnken(n_factors)
        case DesignKind.CENTRAL_COMPOSITE:
            return central_composite(n_factors)
        case DesignKind.LATIN_HYPERCUBE:
            return latin_hypercube(n_factors, n_runs, seed=seed)
        case DesignKind.SOBOL:
            return sobol(n_factors, n_runs, seed=seed)


def _scaled(coded: FloatArray, factors: tuple[str, ...], space: DesignSpace) -> Setpoints:
    """Setpoints of one coded point; each factor within its bounds, the others nominal."""
    values = {}
    for name, x in zip(factors, coded, strict=True):
        bounds = space.bounds[name]
        middle, half = 0.5 * (bounds.low + bounds.high), 0.5 * (bounds.high - bounds.low)
        values[name] = float(np.clip(round(middle + half * float(x), 6), bounds.low, bounds.high))
    return space.nominal.with_values(**values)


def _known_kind(kind: DesignKind | str) -> DesignKind:
    known = tuple(str(k) for k in DesignKind)
    if kind not in known:
        raise ConfigError(f"{kind!r} is not a design.{closest(kind, known)}\n  Known: {', '.join(known)}.")
    return DesignKind(kind)


def usable(factors: Sequence[str], space: DesignSpace) -> tuple[str, ...]:
    """Return the setpoints to vary: those named, or all that the space does not hold.

    Raises:
        ConfigError: a name is unknown, held, or given twice.
    """
    known = space.process.setpoint_names
    free = tuple(n for n in known if space.bounds[n].low < space.bounds[n].high)
    for name in factors:
        if name not in known:
            raise ConfigError(f"{name!r} is not a setpoint.{closest(name, known)}\n  Known: {', '.join(known)}.")
        if name not in free:
            raise ConfigError(
                f"{name} is held at {space.bounds[name].low:g} by the design space: leave it out or free it."
            )
    if len(set(factors)) < len(factors):
        raise ConfigError(f"Each factor may be named once, found {', '.join(factors)}.")
    return tuple(factors) or free

"""One interval of an ODE for a batch of vessels, with a named outcome.

Every balance of a vessel can be written as production and loss, y' = p(y) - lam(y) y with p >= 0. Frozen p and lam
have an exact solution that is positive for any step length; averaging them between the start and a predicted end
makes it second order, also for states much faster than the step. This is the exponential form of the Patankar idea
(Burchard, Deleersnijder and Meister, Appl. Numer. Math. 47:1-30, 2003). Nothing is ever clipped: a nutrient that runs
out approaches zero from above.

Steps are adapted **per vessel** by step doubling: one vessel in which a nutrient runs out takes small steps while the
others take large ones, and vessels that have arrived are dropped from the batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Columns = NDArray[np.intp]
Terms = Callable[[Array, Columns], tuple[Array, Array]]
"""(y of shape (n, A), indices of the A vessels still under way) -> production p >= 0 and loss rate lam [1/day]."""

_TINY = 1e-300  # keeps 0/0 out of ratios without changing any number a vessel can hold
_TINIEST = {np.dtype(t): float(np.finfo(t).tiny) for t in (np.float32, np.float64)}
_SLOW = {np.dtype(t): float(np.finfo(t).eps) ** 0.25 for t in (np.float32, np.float64)}
_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 4.0
_SHORTEST = 1e-10  # a step below this part of the interval means that the right-hand side cannot be followed


class IntegrationOutcome(Enum):
    """Why an integration ended."""

    REACHED = "The end of the interval was reached."
    STEP_LIMIT = "The step limit was reached first: loosen the tolerance or raise max_steps."
    NOT_FINITE = "The rates are not finite or cannot be followed: check the starting state and the setpoints."


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """The state after the interval.

    Attributes:
        y: End state, shape (n, B). Where the end was not reached, the state at the last accepted time.
        outcome: The worst outcome of all vessels.
        n_steps: Accepted and rejected steps of each vessel, shape (B,).
        next_step: Step length with which to go on [day], shape (B,).
    """

    y: Array
    outcome: IntegrationOutcome
    n_steps: NDArray[np.int64]
    next_step: Array


def exponential_step(y: Array, production: Array, loss: Array, h: Array | float) -> Array:
    """Solve y' = production - loss * y exactly over `h` with both frozen.

    Args:
        y: Start, shape (n, B), >= 0.
        production: p >= 0, shape (n, B).
        loss: lam [1/day], shape (n, B); may be negative (growth) or zero.
        h: Step [day], scalar or (B,).

    Returns:
        y exp(-lam h) + p (1 - exp(-lam h)) / lam, shape (n, B), >= 0 in floating point too.
    """
    z = loss * h
    z += _TINIEST[z.dtype]  # lam = 0 gives the limit p h instead of 0/0
    return _step_from(y, production, z, _decay(z), h)


def _decay(z: Array) -> Array:
    """exp(-z) - 1."""
    decay = np.negative(z)
    return np.expm1(decay, out=decay)


def _step_from(y: Array, production: Array, z: Array, decay: Array, h: Array | float) -> Array:
    """The exponential step with z = lam h and decay = expm1(-z) already known."""
    added = decay / z
    added *= production
    added *= h
    end = y * decay
    end += y
    end -= added
    return end


def _second_order_step(terms: Terms, y: Array, p: Array, lam: Array, h: Array | float, columns: Columns) -> Array:
    """Predict with the rates at the start, then repeat with a weighted mean of the rates at both ends."""
    z = lam * h
    z += _TINIEST[z.dtype]
    decay = _decay(z)
    p_end, lam_end = terms(_step_from(y, p, z, decay, h), columns)
    weight = _end_weight(z, decay)
    return exponential_step(y, _between(p, p_end, weight), _between(lam, lam_end, weight), h)


def _between(start: Array, end: Array, weight: Array) -> Array:
    """The mean of both ends of a step, the end with its weight."""
    mean = end - start
    mean *= weight
    mean += start
    return mean


def _end_weight(z: Array, decay: Array) -> Array:
    """How much the rates at the end of a step count: 1/(1 - exp(-z)) - 1/z, z = lam h, decay = expm1(-z).

    A half for slow states, which makes the step second order; towards one for fast states, which have forgotten the
    start and are in equilibrium with the end. Between 0 and 1, so that weighted rates stay positive.
    """
    slow = np.abs(z) < _SLOW[z.dtype]
    weight = z + decay
    with np.errstate(invalid="ignore"):  # 0/0 at z = 0 is overwritten by its limit below
        weight /= z * decay
    np.negative(weight, out=weight)
    if slow.any():
        np.copyto(weight, 0.5 + z / 12.0, where=slow)
    return weight


def _extrapolate(coarse: Array, fine: Array) -> Array:
    """Cancel the leading error of one long and two half steps, fine + (fine - coarse) / 3, in a positive form."""
    return fine * (3.0 * fine / (2.0 * fine + coarse + _TINY))


def integrate_fixed(terms: Terms, y0: Array, days: ArrayLike, n_steps: int) -> Array:
    """Advance all vessels with `n_steps` equal steps and no error control: for the many paths of a forecast.

    Args:
        terms: Production and loss, see `Terms`.
        y0: Start, shape (n, B), >= 0, in double or single precision.
        days: Interval length [day], scalar or (B,).
        n_steps: Steps per interval, >= 1. Eight to sixteen per day suffice while no nutrient runs out.

    Returns:
        End state, shape (n, B), second order in the step, in the precision of the start.
    """
    y = np.asarray(y0)
    columns = np.arange(y.shape[1])
    h = (np.asarray(days) / n_steps).astype(y.dtype, copy=False)
    for _ in range(n_steps):
        p, lam = terms(y, columns)
        y = _second_order_step(terms, y, p, lam, h, columns)
    return y


def integrate(
    terms: Terms,
    y0: Array,
    days: ArrayLike,
    *,
    rtol: ArrayLike = 1e-4,
    atol: ArrayLike = 1e-6,
    max_steps: int = 20_000,
    first_step: ArrayLike = 0.02,
) -> Integration:
    """Advance every vessel over `days` with its own steps, each within the tolerance.

    The tolerance is for the difference between one step and two half steps. The value kept is their extrapolation,
    third order, whose error is usually one to two decades below it.

    Args:
        terms: Production and loss, see `Terms`. Called with the same `columns` object until vessels leave the batch.
        y0: Start, shape (n, B), >= 0. Not changed.
        days: Interval length [day], scalar or (B,), >= 0.
        rtol: Relative tolerance per step, scalar or one per vessel (B,).
        atol: Absolute tolerance per step, scalar, one per state (n,), or one each (n, B).
        max_steps: Steps any one vessel may take.
        first_step: Length of the first step to try [day], > 0, scalar or (B,); `Integration.next_step` of the interval
            before saves the start-up.

    Returns:
        An `Integration`; look at its `outcome`.
    """
    result = np.array(y0, dtype=float)
    n_states, n_vessels = result.shape
    end = np.broadcast_to(np.asarray(days, dtype=float), (n_vessels,))
    floors = np.asarray(atol, dtype=float)
    floors = np.broadcast_to(floors[:, None] if floors.ndim == 1 else floors, (n_states, n_vessels))
    counted = np.zeros(n_vessels, dtype=np.int64)

    columns = np.flatnonzero(end > 0.0)
    y, end = result[:, columns], end[columns]
    relative, floors = np.broadcast_to(np.asarray(rtol, dtype=float), (n_vessels,))[columns], floors[:, columns]
    left = end.copy()
    h = np.broadcast_to(np.asarray(first_step, dtype=float), (n_vessels,))[columns]
    following = np.broadcast_to(np.asarray(first_step, dtype=float), (n_vessels,)).copy()
    outcome = IntegrationOutcome.REACHED
    for step in range(1, max_steps + 1):
        if columns.size == 0:
            break
        taken = np.minimum(h, left)
        with np.errstate(all="ignore"):  # a step that overflows is found by its error below and repeated shorter
            new, error = _doubled_step(terms, y, taken, columns, relative, floors)
        accepted = error <= 1.0  # False for NaN
        y = np.where(accepted, new, y)
        left = np.where(accepted, left - taken, left)
        stuck = ~accepted & (taken < _SHORTEST * end)
        arrived = left <= 0.0
        gone = arrived | stuck
        advised = taken * _next_step_factor(error)
        cut_short = accepted & (taken < h)  # says little about the next step
        h = np.where(cut_short, np.maximum(advised, h), advised)
        if gone.any():
            outcome = IntegrationOutcome.NOT_FINITE if stuck.any() else outcome
            result[:, columns[gone]] = y[:, gone]
            counted[columns[gone]], following[columns[gone]] = step, h[gone]
            stay = ~gone
            columns, y, h, left, end = columns[stay], y[:, stay], h[stay], left[stay], end[stay]
            relative, floors = relative[stay], floors[:, stay]
    if columns.size:
        result[:, columns] = y
        counted[columns] = max_steps
        outcome = IntegrationOutcome.STEP_LIMIT if outcome is IntegrationOutcome.REACHED else outcome
    return Integration(y=result, outcome=outcome, n_steps=counted, next_step=following)


def _doubled_step(terms: Terms, y: Array, h: Array, columns: Columns, rtol: Array, atol: Array) -> tuple[Array, Array]:
    """One step and two half steps from the same first evaluation: the extrapolated end and its scaled error (A,)."""
    p, lam = terms(y, columns)
    coarse = _second_order_step(terms, y, p, lam, h, columns)
    half = 0.5 * h
    middle = _second_order_step(terms, y, p, lam, half, columns)
    p, lam = terms(middle, columns)
    fine = _second_order_step(terms, middle, p, lam, half, columns)
    error = np.max(np.abs(fine - coarse) / (atol + rtol * np.maximum(y, fine)), axis=0)
    return _extrapolate(coarse, fine), error


def _next_step_factor(error: Array) -> Array:
    """Grow or shrink so that the third-order local error of the next step meets the tolerance."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = _SAFETY / np.cbrt(error)
    return np.clip(np.where(np.isnan(factor), _SHRINK, factor), _SHRINK, _GROW)

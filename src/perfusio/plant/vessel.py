"""Vessels whose hidden state only moves forward.

A write changes the future only; there is no way back to an earlier state. Vessels are stepped together in numpy but
share nothing: each has its own time, setpoints, clone, random stream and step size, so that a vessel in a batch does
its course alone.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from perfusio.errors import ConfigError, OutOfRange, PerfusioError
from perfusio.physics import derived
from perfusio.physics.integrate import IntegrationOutcome, integrate
from perfusio.plant.batch_checks import agreed_size, check_event, check_setpoints
from perfusio.plant.clones import Clone
from perfusio.plant.conditions import Disturbance, Inoculum
from perfusio.plant.medium import Equipment, Medium
from perfusio.plant.parameters import Array
from perfusio.plant.population import Population, Vessels
from perfusio.state import SETPOINTS, SPECIES, Setpoints, State

TOLERANCE = 3e-4  # relative, per integration step; after 28 days the values are good to about as much
_FLOOR = 1 / 30  # absolute tolerance: this part of the relative one, times the scale of the state


class VesselBatch:
    """B vessels stepped together.

    Args:
        clones: One clone for all vessels, or one each; their structures may differ.
        setpoints: One set for all vessels, or one each.
        n_vessels: B; needed only when neither of the above says it.
        seeds: Seed of each vessel's random stream; default 0 to B - 1.
        inoculum: How the vessels start.
        disturbances: Lasting changes of constants on given days.
        medium: One for all vessels, or one each; None is the usual medium of each clone.
        equipment: Pumps, one for all vessels, or one each.
        tolerance: Relative tolerance per integration step.

    Raises:
        ConfigError: the numbers of vessels disagree, or no vessel that a disturbance is meant for has its constant.
    """

    def __init__(
        self,
        clones: Clone | Sequence[Clone],
        setpoints: Setpoints | Sequence[Setpoints],
        *,
        n_vessels: int | None = None,
        seeds: Sequence[int] | None = None,
        inoculum: Inoculum | None = None,
        disturbances: Iterable[Disturbance] = (),
        medium: Medium | Sequence[Medium] | None = None,
        equipment: Equipment | Sequence[Equipment] | None = None,
        tolerance: float = TOLERANCE,
    ) -> None:
        n = agreed_size(n_vessels, clones, setpoints, seeds, medium, equipment)
        self.clones: tuple[Clone, ...] = (clones,) * n if isinstance(clones, Clone) else tuple(clones)
        self.seeds: tuple[int, ...] = tuple(range(n)) if seeds is None else tuple(seeds)
        self._tolerance = tolerance
        media = [clone.medium for clone in self.clones] if medium is None else medium
        self._cells = Population.of(
            self.clones,
            [media] * n if isinstance(media, Medium) else list(media),
            list(equipment) if isinstance(equipment, Sequence) else [equipment or Equipment()] * n,
        )
        self._setpoints = np.empty((len(SETPOINTS), n))
        self._days = np.zeros(n)
        self._step = np.full(n, 0.02)
        self._pending = sorted(disturbances, key=lambda d: d.day)
        self._done: set[tuple[int, int]] = set()
        for event in self._pending:
            check_event(event, self._cells)
        self.write(setpoints)
        self._y = _inoculated(self._cells, self.seeds, inoculum or Inoculum())

    def __len__(self) -> int:
        return len(self.clones)

    @property
    def days(self) -> Array:
        """Culture age of each vessel [day], shape (B,)."""
        return self._days.copy()

    @property
    def setpoints(self) -> tuple[Setpoints, ...]:
        """Setpoints in force in each vessel."""
        return tuple(Setpoints.of(column) for column in self._setpoints.T)

    def write(self, setpoints: Setpoints | Sequence[Setpoints], vessels: ArrayLike | None = None) -> None:
        """Put setpoints in force from now on.

        Args:
            setpoints: One set for all named vessels, or one each.
            vessels: Indices; None means all.

        Raises:
            OutOfRange: a setpoint is not finite or not physically possible, or more broth would leave than medium
                enters. Nothing is changed then.
        """
        which = self._indices(vessels)
        each = [setpoints] * which.size if isinstance(setpoints, Setpoints) else list(setpoints)
        if len(each) != which.size:
            raise ConfigError(f"{len(each)} setpoints for {which.size} vessels: give one for all, or one each.")
        for one, sampling in zip(each, self._cells.equipment_of("sampling_flow")[which].tolist(), strict=True):
            check_setpoints(one, sampling)
        self._setpoints[:, which] = np.array([one.vector() for one in each]).T

    def advance(self, days: float, vessels: ArrayLike | None = None) -> None:
        """Let time pass at the setpoints in force.

        Args:
            days: How long [day], >= 0; time never runs backwards.
            vessels: Indices of the vessels for which it passes; None means all.

        Raises:
            OutOfRange: `days` is negative or not finite.
            PerfusioError: the balances cannot be integrated (the message says why).
        """
        if not 0.0 <= days < np.inf:
            raise OutOfRange(f"Cannot advance by {days} days: time only moves forward. Give a finite number >= 0.")
        which = self._indices(vessels)
        target = self._days[which] + days
        while True:
            stop = np.array([self._next_stop(v, t) for v, t in zip(which, target, strict=True)])
            self._integrate(which, stop - self._days[which])
            self._days[which] = stop
            self._disturb(which)
            if np.array_equal(stop, target):
                return

    def change_medium(self, strength: float, vessels: ArrayLike | None = None) -> None:
        """Feed from now on with another lot, in which everything is this many times as concentrated as before.

        Args:
            strength: Above 0; 1 changes nothing.
            vessels: Indices; None means all.

        Raises:
            OutOfRange: `strength` is not a finite number above 0.
        """
        if not 0.0 < strength < np.inf:
            raise OutOfRange(f"A medium cannot be {strength} times as strong. Give a finite number above 0.")
        self._cells = self._cells.fed_with(strength, self._indices(vessels).tolist())

    @property
    def states(self) -> tuple[str, ...]:
        """Names of all true states of these vessels."""
        return self._cells.states

    def state(self, name: str) -> Array:
        """One true state of all vessels by its name in `states`, shape (B,). Never shown to the twin.

        Vessels whose structure has no such state hold zero of it.
        """
        return np.array(self._y[self.states.index(name)])

    def true_states(self) -> list[State]:
        """Reading of a perfect analyzer of each vessel now."""
        y = dict(zip(self.states, self._y, strict=True))
        y["vcd"], y["viability"] = y["viable"], derived.viability(y["viable"], y["dead"])
        return [
            replace(State.of(24.0 * day, np.array([y[n][v] for n in SPECIES])), diameter=float(y["diameter"][v]))
            for v, day in enumerate(self._days.tolist())
        ]

    def fork(self, vessels: ArrayLike | None = None, *, is_forewarned: bool = True) -> Self:
        """A second batch that starts from here and does not touch this one. For oracles.

        Args:
            vessels: Indices, each as often as wanted: ``[0] * 50`` are 50 copies of the first. None means each once.
            is_forewarned: Whether disturbances that lie ahead will happen to the copies too.
        """
        which = self._indices(vessels)
        twin = copy.copy(self)
        twin.clones, twin.seeds = (tuple(of[v] for v in which) for of in (self.clones, self.seeds))
        twin._cells = self._cells.take(which)
        twin._setpoints, twin._days, twin._y = self._setpoints[:, which], self._days[which], self._y[:, which]
        twin._step = self._step[which]
        twin._pending = [replace(d, vessel=None) for d in self._pending] if is_forewarned else []
        twin._done = {
            (i, v)
            for i, d in enumerate(self._pending)
            for v, origin in enumerate(which.tolist())
            if (i, origin) in self._done or d.vessel not in (None, origin)
        }
        return twin

    def _indices(self, vessels: ArrayLike | None) -> Vessels:
        return np.arange(len(self)) if vessels is None else np.atleast_1d(np.asarray(vessels, dtype=np.intp))

    def _next_stop(self, vessel: int, target: float) -> float:
        ahead = [
            d.day for i, d in enumerate(self._pending) if d.vessel in (None, vessel) and (i, vessel) not in self._done
        ]
        return min([target, *(day for day in ahead if day > self._days[vessel])])

    def _disturb(self, which: Vessels) -> None:
        for i, event in enumerate(self._pending):
            hit = [
                v
                for v in which
                if event.vessel in (None, v) and self._days[v] >= event.day and (i, v) not in self._done
            ]
            if hit:
                self._cells = self._cells.multiplied(event.parameter, event.factor, hit)
                self._done.update((i, int(v)) for v in hit)

    def _integrate(self, which: Vessels, days: Array) -> None:
        setpoints, cells = self._setpoints[:, which], self._cells.take(which)
        in_use: tuple[Vessels | None, Array, Population] = (None, setpoints, cells)

        def terms(y: Array, columns: Vessels) -> tuple[Array, Array]:
            nonlocal in_use
            if in_use[0] is not columns:  # the integrator hands over the same object until a vessel leaves
                in_use = (columns, setpoints[:, columns], cells.take(columns))
            return in_use[2].terms(y, in_use[1])

        done = integrate(
            terms,
            self._y[:, which],
            days,
            rtol=self._tolerance * cells.tolerance,
            atol=_FLOOR * self._tolerance * cells.tolerance * cells.scales,
            first_step=self._step[which],
        )
        if done.outcome is not IntegrationOutcome.REACHED:
            raise PerfusioError(
                f"The simulated vessels could not be advanced to day {np.max(self._days[which] + days):g}. "
                f"{done.outcome.value}"
            )
        self._y[:, which] = done.y
        self._step[which] = done.next_step


def vessel_seeds(seed: int, n_vessels: int) -> tuple[int, ...]:
    """Seeds of n independent streams; the first ones do not depend on how many there are."""
    return tuple(int(s.generate_state(1)[0]) for s in np.random.SeedSequence(seed).spawn(n_vessels))


class Vessel:
    """One vessel: a batch of one, with values instead of arrays.

    Args:
        clone: The cell line.
        setpoints: In force from the start.
        seed: Seed of its random stream.
        inoculum: How it starts.
        disturbances: Lasting changes of constants on given days.
        medium: Its medium; None is the usual one of the clone.
        equipment: Its pumps.
    """

    def __init__(
        self,
        clone: Clone,
        setpoints: Setpoints,
        *,
        seed: int = 0,
        inoculum: Inoculum | None = None,
        disturbances: Iterable[Disturbance] = (),
        medium: Medium | None = None,
        equipment: Equipment | None = None,
    ) -> None:
        self._batch = VesselBatch(
            clone,
            setpoints,
            n_vessels=1,
            seeds=[seed],
            inoculum=inoculum,
            disturbances=disturbances,
            medium=medium,
            equipment=equipment,
        )

    @property
    def day(self) -> float:
        """Culture age [day]."""
        return float(self._batch.days[0])

    @property
    def setpoints(self) -> Setpoints:
        """Setpoints in force."""
        return self._batch.setpoints[0]

    def write(self, setpoints: Setpoints) -> None:
        """Put setpoints in force from now on; see `VesselBatch.write`."""
        self._batch.write(setpoints)

    def advance(self, days: float) -> None:
        """Let time pass; see `VesselBatch.advance`."""
        self._batch.advance(days)

    def true_state(self) -> State:
        """Reading of a perfect analyzer now."""
        return self._batch.true_states()[0]

    def state(self, name: str) -> float:
        """One true state by its name, see `VesselBatch.state`."""
        return float(self._batch.state(name)[0])


def _inoculated(cells: Population, seeds: Sequence[int], inoculum: Inoculum) -> Array:
    """Fresh medium and cells of a seeded, slightly different density in each vessel."""
    luck = np.array([np.random.default_rng([seed, 0]).standard_normal() for seed in seeds])
    viable = inoculum.vcd * np.exp(inoculum.spread * luck)
    return cells.fresh(viable, derived.dead_density(viable, np.asarray(inoculum.viability)))

"""Virtual vessels on which controllers are judged: which clones, which seeds, what is known before, what goes wrong.

Nothing that is reported was used for choosing anything in perfusio: decisions were tried on CloneX and Random11 to
Random24 with other seeds (models: `model_cases`). Reported are Random51 to Random54, one after the other, with seeds
from 5001 on. The quick mode runs on CloneX; to look while choosing, name other clones and seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count, cycle, islice

from model_cases import training
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.plant.clones import Clone, perturbed
from perfusio.plant.conditions import Disturbance
from perfusio.plant.families import clone_named
from perfusio.plant.oracle import hold_density
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory

REPORTED, FOR_CHOOSING = ("Random51", "Random52", "Random53", "Random54"), ("CloneX",)
FIRST_SEED = 5001
TARGET, FROM_DAY = 40.0, 9
"""Density to hold [1e6 cells/mL], and the first day that counts; earlier ones are growth."""
SPREAD = 0.15
"""Relative sd of every kinetic constant of a vessel to be held, about those of the clone that is known."""
DOUBLING = Disturbance(day=20.0, parameter="death_rate", factor=2.0)
KEEPS = 95.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One experiment: the vessels, and the clone of which 27 old runs are known.

    Attributes:
        clone: Of the old runs.
        plant: Of the vessels; differs from it where a density is to be held.
        seed: Of everything random in it.
        n_vessels: Side by side.
        days: Length of the run.
        disturbances: What happens to the vessels on the way.
    """

    clone: Clone
    plant: Clone
    seed: int
    n_vessels: int
    days: int
    disturbances: tuple[Disturbance, ...] = ()

    def rig(self, setpoints: Setpoints | None = None) -> SimulatedAmbr250:
        """Return fresh vessels; inoculum, noise and gaps are the same each time."""
        return SimulatedAmbr250(
            self.plant,
            n_vessels=self.n_vessels,
            seed=self.seed,
            days=self.days,
            setpoints=setpoints,
            disturbances=self.disturbances,
        )

    def old_runs(self) -> tuple[Trajectory, ...]:
        """Simulate the 27 runs of the Box-Behnken design of the clone, noisy, that everybody may learn from."""
        return training(self.clone, days=28, seed=10 * self.seed)


def tracking_case(clone: str, seed: int, *, days: int, is_disturbed: bool) -> Case:
    """One vessel whose cells are not quite those of the old runs; in half of the cases dying twice as fast later on."""
    known = clone_named(clone)
    return Case(
        clone=known,
        plant=relative_that_can_be_held(known, seed),
        seed=seed,
        n_vessels=1,
        days=days,
        disturbances=(DOUBLING,) if is_disturbed else (),
    )


def productivity_case(clone: str, seed: int, *, days: int, n_vessels: int) -> Case:
    """Vessels of the clone that is known."""
    known = clone_named(clone)
    return Case(clone=known, plant=known, seed=seed, n_vessels=n_vessels, days=days)


def relative_that_can_be_held(clone: Clone, seed: int) -> Clone:
    """Draw perturbed clones until one can be held at the target by somebody who knows it, above the least viability."""
    drawn = (perturbed(clone, SPREAD, seed=1000 * seed + attempt) for attempt in count())
    return next(c for c in drawn if (h := hold_density(c, TARGET)).error <= 0.05 and h.least_viability >= KEEPS)


def paths(clones: Sequence[str], seeds: Sequence[int]) -> list[tuple[str, int]]:
    """Return one clone for each seed, in turn."""
    return list(zip(islice(cycle(clones), len(seeds)), seeds, strict=True))

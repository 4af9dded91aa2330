"""Cohort of PerfusionBench: its cultures and their troubles. Data, and nothing else.

Nothing in perfusio was chosen on these cultures: they are for reporting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perfusio.plant.families import DEFAULT_TARGET, clone_named
from perfusio.study.cultures.culture import VirtualCulture
from perfusio.study.cultures.trouble import Trouble

FAMILIES: Mapping[str, int] = {"Own": 1, "Y": 2, "Monod": 3}
"""Structures: our own plant, published CHO kinetics, Monod with separator; and where the seeds of each begin [1e5]."""
N_CLONES, N_QUICK, DAYS = 100, 10, 28
SCENARIOS: Mapping[str, Trouble] = {
    "cold start": Trouble(),
    "with history": Trouble(),
    "target step": Trouble(day=14, target=1.3),
    "death doubled": Trouble(day=14, death=2.0),
    "analyzer lost": Trouble(day=14, lost_days=3),
    "pump -20 %": Trouble(day=10, pump=0.8),
    "medium lot": Trouble(day=10, medium=0.75),
    "units mixed up": Trouble(day=14, mixed_units=True),
}
COLD = "cold start"
"""In all others nine old runs of the clone are known to those controllers that ask for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchCulture:
    """A culture of the cohort.

    Attributes:
        family: Of FAMILIES.
        number: Of the clone, from 1.
        scenario: Of SCENARIOS.
    """

    family: str
    number: int
    scenario: str

    @property
    def clone(self) -> str:
        """Name of its clone."""
        return f"{self.family}-{self.number}"

    @property
    def seed(self) -> int:
        """Of inoculum, noise and gaps: one for each clone, the same in all scenarios."""
        return 100_000 * FAMILIES[self.family] + self.number

    def culture(self) -> VirtualCulture:
        """Return the culture; the clone is the first draw of its number that a constant recipe can hold."""
        return VirtualCulture(
            clone=clone_named(self.clone), seed=self.seed, target=DEFAULT_TARGET, days=DAYS,
            trouble=SCENARIOS[self.scenario],
        )  # fmt: skip

    def as_dict(self) -> dict[str, object]:
        """Return it as plain data."""
        return {"family": self.family, "number": self.number, "scenario": self.scenario}


def quick_set(n: int = N_QUICK * len(FAMILIES)) -> list[BenchCulture]:
    """Return the quick set, or its first `n`: ten clones a structure, each in one scenario, which take turns."""
    names, families = list(SCENARIOS), list(FAMILIES)
    whole = [
        BenchCulture(family=families[i % len(families)], number=i // len(families) + 1, scenario=names[i % len(names)])
        for i in range(N_QUICK * len(families))
    ]
    return whole[:n]


def full_set() -> list[BenchCulture]:
    """Return all: a hundred clones a structure, each in every scenario."""
    return [
        BenchCulture(family=family, number=number, scenario=scenario)
        for number in range(1, N_CLONES + 1)
        for family in FAMILIES
        for scenario in SCENARIOS
    ]

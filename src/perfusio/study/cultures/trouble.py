"""Trouble: faults of cells, pump, medium or samples that no controller is told of."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from perfusio.frozen import Frozen
from perfusio.plant.clones import Clone
from perfusio.plant.conditions import Disturbance
from perfusio.process.panel import Panel
from perfusio.process.roles import BLEED, PERFUSION
from perfusio.process.sound_numbers import MOST_DAYS
from perfusio.process.species import Setpoint, Species
from perfusio.state import Setpoints, State

DEATH: Sequence[str] = ("death_rate", "mu_d_max")
"""Kinetic constants that scale the death of cells, by structure."""
MOST_TIMES = 1000.0
"""No trouble makes anything more than so many times as large."""
COUNTED_IN = 10.0
"""Counts of the sample with mixed units are in 1e5 cells/mL."""


class Trouble(Frozen):
    """Faults of a culture, all of them if several are said; as it is, none.

    Attributes:
        day: When it begins [day].
        death: The death rate is this many times as high from `day` on.
        lost_days: So many daily samples do not come, the first one on `day`.
        pump: The perfusion pump gives this share of its setpoint from `day` on, and reports the setpoint.
        medium: Everything in the medium is this many times as concentrated from `day` on.
        mixed_units: On `day` the count is in 1e5 cells/mL and glucose in mmol/L, without a word.
        target: The target is this many times as high from `day` on; controllers are told that day.
    """

    day: int = Field(default=14, ge=0, le=MOST_DAYS)
    death: float = Field(default=1.0, gt=0, le=MOST_TIMES, allow_inf_nan=False)
    lost_days: int = Field(default=0, ge=0, le=MOST_DAYS)
    pump: float = Field(default=1.0, gt=0, le=1.5)
    medium: float = Field(default=1.0, gt=0, le=MOST_TIMES, allow_inf_nan=False)
    mixed_units: bool = False
    target: float = Field(default=1.0, gt=0, le=MOST_TIMES, allow_inf_nan=False)

    def disturbances(self, clone: Clone, vessel: int | None = None) -> list[Disturbance]:
        """Return the changes of kinetic constants of a vessel with this clone."""
        if self.death == 1.0:
            return []
        names = [name for name in DEATH if name in clone.structure.constant_names]
        return [Disturbance(day=self.day, parameter=name, factor=self.death, vessel=vessel) for name in names]

    def is_lost(self, day: int) -> bool:
        """Whether the sample of a day does not come."""
        return self.day <= day < self.day + self.lost_days

    def pumped(self, asked: Setpoints, day: int) -> Setpoints:
        """Return the setpoints that a vessel gets where these were asked for."""
        if self.pump == 1.0 or day < self.day:
            return asked
        perfusion = self.pump * getattr(asked, PERFUSION)
        sampling = asked.panel.equipment.sampling
        return asked.with_values(**{PERFUSION: perfusion, BLEED: min(getattr(asked, BLEED), perfusion - sampling)})

    def reported(self, sample: State, day: int) -> State:
        """Return a sample as its sheet has it."""
        if not self.mixed_units or day != self.day:
            return sample
        cells = sample.panel.the("cells")
        values = {cells: COUNTED_IN * getattr(sample, cells)} | {
            name: factor * getattr(sample, name) for name, factor in _other_unit(sample.panel).items()
        }
        return sample.with_values(**values)

    def aim(self, target: float, day: int) -> float:
        """Return the target on a day [1e6 cells/mL]."""
        return target * self.target if day >= self.day else target


def _other_unit(panel: Panel) -> dict[str, float]:
    """Return the species that a controller holds, and its value in the unit that it is mistaken for."""
    held = [panel[name] for name in panel.of_role("held_concentration")]
    species = [panel[s.of] for s in held if isinstance(s, Setpoint) and s.of]
    return {s.name: s.mistaken_units[0][1] for s in species if isinstance(s, Species) and s.mistaken_units}

"""Facts of a quantity beside name, unit and role: each kind of fact is a frozen value of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Analyzer:
    """How a usual laboratory measures a species; virtual laboratories do.

    Attributes:
        cv: Relative standard deviation [-].
        sd: Standard deviation that does not depend on the value, canonical unit.
        detection_limit: Smallest value that is reported, canonical unit.
    """

    cv: float = 0.0
    sd: float = 0.0
    detection_limit: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Prior noise of one measurement.

    Attributes:
        relative: Standard deviation over the value [-].
        absolute: Standard deviation that does not depend on the value, canonical unit.
        floor: Added before the logarithm is taken: below it the analyzer sees noise; canonical unit.
    """

    relative: float
    absolute: float
    floor: float

    def sd(self, value: float) -> float:
        """Return the standard deviation of one measurement of a true value, canonical unit."""
        return hypot(self.relative * max(value, 0.0), self.absolute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """Prior of a species that was never measured.

    Attributes:
        mean: Canonical unit.
        sd: How little that means, on the latent scale.
        settled: In a culture that has been held at its target for days, canonical unit; None for the target.
    """

    mean: float
    sd: float
    settled: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unexplained:
    """How much balances and kinetics may miss, on the latent scale.

    Attributes:
        drift_sd: Standard deviation of the slow drift at the start [latent/day].
        drift_walk: How fast the drift moves [latent/day per square root of a day].
        white_sd: Error of a step that is new every day [latent per square root of a day].
        usual: Residual that is usually missed [latent/day; log of the rate].
        limit: Bound of drift and residual together [latent/day].
        clear_change: One unit of the residual's inputs: a change that a scientist would call clear, latent scale.
    """

    drift_sd: float
    drift_walk: float
    white_sd: float
    usual: float
    limit: float
    clear_change: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rise:
    """The most by which a species can rise; a sample that says more is in doubt.

    Attributes:
        factor: Per day, for cells that multiply; None for others.
        free: Per day, whatever the cells do, canonical unit.
        per_cell: Per day and 1e6 cells/mL, canonical unit.
    """

    factor: float | None = None
    free: float = 0.0
    per_cell: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PerCell:
    """Daily make of one million cells per mL, or feed for them: beyond it lies no cell, or no culture on record.

    Attributes:
        most: Largest, canonical unit per day and 1e6 cells/mL.
        least: Smallest where there is any; 0 = none. A culture may lie below it while its level is above `least_level`.
        least_level: Canonical unit.
    """

    most: float
    least: float = 0.0
    least_level: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """The most by which a species can fall beside outflow and dilution; a sample that says more is in doubt.

    Attributes:
        rate: Of spontaneous decay [1/day]; of cells: of dead ones by lysis.
        free: Per day, whatever the cells do, canonical unit.
        per_cell: Taken up per day and 1e6 cells/mL, canonical unit.
    """

    rate: float = 0.0
    free: float = 0.0
    per_cell: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualColumn:
    """The medians that a real column of a sheet has.

    Attributes:
        low: Least, canonical unit.
        high: Largest, canonical unit.
        other_units: Other units that people write, the likeliest first.
    """

    low: float
    high: float
    other_units: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Levels at which a person is told, and the message.

    Attributes:
        warn: Level that deserves attention, canonical unit.
        act: Level that needs a person now; above `warn` for upper limits, below it for lower ones.
        response: The response.
        consequence: Course of events if nobody acts.
    """

    warn: float
    act: float
    response: str
    consequence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit that decisions keep unless told otherwise.

    Attributes:
        quantity: A species or a derived quantity.
        low: Lower limit, canonical unit, or None.
        high: Upper limit, canonical unit, or None.
        probability: Least probability of keeping it, each day.
    """

    quantity: str
    low: float | None = None
    high: float | None = None
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Range of a setpoint, in its canonical unit.

    Attributes:
        low: Smallest value that may be written.
        high: Largest value that may be written.
        nominal: Start of a run, and the assumption where a file does not say.
        max_step: Largest change per decision.
    """

    low: float
    high: float
    nominal: float
    max_step: float

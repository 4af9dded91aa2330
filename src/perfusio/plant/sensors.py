"""Reports of the analyzers: the truth with noise, gaps, detection limits and, where asked for, faults.

Every draw is keyed by the vessel's seed and the time of the sample. Reading other vessels, reading twice, or reading
in another order changes nothing; switching one fault on does not change the noise of the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.state import STATE_QUANTITIES, State

_MEASURED: tuple[str, ...] = tuple(STATE_QUANTITIES)
_NONE: Mapping[str, float] = MappingProxyType({})

DEFAULT_CV: Mapping[str, float] = MappingProxyType(
    {s.name: s.analyzer.cv for s in CHO_PERFUSION.species if s.analyzer.cv}
)
DEFAULT_VIABILITY_SD = sum(s.analyzer.sd for s in CHO_PERFUSION.species if s.role == "viability")
DEFAULT_LIMITS: Mapping[str, float] = MappingProxyType(
    {s.name: s.analyzer.detection_limit for s in CHO_PERFUSION.species if s.analyzer.detection_limit}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """A sensor that repeats its reading for a while.

    Attributes:
        quantity: Which one.
        from_day: First repeated day; the value is that of the last sample before it [day].
        to_day: First good day again.
    """

    quantity: str
    from_day: float
    to_day: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorSettings:
    """How good the analyzers are. `SensorSettings()` is a usual laboratory, `PERFECT` reports the truth.

    Attributes:
        cv: Relative sd by quantity; a quantity not named is exact.
        viability_sd: Sd of the viability in points; readings above 100 are reported as 100.
        missing: Probability that a single value is missing.
        limits: Detection limit by quantity, canonical unit. A reading below is reported as the limit, with a remark.
        drift: Relative error that grows per day, by quantity.
        outlier_probability: Probability that a value is wrong by `outlier_factor`, up or down.
        outlier_factor: How wrong an outlier is.
        frozen: Sensors that repeat a value for some days.
        titer_delay_days: The titer arrives this much later than the rest of its sample [day].
    """

    cv: Mapping[str, float] = field(default_factory=lambda: DEFAULT_CV)
    viability_sd: float = DEFAULT_VIABILITY_SD
    missing: float = 0.05
    limits: Mapping[str, float] = field(default_factory=lambda: DEFAULT_LIMITS)
    drift: Mapping[str, float] = field(default_factory=lambda: _NONE)
    outlier_probability: float = 0.0
    outlier_factor: float = 2.0
    frozen: tuple[Frozen, ...] = ()
    titer_delay_days: float = 0.0


PERFECT = SensorSettings(cv=_NONE, viability_sd=0.0, missing=0.0, limits=_NONE)


class Sensors:
    """The analyzers of one vessel.

    Args:
        settings: How good they are.
        seed: The vessel's seed.
    """

    def __init__(self, settings: SensorSettings | None = None, *, seed: int = 0) -> None:
        self.settings = settings or SensorSettings()
        self._seed = seed
        self._last_good: dict[str, float] = {}

    def measure(self, true: State) -> State:
        """The reading of a true state; a late titer is missing from it (`measure_titer` gives it)."""
        state = self.report(true)
        return replace(state, titer=np.nan) if self.settings.titer_delay_days > 0 else state

    def measure_titer(self, true: State) -> State:
        """The late part of a sample: its time and its titer, everything else not measured."""
        state = self.report(true)
        quality = {name: remark for name, remark in state.quality.items() if name == "titer"}
        return State(time_h=true.time_h, titer=state.titer, quality=quality)

    def report(self, true: State) -> State:
        """The reading of a true state once everything has arrived, the titer too."""
        s, day = self.settings, true.day
        rng = np.random.default_rng([self._seed, 1, round(true.time_h * 60.0)])
        noise, gap, odd, upwards = rng.standard_normal(10), rng.random(10), rng.random(10), rng.random(10) < 0.5
        values: dict[str, float] = {}
        quality: dict[str, str] = {}
        for i, name in enumerate(_MEASURED):
            value = getattr(true, name) * (1.0 + s.drift.get(name, 0.0) * day)
            value *= float(np.exp(s.cv.get(name, 0.0) * noise[i]))
            if name == "viability":
                value += s.viability_sd * float(noise[i])
            if odd[i] < s.outlier_probability:
                value *= s.outlier_factor if upwards[i] else 1.0 / s.outlier_factor
            if name == "viability":
                value = min(value, 100.0)  # an instrument that counts dead cells cannot report more
            value = self._held(name, value, day)
            limit = s.limits.get(name, 0.0)
            if value < limit:
                value = limit
                quality[name] = f"below the detection limit of {limit:g}"
            if gap[i] < s.missing:
                value = float("nan")
                quality.pop(name, None)
            values[name] = value
        return State.of_values(CHO_PERFUSION, true.time_h, values, dict(quality))

    def _held(self, name: str, value: float, day: float) -> float:
        """The last good value while the sensor is frozen, else `value`, which is then remembered."""
        is_frozen = any(f.quantity == name and f.from_day <= day < f.to_day for f in self.settings.frozen)
        if is_frozen and name in self._last_good:
            return self._last_good[name]
        self._last_good[name] = value
        return value

"""The vessels of a virtual rig, and their common time."""

from __future__ import annotations

import asyncio

from perfusio.plant.vessel import VesselBatch


class SharedTime:
    """The vessels of a rig and their time, which passes for all that wait for it in one go.

    Args:
        plant: The vessels.
        interval_days: Time between two samples [day].
        last_sample: Number of the last sample (0 = inoculation); None means no end.
        pace_s: Real time that an interval takes [s], for people who watch; 0 = none.
    """

    def __init__(
        self, plant: VesselBatch, interval_days: float, last_sample: int | None, pace_s: float = 0.0
    ) -> None:
        self._pace_s = pace_s
        self.plant, self.interval_days, self._last_sample = plant, interval_days, last_sample
        self._waiting: list[int] = []
        self._passed: set[int] = set()

    def is_over(self, n_samples: int) -> bool:
        """Whether a vessel with so many samples has had its last one."""
        return self._last_sample is not None and n_samples > self._last_sample

    async def pass_interval(self, index: int) -> None:
        """Advance one vessel by a sampling interval, together with all that wait for the same."""
        if index in self._passed:
            self._passed.remove(index)
            return
        self._waiting.append(index)
        try:
            await asyncio.sleep(self._pace_s)  # let the other readers of this turn join
        except asyncio.CancelledError:
            if index in self._waiting:
                self._waiting.remove(index)
            else:  # another reader has let it pass: whoever asks next gets its sample
                self._passed.add(index)
            raise
        if index in self._waiting:
            together, self._waiting = sorted(self._waiting), []
            self.plant.advance(self.interval_days, together)

"""Forecast: the believed future of one vessel, as mean, standard deviation and sample paths.

Letters used for array shapes in all of perfusio: H horizon, Q species, U setpoints, S samples (paths), N rows,
B vessels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfusio import labelled
from perfusio.frames import DataFrame, data_frame
from perfusio.labelled import Dataset
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.state import FloatArray, find_quantity

QUANTILES = (5, 10, 50, 90, 95)
"""Of a data frame [%]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantityForecast:
    """One quantity of a forecast: `mean`, `sd` of shape (H,), `samples` of shape (S, H), in the canonical unit."""

    name: str
    times_h: FloatArray
    mean: FloatArray
    sd: FloatArray
    samples: FloatArray

    def __repr__(self) -> str:
        """Say mean and sd at the end of the horizon."""
        return f"<{self.name}: {self.mean[-1]:.4g} +- {self.sd[-1]:.2g} on day {self.times_h[-1] / 24.0:g}>"

    @property
    def median(self) -> FloatArray:
        """The middle of the paths (H,): the point forecast."""
        return np.median(self.samples, axis=0)

    def interval(self, level: float) -> tuple[FloatArray, FloatArray]:
        """Return the central interval that holds the true value with probability `level`, two arrays (H,)."""
        tail = 50.0 * (1.0 - level)
        low, high = np.percentile(self.samples, [tail, 100.0 - tail], axis=0)
        return low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The believed true state of a vessel at `times_h`; `hybrid.observation.observed` adds the analyser's noise.

    Attributes:
        times_h: Times since the start of the culture [h], shape (H,).
        mean: Shape (H, Q), canonical units.
        sd: Shape (H, Q).
        samples: Paths, shape (S, H, Q); a path is one possible future, consistent along time.
        support: How close each time is to the training data, (H,): 1 = much like it, 0 = nothing like it was
            seen; None where the forecaster does not say.
        panel: The process whose Q modelled species these are.
    """

    times_h: FloatArray
    mean: FloatArray
    sd: FloatArray
    samples: FloatArray
    support: FloatArray | None = None
    panel: Panel = CHO_PERFUSION

    @classmethod
    def from_samples(
        cls,
        times_h: FloatArray,
        samples: FloatArray,
        support: FloatArray | None = None,
        panel: Panel = CHO_PERFUSION,
    ) -> Forecast:
        """Summarise paths (S, H, Q) into a forecast."""
        mean, sd = samples.mean(axis=0), samples.std(axis=0)
        return cls(times_h=times_h, mean=mean, sd=sd, samples=samples, support=support, panel=panel)

    def __getitem__(self, name: str) -> QuantityForecast:
        """Return the forecast of one species by name."""
        i = self.panel.index(find_quantity(name, self.panel).name)
        return QuantityForecast(
            name=name,
            times_h=self.times_h,
            mean=self.mean[:, i],
            sd=self.sd[:, i],
            samples=self.samples[:, :, i],
        )

    def __repr__(self) -> str:
        """Say which days are forecast, of how many species, on how many paths."""
        first, last = self.times_h[0] / 24.0, self.times_h[-1] / 24.0
        n_paths, _, n_species = self.samples.shape
        return f"<Forecast of {n_species} species, days {first:g} to {last:g}, {n_paths} path{'s' * (n_paths != 1)}>"

    def to_frame(self) -> DataFrame:
        """Return the forecast as a pandas data frame, one row per time and species, without the paths.

        Columns: ``day``, ``quantity``, ``unit``, ``mean``, ``sd``, the quantiles ``q05``, ``q10``, ``q50``, ``q90`` and
        ``q95``, and ``support`` where the forecaster says it. ``q10`` to ``q90`` is the central 80 % interval.

        Raises:
            ConfigError: pandas is not installed.
        """
        names, n = self.panel.species_names, len(self.times_h)
        quantiles = np.percentile(self.samples, QUANTILES, axis=0)
        columns: dict[str, Sequence[object]] = {
            "day": np.tile(self.times_h / 24.0, len(names)).tolist(),
            "quantity": [name for name in names for _ in range(n)],
            "unit": [self.panel[name].unit for name in names for _ in range(n)],
            "mean": self.mean.T.ravel().tolist(),
            "sd": self.sd.T.ravel().tolist(),
        }
        columns |= {f"q{p:02d}": of.T.ravel().tolist() for p, of in zip(QUANTILES, quantiles, strict=True)}
        if self.support is not None:
            columns["support"] = np.tile(self.support, len(names)).tolist()
        return data_frame(columns)

    def to_xarray(self) -> Dataset:
        """Return the forecast as an `xarray.Dataset` over ``day`` and, for the interval ends, ``quantile``.

        For each species its mean by name, ``NAME_sd`` and ``NAME_quantiles`` (0.05 to 0.95), with units in ``attrs``.

        Raises:
            ConfigError: xarray is not installed.
        """
        quantiles = np.percentile(self.samples, QUANTILES, axis=0)
        found: dict[str, labelled.Variable] = {}
        for i, quantity in enumerate(self.panel.modelled):
            found[quantity.name] = labelled.of(quantity, ("day",), self.mean[:, i])
            found[f"{quantity.name}_sd"] = labelled.of(quantity, ("day",), self.sd[:, i])
            found[f"{quantity.name}_quantiles"] = labelled.of(quantity, ("quantile", "day"), quantiles[:, :, i])
        levels = ("quantile",), np.array(QUANTILES) / 100.0, {"units": "1", "long_name": "Quantile"}
        coordinates = {"day": labelled.culture_day(self.times_h), "quantile": levels}
        return labelled.dataset(found, coordinates, {"process": self.panel.name})

    def median(self) -> FloatArray:
        """Return the middle of the paths, (H, Q): the point forecast. A few wild paths move the mean, not this."""
        return np.median(self.samples, axis=0)

    def interval(self, level: float) -> tuple[FloatArray, FloatArray]:
        """Return the central interval of every species, two arrays (H, Q)."""
        tail = 50.0 * (1.0 - level)
        low, high = np.percentile(self.samples, [tail, 100.0 - tail], axis=0)
        return low, high

    def is_finite(self) -> bool:
        """Whether every mean and standard deviation is a number."""
        return bool(np.isfinite(self.mean).all() and np.isfinite(self.sd).all())

    def to_json(self) -> dict[str, object]:
        """Return mean, sd and the 80 and 90 % intervals by species, and support; for the record (never samples)."""
        quantiles = np.percentile(self.samples, [5, 10, 90, 95], axis=0)
        names, rows = self.panel.species_names, {"mean": self.mean, "sd": self.sd}
        rows |= dict(zip(("q05", "q10", "q90", "q95"), quantiles, strict=True))
        support = {} if self.support is None else {"support": [_rounded(v) for v in self.support]}
        return {
            "times_h": [float(t) for t in self.times_h],
            **support,
            **{key: {s: [_rounded(v) for v in a[:, i]] for i, s in enumerate(names)} for key, a in rows.items()},
        }


def _rounded(value: float) -> float:
    """Keep six significant digits: more would only lengthen the record."""
    return float(f"{value:.6g}")

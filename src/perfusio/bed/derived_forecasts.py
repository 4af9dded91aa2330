"""Forecasts of derived quantities: viable cell volume, CSPR, harvest titer, productivity; with intervals.

They are computed along every path, so their intervals carry the correlation of the species: a path with many cells
has a low CSPR on the same day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from perfusio.errors import ConfigError, OutOfRange, UnknownQuantity
from perfusio.forecast import Forecast, QuantityForecast
from perfusio.process import derived
from perfusio.process.derived import DERIVED_QUANTITIES, forecast_names, quantity_paths
from perfusio.quantities import Quantity, closest
from perfusio.state import FloatArray, Setpoints

FORECAST_QUANTITIES: Mapping[str, Quantity] = {n: q for n, q in DERIVED_QUANTITIES.items() if n != "medium"}
"""Forecast quantities: the medium used is a setpoint."""
DIAMETER_CV = 0.015
"""Error of one diameter, 1 to 2 % in practice; a volume counts it three times."""


def derived_forecast(
    forecast: Forecast,
    name: str,
    plan: Sequence[Setpoints],
    *,
    diameter: float = float("nan"),
    sieving: float = 1.0,
    seed: int = 0,
) -> QuantityForecast:
    """Return the forecast of one derived quantity.

    Args:
        forecast: Of the species.
        name: One of FORECAST_QUANTITIES.
        plan: The setpoints under which the forecast was made, one per interval (H).
        diameter: Cell diameter [um], needed for ``"vcv"``: the model has none, so the last measured one is held, with
            an error of DIAMETER_CV that persists along a path.
        sieving: Share of the product that passes the membrane; 1 unless harvest samples say otherwise.
        seed: Of the diameter's error.

    Raises:
        UnknownQuantity: `name` is no derived quantity that the process has.
        ConfigError: the plan is not as long as the forecast.
        OutOfRange: no usable diameter or sieving.
    """
    known = tuple(n for n in forecast_names(forecast.panel) if n in FORECAST_QUANTITIES)
    if name not in known:
        raise UnknownQuantity(
            f"{name!r} is no derived quantity of {forecast.panel.name}.{closest(name, known)} Known: "
            f"{', '.join(known) or 'none'}."
        )
    if len(plan) != len(forecast.times_h):
        raise ConfigError(
            f"The plan has {len(plan)} intervals, the forecast {len(forecast.times_h)}: expected one Setpoints per "
            "interval. Hand over the plan under which the forecast was made."
        )
    if not 0.0 <= sieving <= 1.0:
        raise OutOfRange(f"sieving = {sieving:g}: expected a share from 0 to 1. Give harvest titer over vessel titer.")
    paths = _paths(forecast, name, np.array([u.vector() for u in plan]), diameter, sieving, seed)
    return QuantityForecast(
        name=name, times_h=forecast.times_h, mean=paths.mean(axis=0), sd=paths.std(axis=0), samples=paths
    )


def _paths(forecast: Forecast, name: str, plan: FloatArray, diameter: float, sieving: float, seed: int) -> FloatArray:
    panel = forecast.panel
    bases = {"harvest_titer": panel.of_role("product"), "vcv": panel.of_role("cells")}
    base = bases[name][0] if name in bases else name
    paths: FloatArray = quantity_paths(base, forecast.samples[None], plan[None], panel=panel)[0]
    if name == "cspr":
        return paths
    if name == "productivity":
        return sieving * paths
    if name == "harvest_titer":
        return derived.harvest_titer(paths, np.asarray(sieving))
    if not diameter > 0.0:
        raise OutOfRange(
            f"diameter = {diameter:g} um: a viable cell volume needs a measured cell diameter above 0. Measure it, "
            "or leave the volume out."
        )
    panel[panel.the("size")].check(diameter)
    error = DIAMETER_CV * np.random.default_rng(seed).standard_normal((len(paths), 1))
    return derived.vcv(paths, diameter * (1.0 + error))

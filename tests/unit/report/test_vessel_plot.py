"""The figure of one forecast: species, derived quantities and plan, with what came later told apart."""

import numpy as np

from perfusio.bed.derived_forecasts import FORECAST_QUANTITIES, derived_forecast
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.forecast import Forecast
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.report.vessel_plot import plot_vessel_forecast
from perfusio.state import QUANTITIES, SETPOINTS, SPECIES

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


def test_every_quantity_has_a_panel_with_its_unit(tmp_path):
    (run,) = simulate_runs(CLONE_X, {"R1": NOMINAL}, days=4, seed=1)
    samples = np.random.default_rng(0).uniform(1.0, 2.0, size=(30, 3, len(SPECIES)))
    forecast, plan = Forecast.from_samples(np.array([72.0, 96.0, 120.0]), samples), [NOMINAL] * 3
    derived = {n: (q, derived_forecast(forecast, n, plan, diameter=16.0)) for n, q in FORECAST_QUANTITIES.items()}
    path = tmp_path / "plots" / "forecast.svg"
    plot_vessel_forecast(run, forecast, plan, path, start_h=48.0, title="A title", derived=derived)
    text = path.read_text(encoding="utf-8")
    for name in (*SPECIES, *SETPOINTS):
        assert f"<!-- {QUANTITIES[name].axis_label} -->" in text
    for label in ("Viable cell volume [%]", "Perfusion per cell [pL/cell/day]", "A title", "measured",
                  "measured later, unknown to the forecast"):  # fmt: skip
        assert f"<!-- {label} -->" in text


def test_a_single_sample_and_no_derived_quantity_are_enough(tmp_path):
    (run,) = simulate_runs(CLONE_X, {"R1": NOMINAL}, days=0, seed=1)
    forecast = Forecast.from_samples(np.array([24.0]), np.ones((5, 1, len(SPECIES))))
    plot_vessel_forecast(run, forecast, [NOMINAL], tmp_path / "f.png", start_h=0.0, title="")
    assert (tmp_path / "f.png").read_bytes().startswith(b"\x89PNG")

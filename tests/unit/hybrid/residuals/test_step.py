"""How far residual and drift may move a vessel: as far as is usual, or as far as data showed."""

import numpy as np
import pytest

from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.residuals.step import step
from perfusio.process.examples import HEALTHY

AT = layout_of()
U = np.array([[s.allowed.nominal] for s in AT.panel.setpoints])
START = AT.to_latent(np.array([[HEALTHY[name]] for name in AT.species]))
NOTHING = np.zeros((2, AT.n_species))


def moved(name, rate, *, drift=0.0, reach=NOTHING, perfusion=None):
    """Latent change of a species in a day by a residual and a drift, beside that of the balances."""
    q, u = AT.species.index(name), U.copy()
    if perfusion is not None:
        u[AT.perfusion] = perfusion
    residual, drifts = np.zeros_like(START), np.zeros_like(START)
    residual[q], drifts[q] = rate, drift
    after = [
        step(AT, START, u, np.zeros((AT.n_parameters, 1)), np.array([24.0]), AT.medium, r, d, reach=reach)
        for r, d in ((residual, drifts), (np.zeros_like(START), np.zeros_like(START)))
    ]
    return float((after[0] - after[1])[q, 0])


def reaching(name, down, up):
    reach = NOTHING.copy()
    reach[:, AT.species.index(name)] = down, up
    return reach


@pytest.mark.parametrize("reach", [None, NOTHING])
def test_a_small_residual_is_what_it_is(reach):
    assert moved("vcd", 0.05, reach=reach) == pytest.approx(0.05, rel=0.02)


def test_without_evidence_nothing_collapses():
    assert -0.2 < moved("viability", -1.8) < -0.15  # tens of points


def test_a_collapse_that_data_showed_can_come_again():
    assert moved("viability", -1.8, reach=reaching("viability", 1.8, 0.0)) < -1.4
    assert moved("viability", 1.8, reach=reaching("viability", 1.8, 0.0)) < 0.21  # what fell did not rise


def test_beyond_what_data_showed_it_ends():
    assert -3.0 < moved("viability", -50.0, reach=reaching("viability", 1.8, 0.0)) < -2.0


def test_what_a_filter_saw_drift_is_believed():
    assert moved("viability", 0.0, drift=-1.8) < -1.5
    assert moved("viability", 0.0, drift=-1.8, reach=None) > -0.21  # models of before keep their limits


def test_a_solute_may_rise_without_perfusion_where_it_did():
    assert moved("lactate", 0.5, perfusion=0.0) < 0.1
    assert moved("lactate", 0.5, perfusion=0.0, reach=reaching("lactate", 0.0, 0.5)) > 0.4

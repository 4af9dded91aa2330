"""Between vessels and arrays: the public indexed format, the latent scale, the measurement noise."""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import ModelError
from perfusio.hybrid.features import IndexedData, indexed
from perfusio.hybrid.layout import layout_of
from perfusio.state import SETPOINTS, SPECIES, SPECIES_INDEX, STATE_QUANTITIES
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory

NOMINAL, AT = DEFAULT_AMBR250_DESIGN_SPACE.nominal, layout_of()
to_latent, from_latent, noise_sd, gp_inputs = AT.to_latent, AT.from_latent, AT.noise_sd, AT.gp_inputs


def run(*states, bleeds=None):
    t = Trajectory(reactor_id="R01")
    for i, s in enumerate(states):
        t = t.observe(s, replace(NOMINAL, bleed_rate=(bleeds or [0.1] * len(states))[i]))
    return t


def test_shape_and_columns_are_as_published():
    t = run(make_state(day=0, vcd=1.0), make_state(day=1, vcd=2.0), make_state(day=2.5, vcd=3.0), bleeds=[9, 0.1, 0.2])
    data = indexed([t])
    n = 2
    assert data.x.shape == (n * 9, 17)
    assert data.y.shape == data.hours.shape == (n * 9,)
    assert AT.n_columns == 17
    first, second = data.x[0], data.x[9]
    assert first[:9].tolist() == t.states[0].vector().tolist()
    assert first[9:15].tolist() == replace(NOMINAL, bleed_rate=0.1).vector().tolist()
    assert second[9:15].tolist() == replace(NOMINAL, bleed_rate=0.2).vector().tolist()
    assert (first[15], second[15]) == (0.0, 1.0)  # the culture day before
    assert data.x[:, 16].tolist() == [*range(9)] * 2
    assert data.task.tolist() == [*range(9)] * 2
    assert data.y.tolist() == [*t.states[1].vector(), *t.states[2].vector()]
    assert data.hours.tolist() == [24.0] * 9 + [36.0] * 9


def test_order_of_columns_is_the_declared_one():
    assert SPECIES == (
        "vcd", "viability", "glucose", "glutamine", "glutamate", "lactate", "ammonium", "pyruvate", "titer",
    )  # fmt: skip
    assert SETPOINTS == (
        "perfusion_rate", "bleed_rate", "glucose_setpoint", "temperature", "agitation", "pyruvate_feed",
    )  # fmt: skip


def test_rows_without_a_target_are_left_out_and_no_others():
    t = run(make_state(day=0), make_state(day=1, titer=nan, lactate=nan))
    data = indexed([t])
    assert sorted(data.task) == sorted(set(range(9)) - {SPECIES_INDEX["titer"], SPECIES_INDEX["lactate"]})
    assert np.isfinite(data.x).all()
    assert np.isfinite(data.y).all()


def test_rows_with_an_unknown_input_are_left_out_unless_the_smoother_gives_it():
    t = run(make_state(day=0, glucose=nan), make_state(day=1))
    assert len(indexed([t]).y) == 0
    smoothed = np.array([make_state(glucose=3.3).vector(), make_state().vector()])
    data = indexed([t], [smoothed])
    assert len(data.y) == 9
    assert (data.x[:, SPECIES_INDEX["glucose"]] == 3.3).all()


def test_runs_are_put_one_after_the_other_and_can_be_cut():
    a, b = run(*(make_state(day=d, vcd=d) for d in range(3))), run(*(make_state(day=d, vcd=10 + d) for d in range(4)))
    assert indexed([a, b]).y[::9].tolist() == [1, 2, 11, 12, 13]
    assert indexed([a, b], from_transition=1).y[::9].tolist() == [2, 12, 13]
    assert indexed([a, b], from_transition=[2, 0]).y[::9].tolist() == [11, 12, 13]


@pytest.mark.parametrize("trajectories", [[], [run()], [run(make_state())]])
def test_without_a_transition_there_are_no_rows_but_the_shape(trajectories):
    data = indexed(trajectories)
    assert data.x.shape == (0, 17)
    assert data.y.shape == (0,)


@pytest.mark.parametrize("x", [np.zeros((3, 16)), np.zeros((2, 17)), np.zeros(17)])
def test_other_shapes_are_refused(x):
    with pytest.raises(ModelError, match=r"\(R, 17\)"):
        IndexedData(x=x, y=np.zeros(3), hours=np.zeros(3), read=np.zeros(3))


def test_latent_round_trip():
    rng = np.random.default_rng(0)
    species = np.abs(rng.standard_normal((9, 50))) * np.array([30, 30, 4, 4, 1, 10, 4, 1, 500])[:, None]
    assert np.allclose(from_latent(to_latent(species)), species, rtol=1e-10, atol=1e-10)
    assert np.allclose(from_latent(to_latent(np.zeros((9, 1)))), 0.0, atol=1e-12)
    assert to_latent(species).shape == to_latent(species[:, 0])[:, None].repeat(50, 1).shape


def test_missing_stays_missing_on_the_latent_scale():
    assert np.isnan(to_latent(np.full((9, 1), nan))).all()


def test_latent_values_end_at_what_is_possible():
    low, high = from_latent(np.full(9, -50.0)), from_latent(np.full(9, 50.0))
    assert (low == 0.0).all()
    assert high.tolist() == [STATE_QUANTITIES[name].high for name in SPECIES]


@pytest.mark.parametrize("name", SPECIES)
def test_noise_is_that_of_the_analyser_seen_through_the_latent_scale(name):
    """Measure many times with the declared noise: the latent readings scatter by `noise_sd`."""
    cv = {"vcd": 0.05, "viability": 0.0}.get(name, 0.06)
    absolute = {"viability": AT.noise_absolute[AT.alive]}.get(name, 0.0)
    true = make_state(viability=90.0, glutamine=4.0, glutamate=3.0, pyruvate=4.0).vector()
    i = SPECIES_INDEX[name]
    readings = np.repeat(true[:, None], 20_000, axis=1)
    readings[i] += np.hypot(cv * true[i], absolute) * np.random.default_rng(i).standard_normal(20_000)
    assert to_latent(readings)[i].std() == pytest.approx(noise_sd(true)[i], rel=0.05)


def test_noise_near_zero_is_finite_and_positive():
    sd = noise_sd(np.zeros((9, 1)))
    assert np.isfinite(sd).all()
    assert (sd > 0).all()


def test_inputs_of_the_processes_are_scaled_columns():
    latent, u = np.arange(18.0).reshape(9, 2), np.arange(12.0).reshape(6, 2)
    x = gp_inputs(latent, u, [3.0, 4.0])
    assert x.shape == (2, 16)
    assert np.allclose(x * AT.gp_scale, np.concatenate([latent, u, [[3.0, 4.0]]]).T)
    assert np.allclose(gp_inputs(latent, u, 3.0)[:, -1], 3.0 / 7.0)

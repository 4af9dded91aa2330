"""The mechanistic prior: every setpoint moves it, few steps are enough, an empty vessel becomes its medium."""

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.hybrid import mechanistic
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.mechanistic import balances
from perfusio.physics.integrate import IntegrationOutcome, integrate
from perfusio.process.rules import SAMPLING_FLOW
from perfusio.state import SETPOINT_INDEX, SETPOINTS, SPECIES, SPECIES_INDEX
from perfusio.testing import make_state

SPACE, AT = DEFAULT_AMBR250_DESIGN_SPACE, layout_of()
PARAMETERS = AT.bound.parameters
NOMINAL = SPACE.nominal.vector()
SCALES = np.array([30.0, 100.0, 4.0, 4.0, 2.0, 10.0, 4.0, 1.0, 500.0])
"""Usual size of each species, for errors as a share of it."""


def advance(species, setpoints, factors, hours):
    return mechanistic.advance(AT, species, setpoints, factors, hours, AT.medium)


def after(species, setpoints=NOMINAL, factors=None, hours=24.0):
    """One vessel (Q,) -> (Q,), or many (Q, B)."""
    y = np.asarray(species, dtype=float).reshape(len(SPECIES), -1)
    b = y.shape[1]
    u = np.broadcast_to(np.asarray(setpoints, float).reshape(len(SETPOINTS), -1), (len(SETPOINTS), b))
    f = np.zeros((len(PARAMETERS), b)) if factors is None else np.reshape(factors, (len(PARAMETERS), -1))
    return advance(y, u, f, hours).reshape(np.shape(species))


CULTURE = make_state(glucose=3.0).vector()
LOW_OXYGEN = make_state(vcd=80.0, glucose=3.0).vector()


@pytest.mark.parametrize("name", SETPOINTS)
def test_every_setpoint_moves_it(name):
    moved = NOMINAL.copy()
    moved[SETPOINT_INDEX[name]] += SPACE.bounds[name].max_step * (-1 if name == "agitation" else 1)
    change = np.abs(after(CULTURE, moved) - after(CULTURE)) / SCALES
    assert change.max() > 0.01


def test_directions_that_a_scientist_expects():
    def with_one(name, value, start=CULTURE):
        u = NOMINAL.copy()
        u[SETPOINT_INDEX[name]] = value
        return dict(zip(SPECIES, after(start, u), strict=True))

    low, high = with_one("bleed_rate", 0.05), with_one("bleed_rate", 0.30)
    assert np.log(low["vcd"] / high["vcd"]) == pytest.approx(0.25, rel=0.1)  # cells leave with the bleed
    assert with_one("perfusion_rate", 2.0)["ammonium"] < with_one("perfusion_rate", 0.5)["ammonium"]
    assert with_one("glucose_setpoint", 8.0)["glucose"] > with_one("glucose_setpoint", 2.0)["glucose"] + 1.0
    assert with_one("temperature", 35.0)["vcd"] < with_one("temperature", 36.8)["vcd"]
    assert with_one("temperature", 35.0)["titer"] / with_one("temperature", 35.0)["vcd"] > (
        with_one("temperature", 37.0)["titer"] / with_one("temperature", 37.0)["vcd"]
    )
    assert with_one("agitation", 1050.0)["viability"] < with_one("agitation", 850.0)["viability"]
    assert with_one("agitation", 700.0, LOW_OXYGEN)["vcd"] < with_one("agitation", 850.0, LOW_OXYGEN)["vcd"]
    assert with_one("pyruvate_feed", 5.0)["pyruvate"] > with_one("pyruvate_feed", 0.0)["pyruvate"] + 1.0


@pytest.mark.parametrize("p", PARAMETERS, ids=lambda p: p.name)
def test_every_parameter_moves_it(p):
    factors = np.zeros(len(PARAMETERS))
    factors[PARAMETERS.index(p)] = 0.5
    warm = NOMINAL.copy()
    warm[SETPOINT_INDEX["temperature"]] = 37.5
    assert (np.abs(after(CULTURE, warm, factors=factors) - after(CULTURE, warm)) / SCALES).max() > 0.0005


def test_cells_die_faster_where_they_share_little_medium_and_where_it_is_warm():
    scarce, warm = NOMINAL.copy(), NOMINAL.copy()
    scarce[SETPOINT_INDEX["perfusion_rate"]], warm[SETPOINT_INDEX["temperature"]] = 0.6, 37.5
    dense = make_state(vcd=40.0, glucose=3.0).vector()
    for name, u in (("death_crowding", scarce), ("death_heat", warm)):
        more = np.zeros(len(PARAMETERS))
        more[[p.name for p in PARAMETERS].index(name)] = 0.5
        viability = SPECIES_INDEX["viability"]
        gained = after(dense, u, factors=more)[viability] - after(dense, u)[viability]
        at_nominal = after(dense, NOMINAL, factors=more)[viability] - after(dense, NOMINAL)[viability]
        assert gained < at_nominal <= 0.0


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_next_to_no_medium_kills_no_faster_than_very_little(kind):
    u = np.tile(NOMINAL[:, None], 4).astype(kind)
    u[SETPOINT_INDEX["perfusion_rate"]], u[SETPOINT_INDEX["bleed_rate"]] = [1e-20, 1e-6, 0.01, 0.03], 0.0
    y = np.tile(make_state(vcd=40.0, glucose=3.0).vector()[:, None], 4).astype(kind)
    viability = advance(y, u, np.zeros((len(PARAMETERS), 4), kind), 24.0)[SPECIES_INDEX["viability"]]
    assert np.isfinite(viability).all()
    assert viability.min() > 40.0
    assert np.ptp(viability) < 10.0


def random_cultures(n, rng, **low_high):
    """Usual cultures (Q, n); a range given by name replaces the usual one."""
    ranges = {
        "vcd": (1.0, 60.0), "viability": (85.0, 100.0), "glucose": (0.5, 8.0), "glutamine": (0.3, 6.0),
        "glutamate": (0.1, 3.0), "lactate": (0.5, 25.0), "ammonium": (0.3, 8.0), "pyruvate": (0.05, 3.0),
        "titer": (5.0, 1500.0),
    } | low_high  # fmt: skip
    low, high = np.array([ranges[s] for s in SPECIES]).T[:, :, None]
    return low + rng.random((len(SPECIES), n)) * (high - low)


def tightly(y, u, factors, days):
    dead = y[0] * (100.0 - y[1]) / y[1]
    y0 = np.stack([y[0] + 1e-9, dead, *y[2:]])
    terms = balances(AT, u, AT.typical[:, None] * np.exp(factors), AT.medium)

    def for_columns(z, columns):  # the right-hand side of the prior is for all vessels at once
        whole = np.zeros_like(y0) + 1.0
        whole[:, columns] = z
        p, lam = terms(whole, columns)
        return p[:, columns], lam[:, columns]

    found = integrate(for_columns, y0, days, rtol=1e-5, atol=1e-7)
    assert found.outcome is IntegrationOutcome.REACHED
    return np.stack([found.y[0], 100.0 * found.y[0] / (found.y[0] + found.y[1]), *found.y[2:]])


N_LATER = 2
"""Parameters that came after the bounds of these tests were set: drawn last, so that the cultures stay the same."""


def reached(n, seed, **ranges):
    """States that vessels come to by themselves within two days, and a step of every setpoint from there."""
    rng = np.random.default_rng(seed)
    u = SPACE.low[:, None] + rng.random((len(SETPOINTS), n)) * (SPACE.high - SPACE.low)[:, None]
    first = 0.35 * rng.standard_normal((len(PARAMETERS) - N_LATER, n))
    start = random_cultures(n, rng, **ranges)
    stepped = u + (2.0 * rng.random(u.shape) - 1.0) * SPACE.max_step[:, None]
    factors = np.concatenate([first, 0.35 * rng.standard_normal((N_LATER, n))])
    y = tightly(start, u, factors, 2.0)
    return y, np.clip(stepped, SPACE.low[:, None], SPACE.high[:, None]), factors


def test_few_steps_agree_with_a_tight_tolerance():
    y, u, factors = reached(60, 0)
    error = np.abs(advance(y, u, factors, 24.0) - tightly(y, u, factors, 1.0)) / SCALES[:, None]
    assert error.max() < 0.01
    assert np.median(error) < 5e-4


def test_few_steps_bear_nutrients_that_run_out():
    y, u, factors = reached(60, 1, vcd=(60.0, 150.0))
    assert y[SPECIES_INDEX["glutamine"]].min() < 0.1
    error = np.abs(advance(y, u, factors, 24.0) - tightly(y, u, factors, 1.0)) / SCALES[:, None]
    assert error[[SPECIES_INDEX[s] for s in ("vcd", "viability", "titer")]].max() < 0.01
    assert error.max() < 0.10


def test_a_vessel_without_cells_becomes_its_medium():
    empty = make_state(vcd=0.0, viability=100.0, titer=300.0).vector()
    u = NOMINAL.copy()
    u[SETPOINT_INDEX["perfusion_rate"]] = 2.0
    u[SETPOINT_INDEX["glucose_setpoint"]] = 2.0  # below the medium's 5 g/L: no concentrate
    end = dict(zip(SPECIES, after(empty, u, hours=24.0 * 6), strict=True))
    medium = {"glucose": 5.0, "glutamine": 6.0, "pyruvate": 1.0, "glutamate": 0.0, "lactate": 0.0, "ammonium": 0.0}
    for name, value in medium.items():
        assert end[name] == pytest.approx(value, abs=5e-3)
    assert end["titer"] == pytest.approx(0.0, abs=5e-3)
    assert end["vcd"] == pytest.approx(0.0, abs=5e-3)


FED_BATCH = NOMINAL * np.isin(SETPOINTS, ["temperature", "agitation"])
"""A culture without perfusion, bleed or glucose controller."""


def test_a_culture_without_perfusion_grows_and_is_not_limited_by_medium():
    young = make_state(vcd=0.3, glucose=5.0, glutamine=4.0, lactate=0.0, ammonium=1.0).vector()
    crowding = np.zeros(len(PARAMETERS))
    crowding[[p.name for p in PARAMETERS].index("crowding")] = 1.0
    assert 0.5 < np.log(after(young, FED_BATCH)[0] / young[0]) < 0.8
    assert (after(CULTURE, FED_BATCH, factors=crowding) == after(CULTURE, FED_BATCH)).all()
    lavish = FED_BATCH.copy()
    lavish[SETPOINT_INDEX["perfusion_rate"]] = 1.0  # 3300 pL per cell and day: no crowding either, only sampling
    minutes = [np.log(after(young, u, hours=0.1)[0] / young[0]) * 240.0 for u in (FED_BATCH, lavish)]
    assert minutes[0] == pytest.approx(minutes[1] + SAMPLING_FLOW, abs=0.005)


def test_without_inflow_nothing_is_diluted_by_what_is_taken_out():
    empty = make_state(vcd=0.0, viability=100.0).vector()
    bled = FED_BATCH.copy()
    bled[SETPOINT_INDEX["bleed_rate"]] = 0.3
    solutes = np.arange(len(SPECIES)) > SPECIES_INDEX["viability"]
    assert after(empty, bled)[solutes] == pytest.approx(empty[solutes], abs=1e-6)
    assert (after(CULTURE, bled) == after(CULTURE, FED_BATCH)).all()


def test_a_culture_without_perfusion_lives_on_what_it_has():
    start, end = (dict(zip(SPECIES, v, strict=True)) for v in (CULTURE, after(CULTURE, FED_BATCH, hours=72.0)))
    assert end["glucose"] < start["glucose"]
    assert end["glutamine"] < start["glutamine"]
    assert end["ammonium"] > start["ammonium"]
    assert end["titer"] > start["titer"]


def test_a_perfused_neighbour_is_not_changed_by_one_without_perfusion():
    y, u = np.stack([CULTURE, LOW_OXYGEN], axis=1), np.stack([NOMINAL, FED_BATCH], axis=1)
    together = advance(y, u, np.zeros((len(PARAMETERS), 2)), 24.0)
    assert (together[:, 0] == after(CULTURE)).all()
    assert (together[:, 1] == after(LOW_OXYGEN, FED_BATCH)).all()


def test_never_negative_and_never_more_than_all_cells_alive():
    rng = np.random.default_rng(1)
    y = random_cultures(300, rng, vcd=(0.0, 200.0), viability=(0.0, 100.0), glucose=(0.0, 20.0))
    u = SPACE.low[:, None] + rng.random((len(SETPOINTS), 300)) * (SPACE.high - SPACE.low)[:, None]
    factors = 2.0 * rng.standard_normal((len(PARAMETERS), 300))
    out = advance(y, u, factors, 24.0)
    assert np.isfinite(out).all()
    assert (out >= 0.0).all()
    assert (out[SPECIES_INDEX["viability"]] <= 100.0).all()


def test_two_half_days_are_a_day():
    once, twice = after(CULTURE), after(after(CULTURE, hours=12.0), hours=12.0)
    assert np.allclose(once, twice, rtol=2e-3)


def test_a_neighbour_with_another_interval_changes_nothing():
    y = np.stack([CULTURE, LOW_OXYGEN, CULTURE], axis=1)
    u, f = np.repeat(NOMINAL[:, None], 3, axis=1), np.zeros((len(PARAMETERS), 3))
    together = advance(y, u, f, np.array([24.0, 72.0, 30.0]))
    for i, hours in enumerate((24.0, 72.0, 30.0)):
        assert (together[:, i] == after(y[:, i], hours=hours)).all()


def test_its_arguments_are_left_alone():
    y, u, f = CULTURE[:, None].copy(), NOMINAL[:, None].copy(), np.zeros((len(PARAMETERS), 1))
    advance(y, u, f, 24.0)
    assert (y[:, 0] == CULTURE).all()
    assert (u[:, 0] == NOMINAL).all()

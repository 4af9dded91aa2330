"""Plant Y against its equations written down a second time, per hour and per litre, and against its stated states."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.physics.balances import GLUCOSE_MOLAR_MASS
from perfusio.plant import published_cho
from perfusio.plant.conditions import Inoculum
from perfusio.plant.families import NAMED
from perfusio.plant.medium import Equipment
from perfusio.plant.published_cho import CHO_GS46, CHO_T127, MEDIUM, STATES
from perfusio.plant.vessel import VesselBatch
from perfusio.state import SETPOINTS

NO_SAMPLES = Equipment(sampling_flow=0.0)
EXACT = Inoculum(spread=0.0)
BLEEDS = (0.05, 0.15, 0.30)
CONTROLLER_AT_REST = replace(SPACE.nominal, perfusion_rate=1.0, glucose_setpoint=0.0)
STATED = {
    "Y-T127": ((47.0, 32.0, 17.0), (456.0, 290.0, 129.0)),
    "Y-GS46": ((51.0, 40.0, 24.0), (1520.0, 1094.0, 547.0)),
}
"""Day-28 densities [1e6 cells/mL] and productivities [mg/L/day] of the design page, at the bleeds above."""


def by_bleed(clone, **options):
    recipes = [replace(CONTROLLER_AT_REST, bleed_rate=bleed) for bleed in BLEEDS]
    return VesselBatch(NAMED[clone], recipes, seeds=[0] * 3, inoculum=EXACT, **options)


@pytest.mark.parametrize("clone", STATED)
def test_stated_states_of_day_28(clone):
    """They come out without sampling, with the glucose controller at rest, and all cells held back."""
    batch = by_bleed(clone, equipment=NO_SAMPLES)
    batch.advance(28.0)
    densities, productivities = STATED[clone]
    np.testing.assert_allclose(batch.state("viable"), densities, rtol=0.03)
    np.testing.assert_allclose(batch.state("titer") * (1.0 - np.array(BLEEDS)), productivities, rtol=0.03)


def published(t, y, k, perfusion, bleed):
    """The equations as the design page has them: per hour, mmol/L, cells/L, mg/L; flows per hour."""
    viable, dead, glc, asn, glu, gln, lac, amm, product = y
    mu = k.mu_max * glc / (k.k_glc + glc) * asn / (k.k_asn + asn) * k.ki_amm / (k.ki_amm + amm)
    mu *= k.ki_lac / (k.ki_lac + lac)
    mu_d = k.mu_d_max * amm / (k.kd_amm + amm)
    q_glc, q_amm, q_glu = -mu / k.yx_glc - k.m_glc, mu / k.yx_amm, -mu / k.yx_glu
    q_lac = (mu / k.yx_lac - k.ylac_glc * q_glc) * (k.l1 - lac) / k.l1 + k.m_lac * (k.l2 - lac) / k.l2
    q_gln = mu / k.yx_gln + k.ygln_amm * q_amm
    q_asn = mu * (k.yx_asp - k.yx_asn * k.yasn_asp) / (k.yx_asn * k.yx_asp) * (k.yasn_asp * k.yasp_asn - 1.0)
    return [
        (mu - mu_d - bleed) * viable,
        mu_d * viable - (bleed + k.k_lys / 24.0) * dead,
        perfusion * (45.0 - glc) + q_glc * viable,
        perfusion * (12.0 - asn) + q_asn * viable,
        perfusion * (2.0 - glu) + q_glu * viable,
        perfusion * (0.5 - gln) + q_gln * viable,
        perfusion * (0.0 - lac) + q_lac * viable,
        perfusion * (0.0 - amm) + q_amm * viable,
        (k.ymab_mu * mu + k.m_mab) * viable - perfusion * product,
    ]


@pytest.mark.parametrize("clone", STATED)
def test_converted_rates_give_the_same_cultures(clone, monkeypatch):
    monkeypatch.setattr(published_cho, "LAST_TRACE", 1e-9)  # ours, not the source's
    batch, k = by_bleed(clone, equipment=NO_SAMPLES, tolerance=1e-5), NAMED[clone].kinetics
    start = [3e9, 3e9 * (100.0 / 98.0 - 1.0), 45.0, 12.0, 2.0, 0.5, 0.0, 0.0, 0.0]
    units = np.array([1e9, 1e9, 1.0 / GLUCOSE_MOLAR_MASS, 1, 1, 1, 1, 1, 1])
    names = ["viable", "dead", "glucose", "asparagine", "glutamate", "glutamine", "lactate", "ammonium", "titer"]
    runs = [
        solve_ivp(
            published, (0.0, 672.0), start, "LSODA", 24.0 * np.arange(29), args=(k, 1.0 / 24.0, bleed / 24.0),
            rtol=1e-9, atol=1e-9,
        ).y
        for bleed in BLEEDS
    ]  # fmt: skip
    for day in range(1, 29):
        batch.advance(1.0)
        now = np.array([batch.state(name) for name in names]) * units[:, None]
        then = np.stack([run[:, day] for run in runs], axis=1)
        np.testing.assert_allclose(now, then, rtol=1e-3)


def test_knobs_without_effect():
    """Temperature and agitation change nothing at all; pyruvate only itself."""
    low, high = (SPACE.nominal.vector() for _ in range(2))
    for name in ("temperature", "agitation", "pyruvate_feed"):
        i = SETPOINTS.index(name)
        low[i], high[i] = SPACE.bounds[name].low, SPACE.bounds[name].high
    batch = VesselBatch(NAMED["Y-GS46"], [type(SPACE.nominal).of(u) for u in (low, high)], seeds=[0, 0])
    batch.advance(10.0)
    differ = [name for name in batch.states if not np.isclose(*batch.state(name), rtol=1e-6)]
    assert differ == ["pyruvate"]


def test_lysis_only_changes_what_is_seen_of_the_dead():
    slow, usual, fast = (NAMED[name] for name in ("Y-GS46-k0.5", "Y-GS46", "Y-GS46-k3"))
    assert [c.kinetics.k_lys for c in (slow, usual, fast)] == [0.5, 1.0, 3.0]
    batch = VesselBatch([slow, usual, fast], SPACE.nominal, seeds=[0, 0, 0])
    batch.advance(28.0)
    np.testing.assert_allclose(batch.state("viable"), batch.state("viable")[0], rtol=1e-3)
    viability = [state.viability for state in batch.true_states()]
    assert 92.0 < viability[0] < viability[1] < viability[2] < 99.0


def test_the_controller_closes_the_gap_and_rests_above_it():
    glucose = np.array([2.0, 3.9, 4.5, 8.0])
    added, slope = published_cho.top_up(glucose, np.full(4, 4.0))
    np.testing.assert_allclose(added, 24.0 * np.maximum(4.0 - glucose, 0.0), atol=0.01)
    np.testing.assert_allclose(slope, [24.0, 24.0, 0.0, 0.0], atol=0.2)
    off, _ = published_cho.top_up(glucose, np.zeros(4))
    np.testing.assert_array_equal(off, 0.0)


def test_asparagine_is_part_of_the_truth_and_limits_growth():
    batch = VesselBatch(NAMED["Y-T127"], SPACE.nominal, n_vessels=2, medium=[MEDIUM, replace(MEDIUM, asparagine=4.0)])
    assert "asparagine" in STATES
    batch.advance(28.0)
    plenty, little = batch.state("viable")
    assert little < 0.5 * plenty


def test_a_fresh_vessel_holds_the_medium():
    batch = VesselBatch(NAMED["Y-T127"], SPACE.nominal, n_vessels=1)
    held = {name: batch.state(name)[0] for name in ("glucose", "asparagine", "glutamate", "glutamine", "lactate")}
    assert held == {"glucose": 45.0 * 0.18016, "asparagine": 12.0, "glutamate": 2.0, "glutamine": 0.5, "lactate": 0.0}


def test_drawn_constants_follow_the_published_widths():
    rng = np.random.default_rng(0)
    clones = [published_cho.drawn(rng) for _ in range(400)]
    for name, mean, sd in (("mu_max", 0.065, 0.02), ("k_glc", 14.04, 4.2), ("m_mab", 4.127e-10, 9.05e-11)):
        values = np.array([getattr(c, name) for c in clones])
        assert values.mean() == pytest.approx(mean, abs=0.15 * sd)
        assert values.std() == pytest.approx(sd, rel=0.1)
    assert min(c.yx_lac for c in clones) > 0.0  # its published sd is half its mean
    assert {c.k_lys for c in clones} == {0.5, 1.0, 3.0}
    assert {c.diameter for c in clones} == {CHO_T127.diameter}


def test_two_clones_differ_where_the_source_says_so():
    differ = {n for n in published_cho.PUBLISHED_CHO.constant_names if getattr(CHO_T127, n) != getattr(CHO_GS46, n)}
    assert differ == {"mu_max", "m_glc", "l1", "l2", "yx_gln", "yx_glu", "yx_amm", "yx_asn", "yx_asp", "m_mab"}

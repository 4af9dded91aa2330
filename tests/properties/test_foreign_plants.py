"""What must hold for every plant that other people wrote: mass, medium, positive numbers, and the reference integrator.

The ledgers below are written from the balances of the vessel, not taken from the plants: what flows in is medium times
perfusion, what flows out is what the vessel holds times its outflows, and cells do what `cell_rates` says.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.physics import balances
from perfusio.physics.balances import GLUCOSE_MOLAR_MASS
from perfusio.physics.integrate import IntegrationOutcome, integrate
from perfusio.plant import monod_separator, published_cho
from perfusio.plant.clones import CLONE_X
from perfusio.plant.conditions import Disturbance, Inoculum
from perfusio.plant.families import DRAWN, NAMED
from perfusio.plant.medium import Equipment, Medium
from perfusio.plant.population import Population
from perfusio.plant.structure import COMMON_STATES
from perfusio.plant.structures import STRUCTURES
from perfusio.plant.vessel import VesselBatch
from perfusio.state import Setpoints

FOREIGN = ("Y-T127", "Y-GS46", "Monod-lit")
PUMPS = Equipment()


def everything(batch):
    return np.array([batch.state(name) for name in batch.states])


def recipes(n, *, seed):
    return [Setpoints.of(SPACE.from_unit(u)) for u in np.random.default_rng(seed).random((n, 6))]


def cells_of(clone, s, u):
    if clone.structure.name == published_cho.PUBLISHED_CHO.name:
        return published_cho.cell_rates(s, clone.kinetics)
    return monod_separator.cell_rates(s, u[3], clone.kinetics)


@pytest.mark.parametrize("name", [*FOREIGN, "Own2"])
def test_a_cell_free_vessel_fed_with_medium_becomes_the_medium(name):
    clone = DRAWN["Own2"](1) if name == "Own2" else NAMED[name]
    u = replace(SPACE.nominal, glucose_setpoint=2.0, pyruvate_feed=3.0).vector()[:, None]  # the controller rests
    cells = Population.of([clone], [clone.medium], [PUMPS])
    y = np.random.default_rng(3).uniform(0.0, 30.0, (len(cells.states), 1))
    y[: cells.states.index("dead") + 1] = 0.0
    y[cells.states.index("sieving")] = 1.0
    done = integrate(lambda y, _: cells.terms(y, u), y, 80.0)
    found = dict(zip(cells.states, done.y[:, 0].tolist(), strict=True))
    assert found["viable"] == found["dead"] == 0.0
    assert found["titer"] == pytest.approx(0.0, abs=1e-6)
    assert found["pyruvate"] == pytest.approx(3.0, abs=1e-6)
    solutes = [n for n in ("glucose", "glutamine", "glutamate", "lactate", "ammonium", "asparagine") if n in found]
    assert {n: found[n] for n in solutes} == pytest.approx({n: getattr(clone.medium, n) for n in solutes}, abs=1e-6)


@pytest.mark.parametrize("name", FOREIGN)
def test_mass_balances_close(name):
    """Fed + made = washed out + taken + held, for cells, every solute and product, to 1e-6 of what passed through."""
    clone, n = NAMED[name], 6
    plans = recipes(n, seed=4)
    u = np.array([one.vector() for one in plans]).T
    batch = VesselBatch(clone, plans)
    batch.advance(3.0)
    start, states = everything(batch), clone.structure.states
    cells = Population.of([clone] * n, [clone.medium] * n, [PUMPS] * n)
    is_published = name.startswith("Y")
    retention = 1.0 if is_published else monod_separator.RECYCLED
    lysis = clone.kinetics.k_lys if is_published else clone.kinetics.lysis_rate
    made_of = {"lactate": "lactate", "ammonium": "ammonium", "titer": "product"} | (
        {"glutamine": "glutamine"} if is_published else {}
    )
    taken_of = {"glucose": "glucose", "asparagine": "asparagine", "glutamate": "glutamate"} if is_published else {
        "glucose": "glucose", "glutamine": "glutamine",
    }  # fmt: skip
    kept = [s for s in states if s not in ("sieving", "diameter", "harvested", "pyruvate")]

    def with_ledger(y, columns):
        here = u[:, columns]
        production, loss = cells.take(columns).terms(y[: len(states)], here)
        s = dict(zip(states, y[: len(states)], strict=True))
        q, viable = cells_of(clone, s, here), s["viable"]
        if is_published:
            feed, added = 0.0 * here[0], published_cho.top_up(s["glucose"], here[2])[0]
        else:
            feed = balances.concentrate_feed(s["glucose"], here[2], 0.04)[0]
            added = feed * 400.0
        broth, harvest = here[1] + 0.015, here[0] + feed - here[1] - 0.015
        into, out = [], []
        for name in kept:
            if name == "viable":
                gained, lost = q.growth * viable, (q.death + broth + (1.0 - retention) * harvest) * viable
            elif name == "dead":
                gained, lost = q.death * viable, (lysis + broth + (1.0 - retention) * harvest) * s["dead"]
            elif name == "titer":
                gained, lost = q.product * viable, (broth + harvest) * s["titer"]
            else:
                gained = here[0] * getattr(clone.medium, name) + (added if name == "glucose" else 0.0)
                lost = (broth + harvest) * s[name]
                factor = GLUCOSE_MOLAR_MASS if name == "glucose" else 1.0
                if name in made_of:
                    gained = gained + getattr(q, made_of[name]) * viable
                if name in taken_of:
                    lost = lost + factor * getattr(q, taken_of[name]) * viable
                if name == "lactate" and is_published:
                    lost = lost + q.lactate_return * s["lactate"] * viable
            into.append(gained)
            out.append(lost)
        ledger = np.concatenate([into, out])
        return np.concatenate([production, ledger]), np.concatenate([loss, np.zeros_like(ledger)])

    blank = np.zeros((2 * len(kept), n))
    done = integrate(with_ledger, np.concatenate([start, blank]), 4.0, rtol=1e-7, atol=1e-9)
    assert done.outcome is IntegrationOutcome.REACHED
    gained, lost = np.split(done.y[len(states) :], 2)
    change = np.array([(done.y[: len(states)] - start)[states.index(name)] for name in kept])
    np.testing.assert_allclose((gained - lost - change) / np.maximum(gained, lost), 0.0, atol=1e-6)


RUNS_DRY = {
    "Y-T127": replace(SPACE.nominal, perfusion_rate=0.5, bleed_rate=0.05, glucose_setpoint=0.0),
    "Y-GS46": replace(SPACE.nominal, perfusion_rate=0.5, bleed_rate=0.05, glucose_setpoint=0.0),
    "Monod-lit": replace(SPACE.nominal, perfusion_rate=0.5, bleed_rate=0.05, glucose_setpoint=0.0, temperature=37.5),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_against_lsoda_as_nutrients_run_out(name):
    clone, dense = NAMED[name], Inoculum(vcd=40.0, spread=0.0)
    cells = Population.of([clone], [clone.medium], [PUMPS])
    batch = VesselBatch(clone, RUNS_DRY[name], n_vessels=1, inoculum=dense)
    y, lowest = everything(batch)[:, 0], np.inf
    scales = np.array([(COMMON_STATES | {"asparagine": 3.0})[state] for state in clone.structure.states])
    for setpoints in (RUNS_DRY[name], SPACE.nominal, replace(RUNS_DRY[name], bleed_rate=0.3)):
        batch.write(setpoints)
        u = setpoints.vector()[:, None]

        def rhs(_, y, u=u):
            production, loss = cells.terms(y[:, None], u)
            return production[:, 0] - loss[:, 0] * y

        days = np.arange(1.0, 8.0)
        exact = solve_ivp(rhs, (0.0, 7.0), y, "LSODA", days, rtol=1e-9, atol=1e-12 * scales).y
        y = exact[:, -1]
        for day in range(7):
            batch.advance(1.0)
            error = np.abs(everything(batch)[:, 0] - exact[:, day]) / (np.abs(exact[:, day]) + 1e-3 * scales)
            assert error.max() < 1e-3, (clone.structure.states[error.argmax()], day)
            lowest = min(lowest, batch.state("glucose")[0])
    assert lowest < 0.05  # it did run out


@pytest.mark.parametrize("family", DRAWN)
def test_nothing_is_negative_and_viability_is_a_percentage(family):
    clones = [DRAWN[family](seed) for seed in range(30)]
    batch = VesselBatch(clones, recipes(30, seed=5))
    for week in range(4):
        batch.write(recipes(30, seed=6 + week))
        batch.advance(7.0)
        assert np.all(everything(batch) >= 0.0)
        assert all(0.0 <= state.viability <= 100.0 for state in batch.true_states())


def test_vessels_of_several_structures_do_side_by_side_what_they_do_alone():
    clones = [NAMED["Y-GS46"], CLONE_X, NAMED["Monod-lit"], DRAWN["Own2"](2), NAMED["Y-T127-k3"], CLONE_X]
    plans = recipes(6, seed=7)
    together = VesselBatch(clones, plans)
    together.advance(2.0, [1, 4])
    together.advance(6.0)
    copies = together.fork([4, 1, 4])
    for one in (together, copies):
        one.advance(1.0)
    for i, (clone, plan) in enumerate(zip(clones, plans, strict=True)):
        alone = VesselBatch(clone, plan, seeds=[i])
        alone.advance(2.0) if i in (1, 4) else None
        alone.advance(6.0)
        alone.advance(1.0)
        for name in together.states:
            expected = alone.state(name)[0] if name in alone.states else 0.0
            assert together.state(name)[i] == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(everything(copies), everything(together)[:, [4, 1, 4]], rtol=1e-9)


def test_a_medium_is_a_setting_of_each_vessel():
    media = [Medium(), Medium(glutamine=2.0), Medium(glucose=9.0, lactate=3.0)]
    batch = VesselBatch(CLONE_X, replace(SPACE.nominal, glucose_setpoint=0.0), medium=media, seeds=[0] * 3)
    assert batch.state("glutamine").tolist() == [6.0, 2.0, 6.0]
    assert batch.state("lactate").tolist() == [0.0, 0.0, 3.0]
    batch.advance(21.0)
    usual, poor, sweet = batch.state("viable")
    assert poor < 0.8 * usual
    assert sweet != pytest.approx(usual, rel=1e-3)
    alone = VesselBatch(CLONE_X, replace(SPACE.nominal, glucose_setpoint=0.0), medium=media[1], seeds=[0])
    alone.advance(21.0)
    assert alone.state("viable")[0] == pytest.approx(poor, rel=1e-9)


def test_a_structure_has_what_samples_and_harvest_need():
    for structure in STRUCTURES:
        assert len(structure.scales) == len(structure.states) == len(set(structure.states))
        needed = {"viable", "dead", "glucose", "glutamine", "glutamate", "lactate", "ammonium", "pyruvate", "titer"}
        assert needed | {"sieving", "diameter", "harvested"} <= set(structure.states)


def test_a_disturbance_hits_the_cells_that_have_its_constant():
    event = Disturbance(day=1.0, parameter="mu_d_max", factor=3.0)
    batch, plain = (VesselBatch([CLONE_X, NAMED["Y-T127"]], SPACE.nominal, disturbances=d) for d in ([event], []))
    for one in (batch, plain):
        one.advance(5.0)
    assert batch.state("dead")[0] == pytest.approx(plain.state("dead")[0], rel=1e-6)
    assert batch.state("dead")[1] > 1.5 * plain.state("dead")[1]

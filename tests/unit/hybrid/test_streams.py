"""Draws by name: a line of the panel that is moved or added changes no draw of any other quantity."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.observation import observed
from perfusio.hybrid.rollout import Futures
from perfusio.hybrid.streams import normal, stream
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.process import CHO_PERFUSION, Species
from perfusio.state import Setpoints, State
from perfusio.trajectory import Trajectory

REORDERED = replace(CHO_PERFUSION, species=CHO_PERFUSION.species[::-1], setpoints=CHO_PERFUSION.setpoints[::-1])
LONGER = CHO_PERFUSION.with_(Species("asparagine", unit="mmol/L", role="solute", molar_mass=132.12))
NOMINAL = Setpoints(**{s.name: s.allowed.nominal for s in CHO_PERFUSION.setpoints})


@pytest.fixture(scope="module")
def run():
    return simulate_runs(CLONE_X, {"R1": NOMINAL}, days=6, seed=1)[0]


def of(panel, run):
    """The same run with the quantities of another panel, as far as that has them."""
    names = {q.name for q in panel.quantities}
    states = [
        State.of_values(panel, s.time_h, {n: v for n, v in s.measured().items() if n in names}) for s in run.states
    ]
    setpoints = [
        Setpoints.of_values(panel, {n: v for n, v in u.by_name().items() if n in names}) for u in run.setpoints
    ]
    return Trajectory(reactor_id=run.reactor_id, states=states, setpoints=setpoints)


def test_a_stream_is_that_of_its_names_and_seed():
    first = stream(1, "R1", "vcd").random()
    assert first == stream(1, "R1", "vcd").random()
    assert len({first, stream(1, "R1", "titer").random(), stream(2, "R1", "vcd").random()}) == 3
    rows = normal([stream(0, name) for name in ("a", "b")], (3,))
    assert (rows[1] == normal([stream(0, "b")], (3,))[0]).all()


@pytest.mark.parametrize("panel", [REORDERED, LONGER], ids=["reordered", "longer"])
def test_each_quantity_keeps_its_draws(panel, run):
    def noise(model, trajectory):
        at = model.process.layout
        drawn = Futures.draw(
            model.process, model.condition([trajectory]).beliefs["R1"], hours=24.0, n_paths=8, n_intervals=3, seed=4
        )
        return dict(zip(at.belief, drawn.noise.transpose(1, 0, 2), strict=True))

    usual, other = noise(HybridModel(), run), noise(HybridModel.prior(panel), of(panel, run))
    assert set(usual) <= set(other)
    for name, draws in usual.items():
        assert (draws == other[name]).all(), name


def test_in_another_order_the_prior_forecasts_the_same(run):
    moved, ahead = of(REORDERED, run), []
    for t in (run, moved):
        model = HybridModel.of_runs([t])
        ahead.append(model.rollout(t, [[t.setpoints[-1]] * 7], interval_hours=24.0, n_paths=48, seed=2)[0])
    assert ahead[1].panel.species_names == CHO_PERFUSION.species_names[::-1]
    for name in CHO_PERFUSION.species_names:
        assert ahead[1][name].mean == pytest.approx(ahead[0][name].mean, rel=1e-9), name
        assert ahead[1][name].sd == pytest.approx(ahead[0][name].sd, rel=1e-9), name
    seen = [observed(f, seed=3) for f in ahead]
    assert seen[1]["glutamine"].samples == pytest.approx(seen[0]["glutamine"].samples, rel=1e-6)


def test_in_another_order_the_filter_believes_the_same(run):
    usual, other = (HybridModel.of_runs([t]).condition([t]) for t in (run, of(REORDERED, run)))
    here, there = usual.process.layout, other.process.layout
    order = [there.belief.index(name) for name in here.belief]
    assert other.beliefs["R1"].mean[order] == pytest.approx(usual.beliefs["R1"].mean, rel=1e-9, abs=1e-9)
    assert other.beliefs["R1"].cov[np.ix_(order, order)] == pytest.approx(usual.beliefs["R1"].cov, rel=1e-9, abs=1e-9)


def test_in_another_order_residual_functions_are_the_same(run):
    """Drawn before hyperparameters differ: the same processes, conditioned on the same rows in both orders."""
    usual = HybridModel.of_runs([run]).fit([run], calibrate=False)
    here, there = usual.process.layout, layout_of(REORDERED)
    columns = [here.inputs.index(name) for name in there.inputs]
    species = [here.species.index(name) for name in there.species]
    processes = tuple(_with_inputs(usual.process.residual.processes[q], columns) for q in species)
    moved = replace(
        usual.process.residual, layout=there, processes=processes, unit=usual.process.residual.unit[species],
        reach=usual.process.residual.reach[:, species],
    )  # fmt: skip
    x = np.random.default_rng(0).standard_normal((5, 1, len(columns)))
    first = usual.process.residual.sample_paths(1, 7)(x)
    second = moved.sample_paths(1, 7)(x[..., columns])
    assert second == pytest.approx(first[species], rel=1e-4, abs=1e-6)  # single precision


def _with_inputs(process, columns):
    if process is None:  # too few readings of its species
        return None
    h = replace(process.h, log_lengthscales=process.h.log_lengthscales[columns])
    return replace(process, h=h, x=process.x[:, columns])

"""Decisions about processes that are not the default one: roles that they lack bind nothing."""

import json

import numpy as np
import pytest

from perfusio.bed.campaigns.batches import Aim, best_batch
from perfusio.bed.campaigns.campaign import Campaign
from perfusio.bed.campaigns.initial_designs import plan, usable
from perfusio.bed.campaigns.run_rows import runs_of
from perfusio.bed.derived_forecasts import derived_forecast
from perfusio.bed.policy import BEDPolicy
from perfusio.bed.shared_limits import SharedLimit
from perfusio.bed.target_feasibility import doubt
from perfusio.config import DesignSpace, RunConfig, maximize, track
from perfusio.errors import ConfigError, UnknownQuantity
from perfusio.forecast import Forecast
from perfusio.hybrid.model import HybridModel
from perfusio.process import CHO_PERFUSION, Medium, Setpoint, Species
from perfusio.process.facts import Allowed
from perfusio.state import Setpoints, State
from perfusio.testing.fakes import SteadyModel
from perfusio.trajectory import Trajectory

ASN = CHO_PERFUSION.without("pyruvate", "pyruvate_feed").with_(
    Species("asparagine", unit="mmol/L", role="solute"), medium=Medium(glucose=8.0, asparagine=12.0), name="asn"
)
FEED = Setpoint(
    "feed", unit="1/day", role="feed_rate", composition=Medium(glucose="200 g/L"),
    allowed=Allowed(low=0.0, high=0.1, nominal=0.02, max_step=0.02),
)  # fmt: skip
FED = CHO_PERFUSION.without(*CHO_PERFUSION.setpoint_names, "viability", "titer", "diameter").with_(FEED, name="fed")


def state(panel, hour=0.0, **values):
    usual = {s.name: s.prior.mean for s in panel.modelled}
    return State.of_values(panel, hour, usual | values)


def run_of(panel, name="R1", days=4):
    nominal, t = DesignSpace.of(panel).nominal, Trajectory(reactor_id=name, run_id=name)
    for day in range(days + 1):
        t = t.observe(state(panel, 24.0 * day, vcd=5.0 + day), nominal)
    return t


def test_a_target_without_a_bleed_is_doubted_and_one_with_it_is_asked_of_the_model():
    config = RunConfig(duration_days=3, process=FED, objective=track(vcd=20.0, process=FED))
    found = doubt(SteadyModel(), DesignSpace.of(FED), config)
    assert "fed has no bleed" in found.text
    assert found.binding == "no bleed"
    config = RunConfig(duration_days=3, process=ASN, objective=track(vcd=20.0, process=ASN))
    assert doubt(SteadyModel(), DesignSpace.of(ASN), config) is None
    config = RunConfig(duration_days=3, process=ASN, objective=maximize("titer", process=ASN))
    assert doubt(SteadyModel(), DesignSpace.of(ASN), config) is None


@pytest.mark.parametrize("panel", [ASN, FED])
def test_a_policy_decides_for_what_there_is(panel):
    run, space = run_of(panel), DesignSpace.of(panel)
    config = RunConfig(duration_days=3, process=panel, n_paths=16, forecast_days=2, constraints=())
    found = BEDPolicy().decide({"R1": run}, {"R1": run.setpoints[-1]}, SteadyModel(), space, config, day=4)["R1"]
    assert found.setpoints.panel == panel
    assert space.contains(found.setpoints)


def test_what_is_shared_is_a_setpoint_of_the_process_and_is_told_on_record_without_it():
    limit = SharedLimit(high=0.1, setpoint="feed", process=FED)
    told = BEDPolicy(shared=(limit,)).on_record()
    assert json.loads(json.dumps(told)) == {"shared": [{"high": 0.1, "setpoint": "feed", "reactors": []}]}
    assert BEDPolicy.of_record(told, FED).shared == (limit,)
    with pytest.raises(ConfigError, match=r"'feed' is not a setpoint.*Known: perfusion_rate"):
        BEDPolicy.of_record(told)
    with pytest.raises(ConfigError, match=r"'perfusion_rate' is not a setpoint.* Known: feed"):
        SharedLimit(high=1.0, process=FED)


def test_designs_and_batches_vary_what_there_is():
    space = DesignSpace.of(FED)
    assert usable((), space) == ("feed",)
    with pytest.raises(ConfigError, match="Known: feed"):
        usable(("bleed_rate",), space)
    runs = plan("sobol", space, n_runs=4).runs
    assert all(r.setpoints.panel == FED for r in runs)
    aim = Aim(objective=maximize("vcd", process=FED), constraints=(), from_day=1, days=3)
    futures = SteadyModel().futures(run_of(FED), interval_hours=24.0, n_paths=4, n_intervals=3, seed=0)
    recipes, _ = best_batch(
        aim, futures, space=space, factors=("feed",), base=space.nominal.vector(), tried=np.empty((0, 1)), n=2, seed=0
    )
    assert recipes.shape == (2, 1)


def test_a_campaign_is_saved_with_its_process_and_comes_back(tmp_path):
    with pytest.raises(ConfigError, match=r"fed has no productivity.*maximize\('vcd', process"):
        Campaign(SteadyModel(), design_space=DesignSpace.of(FED))
    campaign = Campaign(SteadyModel(), objective=maximize("vcd", process=FED), design_space=DesignSpace.of(FED), days=9)
    campaign.add_measurements([{"run": "A", "day": d, "vcd": 3.0 + d, "feed": 0.03} for d in range(4)])
    campaign.add_measurements(run_of(FED, "B"))
    campaign.runs["C"] = Trajectory(reactor_id="C", states=(state(FED),), medium=FED.medium)
    again = Campaign.load(campaign.save(tmp_path / "c.json"), SteadyModel())
    assert again.design_space == campaign.design_space
    assert again.aim == campaign.aim
    assert again.runs["C"] == campaign.runs["C"]
    assert again.runs["B"].panel == FED
    assert again.runs["A"].setpoints[0] == Setpoints.of_values(FED, {"feed": 0.03})
    assert "process" in json.loads((tmp_path / "c.json").read_text())["settings"]


def test_rows_are_of_the_process():
    rows = [{"run": "A", "day": d, "asparagine [mmol/L]": 9.0 - d, "vcd": 3.0} for d in range(2)]
    (run,) = runs_of(rows, {"A": DesignSpace.of(ASN).nominal}, ASN)
    assert [s.asparagine for s in run.states] == [9.0, 8.0]
    with pytest.raises(ConfigError, match="asparagine"):
        runs_of(rows, {})


def test_what_follows_is_only_forecast_where_the_process_has_it():
    samples = np.tile(state(FED).vector(), (4, 2, 1))
    ahead = Forecast.from_samples(np.array([24.0, 48.0]), samples, panel=FED)
    with pytest.raises(UnknownQuantity, match=r"'cspr' is no derived quantity of fed"):
        derived_forecast(ahead, "cspr", [DesignSpace.of(FED).nominal] * 2)


PH = Setpoint("ph", unit="pH", role="condition", allowed=Allowed(low=6.8, high=7.2, nominal=7.0, max_step=0.1))


def decided_with_ph(**options):
    panel = CHO_PERFUSION.with_(PH, name="pH")
    run, space = run_of(panel), DesignSpace.of(panel)
    config = RunConfig(duration_days=3, process=panel, n_paths=16, forecast_days=2, constraints=(), **options)
    in_force = run.setpoints[-1].with_values(ph=7.05)
    model = HybridModel.prior(panel).condition([run])
    return BEDPolicy().decide({"R1": run}, {"R1": in_force}, model, space, config, day=4)["R1"].setpoints


def test_a_condition_of_which_nothing_is_known_is_left_where_it_is():
    assert decided_with_ph().ph == 7.05
    assert decided_with_ph(untried="move").ph != 7.05


def test_where_nothing_is_set_nothing_is_decided_and_it_is_said():
    panel = FED.without("feed")
    run, config = run_of(panel), RunConfig(duration_days=3, process=panel, n_paths=16, constraints=())
    assert run.inputs.shape == (4, 0)
    space = DesignSpace.of(panel)
    found = BEDPolicy().decide({"R1": run}, {"R1": run.setpoints[-1]}, SteadyModel(), space, config, day=4)["R1"]
    assert str(found) == "fed has no setpoints: there is nothing to decide. Run it in mode manual."

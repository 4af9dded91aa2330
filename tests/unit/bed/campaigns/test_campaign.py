"""Campaigns: what is asked, what is known, what waits."""

import json
from dataclasses import replace

import numpy as np
import pytest

from perfusio.bed.campaigns.campaign import Campaign
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, maximize, track
from perfusio.errors import ConfigError
from perfusio.hybrid.model import HybridModel
from perfusio.state import Setpoints
from perfusio.testing import make_state
from perfusio.trajectory import Feed

from ..conftest import NOMINAL, KnownModel, a_run

RUNS = (a_run("R01", perfusion_rate=0.8), a_run("R02", perfusion_rate=1.2), a_run("R03", perfusion_rate=2.0))


@pytest.fixture
def campaign(model):
    campaign = Campaign(model)
    campaign.add_measurements(RUNS)
    return campaign


def test_an_expression_is_judged_like_the_quantity_that_it_spells_out(model):
    found = {}
    for quantity in ("productivity", "titer * (perfusion_rate - bleed_rate)"):
        campaign = Campaign(model, objective=maximize(quantity), factors=("perfusion_rate",))
        campaign.add_measurements(RUNS)
        found[quantity] = campaign.recommend(1)[0]
    one, other = found.values()
    assert one.setpoints.vector() == pytest.approx(other.setpoints.vector(), rel=1e-6)
    assert "mg/L/day" in other.why


class TestWithoutResults:
    def test_recipes_fill_the_space_and_go_on_doing_so(self, model):
        campaign = Campaign(model)
        first, second = campaign.recommend(4), campaign.recommend(4)
        assert [r.name for r in (*first, *second)] == [f"R{i:02d}" for i in range(1, 9)]
        at = np.array([r.setpoints.vector() for r in (*first, *second)])
        assert len(np.unique(at, axis=0)) == 8
        assert all(campaign.design_space.contains(r.setpoints) for r in (*first, *second))
        assert np.ptp(DEFAULT_AMBR250_DESIGN_SPACE.to_unit(at), axis=0).min() > 0.7
        assert "no results" in first[0].why

    def test_only_the_factors_vary(self, model):
        found = Campaign(model, factors=("temperature",)).recommend(3)
        assert len({r.setpoints.temperature for r in found}) == 3
        assert {replace(r.setpoints, temperature=36.5) for r in found} == {NOMINAL}

    def test_there_is_no_best_yet(self, model):
        assert Campaign(model).best() is None


class TestRecommend:
    def test_the_factors_are_those_that_vary_between_the_runs(self, campaign):
        assert campaign.varied() == ("perfusion_rate",)
        (found,) = campaign.recommend(1)
        assert 1.25 <= found.setpoints.perfusion_rate <= 1.55
        assert found.name == "R04"
        assert found.value == pytest.approx(1000.0 * (found.setpoints.perfusion_rate - 0.15))
        assert found.limits["glucose >= 0.3"] == 1.0
        assert f"productivity {found.value:.0f} +- 0 mg/L/day over days 9 to 28; keeps all limits" in found.why

    def test_what_waits_is_not_recommended_again(self, campaign):
        first, second = campaign.recommend(2), campaign.recommend(2)
        rates = [r.setpoints.perfusion_rate for r in (*first, *second)]
        assert len(set(rates)) == 4
        assert list(campaign.pending) == ["R04", "R05", "R06", "R07"]

    def test_held_setpoints_are_those_of_the_runs(self, model):
        campaign = Campaign(model)
        campaign.add_measurements([a_run("A1", perfusion_rate=v, agitation=900.0) for v in (0.8,)])
        campaign.add_measurements([a_run("A2", perfusion_rate=1.0, agitation=900.0)])
        assert campaign.recommend(1)[0].setpoints.agitation == 900.0

    def test_a_target_is_told_as_a_deviation(self, model):
        campaign = Campaign(model, objective=track(vcd=25.0))
        campaign.add_measurements(RUNS)
        (found,) = campaign.recommend(1)
        assert found.value == pytest.approx(0.2)
        assert "vcd 0.200 +- 0.000 of the target off" in found.why

    def test_an_empty_batch_and_days_that_do_not_exist_are_refused(self, model, campaign):
        with pytest.raises(ConfigError, match="expected a whole number from 1"):
            campaign.recommend(0)
        with pytest.raises(ConfigError, match="--from-day"):
            Campaign(model, days=5)
        with pytest.raises(ConfigError, match="Did you mean 'bleed_rate'"):
            Campaign(model, factors=("bleed",))


class TestResults:
    def test_a_finished_run_no_longer_waits_and_a_partial_one_does(self, campaign):
        first, second = campaign.recommend(2)
        rate = first.setpoints.perfusion_rate
        campaign.add_measurements([a_run(first.name, days=10, perfusion_rate=rate)])
        assert list(campaign.pending) == [first.name, second.name]
        campaign.add_measurements([a_run(first.name, days=28, perfusion_rate=rate)])
        assert list(campaign.pending) == [second.name]
        assert len(campaign.runs[first.name].states) == 29

    def test_the_same_setpoints_under_another_name_resolve_it_too(self, campaign):
        (found,) = campaign.recommend(1)
        campaign.add_measurements([a_run("vessel 7", perfusion_rate=found.setpoints.perfusion_rate)])
        assert not campaign.pending

    def test_a_run_within_what_the_rig_can_set_is_of_the_nearest_recipe(self, campaign):
        near, far = replace(NOMINAL, temperature=NOMINAL.temperature - 0.05), replace(NOMINAL, temperature=34.0)
        campaign.add_pending({"P1": far, "P2": near, "P3": NOMINAL})
        campaign.add_measurements([a_run("ambr_08", bleed_rate=NOMINAL.bleed_rate + 0.003)])
        assert list(campaign.pending) == ["P1", "P2"]
        assert campaign.notes == ["Run ambr_08 is taken as recipe P3: the rig kept bleed_rate +0.003."]

    def test_pending_recipes_told_late_are_matched_with_runs_told_early(self, campaign):
        campaign.add_pending({"R01": NOMINAL, "R09": NOMINAL})
        assert list(campaign.pending) == ["R09"]

    def test_two_runs_of_one_name_are_refused(self, campaign):
        with pytest.raises(ConfigError, match="two different runs named R01"):
            campaign.add_measurements([a_run("R01", perfusion_rate=0.9)])

    def test_what_was_learnt_is_learnt_again_with_new_results_only(self, campaign):
        campaign.best()
        assert campaign._learnt() is campaign._learnt()
        campaign.add_measurements([a_run("R04", perfusion_rate=1.1)])
        assert campaign._learnt().fitted_on == ("R01", "R02", "R03", "R04")

    def test_the_best_run_is_the_most_productive_that_is_likely_to_keep_the_limits(self, campaign):
        assert campaign.best().name == "R02"
        campaign.add_measurements([a_run("R04", perfusion_rate=1.5)])
        assert campaign.best().name == "R02"
        assert campaign.best(probability=0.4).name == "R04"

    def test_none_is_best_where_all_break_a_limit(self):
        campaign = Campaign(KnownModel(edge=0.0))
        campaign.add_measurements(RUNS)
        assert campaign.best() is None


class TestRows:
    ROWS = tuple({"run": "R04", "day": d, "vcd": 3.0 + d, "glucose [g/L]": None} for d in (1, 0, 2))

    def test_rows_take_the_recipe_that_was_recommended_under_their_name(self, campaign):
        (found,) = campaign.recommend(1)
        campaign.add_measurements(self.ROWS)
        run = campaign.runs["R04"]
        assert run.setpoints == (found.setpoints,) * 2
        assert [s.vcd for s in run.states] == [3.0, 4.0, 5.0]
        assert np.isnan(run.states[0].glucose)

    def test_what_was_really_run_counts_instead(self, campaign):
        campaign.recommend(1)
        campaign.add_measurements([{**row, "perfusion_rate": 0.7} for row in self.ROWS])
        assert campaign.runs["R04"].setpoints[0].perfusion_rate == 0.7

    @pytest.mark.parametrize("method", ["to_dict", "to_dicts"])
    def test_data_frames_are_read(self, campaign, method):
        class Frame:
            pass

        frame = Frame()
        setattr(frame, method, lambda *_: list(self.ROWS))
        campaign.recommend(1)
        campaign.add_measurements(frame)
        assert len(campaign.runs["R04"].states) == 3

    @pytest.mark.parametrize(
        ("row", "match"),
        [
            ({"run": "R04", "day": 0, "Glucos": 1.0}, "Did you mean 'glucose'"),
            ({"run": "R04", "vcd": 1.0}, "without run or day"),
            ({"run": "R04", "day": 0, "vcd": "many"}, "'many' is not a number"),
            ({"run": "R04", "day": 0, "viability": 200.0}, "is not possible"),
        ],
    )
    def test_what_cannot_be_read_is_refused_with_the_remedy(self, campaign, row, match):
        with pytest.raises(ConfigError, match=match):
            campaign.add_measurements([row])

    def test_rows_without_setpoints_of_an_unknown_run_are_refused(self, campaign):
        with pytest.raises(ConfigError, match=r"X1, day 0: what was in force is not known"):
            campaign.add_measurements([{"run": "X1", "day": d, "vcd": 1.0} for d in (0, 1)])


class TestSaveAndLoad:
    def test_a_loaded_campaign_recommends_the_same(self, campaign, model, tmp_path):
        campaign.recommend(2)
        campaign.save(tmp_path / "deep" / "campaign.json")
        again = Campaign.load(tmp_path / "deep" / "campaign.json", model)
        assert again.pending == campaign.pending
        assert again.recommend(2) == campaign.recommend(2)

    def test_gaps_remarks_and_feeds_are_kept(self, model, tmp_path):
        state = make_state(time_h=0.0, glucose=float("nan"))
        remarked = replace(state, time_h=24.0, quality={"ammonium": "below the detection limit of 0.1"})
        run = replace(a_run("R01", days=0), states=()).observe(state, NOMINAL)
        run = run.observe(remarked, Setpoints(), Feed(fraction=0.05, glucose=400.0))
        campaign = Campaign(model)
        campaign.add_measurements([run])
        back = Campaign.load(campaign.save(tmp_path / "c.json"), model).runs["R01"]
        assert back.feeds == run.feeds
        assert back.states[1].quality == remarked.quality
        np.testing.assert_array_equal(back.values, run.values)
        assert np.isnan(back.inputs).all()

    def test_what_is_no_campaign_is_refused(self, model, tmp_path):
        for text in ("", "{}", json.dumps({"format": 99})):
            (tmp_path / "c.json").write_text(text)
            with pytest.raises(ConfigError, match="is not a saved campaign"):
                Campaign.load(tmp_path / "c.json", model)
        with pytest.raises(ConfigError, match=r"none\.json is not a saved campaign"):
            Campaign.load(tmp_path / "none.json", model)


def test_the_hybrid_model_can_be_asked():
    campaign = Campaign(HybridModel(), days=4, from_day=2)
    rates = {"perfusion_rate": 0.7, "bleed_rate": 0.1}
    campaign.add_measurements([a_run("R01", days=4, **rates), a_run("R02", days=3)])
    found = campaign.recommend(2)
    assert [r.name for r in found] == ["R03", "R04"]
    assert all(np.isfinite([r.value, r.sd]).all() for r in found)

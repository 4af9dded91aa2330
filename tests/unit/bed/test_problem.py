"""The decision problem of a vessel: plans that can be driven, gains over holding, and limits, on a vessel by hand."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.bed.candidates.plans import intervals
from perfusio.bed.problem import Problem
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Constraint, RunConfig, maximize, minimize, track
from perfusio.errors import ModelError, OutOfRange
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX
from perfusio.testing import make_state

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
NOMINAL = SPACE.nominal
CONFIG = RunConfig(duration_days=14)
S = 48


class Growing:
    """36e6 cells/mL that grow by 0.15 +- 0.02 a day and leave by the bleed; counts what it was asked to play."""

    def __init__(self):
        self.growth = 0.15 + 0.02 * np.random.default_rng(0).standard_normal(S)
        self.played = 0

    def play(self, plans):
        self.played += len(plans)
        net = self.growth[None, :, None] - plans[:, None, :, SETPOINT_INDEX["bleed_rate"]]
        paths = np.tile(make_state().vector(), (*net.shape, 1))
        paths[..., SPECIES_INDEX["vcd"]] = 36.0 * np.exp(np.cumsum(net, axis=2))
        return paths


class CoolIsHealthy(Growing):
    """A viability of 96 % at 36.5 C, and a point more with each degree below."""

    def play(self, plans):
        paths = super().play(plans)
        paths[..., SPECIES_INDEX["viability"]] = 132.5 - plans[:, None, :, SETPOINT_INDEX["temperature"]]
        return paths


def problem(config=CONFIG, current=NOMINAL, **parts):
    parts = {"futures": Growing()} | parts
    return Problem(current=current.vector(), hours=24.0, space=SPACE, config=config, n_paths=S, **parts)


def config(**changes):
    return RunConfig(duration_days=14, **changes)


def at(**changes):
    return replace(NOMINAL, **changes).vector()[None]


class TestPlans:
    def test_ramps_take_one_step_a_day_and_stop_at_their_destination(self):
        (ramp,) = problem().plans(at(bleed_rate=0.30, temperature=36.0))
        assert ramp[:, SETPOINT_INDEX["bleed_rate"]] == pytest.approx([0.25, 0.30, 0.30])
        assert ramp[:, SETPOINT_INDEX["temperature"]] == pytest.approx([36.0, 36.0, 36.0])

    def test_pieces_are_headed_for_one_after_another(self):
        four_days = config(plan_pieces=2, objective=track(vcd=30, horizon_days=4))
        there = np.concatenate([at(bleed_rate=0.30), at(bleed_rate=0.10)], axis=1)
        (ramp,) = problem(four_days).plans(there)
        assert ramp[:, SETPOINT_INDEX["bleed_rate"]] == pytest.approx([0.25, 0.30, 0.20, 0.10])

    def test_equal_pieces_are_one_plan(self):
        one, two = problem(), problem(config(plan_pieces=2))
        u = at(bleed_rate=0.22, temperature=35.2)
        assert (one.plans(u) == two.plans(np.tile(u, 2))).all()
        assert one.merit(u) == pytest.approx(two.merit(np.tile(u, 2)))

    def test_a_second_piece_can_do_better(self):
        """From 36 to 30 and then to stay: 0.25 for two days, then 0.15; one bleed for three days cannot."""
        held = config(objective=track(vcd=30, horizon_days=6), plan_pieces=2)
        there = np.concatenate([at(bleed_rate=0.22), at(bleed_rate=0.15)], axis=1)
        constant = [np.tile(at(bleed_rate=b), 2) for b in np.arange(0.05, 0.31, 0.01)]
        gains = problem(held).gains(np.concatenate([there, *constant])).mean(axis=(1, 2))
        assert gains[0] > gains[1:].max()


class TestGains:
    def test_of_holding_is_exactly_zero_on_every_path(self):
        found = problem().gains(at())
        assert found.shape == (1, S, 1)
        assert (found == 0.0).all()

    def test_more_bleed_brings_36_nearer_to_30(self):
        more, less = at(bleed_rate=0.2), at(bleed_rate=0.1)
        p = problem()
        assert p.gains(more).mean() > 0 > p.gains(less).mean()
        both = p.gains(np.concatenate([more, less]))
        assert both[0] == pytest.approx(p.gains(more)[0], abs=1e-12)

    def test_of_two_ways_to_hold_a_target_the_one_further_from_limits_is_worth_more(self):
        cooler, warmer = at(temperature=36.0), at(temperature=37.0)
        held = problem(futures=CoolIsHealthy())
        assert held.gains(cooler).mean() > 0 > held.gains(warmer).mean()
        harvested = problem(config(objective=maximize("productivity")), futures=CoolIsHealthy())
        assert harvested.gains(cooler).mean() == pytest.approx(harvested.gains(warmer).mean())

    def test_a_limit_on_what_is_held_does_not_push_it_off_its_target(self):
        narrow = config(objective=track(vcd=30), constraints=(Constraint(quantity="vcd", high=31.0, probability=0.8),))
        free = config(objective=track(vcd=30), constraints=())
        u = at(bleed_rate=0.2)
        assert problem(narrow).gains(u) == pytest.approx(problem(free).gains(u))

    def test_two_targets_share_what_a_limit_is_worth_and_neither_is_pushed_by_that_of_the_other(self):
        limits = (Constraint(quantity="viability", low=95.0, probability=0.8),)
        cooler, one = at(temperature=36.0), config(objective=track(vcd=30), constraints=limits)
        two = config(objective=(track(vcd=30), track(glucose=4.0)), constraints=limits)
        eased = [problem(c, futures=CoolIsHealthy()).eased(cooler)[0] for c in (one, two)]
        assert eased[0] == pytest.approx(eased[1])
        assert eased[0] > 0.0
        on_glucose = (Constraint(quantity="glucose", low=2.9, probability=0.8),)
        assert problem(two.model_copy(update={"constraints": on_glucose})).eased(cooler)[0] == 0.0

    def test_exploration_scales_the_spread_and_not_the_mean(self):
        u = at(bleed_rate=0.2)
        full, none = (problem(config(exploration=e)) for e in (1.0, 0.0))
        assert full.outcomes(u) == pytest.approx(full.gains(u))
        assert none.outcomes(u).std() == pytest.approx(0.0, abs=1e-12)
        assert none.outcomes(u).mean() == pytest.approx(full.gains(u).mean())

    def test_several_objectives_are_weighed_and_added_up(self):
        """A tenth less medium is worth 1, a move of a third of a step costs 0.1 / 9 on each objective."""
        both = problem(config(objective=(track(vcd=30), minimize("medium", horizon_days=3, weight=2.0)), exploration=1))
        u = at(perfusion_rate=0.9)
        gains = both.gains(u)
        assert gains.shape == (1, S, 2)
        assert gains[0, :, 0] == pytest.approx(-0.1 / 9)
        assert gains[0, :, 1] == pytest.approx(2.0 * (1.0 - 0.1 / 9))
        assert both.outcomes(u)[0, :, 0] == pytest.approx(gains[0].sum(axis=1))

    def test_acquisitions_of_several_objectives_see_each(self):
        several = (track(vcd=30), minimize("medium"))
        assert problem(config(objective=several, acquisition="qEHVI")).outcomes(at()).shape == (1, S, 2)

    def test_each_objective_has_its_own_horizon(self):
        """The bleed of 0.25 from 0.15 on reaches 30 after two days and undershoots later."""
        near, far = (problem(config(objective=track(vcd=30, horizon_days=days))) for days in (2, 6))
        u = at(bleed_rate=0.30)
        assert (near.horizon, far.horizon) == (2, 6)
        both = problem(config(objective=(track(vcd=30, horizon_days=2), maximize("titer", horizon_days=6))))
        assert both.horizons == [2, 6]
        assert both.gains(u)[..., 0] == pytest.approx(near.gains(u)[..., 0])
        assert near.gains(u).mean() > 0 > far.gains(u).mean()

    def test_viable_cell_volume_needs_a_diameter(self):
        volume = config(objective=track(vcv=8.0))
        with pytest.raises(OutOfRange, match="diameter = nan um"):
            problem(volume).gains(at())
        per_million = (np.pi / 6.0) * 17.0**3 * 1e-4
        as_cells = problem(config(objective=track(vcd=8.0 / per_million)))
        assert problem(volume, size=17.0).gains(at(bleed_rate=0.2)) == pytest.approx(
            as_cells.gains(at(bleed_rate=0.2))
        )


class TestMerit:
    def test_too_much_bleed_never_wins(self):
        broken = replace(NOMINAL, perfusion_rate=0.2, bleed_rate=0.3).vector()
        assert problem(current=replace(NOMINAL, perfusion_rate=0.3)).merit(broken[None])[0] == -np.inf

    def test_no_gain_outweighs_a_limit(self):
        """20 pL/cell/day at 30 to 36e6 cells/mL need 0.6 to 0.72 a day; the further below, the worse."""
        limited = config(
            constraints=(Constraint(quantity="cspr", low=20.0),), objective=minimize("medium", horizon_days=3)
        )
        p = problem(limited)
        kept, near, far = (at(perfusion_rate=d, bleed_rate=0.15) for d in (0.95, 0.7, 0.6))
        merits = p.merit(np.concatenate([kept, near, far]))
        assert merits[0] > merits[1] > merits[2]
        assert p.acquire(far)[0] > p.acquire(kept)[0]
        smooth = p.penalized(np.concatenate([kept, near, far]))
        assert smooth[0] > smooth[1] > smooth[2]

    def test_a_certain_loss_still_ranks_above_a_broken_limit(self):
        """Medium has no spread: the logarithm of improvement at a certain loss is far below any usual number."""
        limited = config(constraints=(Constraint(quantity="cspr", low=40.0),), objective=minimize("medium"))
        p = problem(limited)
        dear, broken = at(perfusion_rate=2.0, bleed_rate=0.25), at(perfusion_rate=0.9)
        assert p.acquire(dear)[0] < -1e6
        for ranked in (p.merit, p.penalized):
            kept, not_kept = ranked(np.concatenate([dear, broken]))
            assert kept > not_kept

    def test_everything_judged_is_kept(self):
        p = problem()
        p.merit(at())
        p.merit(np.concatenate([at(bleed_rate=0.2), at(bleed_rate=0.1)]))
        pool = p.pool()
        assert pool.candidates.shape == (3, 6)
        assert pool.gain == pytest.approx(p.gains(pool.candidates).mean(axis=(1, 2)))
        assert pool.is_allowed.all()

    def test_a_batch_is_played_once(self):
        futures = Growing()
        p = problem(futures=futures)
        some = np.concatenate([at(bleed_rate=b) for b in (0.1, 0.2, 0.25)])
        p.merit(some)
        p.judge(some[1:])
        p.expected(some)
        assert futures.played == 4  # and holding

    def test_what_was_played_is_not_played_again(self):
        futures = Growing()
        p = problem(futures=futures)
        first = p.gains(at(bleed_rate=0.1))
        p.merit(np.concatenate([at(bleed_rate=0.1), at(bleed_rate=0.2)]))
        assert futures.played == 3  # and holding
        assert (p.gains(at(bleed_rate=0.1)) == first).all()
        assert p.gains(NOMINAL.vector()[None]) == pytest.approx(0.0)

    def test_a_baseline_is_played_for_those_who_ask_for_one(self):
        played = {}
        for name in ("LogEI", "qNEHVI"):
            futures = Growing()
            several = config(objective=(track(vcd=30), minimize("medium")), acquisition=name)
            p = problem(several, futures=futures, baseline=np.concatenate([at(bleed_rate=0.1), at(bleed_rate=0.3)]))
            p.merit(at(bleed_rate=0.2))
            played[name] = futures.played
        assert played == {"LogEI": 2, "qNEHVI": 4}

    def test_expected_is_at_the_end_of_the_horizon(self):
        p = problem(config(objective=(track(vcd=30), minimize("medium", horizon_days=5))))
        ((vcd, medium),) = p.expected(at(bleed_rate=0.25, perfusion_rate=0.8))
        assert vcd == pytest.approx(36.0 * np.exp(3 * (p.futures.growth - 0.25)).mean())
        assert medium == pytest.approx(0.8)


@pytest.mark.parametrize(("days", "hours", "n"), [(3, 24.0, 3), (3, 12.0, 6), (1, 72.0, 1), (7, 48.0, 4)])
def test_intervals(days, hours, n):
    assert intervals(days, hours) == n


class TestSureness:
    def test_viability_gets_its_whole_margin_by_the_third_day_and_flows_at_once(self):
        limits = (Constraint(quantity="viability", low=95.0), Constraint(quantity="cspr", low=15.0))
        p = problem(config(constraints=limits, objective=maximize("titer", horizon_days=4)))
        assert p._sureness[0] == pytest.approx([1 / 3, 2 / 3, 1.0, 1.0])
        assert (p._sureness[1] == 1.0).all()

    def test_the_last_day_of_a_horizon_is_asked_for_in_full(self):
        limit = (Constraint(quantity="viability", low=95.0),)
        p = problem(config(constraints=limit, objective=track(vcd=30, horizon_days=1)))
        assert (p._sureness == 1.0).all()


def test_limits_cannot_be_placed_by_what_is_not_a_number():
    class Broken(Growing):
        def play(self, plans):
            paths = super().play(plans)
            paths[:, 0, :, SPECIES_INDEX["viability"]] = np.nan
            return paths

    with pytest.raises(ModelError, match="not finite"):
        problem().anchor(problem(futures=Broken()), NOMINAL.vector())

"""From paths to scores and chances, against numbers that can be worked out by hand."""

import numpy as np
import pytest
from scipy.stats import norm

from perfusio.bed.objectives import COMFORT, RESERVE, Moments, discomfort, feasibility, judged, scores
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Constraint, Objective, maximize, track
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX
from perfusio.testing import make_state

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal.vector()
NO_MOVE = np.zeros((1, 6))


def paths(n_plans=1, n_paths=4, horizon=3, **values):
    """Healthy paths (G, S, H, Q); a value by name is broadcast to (G, S, H)."""
    out = np.tile(make_state().vector(), (n_plans, n_paths, horizon, 1))
    for name, value in values.items():
        out[..., SPECIES_INDEX[name]] = value
    return out


def plans(n_plans=1, horizon=3, **values):
    out = np.tile(NOMINAL, (n_plans, horizon, 1))
    for name, value in values.items():
        out[..., SETPOINT_INDEX[name]] = value
    return out


class TestScores:
    def test_a_factor_of_a_tenth_off_target_is_minus_one_above_and_below(self):
        for vcd in (30.0 * np.exp(0.1), 30.0 * np.exp(-0.1)):
            assert scores(track(vcd=30), paths(vcd=vcd), plans(), NO_MOVE) == pytest.approx(-np.ones((1, 4)))

    def test_on_target_is_zero_and_errors_count_squared_over_the_days(self):
        assert scores(track(vcd=30), paths(vcd=30.0), plans(), NO_MOVE) == pytest.approx(np.zeros((1, 4)))
        off = paths(vcd=30.0 * np.exp([0.0, 0.1, 0.2]))
        assert scores(track(vcd=30), off, plans(), NO_MOVE) == pytest.approx(np.full((1, 4), -(0 + 1 + 4) / 3))

    def test_each_path_has_its_own_score(self):
        spread = paths(vcd=30.0 * np.exp([0.0, 0.1, 0.2, 0.0])[:, None])
        assert scores(track(vcd=30), spread, plans(), NO_MOVE)[0] == pytest.approx([0, -1, -4, 0])

    def test_a_doubtful_forecast_is_centred_on_the_target_not_below_it(self):
        spread = np.exp([-0.4, -0.2, 0.2, 0.4])[:, None]
        centres = (30.0, 30.0 / spread.mean())
        median_on_target, mean_on_target = (
            scores(track(vcd=30), paths(vcd=centre * spread), plans(), NO_MOVE).mean() for centre in centres
        )
        assert median_on_target > mean_on_target

    def test_nothing_left_is_bad_but_finite(self):
        assert np.isfinite(scores(track(glucose=4), paths(glucose=0.0), plans(), NO_MOVE)).all()

    def test_ten_percent_more_than_holding_is_plus_one(self):
        two = paths(2, titer=np.array([500.0, 550.0])[:, None, None])
        found = scores(maximize("titer"), two, plans(2), np.zeros((2, 6)))
        assert found[1] - found[0] == pytest.approx(np.ones(4))

    def test_moves_cost_by_their_square(self):
        objective = Objective(kind="track", quantity="vcd", target=30.0, move_penalty=0.2)
        moves = np.array([[0.0] * 6, [1.0] + [0.0] * 5, [0.5, -0.5] + [0.0] * 4])
        found = scores(objective, paths(3, vcd=30.0), plans(3), moves)
        assert found[:, 0] == pytest.approx([0.0, -0.2, -0.1])

    def test_nothing_to_gain_from_is_still_a_number(self):
        found = scores(maximize("productivity"), paths(2, titer=0.0), plans(2), np.zeros((2, 6)))
        assert np.isfinite(found).all()


class TestFeasibility:
    def normal_paths(self, mean, sd, n=4000):
        draws = norm.ppf((np.arange(n) + 0.5) / n)
        return paths(1, n, 2, viability=(mean + sd * draws)[:, None])

    @pytest.mark.parametrize(("mean", "kept"), [(97.04, False), (97.07, True)])
    def test_the_chance_must_be_as_high_as_asked(self, mean, kept):
        """98 % above 95 needs mean - 2.054 sd >= 95."""
        limit = (Constraint(quantity="viability", low=95.0, probability=0.98),)
        found = feasibility(limit, self.normal_paths(mean, 1.0), plans(horizon=2))
        assert (found.violation[0] <= 0) == kept
        assert found.probability[0, 0] == pytest.approx(norm.cdf(mean - 95.0), abs=2e-3)

    def test_violation_is_measured_in_twentieths_of_the_limit(self):
        limit = (Constraint(quantity="viability", low=95.0, probability=0.98),)
        found = feasibility(limit, paths(viability=95.0 - 0.05 * 95.0), plans())
        assert found.violation == pytest.approx([1.0], abs=1e-6)

    def test_the_margin_is_that_of_the_mean_on_the_worst_day(self):
        limit = (Constraint(quantity="viability", low=95.0, probability=0.98),)
        found = feasibility(limit, self.normal_paths(96.0, 1.0), plans(horizon=2))
        assert found.margin[0, 0] == pytest.approx(1.0, abs=1e-6)
        assert found.violation_of_mean[0] == pytest.approx(-1.0 / (0.05 * 95.0), abs=1e-6)
        assert found.violation[0] > 0

    def test_upper_limits_are_the_mirror(self):
        limit = (Constraint(quantity="ammonium", high=10.0, probability=0.95),)
        assert feasibility(limit, paths(ammonium=9.9), plans()).violation[0] < 0
        assert feasibility(limit, paths(ammonium=11.0), plans()).violation[0] == pytest.approx(2.0, abs=1e-6)
        assert feasibility(limit, paths(ammonium=11.0), plans()).probability[0, 0] < 1e-6

    def test_the_worst_day_and_the_worst_limit_count(self):
        limits = (Constraint(quantity="glucose", low=0.3), Constraint(quantity="ammonium", high=10.0))
        day_two = paths(glucose=np.array([3.0, 0.2, 3.0]))
        found = feasibility(limits, day_two, plans())
        assert found.violation[0] > 0
        assert found.probability[0].tolist() == pytest.approx([0.0, 1.0], abs=1e-6)

    def test_what_brings_the_vessel_back_is_less_of_a_violation(self):
        """Tomorrow is lost under both plans; a plan that gets above the limit later beats one that stays below it."""
        limit = (Constraint(quantity="viability", low=95.0, probability=0.98),)
        stays, returns, returns_late = [94.0, 94.0, 94.0], [94.0, 95.5, 96.0], [94.0, 94.2, 95.5]
        values = np.array([stays, returns, returns_late])[:, None, :]
        found = feasibility(limit, paths(3, viability=values), plans(3)).violation
        assert 0.0 < found[1] < found[2] < found[0]

    def test_two_sided_limits_use_both_sides(self):
        limit = (Constraint(quantity="glucose", low=2.0, high=4.0),)
        values = np.array([1.0, 3.0, 5.0])[:, None, None]
        assert (feasibility(limit, paths(3, glucose=values), plans(3)).violation <= 0).tolist() == [False, True, False]

    def test_without_limits_everything_is_allowed(self):
        found = feasibility((), paths(2), plans(2))
        assert (found.violation <= 0).all()
        assert found.probability.shape == (2, 0)


class TestSureness:
    LIMIT = (Constraint(quantity="viability", low=95.0, probability=0.98),)

    def moments(self, mean, sd):
        return Moments(mean=np.full((1, 1, 3), mean), sd=np.full((1, 1, 3), sd))

    def test_a_share_of_the_margin_is_asked_for_where_it_is_said(self):
        assert judged(self.LIMIT, self.moments(95.5, 0.5)).violation[0] > 0
        shares = np.array([[0.2, 0.4, 0.45]])
        assert judged(self.LIMIT, self.moments(95.5, 0.5), shares).violation[0] < 0
        assert judged(self.LIMIT, self.moments(94.9, 0.5), shares).violation[0] > 0

    def test_what_is_not_a_number_keeps_no_limit(self):
        assert judged(self.LIMIT, self.moments(np.nan, 0.5)).violation[0] == np.inf

    def test_few_paths_are_corrected_by_what_many_say_of_one(self):
        few, many = self.moments(96.0, 0.2), self.moments(95.5, 0.4)
        near = self.moments(96.3, 0.25).corrected(few, many)
        assert near.mean == pytest.approx(95.8)
        assert near.sd == pytest.approx(0.5)


class TestDiscomfort:
    def of(self, *missed):
        """One limit, on as many days."""
        return discomfort(np.array(missed, dtype=float).reshape(1, 1, -1))[0]

    def test_it_begins_at_the_reserve_and_rises_as_a_square(self):
        assert self.of(-2.0 * RESERVE) == self.of(-RESERVE) == self.of(-np.inf) == 0.0
        assert self.of(-0.5 * RESERVE) == pytest.approx(0.25 * COMFORT)
        assert self.of(0.0) == pytest.approx(COMFORT)

    def test_beyond_a_limit_it_ends_so_that_limits_are_left_to_the_constraints(self):
        assert self.of(RESERVE) == self.of(100.0) == self.of(np.inf) == self.of(np.nan) == pytest.approx(4.0 * COMFORT)

    def test_days_are_averaged_and_limits_added(self):
        assert self.of(0.0, -RESERVE) == pytest.approx(0.5 * COMFORT)
        assert discomfort(np.zeros((3, 2, 4))) == pytest.approx(np.full(3, 2.0 * COMFORT))

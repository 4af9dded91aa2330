"""Choosing a batch, where it is known what is best."""

import numpy as np
import pytest

from perfusio.bed.campaigns.batches import APART, Aim, best_batch, in_steps, outlook
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, DEFAULT_CONSTRAINTS, Constraint, maximize, minimize, track
from perfusio.state import SETPOINT_INDEX, SPECIES_INDEX

from ..conftest import KnownFutures

SPACE = DEFAULT_AMBR250_DESIGN_SPACE
NOMINAL = SPACE.nominal.vector()
PERFUSION, BLEED = SETPOINT_INDEX["perfusion_rate"], SETPOINT_INDEX["bleed_rate"]
FUTURES = KnownFutures(32, 1.5)


def aim(objective=None, constraints=DEFAULT_CONSTRAINTS):
    return Aim(objective=objective or maximize("productivity"), constraints=constraints, from_day=9, days=28)


def recipes(*perfusion):
    out = np.tile(NOMINAL, (len(perfusion), 1))
    out[:, PERFUSION] = perfusion
    return out


def batch(n, *, tried=(), objective=None, factors=("perfusion_rate", "bleed_rate"), futures=FUTURES, **options):
    return best_batch(
        aim(objective),
        futures,
        space=SPACE,
        factors=factors,
        base=NOMINAL,
        tried=recipes(*tried),
        n=n,
        seed=0,
        **options,
    )


class TestOutlook:
    def test_value_is_the_mean_of_the_days_that_count(self):
        class Rising:
            def play(self, plans):
                paths = FUTURES.play(plans)
                paths[..., SPECIES_INDEX["titer"]] = np.arange(1.0, 29.0)
                return paths

        seen = outlook(aim(), Rising(), recipes(1.0))
        assert seen.value == pytest.approx((1.0 - NOMINAL[BLEED]) * np.arange(9.0, 29.0).mean() * np.ones((1, 32)))

    def test_less_is_better_when_it_is_minimized_or_off_a_target(self):
        assert (outlook(aim(minimize("titer")), FUTURES, recipes(1.0)).value == -1000.0).all()
        assert outlook(aim(track(vcd=25.0)), FUTURES, recipes(1.0)).value == pytest.approx(-0.2 * np.ones((1, 32)))

    def test_a_limit_broken_on_one_day_is_broken(self):
        class Dips:
            def play(self, plans):
                paths = FUTURES.play(plans)
                paths[:, ::2, 3, SPECIES_INDEX["glucose"]] = 0.29
                return paths

        seen = outlook(aim(), Dips(), recipes(1.0))
        assert seen.probability == pytest.approx([0.5])
        assert seen.probabilities[:, 0] == pytest.approx([1.0, 0.5, 1.0, 1.0])

    def test_upper_limits_count_from_above_and_no_limits_are_always_kept(self):
        low_titer = (Constraint(quantity="titer", high=999.0),)
        assert outlook(aim(constraints=low_titer), FUTURES, recipes(1.0)).probability == 0.0
        assert outlook(aim(constraints=()), FUTURES, recipes(1.0)).probability == 1.0

    def test_many_recipes_are_played_as_few(self):
        many = recipes(*np.linspace(0.5, 2.0, 70))
        assert (outlook(aim(), FUTURES, many).margin[50:51] == outlook(aim(), FUTURES, many[50:51]).margin).all()


class TestBatch:
    def test_it_climbs_to_the_limit_and_not_over_it(self):
        found, seen = batch(1)
        assert 1.25 <= found[0, PERFUSION] <= 1.5
        assert found[0, BLEED] <= 0.06  # bleed only loses product
        assert seen.probability[0] > 0.2

    def test_members_differ_and_some_dare_more(self):
        found, seen = batch(4)
        apart = np.abs(SPACE.to_unit(found)[:, None] - SPACE.to_unit(found)[None]).max(axis=2)
        assert apart[~np.eye(4, dtype=bool)].min() >= APART - 1e-9
        assert np.ptp(seen.probability) > 0.1

    def test_what_was_tried_is_not_asked_again(self):
        first, _ = batch(1, factors=("perfusion_rate",))
        again, _ = batch(1, factors=("perfusion_rate",), tried=(first[0, PERFUSION],))
        assert abs(again[0, PERFUSION] - first[0, PERFUSION]) / 1.5 >= APART - 1e-9

    def test_the_others_are_held(self):
        found, _ = batch(3)
        held = [i for i in range(6) if i not in (PERFUSION, BLEED)]
        assert (found[:, held] == NOMINAL[held]).all()

    def test_without_any_way_to_keep_the_limits_it_comes_closest(self):
        found, seen = batch(2, futures=KnownFutures(32, 0.0))
        assert (seen.probability == 0.0).all()
        assert (found[:, PERFUSION] < 0.6).all()

    def test_a_target_is_approached(self):
        class Denser:
            def play(self, plans):
                paths = KnownFutures(8, 9.0).play(plans)
                paths[..., SPECIES_INDEX["vcd"]] = 20.0 * plans[:, None, :, PERFUSION]
                return paths

        found, _ = batch(1, objective=track(vcd=25.0), futures=Denser())
        assert found[0, PERFUSION] == pytest.approx(1.25, abs=0.04)

    def test_progress_ends_at_its_total(self):
        told = []
        batch(1, on_step=lambda done, total: told.append((done, total)))
        assert [done for done, _ in told] == list(range(told[-1][1] + 1))

    def test_recipes_are_what_pumps_can_do_and_vessels_can_run(self):
        found, _ = batch(6)
        assert (found == in_steps(found, SPACE)).all()
        assert ((found >= SPACE.low) & (found <= SPACE.high)).all()
        assert (found[:, BLEED] < found[:, PERFUSION]).all()

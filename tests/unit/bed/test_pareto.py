"""Fronts, their hypervolume against volumes known exactly, and the picker."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfusio.bed.pareto import hypervolume, nondominated, pick
from perfusio.errors import ConfigError


def exact(front, reference):
    """Inclusion and exclusion of boxes, in fractions."""
    boxes = [[max(Fraction(v) - Fraction(r), Fraction(0)) for v, r in zip(y, reference, strict=True)] for y in front]
    total = Fraction(0)
    for k in range(1, len(boxes) + 1):
        for some in combinations(boxes, k):
            shared = Fraction(1)
            for sides in zip(*some, strict=True):
                shared *= min(sides)
            total += (-1) ** (k + 1) * shared
    return float(total)


class TestHypervolume:
    @pytest.mark.parametrize("m", [2, 3, 4, 5])
    @pytest.mark.parametrize("seed", range(4))
    def test_of_random_points_is_that_of_their_boxes(self, m, seed):
        points = np.random.default_rng([m, seed]).normal(size=(9, m))
        reference = np.full(m, -0.7)
        assert hypervolume(points, reference) == pytest.approx(exact(points, reference), rel=1e-9, abs=1e-12)

    @pytest.mark.parametrize("m", [2, 3, 4, 5])
    @pytest.mark.parametrize("n", [1, 2, 5])
    def test_of_a_staircase(self, m, n):
        """Points that trade the first objective for the second and have 2 on all others: n (n + 1) / 2 squares."""
        steps = np.array([[i, n + 1 - i, *[2.0] * (m - 2)] for i in range(1, n + 1)], dtype=float)
        assert hypervolume(steps, np.zeros(m)) == pytest.approx(n * (n + 1) / 2 * 2.0 ** (m - 2), rel=1e-9)

    @pytest.mark.parametrize("m", [2, 3, 4, 5])
    def test_of_unit_corners(self, m):
        """m boxes of side 2 along one axis and 1 along the others share the unit cube: m + 1."""
        assert hypervolume(1.0 + np.eye(m), np.zeros(m)) == pytest.approx(m + 1.0, rel=1e-9)

    def test_of_a_fine_circle_is_nearly_a_quarter(self):
        angle = (np.arange(2000) + 0.5) / 2000 * np.pi / 2
        circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        assert hypervolume(circle, [0.0, 0.0]) == pytest.approx(np.pi / 4, abs=1e-3)

    def test_what_is_beaten_or_below_the_reference_adds_nothing(self):
        front = np.array([[2.0, 1.0], [1.0, 2.0]])
        more = np.concatenate([front, [[1.0, 1.0], [5.0, -1.0], [2.0, 1.0], [np.nan, 9.0]]])
        assert hypervolume(more, [0.0, 0.0]) == hypervolume(front, [0.0, 0.0]) == 3.0
        assert hypervolume(front, [3.0, 3.0]) == 0.0

    @pytest.mark.parametrize("reference", [[0.0], [0.0, 0.0, 0.0], 0.0])
    def test_another_number_of_objectives_is_refused(self, reference):
        with pytest.raises(ConfigError, match="one reference value per objective"):
            hypervolume(np.ones((3, 2)), reference)


class TestNondominated:
    def test_by_hand(self):
        outcomes = np.array([[1.0, 3.0], [2.0, 2.0], [1.0, 2.0], [3.0, 1.0], [2.0, 2.0], [np.nan, 9.0]])
        assert nondominated(outcomes).tolist() == [0, 1, 3]

    @settings(deadline=None, max_examples=60)
    @given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=25))
    def test_every_point_is_on_the_front_or_beaten_by_it(self, points):
        values = np.array(points, dtype=float)
        front = values[nondominated(values)]
        assert len(np.unique(front, axis=0)) == len(front)
        for v in values:
            assert (front >= v).all(axis=1).any()
            beaten = ((front >= v).all(axis=1) & (front > v).any(axis=1)).any()
            assert beaten != (front == v).all(axis=1).any()

    def test_of_nothing_is_nothing(self):
        assert nondominated(np.empty((0, 2))).tolist() == []


class TestPick:
    front = np.array([[0.0, 10.0], [4.0, 9.0], [8.0, 8.0], [9.0, 4.0], [10.0, 0.0], [1.0, 1.0]])

    def test_the_knee_is_nearest_to_the_best_of_both(self):
        assert pick(self.front) == 2

    def test_weights_decide_and_do_not_depend_on_units(self):
        assert pick(self.front, weights=[1.0, 0.0]) == 4
        assert pick(self.front, weights=[0.0, 1.0]) == 0
        for scale in (1.0, 1e3):
            assert pick(self.front * [1.0, scale], weights=[1.0, 1.0]) == 2
            assert pick(self.front * [1.0, scale]) == 2

    def test_what_is_beaten_is_never_picked(self):
        assert pick(np.array([[1.0, 1.0], [2.0, 2.0]]), weights=[1, 1]) == 1

    def test_an_objective_on_which_all_agree_decides_nothing(self):
        assert pick(np.array([[1.0, 5.0], [2.0, 5.0]])) == 1

    @pytest.mark.parametrize("weights", [[1.0], [-1.0, 1.0], [0.0, 0.0], [np.nan, 1.0]])
    def test_unusable_weights(self, weights):
        with pytest.raises(ConfigError, match="expected 2 numbers from 0 on"):
            pick(self.front, weights=weights)

    @pytest.mark.parametrize("nothing", [np.empty((0, 2)), np.array([[np.nan, 1.0]])])
    def test_nothing_to_pick_from(self, nothing):
        with pytest.raises(ConfigError, match="Nothing to pick from"):
            pick(nothing)

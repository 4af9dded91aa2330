"""How alike clones are: two drawn at random are 1 apart, no single rate decides, and the map keeps distances."""

import numpy as np
import pytest

from perfusio.hybrid.clones.clone_distances import MOST_APART, USUAL, distances, places
from perfusio.hybrid.layout import layout_of

LOG_SD = layout_of().log_sd


@pytest.fixture
def clones():
    return np.random.default_rng(0).normal(size=(60, len(LOG_SD))) * LOG_SD


def test_clones_that_differ_as_cell_lines_do_are_one_apart(clones):
    apart = distances(clones, LOG_SD)
    assert (apart == apart.T).all()
    assert (np.diag(apart) == 0.0).all()
    assert np.sqrt((apart[np.triu_indices(60, 1)] ** 2).mean()) == pytest.approx(1.0, abs=0.03)


def test_one_rate_that_runs_away_counts_as_different_and_no_more(clones):
    two = np.stack([clones[0], clones[0]])
    two[1, 5] -= 2.0 * MOST_APART * LOG_SD[5]
    once = distances(two, LOG_SD)[0, 1]
    two[1, 5] -= 20.0
    assert distances(two, LOG_SD)[0, 1] == once == pytest.approx(MOST_APART / np.sqrt(len(LOG_SD)) / USUAL)


def test_the_map_keeps_distances_of_few_clones():
    at = np.array([[0.0, 0.0], [0.3, 0.0], [0.0, 0.4], [0.5, 0.5]])
    apart = np.linalg.norm(at[:, None] - at[None], axis=2)
    found = places(apart)
    assert found.shape == (4, 3)
    assert np.allclose(np.linalg.norm(found[:, None] - found[None], axis=2), apart, atol=1e-7)
    assert np.ptp(found[:, 0]) >= np.ptp(found[:, 1]) >= np.ptp(found[:, 2])


def test_one_clone_has_no_direction_to_differ_in():
    assert places(np.zeros((1, 1))).shape == (1, 0)

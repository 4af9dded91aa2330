"""The figure of an experiment: every quantity has a panel with its unit, every run a line."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.plant.clones import CLONE_X
from perfusio.plant.experiment import simulate_runs
from perfusio.report.trajectory_plot import plot_trajectories

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal


def figure_text(path):
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("n_levels", [1, 3])
def test_a_picture_is_drawn_even_if_all_runs_share_the_level(tmp_path, n_levels):
    rates = np.linspace(0.5, 2.0, n_levels)
    recipes = {f"R{i}": replace(NOMINAL, perfusion_rate=float(r)) for i, r in enumerate(rates)}
    path = tmp_path / "plots" / "runs.svg"
    plot_trajectories(simulate_runs(CLONE_X, recipes, days=2), path, color_by="perfusion_rate", title="A title")
    text = figure_text(path)
    coloured = "Perfusion rate [1/day] on the first day"
    labels = ("Viable cell density [1e6 cells/mL]", "Glucose [g/L]", coloured, "A title")
    for label in labels:
        assert f"<!-- {label} -->" in text
    assert text.count("<!-- Culture day [day] -->") == 3

"""Figures of scores: every species has its panel with units, every horizon its name."""

import numpy as np

from perfusio.hybrid.scores.scoring import Cases
from perfusio.report.score_plots import plot_coverage, plot_parity
from perfusio.state import SPECIES

Q = len(SPECIES)


def cases():
    rng = np.random.default_rng(0)
    actual = rng.normal(size=(20, Q))
    actual[:, 3] = np.nan
    samples = rng.normal(size=(20, 30, Q))
    return {"1": Cases(point=samples.mean(axis=1), actual=actual, samples=samples),
            "trajectory": Cases(point=samples.mean(axis=1), actual=actual)}  # fmt: skip


def text_of(path):
    return path.read_text(encoding="utf-8")


def test_parity_has_a_panel_per_species(tmp_path):
    plot_parity(cases(), tmp_path / "plots" / "parity.svg", title="A title")
    text = text_of(tmp_path / "plots" / "parity.svg")
    for label in ("Viable cell density", "what came [mg/L]", "forecast, mean [g/L]", "1 day ahead", "A title"):
        assert f"<!-- {label} -->" in text
    assert text.count("<!-- never measured -->") == 1


def test_coverage_shows_forecasts_with_intervals_only(tmp_path):
    plot_coverage(cases(), tmp_path / "coverage.svg", title="A title")
    text = text_of(tmp_path / "coverage.svg")
    for label in ("promise kept", "1 day ahead", "place of the value in its forecast (PIT)"):
        assert f"<!-- {label} -->" in text
    assert "trajectory" not in text

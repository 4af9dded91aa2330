"""Every figure that perfusio writes is legible: no text covers another, and one that was put over another is found."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Mode, RunConfig
from perfusio.events import Decided, Forecasted, SampleRead
from perfusio.forecast import Forecast
from perfusio.hybrid.scores.scoring import Cases
from perfusio.report.clone_plot import clones_figure
from perfusio.report.forecast_plot import run_figure
from perfusio.report.page.morning import DPI
from perfusio.report.pareto_plot import FrontPanel, fronts_figure
from perfusio.report.rounds_plot import RunOutcome, rounds_figure
from perfusio.report.score_plots import coverage_figure, parity_figure
from perfusio.report.story.run_story import story_of_events
from perfusio.report.trajectory_plot import trajectories_figure
from perfusio.report.vessel_plot import vessel_figure
from perfusio.state import SPECIES
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory
from perfusio.twin.loop import first_records

from .images import covered, texts_of

LONG = "A title that is far too long for one line, because somebody has named the clone, the campaign and the design. "


def a_run(number, n=4, rate=1.0):
    held = replace(SPACE.nominal, perfusion_rate=rate)
    states = tuple(make_state(day=day, vcd=3.0 + number + 4.0 * day) for day in range(n))
    return Trajectory(reactor_id=f"R{number:02d}", states=states, setpoints=(held,) * (n - 1))


def trajectories():
    runs = [a_run(i, rate=0.5 + 0.75 * (i % 3)) for i in range(27)]
    return trajectories_figure(runs, color_by="perfusion_rate", title=LONG * 2)


def cases():
    rng = np.random.default_rng(0)
    samples = rng.lognormal(1.0, 0.3, size=(20, 30, len(SPECIES)))
    one = Cases(point=samples.mean(axis=1), actual=samples[:, 0], samples=samples)
    return {"1": one, "3": one, "7": one, "trajectory": one}


def vessel():
    samples = np.random.default_rng(0).lognormal(1.0, 0.1, size=(30, 5, len(SPECIES)))
    ahead = Forecast.from_samples(24.0 * np.arange(3.0, 8.0), samples)
    return vessel_figure(a_run(1), ahead, [SPACE.nominal] * 5, start_h=48.0, title=LONG)


def rounds():
    outcomes = [
        RunOutcome(number=i, round=max(0, (i - 1) // 6 - 1), value=300.0 + i, is_kept=i % 3 > 0, expected=310.0, sd=9.0)
        for i in range(1, 37)
    ]
    return rounds_figure(outcomes, label="Productivity, days 6 to 10 [mg/L/day]", limit="unlikely to keep all limits")


def fronts():
    values = np.array([[300.0, 0.80], [301.0, 0.801], [302.0, 0.802], [340.0, 1.2], [339.0, 1.19]])
    panel = FrontPanel(
        title="Whole runs", labels=("productivity [mg/L/day]", "medium [1/day]"), values=values, front=[0, 1, 2, 3],
        picked=3, names=[f"weight {i}" for i in range(5)],
    )  # fmt: skip
    return fronts_figure([panel, panel])


def clones():
    names = ["CloneX", "CloneY", "Random7", "Y-GS46"]
    apart = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0))) / 3.0
    return clones_figure(names, apart, np.array([[0.0, 0.1], [0.01, 0.1], [1.0, -0.6], [0.4, 0.0]]))


def two_of_three_vessels(told):
    """Vessels whose forecasts leave the axis, and one that has none."""
    names = ["R01", "a vessel with a long name", "R03"]
    modes, sources = dict.fromkeys(names, Mode.AUTOMATIC), {r: {"kind": "simulated"} for r in names}
    events = [first_records.started(RunConfig(duration_days=28), SPACE, modes, sources)]
    for name in names:
        at, ahead = {"reactor": name, "turn": 0}, told.forecast(0)
        events.append(SampleRead(**at, state=make_state(day=0, vcd=1.0, glucose=0.5), in_force=SPACE.nominal))
        if name != "R03":
            events.append(Decided(
                **at, key="k", setpoints=told.new, chosen=ahead, hold=ahead, why={}, acquisition="LogEI", score=1.0,
                model_id="m",
            ))  # fmt: skip
    return run_figure(story_of_events(events))


FIGURES = {
    "trajectories": trajectories,
    "parity": lambda: parity_figure(cases(), title=LONG * 2),
    "coverage": lambda: coverage_figure(cases(), title=LONG),
    "vessel": vessel,
    "rounds": rounds,
    "fronts": fronts,
    "clones": clones,
    "fleet": two_of_three_vessels,
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_covers_another_and_a_planted_one_is_found(name, told):
    draw = partial(FIGURES[name], told) if name == "fleet" else FIGURES[name]
    figure = draw()
    found, size = texts_of(figure), figure.canvas.get_width_height()
    assert not covered(found, size)
    for axes in [a for a in figure.axes if a.get_ylabel() or a.get_title()][:2]:
        below = axes.yaxis.label if axes.get_ylabel() else axes.title
        box = below.get_window_extent()
        place = figure.transFigure.inverted().transform((box.x0, (box.y0 + box.y1) / 2.0))
        planted = figure.text(*place, "a planted text", size=14)
        box = planted.get_window_extent(figure.canvas.get_renderer())
        assert (below.get_text(), "a planted text") in covered([*found, ("a planted text", box)], size)


def test_a_fleet_in_a_mail_is_as_narrow_as_the_page(told):
    names = [f"R{i}" for i in range(4)]
    modes, sources = dict.fromkeys(names, Mode.AUTOMATIC), {r: {"kind": "simulated"} for r in names}
    events = [first_records.started(RunConfig(duration_days=28), SPACE, modes, sources)]
    for name in names:
        at, ahead = {"reactor": name, "turn": 0}, told.forecast(0)
        events.append(SampleRead(**at, state=make_state(day=0), in_force=SPACE.nominal))
        events.append(Forecasted(**at, hold=ahead, model_id="m"))
    figure = run_figure(story_of_events(events), most_columns=3)
    assert figure.get_figwidth() * DPI < 980.0  # the widest that the page lets it be
    assert len(figure.axes) == 3 * len(names)


def test_forecasts_that_leave_the_axis_are_marked_and_vessels_without_one_are_named(told):
    figure = two_of_three_vessels(told)
    title = " ".join(figure.get_suptitle().split())
    assert "Without a forecast, not drawn: R03." in title
    assert "3 days before" not in title  # on day 0 there is no such forecast
    (legend,) = figure.legends
    assert "forecast, mean beyond the axis" in [text.get_text() for text in legend.get_texts()]
    for axes in figure.axes:
        high = axes.get_ylim()[1]
        means = [line for line in axes.lines if "latest forecast" in str(line.get_label())]
        marks = [line for line in axes.lines if "beyond" in str(line.get_label())]
        for mean in means:
            beyond = np.asarray(mean.get_xdata())[np.asarray(mean.get_ydata()) > 1.1 * high]
            assert set(beyond) <= {day for mark in marks for day in mark.get_xdata()}


def test_each_run_of_a_front_is_told_beside_its_own_point():
    """Three runs within a few pixels: a label stands nearest to its own point, or a line leads to it."""
    axes = fronts().axes[1]  # the last one drawn: what texts_of finds by a name is its label
    boxes, places = dict(texts_of(axes.figure)), {t.get_text(): axes.transData.transform(t.xy) for t in axes.texts}
    assert len(places) == 5
    for note in axes.texts:
        box = boxes[note.get_text()]
        gaps = {name: np.hypot(*(np.clip(at, box.min, box.max) - at)) for name, at in places.items()}
        assert note.arrow_patch is not None or min(gaps, key=gaps.get) == note.get_text()

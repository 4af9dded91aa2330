"""Figures are legible: no text covers another, and a planted overlap is found by both ways of looking."""

from dataclasses import replace

import numpy as np
import pytest

from perfusio import plot
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Mode, RunConfig
from perfusio.events import Decided, Forecasted, RunEnded, SampleRead, SetpointsWritten, WriteIntended
from perfusio.report.axes_grid import legend_below
from perfusio.report.forecast_plot import run_figure
from perfusio.report.story.run_story import story_of_events
from perfusio.testing import make_state
from perfusio.twin.loop import first_records

from .images import distance, look, overlaps, texts_of

SAME, OTHER = 0.001, 0.004
"""Share of patches: a picture drawn again, and one with a planted fault."""


def a_run(told, reactors, *, n_turns=6, is_over=True):
    """Vessels that are written to in every turn, from events."""
    config = RunConfig(duration_days=n_turns + 1)
    yield first_records.started(
        config, SPACE, dict.fromkeys(reactors, Mode.AUTOMATIC), {r: {"kind": "simulated"} for r in reactors}
    )
    old = SPACE.nominal
    for turn in range(n_turns):
        for i, reactor in enumerate(reactors):
            at, ahead = {"reactor": reactor, "turn": turn}, told.forecast(turn)
            new = replace(SPACE.nominal, bleed_rate=0.1 + 0.02 * turn)
            yield SampleRead(**at, state=make_state(day=turn, vcd=5.0 + 4.0 * turn + i), in_force=old)
            if turn == n_turns - 1:
                yield Forecasted(**at, hold=ahead, model_id="m")
                continue
            yield Decided(
                **at, key="k", setpoints=new, chosen=ahead, hold=ahead, why={}, acquisition="LogEI", score=1.0,
                model_id="m",
            )  # fmt: skip
            yield WriteIntended(**at, key="k", old=old, new=new)
            yield SetpointsWritten(**at, key="k", asked=new, acknowledged=new)
        old = replace(SPACE.nominal, bleed_rate=0.1 + 0.02 * turn)
    if is_over:
        yield RunEnded(outcome="COMPLETED", n_samples=n_turns, n_decisions=n_turns - 1, reason="It is over.")


@pytest.fixture(scope="module")
def fleet(told):
    names = [f"R{i:02d}" for i in range(1, 8)]
    figure = run_figure(story_of_events(a_run(told, names, is_over=False)))
    figure.canvas.draw()
    figure.set_layout_engine("none")  # it is laid out; to do that again takes seconds
    return figure


def test_a_fleet_has_a_panel_for_each_vessel_and_no_text_covers_another(fleet):
    assert not overlaps(fleet)
    said = [text for text, _ in texts_of(fleet)]
    assert [f"R{i:02d}" for i in range(1, 8)] == [text for text in said if text.startswith("R0")]
    assert sum("1e6 cells/mL" in text for text in said) == 2  # at the left of each row
    assert any("within 80 %" in text for text in said)


def test_one_vessel_is_legible_and_ends_with_its_run(told):
    figure = run_figure(story_of_events(a_run(told, ["R01"])))
    assert not overlaps(figure)
    assert {axes.get_xlim()[1] < 5.5 for axes in figure.axes} == {True}  # four weeks beyond it were forecast
    for axes in figure.axes:
        assert "[" in axes.get_ylabel()  # a unit
    panels = {axes.get_ylabel(): axes for axes in figure.axes}
    low, high = panels["Agitation [rpm]"].get_ylim()  # constant: its bounds are on the axis
    assert low < 700 < 1050 < high


def test_a_planted_overlap_is_found_by_its_boxes_and_by_its_look(fleet):
    before = look(fleet)
    assert distance(before, look(fleet)) <= SAME
    heading = next(box for text, box in texts_of(fleet) if text == "R05")
    place = fleet.transFigure.inverted().transform((heading.x0, heading.y0))
    planted = fleet.text(*place, "A note in the wrong place, over panels", size=26)
    assert ("R05", "A note in the wrong place, over panels") in overlaps(fleet)
    assert distance(before, look(fleet)) >= OTHER
    planted.remove()
    assert distance(before, look(fleet)) <= SAME


def axes_of(width=5.0):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()


def test_rounds_have_whole_numbers_and_hollow_points_where_the_limit_says():
    outcomes = [
        plot.RunOutcome(number=i, round=i // 6, value=300.0 + 5.0 * i, is_kept=i % 3 != 0, expected=310.0, sd=9.0)
        for i in range(1, 12)
    ]
    figure, axes = axes_of()
    plot.rounds(axes, outcomes, label="Productivity [mg/L/day]", limit="unlikely to keep all limits")
    assert not overlaps(figure)
    ticks = [t.get_text() for t in axes.get_xticklabels()]
    assert all(text.lstrip("−").isdigit() for text in ticks)
    (hollow,) = [line for line in axes.lines if line.get_markerfacecolor() == "none"]
    assert list(hollow.get_xdata()) == [3, 6, 9]
    assert "unlikely" in hollow.get_label()


def test_labels_of_a_front_stand_apart_however_near_its_points_are():
    values = np.array([[300.0, 0.80], [301.0, 0.801], [302.0, 0.802], [340.0, 1.2], [339.0, 1.19]])
    panel = plot.FrontPanel(
        title="Whole runs", labels=("productivity [mg/L/day]", "medium [1/day]"), values=values, front=[0, 1, 2, 3],
        picked=3, names=[f"weight {i}" for i in range(5)], is_kept=[True, False, True, True, True],
    )  # fmt: skip
    figure, axes = axes_of()
    plot.front(axes, panel)
    named = [(text, box) for text, box in texts_of(figure) if text.startswith("weight")]
    assert len(named) == 5
    assert not [pair for pair in overlaps(figure) if all(text.startswith("weight") for text in pair)]


def test_a_recorded_run_is_drawn_into_axes_of_ones_own(told):
    run = story_of_events(a_run(told, ["R01", "R02"], is_over=False))
    figure, axes = axes_of()
    curves = plot.quantity(axes, run, "vcd", vessel="R02", lead_days=1)
    assert axes.get_ylabel() == "Viable cell density [1e6 cells/mL]"
    assert list(curves.values) == [6.0, 10.0, 14.0, 18.0, 22.0, 26.0]
    assert list(curves.earlier.times_h) == [24.0, 48.0, 72.0, 96.0, 120.0]
    figure, axes = axes_of()
    assert plot.setpoint(axes, run, "bleed_rate").vessel == "R01"
    legend_below(figure)
    assert not overlaps(figure)


def test_a_constant_has_no_axis_of_its_own_scatter(told):
    from perfusio.process import CHO_PERFUSION
    from perfusio.report.story.curves import value_ends

    low, high = value_ends([np.full(5, 0.5)], CHO_PERFUSION["perfusion_rate"], CHO_PERFUSION)
    assert high - low >= 0.3  # a change of the perfusion that the process calls clear
    low, high = value_ends([np.array([99.9, 100.0])], CHO_PERFUSION["viability"], CHO_PERFUSION)
    assert high - low >= 5.0
    assert high <= 100.5
    assert value_ends([np.array([4.0, 4.1])], CHO_PERFUSION["glucose"], CHO_PERFUSION)[0] == 0.0

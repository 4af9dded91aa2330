"""Lines, tables and figures of every process: its own quantities, names and units, and nothing that it has not."""

import re
from math import nan
from pathlib import Path

import numpy as np
import pytest

from perfusio.cli.runs.fleet_table import fleet_table
from perfusio.config import DesignSpace, Mode, RunConfig
from perfusio.events import Decided, Forecasted, SampleRead, SetpointsWritten, Withheld, WriteIntended
from perfusio.forecast import Forecast
from perfusio.hybrid.scores.scoring import Cases
from perfusio.process import CHO_PERFUSION
from perfusio.process.document import read_process
from perfusio.report.columns import short, shown
from perfusio.report.fleet import Fleet
from perfusio.report.forecast_plot import run_figure
from perfusio.report.lines import WIDTH
from perfusio.report.narration import Narrator
from perfusio.report.recorded_forecast import outlook
from perfusio.report.score_plots import parity_figure
from perfusio.report.story.run_story import story_of_events
from perfusio.report.trajectory_plot import trajectories_figure
from perfusio.report.vessel_plot import vessel_figure
from perfusio.state import Setpoints, State
from perfusio.trajectory import Trajectory
from perfusio.twin.loop import first_records

FOLDER = Path(__file__).parents[2] / "fixtures" / "processes"
PROCESSES = [CHO_PERFUSION, *map(read_process, sorted(FOLDER.iterdir()))]


@pytest.fixture(params=PROCESSES, ids=lambda p: p.name)
def process(request):
    return request.param


def nominal(process):
    return DesignSpace.of(process).nominal


def moved(process):
    first = process.setpoint_names[0]
    return nominal(process).with_values(**{first: DesignSpace.of(process).bounds[first].high})


def state(process, day):
    return State.of_values(process, 24.0 * day, {s.name: 5.0 + 10.0 * i for i, s in enumerate(process.species)})


def samples(process, n_days=5):
    return np.random.default_rng(1).lognormal(2.0, 0.1, size=(20, n_days, len(process.species_names)))


def forecast(process, day):
    return Forecast.from_samples(24.0 * (day + np.arange(1, 6)), samples(process), panel=process)


def a_run(process, reactors=("R01",)):
    config, space = RunConfig(duration_days=3, process=process), DesignSpace.of(process)
    modes = dict.fromkeys(reactors, Mode.AUTOMATIC)
    yield first_records.started(config, space, modes, {r: {"kind": "simulated"} for r in reactors})
    for turn in range(3):
        for reactor in reactors:
            at = {"reactor": reactor, "turn": turn}
            ahead = forecast(process, turn).to_json()
            yield SampleRead(**at, state=state(process, turn), in_force=nominal(process))
            if turn == 2:
                yield Forecasted(**at, hold=ahead, model_id="m")
                continue
            yield Decided(
                **at, key="k", setpoints=moved(process), chosen=ahead, hold=ahead, why={}, acquisition="LogEI",
                score=1.0, model_id="m",
            )  # fmt: skip
            if turn == 0:
                yield WriteIntended(**at, key="k", old=nominal(process), new=moved(process))
                yield SetpointsWritten(**at, key="k", asked=moved(process), acknowledged=moved(process))
            else:
                yield Withheld(**at, action="hold", because=("Tried.",), setpoints=nominal(process))


def a_trajectory(process, n=4):
    states = tuple(state(process, day) for day in range(n))
    return Trajectory(reactor_id="R01", states=states, setpoints=(nominal(process),) * (n - 1))


def labels(figure):
    """Texts of a figure; it need not be drawn, which would cost seconds."""
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text)]


def test_a_run_is_told_in_the_columns_of_its_process(process):
    narrator = Narrator()
    said = [line.text for event in a_run(process) for line in narrator.lines(event)]
    assert max(map(len, said)) <= WIDTH
    head = next(line for line in said if line.lstrip().startswith("day "))
    for name in (*shown(process).values(), *short(process).values()):
        assert name in head.split()
    rows = [line.split() for line in said if line[:5].strip().isdigit()]
    n_shown, n_set = len(shown(process)), len(process.setpoints)
    assert [len(row) for row in rows] == [1 + n_shown + 4 + n_set] * 2 + [1 + n_shown + 4]
    assert [cell == "." for cell in rows[0][-n_set:]] == [False] + [True] * (n_set - 1)
    assert rows[1][-n_set:] == ["."] * n_set
    names = {q.name for q in CHO_PERFUSION.quantities} - {q.name for q in process.quantities}
    assert not [line for line in said if "Not in the process" not in line and names & set(re.findall(r"\w+", line))]


def test_a_run_that_goes_on_is_told_in_the_columns_of_its_process(process):
    narrator, fleet = Narrator(), Fleet()
    for event in list(a_run(process))[1:]:
        narrator.lines(event)
        fleet.lines(event)
    assert narrator._table.panel is process
    assert fleet.panel is process


@pytest.mark.parametrize("width", [80, 200])
def test_a_fleet_has_the_columns_of_its_process(process, width):
    reactors, fleet = tuple(f"R{i:02d}" for i in range(1, 7)), Fleet()
    said = [line.text for event in a_run(process, reactors) for line in fleet.lines(event)]
    assert any("VCD 5.00 (5.00 to 5.00) 1e6/mL" in " ".join(line.split()) for line in said)
    assert any("viability" in line for line in said)
    table = fleet_table(fleet, 3, width=width)
    heads = [str(column.header).split("\n")[0] for column in table.columns]
    every = ["vessel", *shown(process).values(), *short(process).values(), "today"]
    assert heads == every if width == 200 else set(heads) < set(every)


def test_the_record_is_drawn_with_an_axis_for_each_quantity_and_no_other(process):
    told = labels(run_figure(story_of_events(a_run(process))))
    for quantity in (*process.modelled, *process.setpoints):
        assert told.count(quantity.axis_label) == 1, quantity.name
    assert "measured" in told
    axes = {q.axis_label for p in PROCESSES for q in p.quantities} & set(told)
    assert axes == {q.axis_label for q in (*process.modelled, *process.setpoints)}


def test_past_runs_are_drawn_as_far_as_they_were_measured(process):
    run, color = a_trajectory(process), process.setpoint_names[0]
    told = labels(trajectories_figure([run], color_by=color, title=""))
    assert {q.axis_label for q in process.species} <= set(told)
    gone = process.species[-1]
    less = Trajectory(
        reactor_id="R1", states=[s.with_values(**{gone.name: nan}) for s in run.states], setpoints=run.setpoints
    )
    assert gone.axis_label not in labels(trajectories_figure([less], color_by=color, title=""))


def test_scores_and_forecasts_are_drawn(process):
    points = samples(process)[:, 0]
    parity = parity_figure({"1": Cases(point=points, actual=points)}, title="", process=process)
    assert {q.label for q in process.modelled} <= set(labels(parity))
    plan = [nominal(process)] * 5
    ahead = vessel_figure(a_trajectory(process), forecast(process, 3), plan, start_h=72.0, title="")
    assert {q.axis_label for q in (*process.modelled, *process.setpoints)} <= set(labels(ahead))


def test_a_recorded_forecast_is_read_by_name(process):
    ahead = forecast(process, 0)
    for name in process.species_names:
        seen = outlook(ahead.to_json(), name, [nominal(process)])
        assert seen.mean == pytest.approx(ahead[name].mean, rel=1e-5)
    assert isinstance(nominal(process), Setpoints)

"""The walk over numbers that people give in Python and on the command line, beside `test_declared_walk`.

Every number of a public class or call is given NaN, inf, -1, half of a whole number and a million times too much. It is
refused with a sentence, or it stands in TAKEN with the reason.
"""

import inspect
from math import inf, nan
from types import UnionType
from typing import Union, get_args, get_origin, get_type_hints

import pytest
import typer
from typer.main import get_command

from perfusio import Campaign, HybridModel, ModelFreeMPC, backtest, maximize, minimize, track
from perfusio.bed.shared_limits import SharedLimit
from perfusio.cli.app import app
from perfusio.config import DesignSpace, RunConfig
from perfusio.connectors.following import Polling
from perfusio.connectors.opc_ua.access import Timing
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.errors import PerfusioError
from perfusio.process import CHO_PERFUSION
from perfusio.process.document import read_process
from perfusio.process.feed import Feed
from perfusio.process.medium import Equipment
from perfusio.process.sound_numbers import refuse_outside
from perfusio.state import SPECIES
from perfusio.study.backtest import leave_one_run_out
from perfusio.study.cultures.trouble import Trouble
from perfusio.study.scenarios.study_file import StudySettings
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory, refuse_impossible_runs
from perfusio.twin.timeouts import Patience

NOMINAL = DesignSpace.of(CHO_PERFUSION).nominal


def run(n=4, setpoints=NOMINAL, **wrong):
    """A run of daily samples, the second one with a wrong value."""
    states = [make_state(day=day, **(wrong if day == 1 else {})) for day in range(n)]
    return Trajectory(reactor_id="R01", states=states, setpoints=[setpoints] * (n - 1))


def controlled(**given):
    policy = ModelFreeMPC(**given)
    policy.check(RunConfig(duration_days=3, process=CHO_PERFUSION))


def paths(**given):
    model = HybridModel().condition([run()])
    model.futures(run(), **{"interval_hours": 24.0, "n_paths": 2, "n_intervals": 1, "seed": 0, **given})


WALK = {
    Campaign: (lambda **k: Campaign(HybridModel(), **k), {"days": 28, "from_day": 9, "seed": 1}),
    Campaign.recommend: (lambda batch: Campaign(HybridModel()).recommend(batch), {"batch": 6}),
    Patience: (lambda **k: Patience(**{"samples_s": 60.0, **k}), {"samples_s": 2e4, "call_s": 300.0, "write_s": 900.0}),
    ModelFreeMPC: (controlled, {"target": 30.0, "cspr": 0.025}),
    SharedLimit: (SharedLimit, {"high": 4.0}),
    track: (lambda **k: track(vcd=30.0, **k), {"horizon_days": 3, "weight": 1.0}),
    maximize: (lambda **k: maximize("titer", **k), {"horizon_days": 3, "weight": 1.0}),
    minimize: (lambda **k: minimize("ammonium", **k), {"horizon_days": 3, "weight": 1.0}),
    Equipment: (Equipment, {"working_volume": 250.0, "sampling_flow": 0.015}),
    Feed: (lambda **k: Feed(**{"fraction": 0.1, **k}), {
        "fraction": 0.1, "glucose": 400.0, "glutamine": 40.0, "glutamate": 40.0, "lactate": 40.0, "ammonium": 10.0,
        "pyruvate": 40.0,
    }),
    StudySettings: (StudySettings, {"replicates": 10, "first_seed": 1, "block": 10, "days": 28}),
    Trouble: (Trouble, {"day": 14, "death": 2.0, "lost_days": 2, "pump": 1.0, "medium": 1.0, "target": 1.0}),
    backtest: (lambda **k: backtest({}, [run()], **k), {"every": 3, "n_paths": 128, "seed": 0}),
    leave_one_run_out: (
        lambda **k: leave_one_run_out([run(), run()], lambda _: {}, **k), {"every": 3, "n_paths": 128, "seed": 0}
    ),
    SimulatedAmbr250: (SimulatedAmbr250, {
        "n_vessels": 2, "sampling_interval_hours": 24.0, "days": 4.0, "seed": 1, "pace_s": 0.1,
    }),
    Polling: (
        lambda **k: Polling(**{"poll_seconds": 1.0, "timeout_seconds": None, "sleep": None, **k}),
        {"poll_seconds": 2.0, "timeout_seconds": 60.0, "away_seconds": 30.0},
    ),
    Timing: (Timing, {
        "request": 4.0, "keepalive": 5.0, "session": 20.0, "write": 60.0, "retry": 5.0, "poll": 5.0, "away": 30.0,
        "withheld": 45.0, "sample": 1e5,
    }),
    HybridModel.fit: (lambda seed: HybridModel().fit([run()], seed=seed), {"seed": 1}),
    HybridModel.futures: (paths, {"interval_hours": 24.0, "n_paths": 128, "n_intervals": 7, "seed": 0}),
}  # fmt: skip
"""Public class or call: how to make it with one wrong number, and a usual value of each number."""
TAKEN = {
    "weight": "weights only compare objectives with one another",
    "seed": "any seed is as good as another",
    "first_seed": "the same",
}
"""Numbers of which a million times too much is nothing impossible."""
ELSEWHERE = {track: ("target",)}
"""Numbers that `test_declared_walk` tries: a target is held against the range of its quantity."""


def numbers():
    return [(thing, name, usual) for thing, (_, usual_of) in WALK.items() for name, usual in usual_of.items()]


def wrong_values(name, usual):
    found = {"NaN": nan, "infinite": inf, "negative": -1}
    if isinstance(usual, int):
        found["half"] = usual + 0.5
    return found if name in TAKEN else found | {"too much": usual * 1_000_000}


def named(value):
    """A name that is the same in every process: the text of a function holds its place in memory."""
    return getattr(value, "__qualname__", str(value))


@pytest.mark.parametrize(("thing", "name", "usual"), numbers(), ids=named)
def test_no_argument_takes_a_number_that_cannot_be_meant(thing, name, usual):
    make = WALK[thing][0]
    for wrong in wrong_values(name, usual).values():
        with pytest.raises(PerfusioError) as refused:
            make(**{name: wrong})
        assert len(str(refused.value)) < 700
        assert "\n\n" not in str(refused.value)


def is_number(hint):
    return hint in (int, float) or (
        get_origin(hint) in (Union, UnionType) and any(is_number(h) for h in get_args(hint))
    )


@pytest.mark.parametrize("thing", WALK, ids=named)
def test_the_walk_tries_every_number_of_what_it_walks(thing):
    """A numeric argument that is added to one of these is added to the walk, or this fails."""
    if hasattr(thing, "model_fields"):
        hints = {name: field.annotation for name, field in thing.model_fields.items()}
    else:
        hints = get_type_hints(thing.__init__ if inspect.isclass(thing) else thing)
    named = {name for name, hint in hints.items() if is_number(hint) and name != "return"}
    assert named - set(ELSEWHERE.get(thing, ())) == set(WALK[thing][1])


# -- samples and setpoints that a model would learn from --------------------------------------------------------------


@pytest.mark.parametrize("wrong", [inf, -1.0, 1e9])
@pytest.mark.parametrize("name", SPECIES)
def test_a_run_with_a_value_that_no_culture_has_teaches_nothing(name, wrong):
    with pytest.raises(PerfusioError, match=f"R01, day 1: {name} = "):
        refuse_impossible_runs([run(**{name: wrong})])


@pytest.mark.parametrize("wrong", [inf, -1.0, 1e9])
@pytest.mark.parametrize("name", CHO_PERFUSION.setpoint_names)
def test_a_run_with_a_setpoint_that_no_pump_has_teaches_nothing(name, wrong):
    with pytest.raises(PerfusioError, match=f"R01, from day 0 on: {name} = "):
        refuse_impossible_runs([run(setpoints=NOMINAL.with_values(**{name: wrong}))])


@pytest.mark.parametrize("teach", [
    lambda runs: HybridModel().fit(runs),
    lambda runs: backtest({}, runs),
    lambda runs: Campaign(HybridModel()).add_measurements(runs),
])  # fmt: skip
def test_every_way_to_teach_a_model_refuses_it(teach):
    with pytest.raises(PerfusioError, match="vcd = -1"):
        teach([run(8, vcd=-1.0)])


def test_values_that_were_not_measured_teach_as_ever():
    refuse_impossible_runs([run(titer=nan, vcd=0.0)])


@pytest.mark.parametrize("wrong", [nan, inf])
def test_times_of_samples_are_finite(wrong):
    with pytest.raises(PerfusioError, match="finite hours"):
        Trajectory(reactor_id="R01", states=[make_state(day=wrong)])


# -- process.toml, and the command line -------------------------------------------------------------------------------


ENTRIES = {
    "working_volume = {}": "250.0", "sampling_flow = {}": "0.015", "clear_days = {}": "4",
    "[medium]\nglucose = {}": "5.0", "[media.lean]\nglucose = {}": "5.0",
    "[species.vcd]\nprior = {{mean = 10.0, sd = {}}}": "1.0",
    "[setpoints.perfusion_rate]\nallowed = {{low = 0.1, high = 2.0, nominal = 1.0, max_step = {}}}": "0.3",
    "[setpoints.glucose_setpoint]\nmax_flow = {}": "0.04",
    "[setpoints.glucose_setpoint]\ncomposition = {{glucose = {}}}": "400.0",
    "[[limits]]\nquantity = 'viability'\nprobability = 0.9\nlow = {}": "85.0",
    "[[limits]]\nquantity = 'viability'\nlow = 85.0\nprobability = {}": "0.9",
}  # fmt: skip
"""Lines of a process.toml with a number, and a usual one."""


@pytest.mark.parametrize("line", ENTRIES)
def test_numbers_of_a_process_file_are_checked(tmp_path, line):
    file = tmp_path / "process.toml"
    file.write_text(line.format(ENTRIES[line]))
    read_process(file)
    for wrong in ("nan", "-inf", "-1.0", "1e15"):
        file.write_text(line.format(wrong))
        with pytest.raises(PerfusioError) as refused:
            read_process(file)
        assert str(file) in str(refused.value), wrong


def commands(command, path=()):
    if hasattr(command, "commands"):
        for name, one in command.commands.items():
            yield from commands(one, (*path, name))
    else:
        yield " ".join(path), command


def numeric_options():
    for path, command in commands(get_command(app)):
        context = command.make_context(path, [], resilient_parsing=True)
        context.resilient_parsing = False
        for option in command.params:
            shown = option.display_type(context).lower()
            if "int" in shown or "float" in shown:
                yield path, option, context


ENDLESS = {
    "seed": "any seed is as good as another",
    "retrain_every": "later than the end of the run: never",
}
IN_THE_CONFIG = {"interval_hours": "held against the length of the run, with where it was set (RunConfig)"}


def test_no_option_takes_a_number_that_cannot_be_meant(capsys):
    tried = []
    for path, option, context in numeric_options():
        if option.name in IN_THE_CONFIG:
            continue
        for wrong in ("nan", "inf", "-1", *([] if option.name in ENDLESS else ["1000000000000"])):
            with pytest.raises((typer.BadParameter, PerfusioError)):
                raise AssertionError((path, option.name, wrong, option.process_value(context, wrong)))
        tried.append(f"perfusio {path} {option.opts[0]}")
    tried += [f"{thing.__qualname__}.{name}" for thing, name, _ in numbers()]
    print("\n".join(tried))  # noqa: T201 - the list of what was tried
    assert len(capsys.readouterr().out.splitlines()) == len(tried) > 100


# -- the one checker ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "more", "words"),
    [
        (nan, {}, "days = nan is not possible: expected a number from 1 to 365. Correct it."),
        (2.5, {"is_whole": True}, "days = 2.5 is not possible: expected a whole number from 1 to 365. Correct it."),
        (1, {"above": True}, "days = 1 is not possible: expected a number above 1 and up to 365. Correct it."),
        (True, {}, "days = 1 is not possible"),
        ("3", {}, "days = '3' is not possible"),
    ],
)
def test_one_sentence_says_value_and_range(value, more, words):
    with pytest.raises(PerfusioError) as refused:
        refuse_outside("days", value, 1, 365, **more)
    assert words in str(refused.value)

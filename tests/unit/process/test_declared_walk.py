"""A walk over everything in which people declare numbers: no numeric field is unchecked, and the list says so.

Each field is given NaN, inf, -1, a fraction, a million times too much, the wrong side and a contradiction; what is
taken all the same is named here with the reason.
"""

from dataclasses import fields, is_dataclass, replace
from math import inf, nan
from types import UnionType
from typing import Annotated, Union, get_args, get_origin, get_type_hints

import pytest

from perfusio.bed.shared_limits import SharedLimit
from perfusio.cli.experiment_file import connections, notification_settings, policy
from perfusio.config import AlarmLimits, Bounds, Constraint, DesignSpace, Objective, RunConfig
from perfusio.errors import PerfusioError
from perfusio.process import CHO_PERFUSION, Medium
from perfusio.process.facts import PerCell
from perfusio.process.feed import Feed
from perfusio.process.medium import Equipment
from perfusio.process.sound_numbers import MAY_BE
from perfusio.state import SPECIES, Setpoints
from perfusio.testing import make_state
from perfusio.trajectory import Trajectory
from perfusio.twin.samples.admission import Quarantine, admission

NOMINAL = DesignSpace.of(CHO_PERFUSION).nominal
SETTINGS = {
    Objective: {
        "kind": "track", "quantity": "vcd", "target": 30.0, "horizon_days": 3, "move_penalty": 0.1, "weight": 1.0
    },
    Constraint: {"quantity": "viability", "low": 95.0, "high": None, "probability": 0.98},
    AlarmLimits: {"quantity": "glucose", "warn": 1.0, "act": 0.3, "dead_band": 0.1, "delay_hours": 24.0},
    Bounds: {"low": 0.5, "high": 2.0, "nominal": 1.0, "max_step": 0.3},
    RunConfig: {
        "duration_days": 14, "sampling_interval_hours": 24.0, "retrain_every": 3, "plan_pieces": 1, "exploration": 0.1,
        "forecast_days": 28, "n_paths": 128, "seed": 1,
    },
    connections.FileSettings: {"path": "x.csv", "poll_seconds": 2.0, "timeout_seconds": 60.0},
    connections.SimulatedSettings: {"n_vessels": 2, "seed": 1},
    connections.OpcUaSettings: {"endpoint": "opc.tcp://x", "nodes": "n", "poll_seconds": 5.0, "timeout_seconds": 60.0},
    connections.SqlSettings: {
        "url": "x.db", "poll_seconds": 5.0, "timeout_seconds": 60.0, "acknowledge_seconds": 60.0
    },
    policy.SharedSettings: {"high": 4.0},
    policy.PolicySettings: {"kind": "model-free-mpc", "target": 30.0, "cspr": 0.025},
    notification_settings.EmailSettings: {"host": "h", "sender": "a@b", "to": ("a@b",), "port": 587},
}  # fmt: skip
TAKEN = {
    ("Objective", "weight", "too much"): "weights only compare objectives with one another",
    ("RunConfig", "retrain_every", "too much"): "later than the end of the run: never",
    ("RunConfig", "seed", "too much"): "any seed is as good as another",
    ("SimulatedSettings", "seed", "too much"): "the same",
}
"""What a settings field takes, and why."""


def numeric(hint):
    """Whether a field may hold a number."""
    if hint in (int, float):
        return True
    if get_origin(hint) is Annotated:
        return numeric(get_args(hint)[0])
    return get_origin(hint) in (Union, UnionType) and any(numeric(h) for h in get_args(hint))


def settings_fields():
    for cls, example in SETTINGS.items():
        for name, field in cls.model_fields.items():
            if numeric(field.annotation):
                yield cls, name, example.get(name)


def wrong_values(value):
    known = 1.0 if value is None else value
    return {"NaN": nan, "infinite": inf, "negative": -1, "too much": known * 1e6}


def made(cls, name, value):
    config = cls(**{**SETTINGS[cls], name: value})
    if cls is Bounds:  # of what they are bounds a design space says
        DesignSpace.of(CHO_PERFUSION, perfusion_rate=config)


@pytest.mark.parametrize(("cls", "name", "value"), list(settings_fields()), ids=str)
def test_no_setting_takes_a_number_that_cannot_be_meant(cls, name, value, record_property):
    for what, wrong in wrong_values(value).items():
        if (cls.__name__, name, what) in TAKEN:
            continue
        with pytest.raises(PerfusioError) as refused:
            made(cls, name, wrong)
        said = str(refused.value)
        assert "Input should" not in said
        assert "function-" not in said
        assert len(said) < 700
    record_property("field", f"{cls.__name__}.{name}")


def test_the_walk_knows_every_class_of_settings_with_numbers():
    modules = {cls.__module__ for cls in SETTINGS}
    for cls in all_settings():
        if cls.__module__ in modules and any(numeric(f.annotation) for f in cls.model_fields.values()):
            assert cls in SETTINGS, f"{cls.__name__} has numbers that this walk does not try"


def all_settings():
    from perfusio.frozen import Frozen

    found, waiting = [], [Frozen]
    while waiting:
        for cls in waiting.pop().__subclasses__():
            found.append(cls)
            waiting.append(cls)
    return found


# -- facts of a panel --------------------------------------------------------------------------------------------------


def facts():
    """Yield each numeric field of each kind of fact once, with the quantity that has it."""
    seen = set()
    for quantity in CHO_PERFUSION.quantities:
        parts = {"": quantity} | {f.name: getattr(quantity, f.name) for f in fields(quantity)}
        for part, fact in parts.items():
            if not is_dataclass(fact) or isinstance(fact, Medium):
                continue
            hints = get_type_hints(type(fact))
            for f in fields(fact):
                key = (type(fact).__name__, f.name)
                if f.init and numeric(hints[f.name]) and key not in seen:
                    seen.add(key)
                    yield quantity.name, part, f.name


def with_number(quantity, part, name, value):
    known = CHO_PERFUSION[quantity]
    changed = replace(getattr(known, part), **{name: value}) if part else None
    return CHO_PERFUSION.with_(replace(known, **({part: changed} if part else {name: value})))


ENDLESS = {"high", "max_flow", "least_level"}
DECIDED = {("", "low", "negative"): "a scale may go below 0"}


@pytest.mark.parametrize(("quantity", "part", "name"), list(facts()))
def test_no_fact_of_a_quantity_is_a_number_that_cannot_be_meant(quantity, part, name):
    value = getattr(getattr(CHO_PERFUSION[quantity], part) if part else CHO_PERFUSION[quantity], name)
    for what, wrong in wrong_values(value or 1.0).items():
        if (what in ("infinite", "too much") and name in ENDLESS) or (part, name, what) in DECIDED:
            continue
        with pytest.raises(PerfusioError):
            with_number(quantity, part, name, wrong)


def test_every_kind_of_fact_has_a_line_in_the_table():
    kinds = {(type(CHO_PERFUSION[q]) if not part else type(getattr(CHO_PERFUSION[q], part))).__name__
             for q, part, _ in facts()}  # fmt: skip
    assert kinds <= set(MAY_BE)
    tried = {(q, part, name) for q, part, name in facts()}
    for kind, names in MAY_BE.items():
        for name in names:
            assert any(n == name for _, _, n in tried) or kind == PerCell.__name__, (kind, name)


# -- what else people fill ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [nan, inf, -1.0, 1e9])
@pytest.mark.parametrize("name", ["glucose", "glutamine"])
def test_media_feeds_and_equipment_are_checked(name, wrong):
    with pytest.raises(PerfusioError):
        CHO_PERFUSION.with_(medium=Medium(**{name: wrong}))
    with pytest.raises(PerfusioError):
        Feed(fraction=0.1, **{name: wrong})
    with pytest.raises(PerfusioError):
        Feed(fraction=wrong)
    with pytest.raises(PerfusioError):
        Equipment(sampling_flow=wrong)
    with pytest.raises(PerfusioError):
        Equipment(working_volume=-1.0 if wrong == 1e9 else wrong)


@pytest.mark.parametrize("wrong", [inf, -1.0, 1e9])
@pytest.mark.parametrize("name", SPECIES)
def test_a_state_that_cannot_be_is_not_used(name, wrong):
    sample = make_state(day=1, **{name: wrong})
    found = admission(sample, Trajectory(reactor_id="R01").observe(make_state(day=0), NOMINAL), NOMINAL)
    assert isinstance(found, Quarantine)
    assert name in found.reason


@pytest.mark.parametrize("wrong", [nan, inf, -1.0, 1e9])
def test_setpoints_and_shared_limits_that_cannot_be_are_not_taken(wrong):
    space = DesignSpace.of(CHO_PERFUSION)
    for name in CHO_PERFUSION.setpoint_names:
        assert not space.contains(Setpoints.of(NOMINAL.with_values(**{name: wrong}).vector()))
    with pytest.raises(PerfusioError):
        SharedLimit(high=wrong, setpoint="perfusion_rate", reactors=())


# -- sides and contradictions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Constraint(quantity="viability", high=95.0), "dying cells"),
        (lambda: Constraint(quantity="viability", low=0.95), "did you mean 95"),
        (lambda: with_number("viability", "alarm", "act", 0.95), "did you mean 95"),
        (lambda: with_number("perfusion_rate", "allowed", "low", 3.0), "lies above"),
        (lambda: Objective(kind="track", quantity="vcd", target=3e7), "it is 30"),
        (
            lambda: RunConfig(
                duration_days=3,
                objective=(Objective(kind="maximize", quantity="titer"), Objective(kind="minimize", quantity="titer")),
            ),
            "contradict",
        ),
        (
            lambda: RunConfig(
                duration_days=3, objective=Objective(kind="track", quantity="ammonium", target=12.0)
            ),
            "outside of the limit",
        ),
        (lambda: RunConfig(duration_days=3, alarms="x"), "list"),
        (
            lambda: DesignSpace.of(CHO_PERFUSION, bleed_rate=Bounds(low=2.5, high=3.0, nominal=2.7, max_step=0.1)),
            "empty",
        ),
    ],
)
def test_the_wrong_side_and_contradictions_are_refused_in_one_paragraph(make, words):
    with pytest.raises(PerfusioError) as refused:
        make()
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_list_of_what_was_tried_can_be_printed(capsys):
    named = [f"{cls.__name__}.{name}" for cls, name, _ in settings_fields()]
    named += [f"{quantity}.{part}.{name}".replace("..", ".") for quantity, part, name in facts()]
    print("\n".join(named))  # noqa: T201 - the list of what was tried
    assert len(capsys.readouterr().out.splitlines()) == len(named) > 60

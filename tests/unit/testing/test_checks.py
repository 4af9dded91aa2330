"""Every shipped check passes what is sound, and fails on a planted bug of each promise that it stands for."""

import inspect
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from perfusio.config import DesignSpace, RunConfig
from perfusio.errors import ModelError
from perfusio.forecast import Forecast
from perfusio.hybrid.model import HybridModel
from perfusio.notify.channels import LogFile, NotDelivered
from perfusio.objective import objective_function
from perfusio.process.expressions.objective_function import ObjectiveFunction
from perfusio.protocols import Refit
from perfusio.tables.instruments.given import Reading
from perfusio.testing import (
    BrokenPromise,
    GrowingModel,
    SteadyModel,
    SteppingPolicy,
    check_acquisition,
    check_model,
    check_notifier,
    check_objective,
    check_policy,
    check_reader,
    functions,
    models,
    people_and_instruments,
    policies,
)

RNG = np.random.default_rng(0)
SPACE = DesignSpace.of(RunConfig(duration_days=1).process)


# -- models ------------------------------------------------------------


class Model:
    """A sound model around which bugs are planted; `state` is what a frozen model must not have."""

    def __init__(self, inner=None):
        self.inner, self.model_id = inner or GrowingModel(), "mine"

    def condition(self, trajectories):
        return self

    def refit(self, trajectories, *, seed):
        return Refit(type(self)(self.inner), 1.0, 1.0)

    def futures(self, trajectory, **options):
        return self.inner.futures(trajectory, **options)

    def rollout(self, trajectory, plans, **options):
        return tuple(map(self.forecast, self.inner.rollout(trajectory, plans, **options)))

    def forecast(self, found):
        return found


def faster(model):
    return replace(model, growth=2.0 * model.growth)


class NoRefit(Model):
    refit = None


class NumberedId(Model):
    def __init__(self, inner=None):
        super().__init__(inner)
        self.model_id = 1


class Conditioned(Model):
    def condition(self, trajectories):
        self.inner = faster(self.inner)
        return self


class Refitted(Model):
    def refit(self, trajectories, *, seed):
        self.inner = faster(self.inner)
        return Refit(self, 1.0, 1.0)


class SameName(Model):
    def refit(self, trajectories, *, seed):
        return Refit(type(self)(faster(self.inner)), 1.0, 1.0)


class BareModel(Model):
    def refit(self, trajectories, *, seed):
        return type(self)(self.inner)


class Crashing(Model):
    def refit(self, trajectories, *, seed):
        return {}["x"]


class OneForecast(Model):
    def rollout(self, trajectory, plans, **options):
        return super().rollout(trajectory, plans[:1], **options)


class Arrays(Model):
    def forecast(self, found):
        return found.mean


class FewPaths(Model):
    def forecast(self, found):
        return replace(found, samples=found.samples[:2])


class FromZero(Model):
    def forecast(self, found):
        return replace(found, times_h=found.times_h - found.times_h[0])


class OtherProcess(Model):
    def forecast(self, found):
        return replace(found, panel=found.panel.without("pyruvate", "pyruvate_feed"))


class Nan(Model):
    def forecast(self, found):
        return replace(found, mean=found.mean * np.nan)


class Negative(Model):
    def forecast(self, found):
        return Forecast.from_samples(found.times_h, -found.samples)


class OffMean(Model):
    def forecast(self, found):
        return replace(found, mean=found.mean + 100.0 + 100.0 * found.sd)


class Unseeded(Model):
    def rollout(self, trajectory, plans, *, seed, **options):
        return super().rollout(trajectory, plans, seed=int(RNG.integers(1 << 30)), **options)


class ByCount(Model):
    def rollout(self, trajectory, plans, *, seed, **options):
        return super().rollout(trajectory, plans, seed=seed + len(plans), **options)


@dataclass
class Played:
    inner: object
    scale: float = 1.0

    def play(self, plans):
        return self.inner.play(plans) * self.scale


class FlatFutures(Model):
    def futures(self, trajectory, **options):
        inner = super().futures(trajectory, **options)
        return type("Flat", (), {"play": lambda _, plans: inner.play(plans)[0]})()


class NanFutures(Model):
    def futures(self, trajectory, **options):
        return Played(super().futures(trajectory, **options), np.nan)


class UnseededFutures(Model):
    def futures(self, trajectory, *, seed, **options):
        return super().futures(trajectory, seed=int(RNG.integers(1 << 30)), **options)


class WornFutures(Model):
    def futures(self, trajectory, **options):
        inner, calls = super().futures(trajectory, **options), []

        def play(_, plans):
            calls.append(1)
            return inner.play(plans) * len(calls)

        return type("Worn", (), {"play": play})()


MODELS = {
    "has the methods of the protocol": NoRefit,
    "has a model_id that is a text": NumberedId,
    "is frozen: condition() changes nothing in the model it is called on": Conditioned,
    "is frozen: refit() changes nothing in the model it is called on": Refitted,
    "another model_id names a model that forecasts otherwise": SameName,
    "refit() returns a Refit": BareModel,
    "a refit that fails raises a ModelError": Crashing,
    "rollout() gives a forecast for each plan": OneForecast,
    "forecasts are of the class Forecast": Arrays,
    "a forecast has all paths, intervals and species (S, H, Q)": FewPaths,
    "a forecast is from the last sample on, an interval each": FromZero,
    "a forecast names its process": OtherProcess,
    "forecasts of a healthy vessel are finite": Nan,
    "no concentration and no count of cells is below 0": Negative,
    "the mean is that of the paths": OffMean,
    "the same seed draws the same paths": Unseeded,
    "a plan's forecast does not depend on the plans beside it": ByCount,
    "futures play plans to (G, S, H, Q)": FlatFutures,
    "futures of a healthy vessel are finite": NanFutures,
    "the same seed draws the same futures": UnseededFutures,
    "all plans are played on the same paths, in any order and company": WornFutures,
}


# -- policies ------------------------------------------------------------


class Policy(SteppingPolicy):
    """A sound policy around which bugs are planted."""

    def decide(self, trajectories, in_force, model, design_space, config, *, day):
        found = super().decide(trajectories, in_force, model, design_space, config, day=day)
        return {name: self.changed(answer, design_space, day) for name, answer in found.items()}

    def changed(self, answer, space, day):
        return answer


def answering(change):
    """A policy whose answers are changed."""
    return type("Changed", (Policy,), {"changed": lambda _, answer, space, day: change(answer, space)})


class Mute(Policy):
    decide = None


class Listing(Policy):
    def decide(self, *args, **options):
        return list(super().decide(*args, **options).values())


class Forgetting(Policy):
    def decide(self, *args, **options):
        found = super().decide(*args, **options)
        return dict(list(found.items())[:1]) if len(found) > 1 else found


class Meddling(Policy):
    def decide(self, trajectories, in_force, *args, **options):
        in_force["R01"] = in_force["R01"].with_values(bleed_rate=0.0)
        return super().decide(trajectories, in_force, *args, **options)


class Moody(Policy):
    moods = iter(range(1000))

    def changed(self, answer, space, day):
        return replace(answer, setpoints=answer.setpoints.with_values(bleed_rate=0.15 + 1e-4 * next(self.moods)))


def bleeding(value):
    return answering(lambda a, space: replace(a, setpoints=a.setpoints.with_values(bleed_rate=value)))


def drained(answer, space):
    return replace(answer, setpoints=space.nominal.with_values(perfusion_rate=space.nominal.perfusion_rate + 1.0))


POLICIES = {
    "has the method of the protocol": Mute,
    "answers with a mapping by vessel": Listing,
    "answers for each vessel that is asked about, and no other": Forgetting,
    "changes nothing of what it is given": Meddling,
    "decides the same again, so that a record can be replayed": Moody,
    "answers with a Decision or a PerfusioError": answering(lambda a, space: a.setpoints),
    "a decision names its vessel": answering(lambda a, space: replace(a, reactor_id="R09")),
    "setpoints come as Setpoints": answering(lambda a, space: replace(a, setpoints=a.setpoints.by_name())),
    "every setpoint is a number": bleeding(np.nan),
    "setpoints lie in the design space and keep the volume balance": bleeding(9.0),
    "no setpoint moves by more than its largest step": answering(drained),
    "the score is a number": answering(lambda a, space: replace(a, score=np.nan)),
    "both forecasts are finite": answering(
        lambda a, space: replace(a, hold=replace(a.hold, mean=a.hold.mean * np.nan))
    ),
    "forecasts are as long as the run asks": answering(
        lambda a, space: replace(a, hold=Forecast.from_samples(a.hold.times_h[:1], a.hold.samples[:, :1]))
    ),
    "a decision names its model": answering(lambda a, space: replace(a, model_id="another")),
    "says why in a sentence": answering(lambda a, space: replace(a, reason=replace(a.reason, text=" "))),
}


# -- functions ------------------------------------------------------------


def objective(function):
    return objective_function(unit="mg/L", direction="maximize")(function)


def doubling(titer):
    titer *= 2.0
    return titer


OBJECTIVES = {
    "is an ObjectiveFunction, with unit and direction": lambda titer: titer,
    "needs quantities that CHO cells in perfusion has": objective(lambda gold: gold),
    "does not fail on plausible forecasts": objective(lambda titer: {}["x"]),
    "gives a value for each element": objective(lambda titer: titer.mean(axis=1)),
    "is a number on plausible forecasts": objective(lambda titer: np.log(-titer)),
    "changes nothing of what it is given": objective(doubling),
    "gives the same again": objective(lambda titer: titer * RNG.random()),
    "computes each element from the same element of the others alone": objective(lambda titer: titer - titer.mean()),
    "depends on the quantities that it names": objective(lambda titer: 0.0 * titer),
}


def mean(improvement):
    return improvement.mean(axis=(1, 2))


ACQUISITIONS = {
    "does not fail": lambda improvement: {}["x"],
    "gives a value for each candidate": lambda improvement: improvement.mean(axis=2),
    "is a number": lambda improvement: mean(improvement) * np.nan,
    "gives the same again": lambda improvement: mean(improvement) * RNG.random(),
    "values a candidate alike, whatever is beside it": lambda improvement: mean(improvement) - mean(improvement).mean(),
    "values a candidate higher that is better on every path": lambda improvement: -mean(improvement),
}


# -- notifiers and readers ------------------------------------------------------------


class Nameless(LogFile):
    name = ""


class Silent(LogFile):
    def deliver(self, subject, body):
        pass


def failing(error):
    class Failing(LogFile):
        def deliver(self, subject, body):
            try:
                super().deliver(subject, body)
            except NotDelivered:
                if error is not None:
                    raise error from None

    return Failing


NOTIFIERS = {
    "has a name": Nameless,
    "delivers the subject": Silent,
    "says of a failure which notifier it was": failing(NotDelivered("it failed")),
    "raises NotDelivered where it cannot deliver": failing(OSError("it failed")),
    "raises NotDelivered where it cannot deliver, not nothing": failing(None),
}
SHEET = [["BENCH"], ["HOURS", "GLC"], ["0", "5.0"], ["24", "4.0"]]


def reader(*, rows=None, columns=None, strict=True, change=None):
    """A sound reader, or one with a bug."""

    def read(given):
        if strict and (not given or given[0] != ["BENCH"]):
            return None
        if change:
            change(given)
        told = [list(row) for row in given[1:]] if rows is None else rows
        return Reading(rows=told, columns={"HOURS": "time [h]", "GLC": "glucose [g/L]"} if columns is None else columns)

    return read


def unforgiving(given):
    return reader()(given) if given[0] == ["BENCH"] else {}["x"]


def spoiling(given):
    given[2][1] = "9"


READERS = {
    "knows a sheet of its instrument": lambda rows: None,
    "changes nothing of what it is given": reader(change=spoiling),
    "gives the header and the rows": reader(rows=[]),
    "names columns that are in the header": reader(columns={"GLUC": "glucose [g/L]"}),
    "names quantities of the process": reader(columns={"GLC": "gold [g/L]"}),
    "says the unit of each quantity": reader(columns={"GLC": "glucose"}),
    "invents no value": reader(rows=[["HOURS", "GLC"], ["0", "5.5"]]),
    "returns None for the table of somebody else": reader(strict=False),
    "returns None for an empty sheet": lambda given: reader(strict=False)(SHEET) if not given else reader()(given),
    "returns None where it does not know a sheet": unforgiving,
}


# -- the table ------------------------------------------------------------


def of_notifier(cls, folder):
    log = folder / "log.txt"

    def delivered(text):
        return log.exists() and text in log.read_text()

    check_notifier(lambda: cls(log), delivered=delivered, breaks=lambda: cls(folder / "no" / "log.txt"))


CHECKS = {
    "model": (MODELS, lambda bug, _: check_model(bug)),
    "policy": (POLICIES, lambda bug, _: check_policy(bug)),
    "objective": (OBJECTIVES, lambda bug, _: check_objective(bug)),
    "acquisition function": (ACQUISITIONS, lambda bug, _: check_acquisition(bug)),
    "notifier": (NOTIFIERS, of_notifier),
    "instrument reader": (READERS, lambda bug, _: check_reader(bug, SHEET)),
}
TABLE = [(part, promise) for part, (bugs, _) in CHECKS.items() for promise in bugs]


@pytest.mark.parametrize(("part", "promise"), TABLE)
def test_a_planted_bug_of_each_promise_is_found(part, promise, tmp_path):
    bugs, check = CHECKS[part]
    said = re.escape(f"{part} promise broken: {promise.partition(', not nothing')[0]}")
    with pytest.raises(BrokenPromise, match=said):
        check(bugs[promise], tmp_path)


def test_the_table_has_every_promise_of_every_check():
    sources = "".join(inspect.getsource(m) for m in (models, policies, functions, people_and_instruments))
    found = re.findall(r'promise=f?"([^"]+)"', sources)
    promises = {promise.replace("{panel.name}", "CHO cells in perfusion") for promise in found}
    assert len(promises) > 50
    assert {promise.partition(", not nothing")[0] for _, promise in TABLE} == promises


# -- what is sound passes ------------------------------------------------------------


@pytest.mark.parametrize("make", [SteadyModel, GrowingModel, Model, HybridModel.prior])
def test_sound_models_pass(make):
    check_model(make)


class Modest(Model):
    def refit(self, trajectories, *, seed):
        raise ModelError("Four days teach nothing.")


def test_a_model_that_learns_nothing_from_little_says_so():
    check_model(Modest)


def test_sound_policies_pass():
    check_policy(SteppingPolicy)


def test_our_own_policy_passes():
    from perfusio.bed.policy import BEDPolicy

    check_policy(BEDPolicy)


def test_sound_functions_notifiers_and_readers_pass(tmp_path):
    check_objective(objective(lambda titer, perfusion_rate, cspr: titer * perfusion_rate + cspr))
    assert isinstance(objective(lambda titer: titer), ObjectiveFunction)
    check_acquisition(mean)
    of_notifier(LogFile, tmp_path)
    check_reader(reader(), SHEET)


def test_every_check_is_shipped():
    import perfusio.testing

    checks = sorted(n for n in perfusio.testing.__all__ if n.startswith("check_"))
    assert len(checks) == 7
    page = Path(__file__).parents[3] / "docs" / "extending.md"
    assert all(f"`{name}`" in page.read_text(encoding="utf-8") for name in checks)

"""The check that every policy must pass, whoever wrote it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from perfusio.config import DesignSpace, RunConfig
from perfusio.decision import Decision
from perfusio.errors import PerfusioError
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.protocols import Model, Policy
from perfusio.state import Setpoints
from perfusio.testing.fakes import GrowingModel
from perfusio.testing.models import example_trajectory
from perfusio.testing.promises import promised

_expect = partial(promised, part="policy")
NAMES = ("R01", "R02")


def check_policy(
    make: Callable[[], Policy],
    *,
    panel: Panel = CHO_PERFUSION,
    config: RunConfig | None = None,
    model: Model | None = None,
) -> None:
    """Check that the policies from `make` keep the promises of the Policy protocol.

    Two vessels are decided for on two days, together and alone, in a design space, and again in one that is closed.

    Args:
        make: Returns a new policy, each time it is called.
        panel: The process that is decided for.
        config: Of the run; default: few paths and a short horizon.
        model: That the policy asks; default: `GrowingModel`.

    Raises:
        BrokenPromise: a promise is broken; the message says which, and the finding.
    """
    config = config or RunConfig(duration_days=4, forecast_days=3, n_paths=16, process=panel)
    asked_of, space = model or _usual(), DesignSpace.of(panel)
    vessels = {name: example_trajectory(panel, reactor=name) for name in NAMES}
    policy = make()
    _expect(callable(getattr(policy, "decide", None)), promise="has the method of the protocol", found="no decide")

    def decide(which: tuple[str, ...], on: DesignSpace, day: int, who: Policy = policy) -> Mapping[str, object]:
        in_force = dict.fromkeys(NAMES, on.nominal)
        asked = {name: vessels[name] for name in which}
        before = repr((asked, in_force, config.model_dump_json()))
        found = who.decide(asked, in_force, asked_of, on, config, day=day)
        _expect(
            repr((asked, in_force, config.model_dump_json())) == before,
            promise="changes nothing of what it is given",
        )  # fmt: skip
        return found

    for day in (0, 1):
        found = decide(NAMES, space, day)
        _check_answers(found, NAMES, space, config, asked_of)
        again = decide(NAMES, space, day, make())
        _expect(_alike(found, again), promise="decides the same again, so that a record can be replayed")
    alone = decide(NAMES[:1], space, 1)
    _check_answers(alone, NAMES[:1], space, config, asked_of)
    closed = space.holding(**{n: getattr(space.nominal, n) for n in panel.setpoint_names})
    _check_answers(decide(NAMES, closed, 0), NAMES, closed, config, asked_of)


def _usual() -> Model:
    return GrowingModel()


def _check_answers(
    found: object, which: tuple[str, ...], space: DesignSpace, config: RunConfig, model: Model
) -> None:
    _expect(isinstance(found, Mapping), promise="answers with a mapping by vessel", found=type(found).__name__)
    assert isinstance(found, Mapping)
    _expect(
        set(found) == set(which), promise="answers for each vessel that is asked about, and no other",
        found=", ".join(map(str, found)) or "none",
    )  # fmt: skip
    for name, answer in found.items():
        if not isinstance(answer, PerfusioError):
            _check_decision(answer, name, space, config, model)


def _check_decision(answer: object, name: str, space: DesignSpace, config: RunConfig, model: Model) -> None:
    _expect(
        isinstance(answer, Decision), promise="answers with a Decision or a PerfusioError", found=type(answer).__name__
    )
    assert isinstance(answer, Decision)
    _expect(answer.reactor_id == name, promise="a decision names its vessel", found=answer.reactor_id)
    _expect(isinstance(answer.setpoints, Setpoints), promise="setpoints come as Setpoints")
    values = answer.setpoints.vector()
    _expect(bool(np.isfinite(values).all()), promise="every setpoint is a number", found=str(answer.setpoints))
    _expect(
        space.contains(answer.setpoints), promise="setpoints lie in the design space and keep the volume balance",
        found=str(answer.setpoints),
    )  # fmt: skip
    low, high = space.reachable(space.nominal)
    within = (values >= low - 1e-9) & (values <= high + 1e-9)
    _expect(bool(within.all()), promise="no setpoint moves by more than its largest step", found=str(answer.setpoints))
    _expect(bool(np.isfinite(answer.score)), promise="the score is a number", found=str(answer.score))
    finite = answer.chosen.is_finite() and answer.hold.is_finite()
    _expect(bool(finite), promise="both forecasts are finite")
    n = round(config.forecast_days * 24.0 / config.sampling_interval_hours)
    _expect(
        len(answer.chosen.times_h) == len(answer.hold.times_h) == n, promise="forecasts are as long as the run asks",
        found=f"{len(answer.chosen.times_h)} and {len(answer.hold.times_h)} intervals, expected {n}",
    )  # fmt: skip
    _expect(answer.model_id == model.model_id, promise="a decision names its model", found=answer.model_id)
    _expect(bool(answer.reason.text.strip()), promise="says why in a sentence")


def _alike(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    for name, a in one.items():
        b = other.get(name)
        if isinstance(a, Decision) and isinstance(b, Decision):
            if not np.allclose(a.setpoints.vector(), b.setpoints.vector(), rtol=1e-9, atol=1e-12):
                return False
        elif type(a) is not type(b):
            return False
    return True



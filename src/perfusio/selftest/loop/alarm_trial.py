"""T20: a fleet in good order raises few alarms, all true by the plant's log; real troubles are told within a day."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.events import AlarmRaised, Event, ModelConditioned
from perfusio.plant.conditions import Disturbance
from perfusio.plant.medium import Equipment
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.selftest.promises import Tried
from perfusio.state import State
from perfusio.twin.alarms.conduct import CONTROLLER, NOT_HELD, TARGET, TOO_HIGH, TOO_LOW
from perfusio.twin.alarms.filtered import CLEARLY, noise_sd
from perfusio.twin.digital_twin import DigitalTwin

FULL, QUICK = (24, 22), (2, 6)
"""Vessels and days of the fleet in good order."""
MOST_ALARMS = 25
N_DAYS, FROM_DAY = 16, 8.0
TROUBLES: tuple[tuple[str, float], ...] = (
    ("death_rate", 10.0), ("growth_max", 0.2), ("lactate_yield", 2.5), ("death_rate", 30.0), ("growth_max", 0.05),
    ("glucose_maintenance", 10.0), ("ammonium_other", 60.0), ("death_shear", 300.0), ("glucose_growth", 25.0),
)  # fmt: skip
"""Constants of the plant that change for good on a day, one vessel each; a last vessel has no glucose pump."""
TOLD_WITHIN = 1
"""Turns after a trouble is to be seen in readings."""
_LEVELS = CHO_PERFUSION.alarms
_CELLS = CHO_PERFUSION.the("cells")
_HELD = CHO_PERFUSION.the("held_concentration")


@dataclass(slots=True)
class Log:
    """The plant's own log beside the alarms of a run.

    Attributes:
        rig: The plant.
        truth: True states by turn and reactor.
        alarms: As raised.
    """

    rig: SimulatedAmbr250
    truth: list[Mapping[str, State]] = field(default_factory=list)
    alarms: list[AlarmRaised] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        """Note an event."""
        if isinstance(event, ModelConditioned):
            self.truth.append(self.rig.true_states())
        elif isinstance(event, AlarmRaised):
            self.alarms.append(event)


def watched(rig: SimulatedAmbr250, n_days: int, folder: Path) -> Log:
    """Run the default twin on a rig, and keep the plant's log beside its alarms."""
    log = Log(rig)
    config = RunConfig(duration_days=n_days, n_paths=64, run_dir=folder)
    twin = DigitalTwin(
        connector=rig, design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config, observers=(log,)
    )  # fmt: skip
    asyncio.run(twin.run())
    return log


def is_true(alarm: AlarmRaised, log: Log) -> bool:
    """Whether the plant's own log confirms an alarm: within its lead, and to the noise of one reading."""
    turn, name = alarm.turn or 0, alarm.quantity.rpartition(" ")[2]
    reactor = alarm.reactor or alarm.reason.partition(" ")[0]
    ahead = log.truth[max(0, turn - 2) : turn + 1 + int(np.ceil(alarm.lead_days))]
    states = [states[reactor] for states in ahead]
    if alarm.quantity in _LEVELS:
        is_lower = _LEVELS[name].act < _LEVELS[name].warn
        off = [(s, getattr(s, name) - alarm.limit) for s in states]
        return bool(any((-d if is_lower else d) > -noise_sd(s, name, getattr(s, name)) for s, d in off))
    if alarm.quantity.startswith(TARGET):
        shares = [getattr(s, name) / alarm.limit for s in states]
        return bool(min(shares) < 1.1 * TOO_LOW or max(shares) > 0.9 * TOO_HIGH)
    if alarm.quantity.startswith(CONTROLLER):
        return any(getattr(s, _held_of()) < 1.2 * NOT_HELD * alarm.limit for s in states)
    return True  # of samples and of what was not measured the record itself is the log


def _held_of() -> str:
    return next(s.of for s in CHO_PERFUSION.setpoints if s.name == _HELD)


def seen_at(reactor: str, log: Log, target: float = 30.0) -> int | None:
    """Return the turn from which on a trouble is to be seen in readings, None if it never is."""
    states = [s[reactor] for s in log.truth]
    for turn in range(2, len(states)):
        for name in CHO_PERFUSION.alarmed:
            level, value = _LEVELS[name], getattr(states[turn], name)
            sign = -1.0 if level.act < level.warn else 1.0
            if sign * (value - level.act) > CLEARLY * noise_sd(states[turn], name, value):
                return turn
        if turn > FROM_DAY + 2:
            shares = [getattr(s, _CELLS) / target for s in states[turn - 2 : turn + 1]]
            if max(shares) < TOO_LOW or min(shares) > TOO_HIGH:
                return turn
        held = [getattr(s, _held_of()) for s in states[turn - 2 : turn + 1]]
        if max(held) < NOT_HELD * DEFAULT_AMBR250_DESIGN_SPACE.bounds[_HELD].low:
            return turn
    return None


def told_late(log: Log, names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the troubles that were not told within a day of being seen, and those that never were to be seen."""
    late, unseen = [], []
    for reactor, name in zip(log.truth[0], names, strict=True):
        seen = seen_at(reactor, log)
        if seen is None:
            unseen.append(name)
            continue
        turns = [a.turn or 0 for a in log.alarms if a.reactor == reactor]
        if not any(turn <= seen + TOLD_WITHIN for turn in turns):
            late.append(f"{name} (seen on day {seen}, told on {min(turns, default=None)})")
    return late, unseen


def alarm_trial(is_full: bool) -> Tried:
    """Try a fleet in good order, and one in which each vessel has a trouble of its own."""
    n_vessels, n_days = FULL if is_full else QUICK
    troubles = TROUBLES if is_full else TROUBLES[:2]
    with TemporaryDirectory() as folder:
        good = watched(SimulatedAmbr250(n_vessels=n_vessels, days=n_days, seed=1), n_days, Path(folder) / "good")
        untrue = [a for a in good.alarms if not is_true(a, good)]
        happens = [Disturbance(day=FROM_DAY, parameter=p, factor=f, vessel=i) for i, (p, f) in enumerate(troubles)]
        pump = np.array([*[0.04] * len(troubles), 0.0])
        rig = SimulatedAmbr250(
            n_vessels=len(pump), days=N_DAYS, seed=2, disturbances=happens,
            equipment=[Equipment(concentrate_max_flow=float(flow)) for flow in pump],
        )  # fmt: skip
        bad = watched(rig, N_DAYS, Path(folder) / "bad")
    late, unseen = told_late(bad, [*(p for p, _ in troubles), "no glucose pump"])
    n_failed = len(untrue) + len(late) + max(0, len(good.alarms) - MOST_ALARMS)
    words = f"{len(good.alarms)} alarms of {n_vessels} vessels in {n_days} days, {len(untrue)} untrue"
    words += "".join(f" ({a.reactor} on turn {a.turn}: {a.reason})" for a in untrue[:3])
    words += f"; {len(pump)} troubles, late: {', '.join(late) or 'none'}; not to be seen: {', '.join(unseen) or 'none'}"
    return Tried(
        id="T20", promise="alarms are few and true, and real troubles are told within a day",
        n_tried=max(1, len(good.alarms)) + len(pump), n_failed=n_failed, note=words,
    )  # fmt: skip

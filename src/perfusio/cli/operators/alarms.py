"""`perfusio alarms`: the alarms of a run, standing and over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.operators.hold import RunFolder

if TYPE_CHECKING:
    from perfusio.twin.alarms.alarm_list import AlarmState

FOLD_AT = 4
_OF_ALARMS = ("RunStarted", "AlarmRaised", "AlarmChanged")  # the first says of which process they are


def alarms(
    run: RunFolder,
    every: Annotated[bool, typer.Option("--all/--open", help="Also those that are over.")] = False,
) -> None:
    """Print the alarms of a run from its record: cause, consequence, response; the most urgent first.

    An alarm that four vessels or more have alike is printed once for all of them.
    """
    from perfusio.errors import ConfigError
    from perfusio.record.verification.verify import read_records
    from perfusio.twin.alarms.alarm_list import alarm_states, rolled_up

    place = run / "audit.jsonl"
    if not place.exists():
        raise ConfigError(f"{run} holds no run: expected its audit.jsonl. Give the folder of the run.")
    states = alarm_states(r.to_event() for r in read_records(place) if r.event in _OF_ALARMS)
    wanted = [s for s in states if every or not s.is_over]
    n_over = sum(s.is_over for s in states)
    for state, vessels in rolled_up(wanted):
        if len(vessels) >= FOLD_AT:
            _say(state, f"{len(vessels)} vessels ({', '.join(vessels)})")
        else:
            for alike in (s for s in wanted if (s.id, s.status) == (state.id, state.status)):
                _say(alike, alike.reactor)
    echo(f"{len(states) - n_over} alarms are open, {n_over} are over.")


def _say(state: AlarmState, where: str) -> None:
    often = f", {state.n_times} times" if state.n_times > 1 else ""
    who = f" by {state.who}" if state.who else ""
    what = f"{where or 'The run'}: {state.id}, priority {state.priority}, {state.status}{who}"
    echo(f"{what}, since {state.since}{often}")
    echo(f"  {state.cause}\n  {state.consequence}\n  {state.response}")

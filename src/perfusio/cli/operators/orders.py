"""`perfusio mode`, `approve`, `reject`, `acknowledge`, `adopt`, `accept`, `enter`: a person's decisions about a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.operators.hold import Reactor, RunFolder, Who, Why
from perfusio.cli.options import LATEST_H

if TYPE_CHECKING:
    from perfusio.events import Decided
    from perfusio.twin.run_view import RunView

OF_THE_RUN = "-"
"""In place of a vessel: an alarm of the run itself."""
OneReactor = Annotated[str, typer.Argument(help="Which vessel.", metavar="REACTOR")]


def mode(
    run: RunFolder,
    reactor: OneReactor,
    wanted: Annotated[str, typer.Argument(help="manual, advisory, automatic or hold.", metavar="MODE")],
    who: Who,
    why: Why,
) -> None:
    """Change who may write to a vessel: nobody (manual, hold), a person (advisory), or the twin (automatic).

    A running twin does so within a second; one that is stopped, when it is resumed. Any mode but hold also ends a hold
    of this vessel. Hold is at once, as `perfusio hold`.
    """
    from perfusio.cli.operators.asking import ask, opened
    from perfusio.cli.operators.hold import hold
    from perfusio.config import Mode
    from perfusio.twin.operators.orders import Order

    if wanted == Mode.HOLD.value:
        hold(run, who, why, reactor)
        return
    seen, vessel = opened(run, reactor)
    ask(seen, Order(act="mode", reactor=vessel, value=wanted, who=who, why=why), done=f"now {wanted}")


def approve(
    run: RunFolder,
    reactor: OneReactor,
    who: Who,
    why: Why,
    instead: Annotated[
        list[str] | None,
        typer.Option("--set", help="A value of yours instead of the advised one; repeatable.", metavar="NAME=VALUE"),
    ] = None,
) -> None:
    """Have the latest advice for a vessel written, if the guard still lets it pass.

    Advice can be approved until the next sample comes. Values that you set must keep the same limits.
    """
    values = dict(_value(one) for one in instead or ())
    _on_advice("modify" if values else "approve", run, reactor, who, why, values)


def _value(text: str) -> tuple[str, float]:
    from perfusio.errors import ConfigError

    name, _, value = (part.strip() for part in text.partition("="))
    try:
        return name, float(value)
    except ValueError as error:
        raise ConfigError(f"--set {text}: expected NAME=VALUE, a number in the unit of the setpoint.") from error


def reject(run: RunFolder, reactor: OneReactor, who: Who, why: Why) -> None:
    """Put on record that the latest advice for a vessel is not followed, and why."""
    _on_advice("reject", run, reactor, who, why)


def acknowledge(
    run: RunFolder,
    reactor: OneReactor,
    alarm: Annotated[str, typer.Argument(help="Which, e.g. viability:act (see perfusio alarms).", metavar="ALARM")],
    who: Who,
    why: Why,
    shelve_hours: Annotated[float, typer.Option(help="Shelve it for this long [h].", min=0.0, max=48.0)] = 0.0,
) -> None:
    """Put on record that a person has seen an alarm, and shelve it if need be."""
    from perfusio.cli.operators.asking import ask, opened
    from perfusio.errors import ConfigError
    from perfusio.twin.operators.orders import Order

    seen, vessel = opened(run, "" if reactor == OF_THE_RUN else reactor)
    active = sorted(f"{quantity}:{level}" for of, quantity, level in seen.run_state.alarms if of == vessel)
    if alarm not in active:
        raise ConfigError(f"{vessel or 'The run'} has no such alarm now. Active: {', '.join(active) or 'none'}.")
    act = "shelve" if shelve_hours else "acknowledge"
    done = f"{alarm} is shelved for {shelve_hours:g} h" if shelve_hours else f"{alarm} is acknowledged"
    ask(seen, Order(act=act, reactor=vessel, value=alarm, who=who, why=why, hours=shelve_hours), done=done)


def adopt(run: RunFolder, who: Who, why: Why) -> None:
    """Take the refit of the model that waits for approval into use (model_update = "approve")."""
    from perfusio.cli.operators.asking import ask, opened
    from perfusio.twin.operators.orders import Order

    seen, _ = opened(run)
    ask(seen, Order(act="adopt", reactor="", who=who, why=why), done="The refit is in use")


def accept(
    run: RunFolder,
    reactor: OneReactor,
    who: Who,
    why: Why,
    hour: Annotated[
        float | None,
        typer.Option(
            help="Culture time of the sample [h]; default: the latest that was refused.", min=0.0, max=LATEST_H
        ),
    ] = None,
) -> None:
    """Take a sample into use that was quarantined, because you know that it is right.

    It counts from the next update of the model; nothing is decided anew for its day. Values that no culture can have
    are not accepted: give the sample again.
    """
    from perfusio.cli.operators.asking import ask, opened
    from perfusio.errors import ConfigError
    from perfusio.twin.operators.orders import Order

    seen, vessel = opened(run, reactor)
    known = seen.run_state.quarantined
    hours = sorted(h for of, h in known if of == vessel)
    if not hours or (hour is not None and hour not in hours):
        found = ", ".join(f"{h:g} (culture day {h / 24.0:.3g})" for h in hours) or "none"
        raise ConfigError(f"No such sample of {vessel} is quarantined. Found, by hour of culture: {found}.")
    wanted = hours[-1] if hour is None else hour
    values = ", ".join(f"{name} {value:.4g}" for name, value in known[vessel, wanted].measured().items())
    echo(f"{vessel}: the sample of hour {wanted:g}, culture day {wanted / 24.0:.3g}: {values}.")
    ask(seen, Order(act="accept", reactor=vessel, value=repr(wanted), who=who, why=why), done="it is in use")


def enter(
    run: RunFolder,
    reactor: OneReactor,
    who: Who,
    why: Why,
    at: Annotated[float, typer.Option(help="Culture time of the sample [h].", min=0.0, max=LATEST_H)],
    value: Annotated[
        list[str],
        typer.Option(help="A measured value, its unit may follow; repeatable, e.g. 'glucose=4.6 g/L'.",
                     metavar="NAME=VALUE"),
    ],
) -> None:  # fmt: skip
    """Enter values of a sample by hand: today's where its file does not come, or others for a known time.

    They are judged like those of a file, and go on record with your name. A value for a known time corrects it.
    """
    from perfusio.cli.operators.asking import ask, opened
    from perfusio.errors import ConfigError
    from perfusio.tables.typed_values import typed_values
    from perfusio.twin.operators.orders import Order

    seen, vessel = opened(run, reactor)
    given = [[part.strip() for part in one.partition("=")[::2]] for one in value]
    names = [name for name, _ in given]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"--value {twice[0]}: given twice. Give each quantity once.")
    measured = typed_values(dict(given), seen.config.process)
    order = Order(act="enter", reactor=vessel, value=repr(at), who=who, why=why, measured=measured)
    ask(seen, order, done="entered")


def note(run: RunFolder, who: Who, why: Why, reactor: Reactor = None) -> None:
    """Put an event on record that only people know of: foam, a changed bottle. Say it with --why."""
    from perfusio.cli.operators.asking import ask, opened
    from perfusio.twin.operators.orders import Order

    seen, vessel = opened(run, reactor or "")
    ask(seen, Order(act="note", reactor=vessel, who=who, why=why), done="noted")


def _on_advice(
    act: str, run: Path, reactor: str, who: str, why: str, values: Mapping[str, float] = MappingProxyType({})
) -> None:
    from perfusio.cli.operators.asking import ask, opened
    from perfusio.twin.operators.orders import Order

    seen, vessel = opened(run, reactor)
    advice = _advice(seen, vessel)
    echo(f"{vessel}: the advice of {_when(advice)}: {_in_words(advice)}.")
    is_write = act in ("approve", "modify")
    ask(
        seen, Order(act=act, reactor=vessel, value=advice.key, who=who, why=why, setpoints=dict(values)),
        done="approved" if is_write else "rejected", key=advice.key if is_write else "",
    )  # fmt: skip


def _advice(seen: RunView, vessel: str) -> Decided:
    from perfusio.errors import ConfigError

    known = seen.run_state
    if vessel not in known.advised:
        raise ConfigError(
            f"No advice for {vessel} waits: it was acted upon, a new sample came, or the vessel is in mode "
            f"{known.noted[vessel].value}. The next one comes with its next sample."
        )
    return known.advised[vessel]


def _when(advice: Decided) -> str:
    return f"turn {advice.turn}" if advice.culture_day is None else f"culture day {advice.culture_day:.3g}"


def _in_words(advice: Decided) -> str:
    panel = advice.setpoints.panel
    return ", ".join(f"{name} {value:.4g} {panel[name].unit}" for name, value in advice.setpoints.by_name().items())

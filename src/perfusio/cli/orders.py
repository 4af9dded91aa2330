"""`perfusio mode`, `approve`, `reject`, `acknowledge`, `adopt`, `accept`: what a person decides about a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.hold import RunFolder, Who, Why

if TYPE_CHECKING:
    from perfusio.events import Decided

OneReactor = Annotated[str, typer.Argument(help="Which vessel.", metavar="REACTOR")]


def mode(
    run: RunFolder,
    reactor: OneReactor,
    wanted: Annotated[str, typer.Argument(help="manual, advisory, automatic or hold.", metavar="MODE")],
    who: Who,
    why: Why,
) -> None:
    """Change who may write to a vessel: nobody (manual, hold), a person (advisory), or the twin (automatic).

    A running twin does so within a second; one that is stopped, when it is resumed. Any mode but hold also ends a hold.
    """
    from perfusio.twin.orders import Order, give

    give(run, Order(act="mode", reactor=reactor, value=wanted, who=who, why=why))
    typer.echo(f"{reactor}: {wanted} is ordered. The record says when it is so (ModeChanged).")


def approve(run: RunFolder, reactor: OneReactor, who: Who, why: Why) -> None:
    """Have the latest advice for a vessel written, if the guard still lets it pass.

    Advice can be approved until the next sample comes.
    """
    _on_advice("approve", run, reactor, who, why)


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
    from perfusio.twin.orders import Order, give

    act = "shelve" if shelve_hours else "acknowledge"
    give(run, Order(act=act, reactor=reactor, value=alarm, who=who, why=why, hours=shelve_hours))
    typer.echo(f"{reactor}: {alarm}: {act} is ordered. The record says what became of it (AlarmChanged).")


def adopt(run: RunFolder, who: Who, why: Why) -> None:
    """Take the refit of the model that waits for approval into use (model_update = "approve")."""
    from perfusio.twin.orders import Order, give

    give(run, Order(act="adopt", reactor="", who=who, why=why))
    typer.echo("The refit is ordered into use. The record says when it is (ModelFitted).")


def accept(
    run: RunFolder,
    reactor: OneReactor,
    who: Who,
    why: Why,
    hour: Annotated[
        float | None, typer.Option(help="Culture time of the sample [h]; default: the latest that was refused.")
    ] = None,
) -> None:
    """Take a sample into use that was quarantined, because you know that it is right.

    It counts from the next update of the model; nothing is decided anew for its day. Values that no culture can have
    are not accepted: give the sample again.
    """
    from perfusio.errors import ConfigError
    from perfusio.twin.orders import Order, give
    from perfusio.twin.resume import outline

    known = outline(run).run_state.quarantined
    hours = sorted(h for of, h in known if of == reactor)
    if not hours or (hour is not None and hour not in hours):
        found = ", ".join(f"{h:g}" for h in hours) or "none"
        raise ConfigError(f"No such sample of {reactor} is quarantined. Found, by hour of culture: {found}.")
    wanted = hours[-1] if hour is None else hour
    give(run, Order(act="accept", reactor=reactor, value=repr(wanted), who=who, why=why))
    values = ", ".join(f"{name} {value:.4g}" for name, value in known[reactor, wanted].measured().items())
    typer.echo(f"{reactor}: the sample of hour {wanted:g} is ordered into use ({values}).")
    typer.echo("The record says when it is (SampleAccepted).")


def _on_advice(act: str, run: Path, reactor: str, who: str, why: str) -> None:
    from perfusio.twin.orders import Order, give

    advice = _advice(run, reactor)
    give(run, Order(act=act, reactor=reactor, value=advice.key, who=who, why=why))
    done = "is ordered to be written" if act == "approve" else "is rejected"
    typer.echo(f"{reactor}: the advice of {_when(advice)} {done} ({_in_words(advice)}).")
    typer.echo("The record says what became of it (OperatorActed).")


def _advice(run: Path, reactor: str) -> Decided:
    from perfusio.errors import ConfigError
    from perfusio.twin.resume import outline

    known = outline(run).run_state
    if reactor not in known.trajectories:
        raise ConfigError(f"There is no vessel {reactor} in this run. It has {', '.join(known.trajectories)}.")
    if reactor not in known.advised:
        raise ConfigError(
            f"No advice for {reactor} waits: it was acted upon, a new sample came, or the vessel is in mode "
            f"{known.noted[reactor].value}. The next one comes with its next sample."
        )
    return known.advised[reactor]


def _when(advice: Decided) -> str:
    return f"turn {advice.turn}" if advice.culture_day is None else f"culture day {advice.culture_day:.3g}"


def _in_words(advice: Decided) -> str:
    from perfusio.state import SETPOINT_QUANTITIES

    values = ((name, getattr(advice.setpoints, name), q.unit) for name, q in SETPOINT_QUANTITIES.items())
    return ", ".join(f"{name} {value:.4g} {unit}" for name, value, unit in values)

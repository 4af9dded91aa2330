"""`perfusio ladder`: who decides for each vessel, and a person's choice of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.operators.bound_who import bound
from perfusio.cli.operators.hold import Reactor, RunFolder

if TYPE_CHECKING:
    from perfusio.twin.run_view import RunView


def _bound(who: str) -> str:
    """Nobody is asked for a password who only looks."""
    return bound(who) if who else who


def ladder(
    run: RunFolder,
    reactor: Reactor = None,
    to: Annotated[
        str, typer.Option(help="Who decides from the next sample on: twin, model-free-mpc, or hold (nobody writes).")
    ] = "",
    who: Annotated[str, typer.Option(help="Your name or initials; they go on record.", callback=_bound)] = "",
    why: Annotated[str, typer.Option(help="Why, in 3 to 200 characters; it goes on record.")] = "",
) -> None:
    """Print who decides for each vessel, and the setpoints that the model-free MPC would choose now.

    With --to a person says who decides, by name and reason. It stays so until a person says otherwise. Without that the
    twin decides, and the model-free MPC where the twin cannot.
    """
    from perfusio.cli.operators.asking import ask, opened
    from perfusio.cli.operators.hold import hold
    from perfusio.errors import ConfigError
    from perfusio.twin.operators.orders import Order
    from perfusio.twin.run_view import view

    if to == "hold":
        hold(run, who, why, reactor)
        return
    if to:
        seen, vessel = opened(run, reactor or "")
        order = Order(act="ladder", reactor=vessel, value=to, who=who, why=why)
        ask(seen, order, n_answers=1 if vessel else len(seen.vessels), done=f"{to} decides from the next sample on")
        return
    if who or why:
        raise ConfigError("--who and --why belong to a choice: say --to twin, model-free-mpc or hold, too.")
    seen = view(run)
    for name in [seen.vessel(reactor)] if reactor else seen.vessels:
        for line in _told(seen, name):
            echo(line)


def _told(seen: RunView, name: str) -> list[str]:
    from perfusio.bed.reasons import changes
    from perfusio.errors import PerfusioError
    from perfusio.texts import shown
    from perfusio.twin.shadow import shadow

    last, known = seen.run_state.deciders.get(name), seen.run_state
    said = [f"{shown(name)}: {'twin' if last is None else last.decider} decides."]
    if last is not None:
        when = f"turn {last.turn}" if last.culture_day is None else f"culture day {last.culture_day:.3g}"
        said.append(f"  since {when}{f', by {shown(last.who)}' if last.who else ''}: {shown(last.reason, 600)}")
    try:
        target, plan = shadow(seen, name)
    except PerfusioError as error:
        return [*said, f"  The model-free MPC cannot hold it: {error}"]
    moved = ", ".join(changes(known.in_force[name], plan.plan[0])) or "nothing moves"
    unit = seen.config.process[seen.config.process.the("cells")].unit
    return [*said, f"  The model-free MPC, to hold {target:.3g} {unit}: {moved}."]

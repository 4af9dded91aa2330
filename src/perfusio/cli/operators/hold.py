"""`perfusio hold` and `perfusio release`: a person stops the writing to vessels, and lets it go on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.operators.bound_who import bound

if TYPE_CHECKING:
    from perfusio.twin.run_view import RunView

RunFolder = Annotated[Path, typer.Argument(help="Folder of the run.", metavar="RUN")]
Reactor = Annotated[str | None, typer.Argument(help="Which vessel; without it, all.", metavar="[REACTOR]")]
Who = Annotated[str, typer.Option(help="Your name or initials; they go on record.", callback=bound)]
Why = Annotated[str, typer.Option(help="Why, in 3 to 200 characters; it goes on record.")]


def hold(run: RunFolder, who: Who, why: Why, reactor: Reactor = None) -> None:
    """Write nothing more to a vessel, or to any, from now on, until it is released.

    It holds even while the model is being fitted: the twin looks right before each write. Samples, forecasts and alarms
    go on. Any file whose name begins with HOLD, put into the run's folder by any means, does the same.
    """
    from perfusio.cli.operators.asking import opened
    from perfusio.texts import shown
    from perfusio.twin.state.hold import Word, make_hold

    seen, vessel = opened(run, reactor or "")
    place = make_hold(run, vessel or None, Word(who=who, why=why))
    echo(f"{shown(vessel) or 'All vessels'}: nothing is written from now on ({place}).")
    if seen.writer is None:
        echo("No twin runs here now; the hold stands when the run is resumed.")
    elif not _is_on_record(seen, {vessel} if vessel else set(seen.vessels)):
        echo("The running twin has not put it on record yet. It holds all the same: it looks before each write.")
    else:
        echo("The running twin has put it on record.")


def _is_on_record(seen: RunView, wanted: set[str]) -> bool:
    """Wait until the running twin says that these vessels are held; return whether it did."""
    from perfusio.cli.operators.asking import news
    from perfusio.events import ModeChanged

    held = {r for r, mode in seen.run_state.noted.items() if mode == "hold"}
    for event in news(seen, is_over=lambda: wanted <= held):
        if isinstance(event, ModeChanged):
            (held.add if event.mode == "hold" else held.discard)(str(event.reactor))
    return wanted <= held


def release(run: RunFolder, who: Who, why: Why, reactor: Reactor = None) -> None:
    """Let the twin write again, from its next decision on.

    Without a vessel it ends the hold on all of them; a vessel that is held by itself stays so. With one it also
    releases a vessel that is on hold because a write to it ended in part only: look at it first.
    """
    from perfusio.cli.operators.asking import ask, opened
    from perfusio.twin.operators.orders import Order

    seen, vessel = opened(run, reactor or "")
    order = Order(act="release", reactor=vessel, who=who, why=why)
    ask(seen, order, n_answers=1 if vessel else len(seen.vessels), done="released")
    if seen.writer is None:
        echo("Until then the vessels stay held.")

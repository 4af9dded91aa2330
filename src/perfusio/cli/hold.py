"""`perfusio hold` and `perfusio release`: a person stops the writing to vessels, and lets it go on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunFolder = Annotated[Path, typer.Argument(help="Folder of the run.", metavar="RUN")]
Reactor = Annotated[str | None, typer.Argument(help="Which vessel; without it, all.", metavar="[REACTOR]")]
Who = Annotated[str, typer.Option(help="Your name; it goes on record.")]
Why = Annotated[str, typer.Option(help="Why, in 3 to 200 characters; it goes on record.")]


def hold(run: RunFolder, who: Who, why: Why, reactor: Reactor = None) -> None:
    """Write nothing more to a vessel, or to any, from now on, until it is released.

    It holds even while the model is being fitted: the twin looks right before each write. Samples, forecasts and alarms
    go on. A file named HOLD, made in the run's folder by any means, does the same.
    """
    _say(run, reactor, who, why, is_held=True)


def release(run: RunFolder, who: Who, why: Why, reactor: Reactor = None) -> None:
    """Let the twin write again, from its next decision on.

    This also releases a vessel that is on hold because a write to it ended in part only: look at it first.
    """
    from perfusio.twin.orders import Order, give

    _say(run, reactor, who, why, is_held=False)
    give(run, Order(act="release", reactor=reactor or "", who=who, why=why))


def _say(run: Path, reactor: str | None, who: str, why: str, *, is_held: bool) -> None:
    from perfusio.twin.hold import Word, say

    place = say(run, reactor, Word(is_held=is_held, who=who, why=why))
    which = reactor or "All vessels"
    typer.echo(f"{which}: {'nothing is written from now on' if is_held else 'released'} ({place}).")

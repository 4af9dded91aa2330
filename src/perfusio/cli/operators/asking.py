"""Asking something of a run: look it up, leave the order, wait for the answer of the running twin, print it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from perfusio.cli.echo import echo
from perfusio.errors import PerfusioError
from perfusio.texts import shown

if TYPE_CHECKING:
    from perfusio.events import Event, OperatorActed
    from perfusio.twin.operators.orders import Order
    from perfusio.twin.run_view import RunView

ANSWER_S = 15.0
"""How long a running twin is waited for: it looks twice a second."""
LOOKS_EVERY_S = 0.1


class NotDone(PerfusioError):
    """The twin has refused an order, with its reason, or has not answered."""


def opened(run: Path, reactor: str = "") -> tuple[RunView, str]:
    """Return a run that may go on, and its vessel of that name; empty = no vessel is named.

    Raises:
        ConfigError: there is no such run or vessel, or the run has ended.
    """
    from perfusio.twin.run_view import view

    seen = view(run)
    seen.check_open()
    return seen, seen.vessel(reactor) if reactor else ""


def ask(seen: RunView, order: Order, *, n_answers: int = 1, done: str = "done", key: str = "") -> None:
    """Leave an order, and print its result.

    Args:
        seen: The run.
        order: The order.
        n_answers: One per vessel that it is for.
        done: Text for an order that was carried out.
        key: Of the decision that is to be written; how its write ends is told, too.

    Raises:
        NotDone: it was refused, or a twin that runs has not answered in time.
        ConfigError: the folder takes no orders.
    """
    from perfusio.events import OperatorActed, RunEnded
    from perfusio.twin.operators.orders import give

    name = give(seen.run_dir, order)
    if seen.writer is None:
        echo(f"Ordered. No twin runs here now: it is carried out when the run is resumed (perfusio resume "
                   f"{seen.run_dir}), before anything else.")  # fmt: skip
        return
    echo(f"Waiting for the running twin ({_process(seen)}) ...", err=True)
    found: list[OperatorActed] = []
    told = news(seen)
    for event in told:
        if isinstance(event, OperatorActed) and event.order == name:
            found.append(event)
            _print(event, done)
        if len(found) >= n_answers or isinstance(event, RunEnded):
            break
    if len(found) < n_answers:
        left = f"{seen.run_dir}/orders" if not found else "the record"
        raise NotDone(
            f"The running twin ({_process(seen)}) has not answered within {ANSWER_S:g} s. The order is not confirmed; "
            f"look into {left}, or ask: perfusio status {seen.run_dir}."
        )
    if not all(answer.is_done for answer in found):
        raise NotDone("Not done, see above.")
    if key:
        _tell_end_of_write(told, key)


def _print(answer: OperatorActed, done: str) -> None:
    where = f"{shown(answer.reactor)}: " if answer.reactor else ""
    words = f" {shown(answer.answer, 600)}" if answer.answer else ""
    echo(f"{where}{done}.{words}" if answer.is_done else f"{where}NOT done. {shown(answer.answer, 600)}")


def _tell_end_of_write(told: Iterator[Event], key: str) -> None:
    from perfusio.events import SetpointsWritten, WriteIntended

    for event in told:
        if getattr(event, "key", None) != key or isinstance(event, WriteIntended):
            continue
        if isinstance(event, SetpointsWritten):
            echo(f"{shown(event.reactor or '')}: the vessel has taken the setpoints.")
            return
        raise NotDone(f"{type(event).__name__}: {shown(event.reason, 600)}")
    echo("The write is still under way; the record says how it ends.")


def _process(seen: RunView) -> str:
    return f"process {seen.writer}" if seen.writer else "another process"


def news(seen: RunView, is_over: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Yield the new lines in the record of a run, for as long as an answer is waited for."""
    from perfusio.record.line import Record

    start, offset, rest = time.monotonic(), seen.records.n_bytes, b""
    while not is_over():
        with (seen.run_dir / "audit.jsonl").open("rb") as record:
            record.seek(offset)
            read = record.read()
        offset += len(read)
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            yield Record.of_fields(json.loads(line)).of_process(seen.config.process).to_event()
        if time.monotonic() - start > ANSWER_S:
            return
        if not lines:
            time.sleep(LOOKS_EVERY_S)

"""Live: shows a run while it runs. Lines as the events come, and on a terminal a progress bar below them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from perfusio.events import Event, SampleMissing, SampleRead
from perfusio.report.narration import Line, Narrator, Tone

if TYPE_CHECKING:
    from rich.progress import Progress

_STYLES = {Tone.PLAIN: "", Tone.HEAD: "bold", Tone.QUIET: "dim", Tone.WARN: "yellow", Tone.ACT: "bold red"}


class Live:
    """An observer for `DigitalTwin(observers=(live,))`; use it as a context manager around the run.

    On a terminal there are colors (not with NO_COLOR set) and a bar; in a file or a pipe there are the same lines.
    A reader that goes away (``| head``) stops the telling, never the run.

    Args:
        n_turns: Expected samples after the first one, the length of the bar.
    """

    def __init__(self, n_turns: int) -> None:
        self._narrator, self._n_turns, self._is_heard = Narrator(), n_turns, True
        self._bar: Progress | None = None
        if sys.stdout.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("day"), MofNCompleteColumn(), BarColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, transient=True)
            self._task = self._bar.add_task("", total=n_turns)

    def __enter__(self) -> Live:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, event: Event) -> None:
        """Tell one event."""
        for line in self._narrator.lines(event):
            self.say(line)
        if self._bar is not None and isinstance(event, SampleRead | SampleMissing):
            self._bar.update(self._task, completed=event.day or 0)

    def say(self, line: Line) -> None:
        """Print one line."""
        if not self._is_heard:
            return
        try:
            if self._bar is None:
                print(line.text, flush=True)
            else:
                from rich.text import Text

                self._bar.console.print(Text(line.text, style=_STYLES[line.tone]), soft_wrap=True)
        except OSError:
            self._is_heard = False
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - takes what is printed until the process ends

"""Live: shows a run while it runs. Lines as the events come; on a terminal a progress bar or a table below them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from perfusio.cli.echo import printable
from perfusio.events import Event, RunStarted, SampleMissing, SampleRead
from perfusio.report.fleet import MANY, Fleet
from perfusio.report.lines import WIDTH, Line, Tone, on_terminal
from perfusio.report.narration import Narrator

if TYPE_CHECKING:
    from rich.live import Live as Redrawn
    from rich.progress import Progress

LEAST_WIDTH = 60


def width_of_terminal() -> int:
    """Return how many characters a line has: as the terminal says, 120 in a file or a pipe."""
    if not sys.stdout.isatty():
        return WIDTH
    return max(LEAST_WIDTH, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))


_STYLES = {Tone.PLAIN: "", Tone.HEAD: "bold", Tone.QUIET: "dim", Tone.WARN: "yellow", Tone.ACT: "bold red"}


class Live:
    """An observer for `DigitalTwin(observers=(live,))`; use it as a context manager around the run.

    Few vessels get a row a day each, many a line a day together. On a terminal there are colors (not with NO_COLOR
    set), and below the lines a bar, or for many vessels a table of the present action of each; in a file or a pipe
    there are the same lines. A reader that goes away (``| head``) stops the telling, never the run.

    Args:
        n_turns: Expected samples after the first one, the length of the bar.
        run_dir: Folder of the run, from which its record sees places.
    """

    def __init__(self, n_turns: int, run_dir: Path | None = None) -> None:
        self._narrator: Narrator | Fleet = Narrator(run_dir, width=width_of_terminal())
        self._n_turns, self._is_heard, self._is_terminal = n_turns, True, sys.stdout.isatty()
        self._bar: Progress | None = None
        self._table: Redrawn | None = None

    def __enter__(self) -> Live:
        return self

    def __exit__(self, *_: object) -> None:
        for shown in (self._bar, self._table):
            if shown is not None:
                shown.stop()

    def __call__(self, event: Event) -> None:
        """Tell one event."""
        if isinstance(event, RunStarted):
            self._set_the_stage(len(event.config["modes"]))
        for line in on_terminal(self._narrator.lines(event), width_of_terminal()):
            self.say(line)
        if self._bar is not None and isinstance(event, SampleRead | SampleMissing):
            self._bar.update(self._task, completed=event.turn or 0)
        if self._table is not None and isinstance(self._narrator, Fleet):
            from perfusio.cli.runs.fleet_table import fleet_table  # rich: for terminals only

            width, height = self._table.console.size
            self._table.update(fleet_table(self._narrator, self._n_turns, width=width, height=height))

    def _set_the_stage(self, n_vessels: int) -> None:
        if n_vessels >= MANY:
            self._narrator = Fleet()
        if self._is_terminal and n_vessels >= MANY:
            from rich.live import Live as Redrawn

            self._table = Redrawn(refresh_per_second=4)
            self._table.start()
        elif self._is_terminal:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("turn"), MofNCompleteColumn(), BarColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, transient=True)
            self._task = self._bar.add_task("", total=self._n_turns)
            self._bar.start()

    def say(self, line: Line) -> None:
        """Print one line."""
        if not self._is_heard:
            return
        shown = self._bar or self._table
        try:
            if shown is None:
                print(printable(line.text), flush=True)
            else:
                from rich.text import Text

                shown.console.print(Text(printable(line.text), style=_STYLES[line.tone]), soft_wrap=True)
        except OSError:
            self._is_heard = False
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - takes what is printed until the process ends


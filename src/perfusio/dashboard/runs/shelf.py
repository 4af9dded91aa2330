"""Shelf: the runs that the page shows, found in the folders that it was given, and looked at all the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from perfusio.dashboard.runs.followed import RECORD, FollowedRun
from perfusio.errors import ConfigError
from perfusio.texts import as_file_name

LOOKS_EVERY_S = 0.25
SEARCHES_EVERY = 20
"""Looks between two searches for new runs, and at those that have ended."""


class Shelf:
    """All runs.

    Args:
        folders: Of runs, or folders in which runs are.

    Raises:
        ConfigError: there is no such folder.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise ConfigError(f"{folder} is no folder: give the folder of a run, or one with runs in it.")
        self._folders = [folder.resolve() for folder in folders]
        self.runs: dict[str, FollowedRun] = {}
        self._changed: dict[str, asyncio.Condition] = {}
        self.is_closing = False
        self.search()

    def search(self) -> None:
        """Look for runs that are not on the shelf yet."""
        known = {run.run_dir for run in self.runs.values()}
        for folder in self._folders:
            inside = [folder] if (folder / RECORD).exists() else sorted(p.parent for p in folder.glob(f"*/{RECORD}"))
            for place in inside:
                if place not in known:
                    name = self._free_name(as_file_name(place.name))
                    self.runs[name] = FollowedRun(place, name)

    def _free_name(self, wanted: str) -> str:
        n, name = 1, wanted
        while name in self.runs:
            n += 1
            name = f"{wanted}-{n}"
        return name

    def changed(self, name: str) -> asyncio.Condition:
        """Return the condition that is notified when something of a run has changed."""
        return self._changed.setdefault(name, asyncio.Condition())

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look at the runs as long as this lasts; all that is there has been read once when it begins."""
        for run in self.runs.values():
            await asyncio.to_thread(run.look)
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            await self.close()

    async def close(self) -> None:
        """End all that waits for a change."""
        self.is_closing = True
        for condition in self._changed.values():
            async with condition:
                condition.notify_all()

    async def _watch(self) -> None:
        n = 0
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            n += 1
            if n % SEARCHES_EVERY == 0:
                self.search()
            for run in list(self.runs.values()):
                if not run.has_ended or n % SEARCHES_EVERY == 0:
                    await self._look(run)

    async def _look(self, run: FollowedRun) -> None:
        before = _seen(run)
        if _grew(run):
            await asyncio.to_thread(run.look)
        else:
            run.look()  # a few system calls: no thread is worth them
        if _seen(run) != before:
            condition = self.changed(run.name)
            async with condition:
                condition.notify_all()


def _grew(run: FollowedRun) -> bool:
    try:
        return run.path.stat().st_size > run.summary.n_bytes
    except OSError:
        return False


def _seen(run: FollowedRun) -> tuple[object, ...]:
    return run.last_seq, run.writer, run.fault, tuple((h.name, h.since_ns) for h in run.holds)

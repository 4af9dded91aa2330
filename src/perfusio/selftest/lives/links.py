"""Trials over each kind of link: a vessel in a process of its own, and twins that live one after another on it."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.events import Event
from perfusio.protocols import Connector
from perfusio.selftest.lives.outside import (
    REACTOR,
    BehindFile,
    BehindServer,
    BehindTable,
    Outside,
    wait_for,
)
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.testing.opcua_server import FaultyOpcUaServer
from perfusio.twin.digital_twin import DigitalTwin

N_DAYS = 5
LONGEST_LIFE_S = 60
MODULES = "modules.txt"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LinkKind:
    """One kind of link: how its vessel is made, and how a twin reaches it."""

    outside: Callable[[Path, int], Outside]
    connector: Callable[[Path], Connector]
    shows_at_once: bool = True


def kind_of(name: str) -> LinkKind:
    """Return a kind by its name; call it before any process is made."""
    if name == "opcua":
        server = FaultyOpcUaServer((REACTOR,))
        return LinkKind(partial(_behind_server, server), BehindServer.connector)
    if name == "sql":
        return LinkKind(BehindTable, BehindTable.connector, shows_at_once=False)
    return LinkKind(BehindFile, BehindFile.connector, shows_at_once=False)


def _behind_server(server: FaultyOpcUaServer, folder: Path, n_days: int) -> Outside:
    (folder / "nodes.toml").write_text(server.toml())
    return BehindServer(folder, n_days, server)


class Trial:
    """One run in a folder, with its vessel in a process of its own.

    Args:
        kind: Of its link.
        folder: Empty.
    """

    def __init__(self, kind: LinkKind, folder: Path) -> None:
        self._kind, self.folder = kind, folder
        self.problems: list[str] = []
        theirs, self._commands = os.pipe()
        self._answers, told = os.pipe()
        self._vessel = os.fork()
        if self._vessel == 0:
            try:
                vessel = kind.outside(folder, N_DAYS)
                os.write(told, b"here\n")
                vessel.serve(theirs, told)
            finally:
                os._exit(1)
        for end in (theirs, told):
            os.close(end)
        if not wait_for(self._answers):
            self.problems.append("the trial itself failed: the vessel did not start")

    def tell_vessel(self, **by_hand: float) -> None:
        """Let the vessel carry out the requests so far; then a person changes setpoints, if any are named."""
        os.write(self._commands, json.dumps(by_hand).encode() + b"\n")
        if not wait_for(self._answers):
            self.problems.append("the trial itself failed: the vessel does not answer")

    def live(self, cut: int | None = None) -> int:
        """Let a twin live on the record of the last one, until so many records are written; return their number."""
        there = self.folder / "n_records"
        pid = os.fork()
        if pid == 0:
            signal.alarm(LONGEST_LIFE_S)
            _be_a_twin(self._kind.connector, self.folder, there, cut)
        os.waitpid(pid, 0)
        return int(there.read_text() or 0) if there.exists() else 0

    def warm_up(self) -> None:
        """Load the modules of a life that came to its end: no later one has to."""
        loaded = self.folder / MODULES
        for name in loaded.read_text().split() if loaded.exists() else ():
            with suppress(ImportError):
                importlib.import_module(name)

    def close(self) -> None:
        """End the vessel."""
        os.kill(self._vessel, signal.SIGKILL)
        os.waitpid(self._vessel, 0)
        for end in (self._commands, self._answers):
            os.close(end)


def _be_a_twin(connector: Callable[[Path], Connector], folder: Path, there: Path, cut: int | None) -> None:
    """Live, and end this process: 0 = the run is over."""
    n, code = 0, 1

    def count(_: Event) -> None:
        nonlocal n
        n += 1
        if n == cut:
            there.write_text(str(n))
            os._exit(9)

    try:
        run_dir = folder / "run"
        config = RunConfig(
            duration_days=N_DAYS, retrain_every=2, n_paths=16, forecast_days=2, run_dir=run_dir, mode=Mode.AUTOMATIC
        )
        if (run_dir / "audit.jsonl").exists():
            twin = DigitalTwin.resume(
                run_dir, connector={REACTOR: connector(folder)},
                model=SteadyModel(), policy=SteppingPolicy(), observers=(count,)
            )
        else:
            twin = DigitalTwin(
                connector={REACTOR: connector(folder)}, design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config,
                model=SteadyModel(), policy=SteppingPolicy(), observers=(count,),
            )  # fmt: skip
        asyncio.run(twin.run())
        code = 0
    except BaseException as error:  # noqa: BLE001 - this process ends here, whatever happened
        with suppress(OSError):
            (folder / "stderr.txt").write_text(f"{type(error).__name__}: {error}\n")
    (folder / MODULES).write_text("\n".join(sys.modules))
    there.write_text(str(n))
    os._exit(code)

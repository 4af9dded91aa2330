"""A vessel that outlives programs: a process of its own, with a log of its own that bears witness.

It answers requests over a local socket, and keeps every sample and every write in an append-only file before it
answers. When it is killed and started anew it goes on from that file.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import EndOfRun, NotConnected
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.examples import QUIET
from perfusio.process.roles import CELLS
from perfusio.protocols import ConnectorKind
from perfusio.state import Setpoints, State

PATIENCE_S = 5.0
"""How long a link waits for a vessel that was killed to be there again [s]."""
Json = dict[str, Any]


def serve(folder: Path, n_days: int) -> None:
    """Answer requests for ever; call it in a process of its own."""
    log, days, in_force = _recalled(folder / "plant.jsonl")
    server = socket.socket(socket.AF_UNIX)
    (folder / "plant.sock").unlink(missing_ok=True)
    server.bind(str(folder / "plant.sock"))
    server.listen()
    while True:
        client, _ = server.accept()
        with suppress(OSError), client, client.makefile("rw") as line:  # whoever asked may be gone
            asked = json.loads(line.readline() or "{}")
            answer: Json = {}
            if asked.get("do") == "sample":
                day = asked["after"] + 1
                if days < day <= n_days:
                    days = day
                    _note(log, {"what": "sample", "day": day})
                answer = {"day": day} if day <= n_days else {"is_over": True}
            elif asked.get("do") == "write":
                in_force = asked["setpoints"]
                _note(log, {"what": "write", "day": days, "setpoints": in_force})
            line.write(json.dumps({"in_force": in_force, **answer}) + "\n")
            line.flush()


def witnessed(folder: Path) -> list[Json]:
    """Return the vessel's log, in order."""
    path = folder / "plant.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _recalled(path: Path) -> tuple[int, int, list[float]]:
    """Return the open log, the last day, and the setpoints in force; a torn last line never happened."""
    days, in_force = -1, DEFAULT_AMBR250_DESIGN_SPACE.nominal.vector().tolist()
    content = path.read_bytes() if path.exists() else b""
    whole = content[: content.rfind(b"\n") + 1]
    for line in whole.splitlines():
        entry = json.loads(line)
        days = max(days, entry["day"])
        in_force = entry.get("setpoints", in_force)
    log = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.ftruncate(log, len(whole))
    os.lseek(log, 0, os.SEEK_END)
    return log, days, in_force


def _note(log: int, entry: Json) -> None:
    os.write(log, json.dumps(entry).encode() + b"\n")
    os.fsync(log)


class LastingVessel:
    """A Connector to a vessel that `serve` answers for; each program reads its samples from the first one on."""

    kind = ConnectorKind.SIMULATED
    confirms_at_once = True

    def __init__(self, folder: Path) -> None:
        self._socket, self._day = folder / "plant.sock", -1

    async def read_sample(self) -> State:
        """Return the next sample.

        Raises:
            EndOfRun: it was the last.
            NotConnected: the vessel does not come back.
        """
        answer = await self._ask({"do": "sample", "after": self._day}, until_answered=True)
        if answer.get("is_over"):
            raise EndOfRun
        self._day = int(answer["day"])
        return State.of_values(CHO_PERFUSION, 24.0 * self._day, {**QUIET, CELLS: QUIET[CELLS] + self._day})

    async def read_setpoints(self) -> Setpoints:
        """Return the setpoints in force."""
        answer = await self._ask({"do": "read"}, until_answered=True)
        return Setpoints.of(np.array(answer["in_force"]))

    async def write_setpoints(self, setpoints: Setpoints) -> Setpoints:
        """Put setpoints in force.

        Raises:
            NotConnected: no answer; they may be in force.
        """
        answer = await self._ask({"do": "write", "setpoints": setpoints.vector().tolist()})
        return Setpoints.of(np.array(answer["in_force"]))

    async def _ask(self, request: Json, *, until_answered: bool = False) -> Json:
        ends = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._socket)
                try:
                    writer.write(json.dumps(request).encode() + b"\n")
                    line = await reader.readline()
                finally:
                    writer.close()
                if line.endswith(b"\n"):
                    return dict(json.loads(line))
            except OSError:
                pass
            if not until_answered or asyncio.get_running_loop().time() > ends:
                raise NotConnected("The vessel does not answer.")
            await asyncio.sleep(0.002)

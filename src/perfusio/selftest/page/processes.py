"""A vessel, its twin and their page, each a process of its own that can be killed at any moment and started anew."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.dashboard.runs import shelf
from perfusio.dashboard.serve import prepared
from perfusio.errors import AuditError
from perfusio.selftest.lives.lasting_vessel import LastingVessel, serve
from perfusio.state import State
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.operators import order_processor

PATIENCE_S = 60.0
LOOKS_EVERY_S = 0.02
"""Of twin and page in this trial: a kill hits something more often where less is waited for."""


class Stuck(Exception):
    """Something that must come did not."""


def until(condition: Callable[[], Any], words: str) -> Any:
    """Return the first true answer of a condition.

    Raises:
        Stuck: there was none in time.
    """
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.005)
    raise Stuck(f"it did not come: {words}")


class PacedVessel(LastingVessel):
    """A vessel whose next sample is taken when a person says so: the number of the last day in a file."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._last_day = folder / "last_day"

    async def read_sample(self) -> State:
        """Return the next sample once its day has come."""
        while int(self._last_day.read_text()) <= self._day:
            await asyncio.sleep(LOOKS_EVERY_S)
        return await super().read_sample()


class Processes:
    """Vessel, twin and page of one run.

    Args:
        folder: Of the run's own folder `run`, and of the vessel's log.
        accounts: File of the accounts.
        n_days: Of the run.
    """

    def __init__(self, folder: Path, accounts: Path, n_days: int) -> None:
        self.folder, self.n_days, self.port = folder, n_days, 0
        self.run_dir = folder / "run"
        self.run_dir.mkdir(parents=True)
        self._accounts, self._pids = accounts, dict[str, int]()
        self.allow(0)
        self._start("vessel")
        until((folder / "plant.sock").exists, "the vessel")
        self._start("twin")
        until((self.run_dir / "audit.jsonl").exists, "the record")
        self._start("page")
        self.port = int(until(lambda: self._told("port"), "the port of the page"))

    def allow(self, day: int) -> None:
        """Let the samples up to this day be taken."""
        draft = self.folder / ".last_day"
        draft.write_text(str(day))
        draft.replace(self.folder / "last_day")

    def kill(self, which: str) -> None:
        """Kill one of them, if it has not ended by itself."""
        if (pid := self._pids.pop(which, 0)) and os.waitpid(pid, os.WNOHANG)[0] == 0:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def start(self, which: str) -> None:
        """Start it anew."""
        self._start(which)

    def lives(self, which: str) -> bool:
        """Whether it has not ended."""
        return which in self._pids and os.waitpid(self._pids[which], os.WNOHANG)[0] == 0

    def end(self) -> int:
        """Wait for the end of the twin, which must come; return its exit status."""
        status: list[int] = []

        def is_over() -> bool:
            pid, found = os.waitpid(self._pids["twin"], os.WNOHANG)
            status.append(found)
            return pid != 0

        until(is_over, "the end of the run")
        del self._pids["twin"]
        return os.waitstatus_to_exitcode(status[-1])

    def close(self) -> None:
        """Kill all."""
        for which in list(self._pids):
            with suppress(ChildProcessError):
                self.kill(which)

    def _told(self, name: str) -> str:
        place = self.folder / name
        return place.read_text() if place.exists() else ""

    def _start(self, which: str) -> None:
        pid = os.fork()
        if pid == 0:
            self._be(which)
        self._pids[which] = pid

    def _be(self, which: str) -> NoReturn:
        code = 1
        try:
            if which == "vessel":
                serve(self.folder, self.n_days)
            elif which == "page":
                self._serve_page()
            else:
                vars(order_processor)["LOOKS_EVERY_S"] = LOOKS_EVERY_S
                asyncio.run(_twin(self.folder, self.n_days).run())
            code = 0
        except BaseException as error:  # noqa: BLE001 - this process ends here, whatever happened
            (self.folder / f"{which}.stderr.txt").write_text(f"{type(error).__name__}: {error}\n")
        os._exit(code)

    def _serve_page(self) -> None:
        vars(shelf)["LOOKS_EVERY_S"] = LOOKS_EVERY_S
        served = prepared([self.run_dir], port=self.port, accounts=self._accounts)
        draft = self.folder / ".port"
        draft.write_text(str(served.socket.getsockname()[1]))
        draft.replace(self.folder / "port")
        served.run()


def _twin(folder: Path, n_days: int) -> DigitalTwin:
    connector, run_dir = PacedVessel(folder), folder / "run"
    with suppress(AuditError):  # it never began
        return DigitalTwin.resume(run_dir, connector=connector, model=SteadyModel(), policy=SteppingPolicy())
    config = RunConfig(duration_days=n_days, mode=Mode.ADVISORY, n_paths=16, forecast_days=2, run_dir=run_dir,
                       fresh=True)  # fmt: skip
    return DigitalTwin(connector=connector, design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config,
                       model=SteadyModel(), policy=SteppingPolicy())  # fmt: skip


class PageUser:
    """A user of the page, whose session outlives its server.

    Args:
        port: Of the page.
        user: Name.
        password: Of the user.
    """

    def __init__(self, port: int, user: str, password: str) -> None:
        self._port, self._headers = port, {"Content-Type": "application/json"}
        words = {"user": user, "password": password}
        (answer,) = until(lambda: self._tried("POST", "/api/v1/login", words), "a login")
        self._headers |= {"Cookie": answer["cookie"], "X-CSRF-Token": answer["csrf"]}

    def look(self, path: str) -> Any:
        """Return what the page shows of the run, as soon as a server answers."""
        return until(lambda: self._tried("GET", f"/api/v1/runs/run{path}"), f"an answer to {path}")[0]

    def asks(self, body: dict[str, Any]) -> http.client.HTTPConnection:
        """Send an order; `answer` reads the answer, should one come.

        Raises:
            OSError: no server.
        """
        wire = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        wire.request("POST", "/api/v1/runs/run/orders", json.dumps(body), self._headers)
        return wire

    def _tried(self, method: str, path: str, body: object = None) -> tuple[Any] | None:
        wire = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        try:
            wire.request(method, path, None if body is None else json.dumps(body), self._headers)
            found = answer(wire)
            return None if found is None else (found,)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            wire.close()


def answer(wire: http.client.HTTPConnection) -> Any:
    """Return the answer of a server, with the cookie that came with it.

    Raises:
        OSError: it was killed meanwhile.
        HTTPException: it was killed in the middle of its answer.
    """
    found = wire.getresponse()
    data = json.loads(found.read() or b"null")
    if found.status in (404, 503):  # the page has not read the record yet
        return None
    if isinstance(data, dict):
        data |= {"http": found.status, "cookie": (found.getheader("set-cookie") or "").partition(";")[0]}
    return data

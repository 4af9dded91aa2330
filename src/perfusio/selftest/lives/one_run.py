"""One run whose twin is killed and resumed, with its vessel in a process of its own; then it is examined."""

from __future__ import annotations

import asyncio
import mmap
import os
import signal
import struct
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.errors import AuditError
from perfusio.events import Event
from perfusio.record.verification.verify import read_records, verify
from perfusio.selftest.lives.lasting_vessel import LastingVessel, serve, witnessed
from perfusio.selftest.lives.syscalls import Fault, interposed
from perfusio.state import SETPOINTS
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.fallback import standing_in

USUAL_DAYS = 5


class Run:
    """One run in a folder, with its vessel in a process of its own."""

    def __init__(self, folder: Path, n_days: int = USUAL_DAYS) -> None:
        self.folder, self.n_days = folder, n_days
        self.problems, self.n_calls = list[str](), 0
        self._told = mmap.mmap(-1, 16)  # by the twin: bytes of the record that were acknowledged; system calls
        self._plant = self._start_plant()

    def _start_plant(self) -> int:
        (self.folder / "plant.sock").unlink(missing_ok=True)
        pid = os.fork()
        if pid == 0:
            try:
                serve(self.folder, self.n_days)
            finally:
                os._exit(1)
        while not (self.folder / "plant.sock").exists():
            time.sleep(0.0005)
        return pid

    def kill_plant(self) -> None:
        """Kill the vessel's process, and start it anew."""
        self.close()
        self._plant = self._start_plant()

    def close(self) -> None:
        """Stop the vessel's process."""
        os.kill(self._plant, signal.SIGKILL)
        os.waitpid(self._plant, 0)

    def live(
        self, fault: Fault | None = None, meanwhile: Callable[[int], None] | None = None, *, stands_in: bool = False
    ) -> bool:
        """Let a twin live, in a process of its own, on the record of the last one; return whether the run is over.

        Args:
            fault: That befalls it.
            meanwhile: Is called with the number of its process.
            stands_in: Whether it is the fallback instead, which goes on in the place of the twin.
        """
        pid = os.fork()
        if pid == 0:
            be_a_twin(self, fault, stands_in=stands_in)
        if meanwhile is not None:
            meanwhile(pid)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        n_acknowledged, self.n_calls = struct.unpack("qq", self._told[:])
        record = _record(self.folder)
        n_there = record.stat().st_size if record.exists() else 0
        if n_there < n_acknowledged:
            self.problems.append(f"{n_acknowledged} bytes of the record were acknowledged, {n_there} are there")
        return status == 0

    def finish(self, *, is_over: bool = False) -> list[str]:
        """Let it live undisturbed to its end, if that has not come; return its faults."""
        if not is_over and not any(self.live() for _ in range(4)):
            told = self.folder / "stderr.txt"
            said = told.read_text()[-300:] if told.exists() else ""
            self.problems.append(f"the run does not come to its end: {said}")
        self.close()
        return self.problems + examined(self.folder, self.n_days)


def be_a_twin(run: Run, fault: Fault | None = None, *, stands_in: bool = False) -> NoReturn:
    """Live on the record of the twin before, and end this process: 0 = the run is over."""
    _live(run.folder, run.n_days, run._told, fault, stands_in=stands_in)


def _record(folder: Path) -> Path:
    return folder / "run" / "audit.jsonl"


def _live(folder: Path, n_days: int, told: mmap.mmap, fault: Fault | None, *, stands_in: bool) -> NoReturn:
    """Be a twin, and end the process: 0 = the run is over."""
    code = 1
    try:
        if _is_over(_record(folder)):
            os._exit(0)
        with interposed(fault) as calls:

            def note(_: Event) -> None:
                told[:] = struct.pack("qq", _record(folder).stat().st_size, calls.n)

            asyncio.run(_twin(folder, n_days, note, stands_in=stands_in).run())
        code = 0
    except BaseException as error:  # noqa: BLE001 - this process ends here, whatever happened
        with suppress(OSError):
            (folder / "stderr.txt").write_text(f"{type(error).__name__}: {error}\n")
    os._exit(code)


def _is_over(record: Path) -> bool:
    return record.exists() and verify(record).is_finished


def _twin(folder: Path, n_days: int, note: Callable[[Event], None], *, stands_in: bool) -> DigitalTwin:
    connector, run_dir = LastingVessel(folder), folder / "run"
    try:
        if stands_in:
            return standing_in(run_dir, connector=connector, observers=(note,))
        return DigitalTwin.resume(
            run_dir, connector=connector, model=SteadyModel(), policy=SteppingPolicy(), observers=(note,)
        )
    except AuditError:  # it never began
        config = RunConfig(
            duration_days=n_days, retrain_every=2, n_paths=16, forecast_days=2, run_dir=run_dir, fresh=True
        )
        return DigitalTwin(
            connector=connector, design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config, model=SteadyModel(),
            policy=SteppingPolicy(), observers=(note,),
        )  # fmt: skip


def examined(folder: Path, n_days: int) -> list[str]:
    """Return the faults of a finished run: in its record, and by its vessel's own log."""
    report = verify(_record(folder))
    if not report.is_intact or not report.is_finished:
        return [f"the record is not whole: {report.problems[:1]}"]
    records = list(read_records(_record(folder)))
    problems = []
    days = [r.turn or 0 for r in records if r.event == "SampleRead"]
    if days != sorted(set(days)) or len(days) != n_days + 1:
        problems.append(f"the days of the samples are {days}")
    decided = Counter(r.payload["key"] for r in records if r.event == "Decided")
    if again := [key for key, n in decided.items() if n > 1]:
        problems.append(f"decided twice: {again}")
    writes = [(w["day"], w["setpoints"]) for w in witnessed(folder) if w["what"] == "write"]
    intents = [(r.turn, _values(r.payload["new"])) for r in records if r.event == "WriteIntended"]
    done = [(r.turn, _values(r.payload["asked"])) for r in records if r.event == "SetpointsWritten"]
    if twice := [day for day, n in Counter(day for day, _ in writes).items() if n > 1]:
        problems.append(f"the vessel was changed twice on day {twice}")
    if unheard := [w for w in writes if w not in intents]:
        problems.append(f"the vessel was changed without a record: {unheard}")
    # what was in force already may have been found so, whether or not the write of it arrived
    moved = {r.payload["key"] for r in records if r.event == "WriteIntended" and r.payload["old"] != r.payload["new"]}
    changed = [
        (r.turn, _values(r.payload["asked"])) for r in records
        if r.event == "SetpointsWritten" and r.payload["key"] in moved
    ]  # fmt: skip
    if missing := [d for d in changed if d not in writes]:
        problems.append(f"on record as written, but never was: {missing}")
    if lost := [w for w in writes if w not in done]:
        problems.append(f"written, but not on record as that: {lost}")
    return problems


def _values(setpoints: dict[str, float]) -> list[float]:
    return [setpoints[name] for name in SETPOINTS]

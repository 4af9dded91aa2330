"""T15: killed after every record, for each kind of link, with a person at the vessel meanwhile.

It is a program of its own, so that it can fork: ``python -m perfusio.selftest.lives.every_record file 4``. Two runs a
point: one is cut off for good after that record, a person may change a setpoint at the dead twin's vessel, another goes
on to the end. What the vessel's own log says is then held against the record.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from perfusio import verified_write
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig
from perfusio.connectors.files.setpoints_file import SetpointsFile
from perfusio.events import Event, WriteIntended
from perfusio.process.examples import BY_HAND
from perfusio.process.roles import BLEED
from perfusio.protocols import Connector, Ending, WriteReport
from perfusio.record.apply_event import folded
from perfusio.record.run_state import RunState
from perfusio.record.verification.verify import read_records, verify
from perfusio.selftest.lives.outside import (
    IMPOSSIBLE,
    REACTOR,
    BehindFile,
    BehindServer,
    BehindTable,
    Outside,
    wait_for,
)
from perfusio.selftest.lives.outside import witnessed as changes_of
from perfusio.selftest.promises import Tried
from perfusio.state import SETPOINTS, Setpoints
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.testing.opcua_server import FaultyOpcUaServer
from perfusio.twin import resume
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.samples import intake
from perfusio.twin.writes import actuate, first_look

N_DAYS = 5
N_QUICK = 4
"""Points of each kind that are tried quickly."""
MEMORY = "/dev/shm"
LONGEST_LIFE_S = 60
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of link: how its vessel is made, and how a twin reaches it."""

    outside: Callable[[Path, int], Outside]
    connector: Callable[[Path], Connector]
    shows_at_once: bool = True


def kind_of(name: str) -> Kind:
    """Return a kind by its name; call it before any process is made."""
    if name == "opcua":
        server = FaultyOpcUaServer((REACTOR,))
        return Kind(partial(_behind_server, server), BehindServer.connector)
    if name == "sql":
        return Kind(BehindTable, BehindTable.connector, shows_at_once=False)
    return Kind(BehindFile, BehindFile.connector, shows_at_once=False)


def _behind_server(server: FaultyOpcUaServer, folder: Path, n_days: int) -> Outside:
    (folder / "nodes.toml").write_text(server.toml())
    return BehindServer(folder, n_days, server)


class Trial:
    """One run in a folder, with its vessel in a process of its own.

    Args:
        kind: Of its link.
        folder: Empty.
    """

    def __init__(self, kind: Kind, folder: Path) -> None:
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
        """Let the vessel do what was asked so far; then a person changes setpoints, if any are named."""
        os.write(self._commands, json.dumps(by_hand).encode() + b"\n")
        if not wait_for(self._answers):
            self.problems.append("the trial itself failed: the vessel does not answer")

    def live(self, cut: int | None = None) -> int:
        """Let a twin live on what the last one left, until so many records are written; return how many it wrote."""
        there = self.folder / "n_records"
        pid = os.fork()
        if pid == 0:
            signal.alarm(LONGEST_LIFE_S)
            _be_a_twin(self._kind.connector, self.folder, there, cut)
        os.waitpid(pid, 0)
        return int(there.read_text() or 0) if there.exists() else 0

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
    there.write_text(str(n))
    os._exit(code)


def examined(folder: Path, *, is_by_hand: bool, shows_at_once: bool) -> list[str]:
    """Return where record and witness do not agree, or what must never happen did."""
    log, told = folder / "run" / "audit.jsonl", folder / "stderr.txt"
    if not log.exists() or not (report := verify(log)).is_intact or not report.is_finished:
        said = told.read_text()[-300:] if told.exists() else "it was killed"
        return [f"the run does not come to its end: {said}"]
    records = list(read_records(log))
    known = folded((r.to_event() for r in records), records[0].run)
    changes = changes_of(folder)
    # a controller behind a file shows what a person did with its next sample, and after the last there is none
    is_unseen = is_by_hand and not shows_at_once and changes[-1]["day"] == N_DAYS
    return [
        *_samples(records, known.trajectories[REACTOR].states[:]),
        *_writes(records, [c for c in changes if c["by"] == "twin"]),
        *(_by_hand(changes) if is_by_hand else []),
        *([] if is_unseen else _in_force(known.in_force[REACTOR], changes)),
    ]


def _samples(records: list[Any], states: Sequence[Any]) -> list[str]:
    problems = []
    due = [r.turn for r in records if r.event == "SampleRead" and not r.payload["extra"]]
    if due != list(range(N_DAYS + 1)):
        problems.append(f"the turns of the samples are {due}")
    if any(s.time_h == IMPOSSIBLE.time_h for s in states):
        problems.append("a sample that was refused is in use")
    n_refused = sum(r.event == "SampleQuarantined" for r in records)
    if n_refused != 1:
        problems.append(f"the impossible sample was refused {n_refused} times")
    return problems


def _writes(records: list[Any], changes: list[Json]) -> list[str]:
    """Hold what the twin changed, as the vessel saw it, against intents and what is on record as done."""
    problems = []
    intents = [_values(r.payload["new"]) for r in records if r.event == "WriteIntended"]
    moved = {r.payload["key"]: r.payload for r in records if r.event == "WriteIntended"}
    done = [
        _values(r.payload["asked"]) for r in records
        if r.event == "SetpointsWritten" and moved[r.payload["key"]]["old"] != moved[r.payload["key"]]["new"]
    ]  # fmt: skip
    seen = [c["setpoints"] for c in changes]
    if unheard := [s for s in seen if not any(_close(s, i) for i in intents)]:
        problems.append(f"the vessel was changed without an intent: {unheard}")
    if missing := [d for d in done if not any(_close(d, s) for s in seen)]:
        problems.append(f"on record as written, but never was: {missing}")
    days = Counter(c["day"] for c in changes)
    if twice := [day for day, n in days.items() if n > 1]:
        problems.append(f"the vessel was changed twice on day {twice}")
    nominal = DEFAULT_AMBR250_DESIGN_SPACE.bounds[BLEED].nominal
    for change in changes:
        hour, is_up = change["at"], change["setpoints"][SETPOINTS.index(BLEED)] > nominal
        if hour is not None and is_up != (round(hour / 24.0) % 2 == 0):
            problems.append(f"the setpoints of another day stand at hour {hour:g}")
    return problems


def _by_hand(changes: list[Json]) -> list[str]:
    """Nothing is written over a person's values."""
    last = max(i for i, c in enumerate(changes) if c["by"] == "person")
    over = [c for c in changes[last + 1 :] if not _close(c["setpoints"], changes[last]["setpoints"])]
    return [f"a person's values were written over: {over}"] if over else []


def _in_force(believed: Setpoints, changes: list[Json]) -> list[str]:
    if not changes or _close(believed.vector().tolist(), changes[-1]["setpoints"]):
        return []
    return [f"in force is {changes[-1]['setpoints']}, the record believes {believed.vector().tolist()}"]


def _values(setpoints: Json) -> list[float]:
    return [setpoints[name] for name in SETPOINTS]


def _close(a: list[float], b: list[float]) -> bool:
    return all(abs(x - y) <= 1e-6 * max(1.0, abs(x)) for x, y in zip(a, b, strict=True))


def points(name: str, n: int, *, after: str = "") -> tuple[int, list[str]]:
    """Cut runs of a kind off after `n` of their records, spread evenly (0 = all); return points and problems.

    Args:
        name: Of the kind.
        n: How many.
        after: Only after records of this event.
    """
    kind, problems = kind_of(name), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        trial, log = Trial(kind, Path(folder)), Path(folder) / "run" / "audit.jsonl"
        trial.live()
        trial.close()
        problems += [f"{name}, not cut: {p}" for p in examined(Path(folder), is_by_hand=False, shows_at_once=True)]
        seen = [r.seq for r in read_records(log) if after in ("", r.event)] if log.exists() else []
    step = max(1, len(seen) // n) if n else 1
    cuts = seen[(step - 1) // 2 : None if after else -1 : step]
    for i, cut in enumerate(cuts):
        with tempfile.TemporaryDirectory() as folder:
            trial, is_by_hand = Trial(kind, Path(folder)), i % 2 == 1
            trial.live(cut)
            trial.tell_vessel(**(BY_HAND if is_by_hand else {}))  # the guard would let the twin write over it
            trial.live()
            trial.tell_vessel()
            trial.close()
            found = trial.problems + examined(
                Path(folder), is_by_hand=is_by_hand, shows_at_once=kind.shows_at_once
            )
            problems += [f"{name}, cut after record {cut}{', by hand' * is_by_hand}: {p}" for p in found]
    return len(cuts), problems


def every_record(is_full: bool) -> Tried:
    """Kill twins over files, tables and servers after every record."""
    n_points, problems = 0, list[str]()
    for name in ("file", "sql", "opcua"):
        n, found = in_a_program(name, 0 if is_full else N_QUICK)
        n_points, problems = n_points + n, problems + found
    return Tried(
        id="T15",
        promise="killed after any record: the vessel's own log agrees, nobody is written over",
        n_tried=n_points,
        n_failed=len(problems),
        note=problems[0][:300] if problems else "file and table with a controller, OPC UA; at every other a person",
    )


def planted_at_every_record(is_full: bool) -> Tried:
    """Plant bugs in the way a run goes on, and see them found by the witness."""
    del is_full  # a few points show them
    missed = [name for name, bug in BUGS.items() if not in_a_program(bug.link, N_QUICK, name)[1]]
    return Tried(
        id="teeth",
        promise="bugs planted in what is known of vessels after a kill are caught",
        n_tried=len(BUGS),
        n_failed=len(missed),
        note=f"missed: {', '.join(missed)}" if missed else f"caught by T15: {', '.join(BUGS)}",
    )


def _taken_as_done() -> None:
    """A write that was cut short is taken as done without a look."""

    def blind(intent: WriteIntended, _: Setpoints) -> WriteReport:
        return WriteReport(ending=Ending.DONE, in_force=intent.new)

    vars(first_look)["settled"] = blind


def _nobody_else() -> None:
    """What is found in a vessel, at the first look and before a write, is never held against what was known."""

    def none(*_: object) -> dict[str, str]:
        return {}

    for module in (first_look, actuate, intake, verified_write):
        vars(module)["differences"] = none


def _forgetting(change: Callable[[RunState], RunState]) -> Callable[[], None]:
    """Have a run that goes on know something else than what is on record."""

    def plant() -> None:
        known_after = resume.known_after
        vars(resume)["known_after"] = lambda records: change(known_after(records))

    return plant


def _without_refused(known: RunState) -> RunState:
    return replace(known, quarantined={})


def _without_last(known: RunState) -> RunState:
    shorter = {name: t.until(len(t.states) - 1) for name, t in known.trajectories.items()}
    return replace(known, trajectories=shorter, today=replace(known.today, sampled=frozenset()))


def _a_day_behind() -> None:
    """After a restart setpoints are asked for at the hour of the sample before the latest."""
    rightly, begins = SetpointsFile.append, SetpointsFile.goes_on

    def append(self: SetpointsFile, time_h: float, *arguments: Any, **named: Any) -> None:
        rightly(self, time_h - 24.0, *arguments, **named)

    def goes_on(self: SetpointsFile, *arguments: Any, **named: Any) -> None:
        begins(self, *arguments, **named)
        type.__setattr__(SetpointsFile, "append", append)

    type.__setattr__(SetpointsFile, "goes_on", goes_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """A fault that is planted in a twin, and where a kill shows it.

    Attributes:
        plant: Plants it in this process.
        after: Records after which runs are cut off.
        link: Kind of link over which it shows.
    """

    plant: Callable[[], None]
    after: str
    link: str = "opcua"


BUGS: Mapping[str, Bug] = {
    "a write that was cut short is taken as done": Bug(plant=_taken_as_done, after="WriteIntended"),
    "a person's values are written over": Bug(plant=_nobody_else, after="ModelConditioned"),
    "what was refused is forgotten": Bug(plant=_forgetting(_without_refused), after="SampleQuarantined", link="file"),
    "a row is read twice": Bug(plant=_forgetting(_without_last), after="ModelConditioned", link="file"),
    "a row has the hour of another day": Bug(plant=_a_day_behind, after="ModelConditioned", link="file"),
}


def in_a_program(name: str, n: int, bug: str = "") -> tuple[int, list[str]]:
    """Try points of a kind in a program of its own, which can fork."""
    command = [sys.executable, "-m", "perfusio.selftest.lives.every_record", name, str(n), *([bug] if bug else [])]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **threads})
    if done.returncode != 0:
        return 1, [f"the trial itself failed: {done.stderr[-300:]}"]
    found = json.loads(done.stdout.splitlines()[-1])
    return int(found["n_points"]), list(found["problems"])


def main() -> None:
    """Do what the command line says, and print what came of it."""
    name, n, *bug = sys.argv[1:]
    if os.access(MEMORY, os.W_OK):
        tempfile.tempdir = MEMORY
    with tempfile.TemporaryDirectory() as home:
        os.environ["PERFUSIO_SITE_KEY"] = str(Path(home) / "site.key")
        if bug:
            BUGS[bug[0]].plant()
        n_points, problems = points(name, int(n), after=BUGS[bug[0]].after if bug else "")
    sys.stdout.write(json.dumps({"n_points": n_points, "problems": problems}) + "\n")


if __name__ == "__main__":
    main()

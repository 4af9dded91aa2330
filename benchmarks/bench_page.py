"""What the page costs, and how soon it shows: `python benchmarks/bench_page.py [--full] [--out FILE]`.

A record of 24 vessels and 28 days (quick: 4 and 5) is written by the loop with the selftest's cheap model, whose
forecasts have the size of real ones: 28 days, nine species. The page is served by `perfusio serve` in a process of its
own; people are HTTP clients, and one is a real browser where there is one. Wall times count on an idle machine only, so
CPU seconds of server and browser stand beside them. Then a record of 100,000 events (quick: 3,000) is opened.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx

from machine import stamp
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.dashboard.accounts.roles import UserRole
from perfusio.dashboard.accounts.site import Site
from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.events import OperatorActed
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.line import sealed
from perfusio.testing import ScriptedConnector, make_state
from perfusio.testing.fakes import GrowingModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin

PASSWORD = "a password of the bench"
FULL, QUICK = (24, 28, 100_000, 20, 20.0), (4, 5, 3_000, 5, 2.0)
MOST = {"first_page_s": 1.0, "first_page_kB": 500.0, "update_s": 1.0, "idle_percent": 2.0, "open_s": 2.0}
"""Bars: of wall time, bytes, wall time, CPU, wall time."""
TICKS = os.sysconf("SC_CLK_TCK")


def write_run(folder: Path, n_vessels: int, days: int) -> None:
    """Leave an unfinished record: its last sample has not come."""
    class Stop(Exception):
        pass

    vessels = {
        f"R{i + 1:02d}": ScriptedConnector([
            make_state(day=d, vcd=3.0 + 27.0 * min(1.0, d / 5) + 0.3 * ((7 * i + 3 * d) % 5)) for d in range(days + 1)
        ])
        for i in range(n_vessels)
    }  # fmt: skip
    config = RunConfig(duration_days=days + 1, run_dir=folder, n_paths=16)
    twin = DigitalTwin(connector=vessels, design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config,
                       model=GrowingModel(), policy=SteppingPolicy())  # fmt: skip
    asyncio.run(twin.run())
    record = folder / "audit.jsonl"
    lines = record.read_bytes().splitlines(keepends=True)
    if b'"event":"RunEnded"' in lines[-1]:
        record.write_bytes(b"".join(lines[:-1]))
        (folder / "audit.heads").unlink()  # they sign the line that is gone


def write_long(source: Path, folder: Path, n: int) -> None:
    """Make a record of so many events out of the kinds of events in another one, decisions aside, with right hashes."""
    first, *rest = [json.loads(line) for line in (source / "audit.jsonl").read_bytes().splitlines()]
    small = [r for r in rest if r["event"] in ("ModelConditioned", "AlarmChanged", "Withheld", "SetpointsFound",
                                               "WriteIntended", "SetpointsWritten", "SampleRead")]  # fmt: skip
    samples = [r for r in small if r["event"] == "SampleRead"]
    others = [r for r in small if r["event"] != "SampleRead"]
    prev, lines = first["prev"], []
    for i in range(n):
        some = [first] if i == 0 else samples if i % 8 == 0 else others
        fields = dict(some[i % len(some)])
        fields.pop("hash")
        if fields["event"] == "SampleRead":
            turn = i // (8 * len({r["reactor"] for r in samples}))
            state = {**fields["payload"]["state"], "time_h": 0.25 * i}
            fields |= {"payload": {**fields["payload"], "state": state}, "turn": turn, "culture_day": 0.25 * i / 24.0}
        line, prev = sealed({**fields, "seq": i + 1, "prev": prev})
        lines.append(line)
    (folder / "audit.jsonl").write_bytes(b"".join(lines))


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and of all its children that live."""
    total, waiting = 0.0, [pid]
    while waiting:
        one = waiting.pop()
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            waiting += [int(c) for c in Path(f"/proc/{one}/task/{one}/children").read_text().split()]
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


class Server:
    """`perfusio serve` as a process."""

    def __init__(self, folder: Path, accounts: Path) -> None:
        environment = {**os.environ, "PERFUSIO_USERS": str(accounts)}
        command = [sys.executable, "-m", "perfusio", "serve", str(folder), "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        line = next(line for line in self.process.stdout if "http" in line)
        self.url = line.split()[1].rstrip("/")

    def client(self, user: str = "vera") -> httpx.Client:
        """Log in."""
        client = httpx.Client(base_url=self.url, timeout=120.0)
        for _ in range(600):
            try:
                client.post("/api/v1/login", json={"user": user, "password": PASSWORD}).raise_for_status()
                return client
            except httpx.TransportError:
                time.sleep(0.1)
        raise TimeoutError("the server does not answer")

    @property
    def cpu_s(self) -> float:
        """CPU seconds so far."""
        return cpu_s(self.process.pid)

    def end(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()


def first_page(server: Server, cookie: str, n_charts: int) -> dict[str, float]:
    """Time from the navigation to the last chart, in a browser that has nothing in its cache; bytes, CPU seconds."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return {}
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        warm = browser.new_context()  # the first tab of a browser pays for its own processes
        warm.new_page().goto(f"{server.url}/login")
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        context.add_cookies([{"name": "perfusio_session", "value": cookie, "url": server.url}])
        tab = context.new_page()
        watch = context.new_cdp_session(tab)
        sizes: list[float] = []
        watch.send("Network.enable")
        watch.on("Network.loadingFinished", lambda e: sizes.append(e["encodedDataLength"]))
        before, browser_before = server.cpu_s, cpu_s(os.getpid())
        start = time.perf_counter()
        tab.goto(f"{server.url}/runs/run", wait_until="commit")
        tab.locator(".tile canvas").nth(n_charts - 1).wait_for()
        seconds = time.perf_counter() - start
        out = {"first_page_s": seconds, "first_page_kB": sum(sizes) / 1000.0, "server_cpu_s": server.cpu_s - before,
               "browser_cpu_s": cpu_s(os.getpid()) - browser_before}  # fmt: skip
        browser.close()
    return out


def updates(server: Server, record: Path, n_viewers: int) -> dict[str, float]:
    """Time from a new record on the disk to each of many viewers who wait for it."""
    came, ready = [0.0] * n_viewers, threading.Barrier(n_viewers + 1)

    def wait(i: int) -> None:
        client = server.client()
        with client.stream("GET", "/api/v1/runs/run/stream") as answer:
            lines = answer.iter_lines()
            next(lines)
            ready.wait()
            for line in lines:
                if '"rows"' in line:
                    came[i] = time.perf_counter()
                    return

    people = [threading.Thread(target=wait, args=(i,), daemon=True) for i in range(n_viewers)]
    for one in people:
        one.start()
    ready.wait()
    log, _ = AuditLogger.resumed(record)
    start = time.perf_counter()
    log.append(OperatorActed(turn=0, who="The bench", act="note", reason="Something happened."))
    for one in people:
        one.join()
    log.close()
    return {"update_s": max(came) - start, "viewers": n_viewers}


def idle(server: Server, seconds: float) -> float:
    """CPU of a server while nothing happens and one viewer watches [%]."""
    client = server.client()
    with client.stream("GET", "/api/v1/runs/run/stream") as answer:
        next(answer.iter_lines())
        before, start = server.cpu_s, time.perf_counter()
        time.sleep(seconds)
        return 100.0 * (server.cpu_s - before) / (time.perf_counter() - start)


def opened(folder: Path) -> dict[str, float]:
    """Wall and CPU seconds to read a record from nothing."""
    start, cpu = time.perf_counter(), time.process_time()
    run = FollowedRun(folder, "long")
    run.look()
    if wrong := run.fault or run.why_unusable:
        raise RuntimeError(wrong)
    return {"open_s": time.perf_counter() - start, "open_cpu_s": time.process_time() - cpu, "events": len(run.rows)}


def main() -> int:
    """Measure, print, and say which bars hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    n_vessels, days, n_events, n_viewers, idle_s = FULL if asked.full else QUICK
    with tempfile.TemporaryDirectory() as place:
        run, long, accounts = Path(place) / "run", Path(place) / "long", Path(place) / "users.sqlite"
        long.mkdir()
        Site(accounts).users.add("vera", "Vera Example", UserRole.VIEWER, PASSWORD)
        write_run(run, n_vessels, days)
        write_long(run, long, n_events)
        server = Server(run, accounts)
        try:
            cookie = server.client().cookies["perfusio_session"]
            figures: dict[str, float] = {"record_MB": (run / "audit.jsonl").stat().st_size / 1e6}
            figures |= first_page(server, cookie, n_vessels)
            figures |= updates(server, run / "audit.jsonl", n_viewers)
            figures["idle_percent"] = idle(server, idle_s)
        finally:
            server.end()
        figures |= opened(long)
    lines = [stamp(), f"{n_vessels} vessels, {days} days; {n_viewers} viewers at once", ""]
    for name, value in figures.items():
        bar = f"   at most {MOST[name]:g}: {'yes' if value <= MOST[name] else 'NO'}" if name in MOST else ""
        lines.append(f"{name:16}{value:12.3f}{bar}")
    held = {name: figures[name] <= most for name, most in MOST.items() if name in figures}
    lines += ["", json.dumps({"is_full": asked.full, "figures": figures, "held": held})]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")
    return 0 if all(held.values()) else 1


if __name__ == "__main__":
    sys.exit(main())

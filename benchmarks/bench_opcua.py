"""Does OPC UA lose a sample when the server dies? `python benchmarks/bench_opcua.py [--full] [--out FILE]`.

A server process with two vessels publishes a sample every three seconds, by the clock, whether anybody reads or not. It
is killed with SIGKILL at random moments, several times a sample, and started again at once; three times of four the
next kill waits until the client was back. Each sample that was published must be read once, and once only. Every
connection is signed and encrypted. The memory of the reading process is compared between the first tenth of the kills
and the end. 200 kills with --full, 5 without.

The servers are forked from a process that made the address space once, so that a start takes milliseconds, not seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from machine import stamp
from perfusio.connectors.opc_ua.access import Timing
from perfusio.connectors.opc_ua.certificates import read_certificate
from perfusio.connectors.opc_ua.security import Certificates
from perfusio.connectors.opcua import OpcUaConnector, OpcUaVessel
from perfusio.state import State
from perfusio.testing.opcua_identity import identity
from perfusio.testing.opcua_server import FaultyOpcUaServer, free_port

VESSELS = ("R01", "R02")
INTERVAL_S = 3.0
UNTIL_KILL_S = (0.0, 1.0)
MOST_GROWTH_MB = 20.0
TIMING = Timing(request=1.0, keepalive=0.3, session=2.0, write=10.0, backoff=(0.02, 0.2), poll=0.02, sample=60.0)


# -- the process that servers are forked from -------------------------------------------------------------------------


def zygote(folder: Path) -> None:
    """Make a server, then fork one that runs for each line on the standard input (`PORT BEGIN`)."""
    shown = identity()
    server = FaultyOpcUaServer(VESSELS, identity=shown)
    (folder / "server.der").write_bytes(shown.certificate.public_bytes(Encoding.DER))
    (folder / "nodes.toml").write_text(server.toml(), encoding="utf-8")
    print("ready", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead need no waiting for
    for line in sys.stdin:
        port, begin = line.split()
        if os.fork() == 0:
            serve(server, int(port), float(begin))


def serve(server: FaultyOpcUaServer, port: int, begin: float) -> None:
    """Publish a sample an interval, counted from `begin` (monotonic), until killed."""
    n = int((time.monotonic() - begin) / INTERVAL_S)
    for vessel in VESSELS:
        server.set_value(f"{vessel}.number", n - 1)
    publish(server, n)
    server.start(port)
    print(f"up {os.getpid()} {server.port}", flush=True)
    while True:
        n += 1
        time.sleep(max(0.0, begin + n * INTERVAL_S - time.monotonic()))
        server.run(published(server, n))


async def published(server: FaultyOpcUaServer, n: int) -> None:
    """Publish sample n between two requests, not during one."""
    publish(server, n)


def publish(server: FaultyOpcUaServer, n: int) -> None:
    """Publish sample n of each vessel; its values tell which it is."""
    for i, vessel in enumerate(VESSELS):
        server.publish(vessel, State(time_h=float(n), vcd=float(n % 100), viability=90.0 + i, glucose=4.0))


# -- the client --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What came out."""

    kills: int
    published: int
    lost: int
    doubled: int
    mixed: int
    connects: int
    growth_mb: float
    seconds: float
    cpu_s: float

    @property
    def holds(self) -> bool:
        """Whether no sample was lost, doubled or mixed up, and memory stayed."""
        return not (self.lost or self.doubled or self.mixed) and self.growth_mb < MOST_GROWTH_MB


class Servers:
    """Starts and kills servers."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, __file__, "--zygote", str(folder)]
        self._zygote = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid, self.port = 0, free_port()
        self._line()
        self.begin = time.monotonic()

    def start(self) -> None:
        """Start one, on the same port as before."""
        assert self._zygote.stdin is not None
        self._zygote.stdin.write(f"{self.port} {self.begin}\n")
        self._zygote.stdin.flush()
        _, pid, port = self._line().split()
        self.pid, self.port = int(pid), int(port)

    def kill(self) -> None:
        """Kill the one that runs, and wait until it is gone and its port free."""
        os.kill(self.pid, signal.SIGKILL)
        while Path(f"/proc/{self.pid}").exists():
            time.sleep(0.001)

    def end(self) -> None:
        """Kill all."""
        self.kill()
        self._zygote.kill()
        self._zygote.wait()
        for pipe in (self._zygote.stdin, self._zygote.stdout):
            if pipe is not None:
                pipe.close()

    def _line(self) -> str:
        assert self._zygote.stdout is not None
        return self._zygote.stdout.readline()


async def collect(vessel: OpcUaVessel, found: list[State]) -> None:
    """Read samples for ever."""
    while True:
        found.append(await vessel.read_sample())


async def measure(n_kills: int, seed: int) -> Result:
    """Kill and restart a server many times under two vessels that are being read."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        servers = Servers(folder)
        servers.start()
        Certificates(folder).trust(read_certificate((folder / "server.der").read_bytes()))
        connector = OpcUaConnector(
            f"opc.tcp://127.0.0.1:{servers.port}/", folder / "nodes.toml", certificates=folder, timing=TIMING
        )
        found: dict[str, list[State]] = {vessel: [] for vessel in VESSELS}
        reading = [asyncio.create_task(collect(v, found[r])) for r, v in connector.vessels().items()]
        begun, cpu = time.monotonic(), time.process_time()
        memory, connects = 0.0, 0
        for i in range(n_kills):
            if i % 4:  # every fourth kill may well meet a client that is still connecting
                while connector.session.n_connects == connects:
                    await asyncio.sleep(0.005)
            await asyncio.sleep(draw.uniform(*UNTIL_KILL_S))
            connects = connector.session.n_connects
            if i == n_kills // 10:
                memory = resident_mb()
            servers.kill()
            await asyncio.to_thread(servers.start)
        await asyncio.sleep(2 * INTERVAL_S)
        growth, seconds, cpu = resident_mb() - memory, time.monotonic() - begun, time.process_time() - cpu
        for task in reading:
            task.cancel()
        ended = await asyncio.gather(*reading, return_exceptions=True)
        await connector.close()
        servers.end()
    for trouble in ended:
        if not isinstance(trouble, asyncio.CancelledError):
            raise RuntimeError("A vessel could not be read any more.") from trouble
    return counted(found, n_kills, connector.session.n_connects, growth, seconds, cpu)


def counted(
    found: dict[str, list[State]], n_kills: int, n_connects: int, growth: float, seconds: float, cpu: float
) -> Result:
    """Count what was lost, doubled, or came with the values of another sample or vessel."""
    published = lost = doubled = mixed = 0
    for i, samples in enumerate(found.values()):
        times = Counter(int(s.time_h) for s in samples)
        due = range(min(times), max(times) + 1)
        published += len(due)
        lost += sum(n not in times for n in due)
        doubled += sum(n - 1 for n in times.values())
        mixed += sum(s.vcd != s.time_h % 100 or s.viability != 90.0 + i for s in samples)
    return Result(n_kills, published, lost, doubled, mixed, n_connects, growth, seconds, cpu)


def resident_mb() -> float:
    """Return the memory of this process [MB]."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def report(result: Result, seed: int) -> str:
    """Return the table, a verdict and one line of JSON."""
    kills = max(result.kills, 1)
    return "\n".join(
        [
            stamp(),
            f"{result.kills} kills (SIGKILL) and restarts, seed {seed}; 2 vessels, a sample per {INTERVAL_S:g} s each",
            "",
            f"samples published      {result.published:8d}",
            f"lost                   {result.lost:8d}",
            f"doubled                {result.doubled:8d}",
            f"of another sample      {result.mixed:8d}",
            f"connections            {result.connects:8d}",
            f"memory, growth [MB]    {result.growth_mb:8.1f}",
            f"client CPU per kill [s]{result.cpu_s / kills:8.3f}",
            f"wall time [s]          {result.seconds:8.0f}",
            "",
            f"no sample lost or doubled, growth below {MOST_GROWTH_MB:g} MB: {'yes' if result.holds else 'NO'}",
            json.dumps({"bench": "opcua", "seed": seed, "holds": result.holds, **result.__dict__}),
        ]
    )


def main() -> None:
    """Run it, print it, and keep it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="200 kills")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--zygote", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.zygote is not None:
        zygote(args.zygote)
        return
    result = asyncio.run(measure(200 if args.full else 5, args.seed))
    text = report(result, args.seed)
    print(text)
    if args.out is not None:
        args.out.write_text(text + "\n", encoding="utf-8")
    sys.exit(0 if result.holds else 1)


if __name__ == "__main__":
    main()

"""Engines of studies: 200 runs with equal results from each, what they cost, and what a kill costs.

`python benchmarks/bench_study.py [--full]`. The quick mode has runs of 4 days, the full one of 28. Equal means: the
bytes of results.csv. The work is the processor time inside tasks; overhead is all other processor time of driver and
workers, measured on warm workers, as a share of the work; what it takes to warm them up is told apart, and so is what
Ray's own services take ("services"), which run whether there is work or not. The speed-up is that of the clock, 2 warm
processes against 1, and needs two idle cores: the cores that were had are printed beside it.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

from machine import stamp
from perfusio.study.running.driver import shard_of, work_through
from perfusio.study.running.engine import Engine, InProcess
from perfusio.study.running.task import Task
from perfusio.study.running.task_journal import TaskJournal, done_in
from perfusio.study.running.time_limit import TimeLimit
from perfusio.study.running.worker_processes import WorkerProcesses
from perfusio.study.scenarios.results import RESULTS, as_csv, check_complete, rows_of
from perfusio.study.scenarios.study_file import read_study
from processes_below import cpu_s

STUDY = """
[study]
name = "Engines"
replicates = 50
block = 5
days = {days}

[vary]
clone = ["CloneX", "Y-GS46"]
policy = ["pi", "model-free-mpc"]
"""
N_RUNS, WARM = 200, 6
PERFUSIO = [sys.executable, "-m", "perfusio"]


def digest(text: str) -> str:
    """Return a short hash of results."""
    return sha256(text.encode()).hexdigest()[:12]


def timed(tasks: Sequence[Task], engine: Engine, folder: Path) -> dict[str, float | str]:
    """Warm an engine up with a few tasks, then run all of them and measure."""
    begun = time.perf_counter()
    list(engine.run(tasks[:WARM], TimeLimit()))
    warm_s, (cpu, services) = time.perf_counter() - begun, cpu_s()
    begun = time.perf_counter()
    with TaskJournal(folder) as journal:
        work = work_through(tasks, engine, journal)
    seconds, (cpu_after, services_after) = time.perf_counter() - begun, cpu_s()
    cpu, services = cpu_after - cpu, services_after - services
    inside = sum(d.cpu_seconds for d in work.done.values())
    told: dict[str, float | str] = {
        "results": digest(as_csv(rows_of(tasks, work.done))), "wall_s": seconds, "work_s": inside,
        "overhead": max(cpu - services - inside, 0.0) / inside, "warm_up_s": warm_s, "cpu_share": cpu / seconds,
    }  # fmt: skip
    return {**told, "services": services / inside} if services else told


def on_ray(tasks: Sequence[Task], folder: Path) -> dict[str, float | str]:
    """Run on a Ray of two cores on this machine; its own services are told apart."""
    from perfusio.study.running.on_ray import OnRay

    engine = OnRay(n_workers=2)
    try:
        return timed(tasks, engine, folder)
    finally:
        engine.close()


def one_node_killed(tasks: Sequence[Task], folder: Path) -> dict[str, float | str]:
    """Run on two nodes of Ray; one is killed while it works."""
    from ray_nodes import on_two_nodes

    begun = time.perf_counter()
    work, killed_at = on_two_nodes(tasks, folder)
    return {
        "results": digest(as_csv(rows_of(tasks, work.done))), "wall_s": time.perf_counter() - begun,
        "killed_at": float(killed_at), "tried_again": float(sum(d.attempt > 1 for d in work.done.values())),
    }  # fmt: skip


def merged(tasks: Sequence[Task], folder: Path) -> dict[str, float | str]:
    """Run four shards, each in a folder of its own as on four machines, and merge them."""
    folders = [folder / f"shard{i}" for i in range(1, 5)]
    for i, one in enumerate(folders, start=1):
        with TaskJournal(one, (i, 4)) as journal:
            work_through(shard_of(tasks, (i, 4)), InProcess(), journal)
    done = done_in(folders)
    check_complete(tasks, done, folders)
    return {"results": digest(as_csv(rows_of(tasks, done)))}


def killed_and_gone_on(study: Path, tasks: Sequence[Task], folder: Path) -> dict[str, float | str]:
    """Kill a driver with SIGKILL after some tasks, run it again, and count what was done twice."""
    command = [*PERFUSIO, "study", str(study), "--out", str(folder), "--workers", "2"]
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while driver.poll() is None and len(done_in([folder])) < len(tasks) // 4:
        time.sleep(0.02)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    before = done_in([folder])
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = [json.loads(line)["task_id"] for line in (folder / "done.jsonl").read_bytes().splitlines()]
    return {
        "results": digest((folder / RESULTS).read_text()), "killed_at": float(len(before)),
        "repeated": float(len(lines) - len(set(lines))),
    }  # fmt: skip


def main() -> int:
    """Run everything and print the table; 1 if results differ, something done was repeated, or nothing lost was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="runs of 28 days instead of 4")
    parser.add_argument("--without-ray", action="store_true")
    parser.add_argument("--only", default="", help="arms whose name holds this, and nothing is concluded")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = folder / "study.toml"
        study.write_text(STUDY.format(days=28 if asked.full else 4))
        tasks = read_study(study).tasks()
        one, two = WorkerProcesses(1), WorkerProcesses(2)
        arms: dict[str, Callable[[], dict[str, float | str]]] = {
            "in process": lambda: timed(tasks, InProcess(), folder / "a"),
            "1 process": lambda: timed(tasks, one, folder / "b"),
            "2 processes": lambda: timed(tasks, two, folder / "c"),
            "4 shards, merged": lambda: merged(tasks, folder / "d"),
            "driver killed, run again": lambda: killed_and_gone_on(study, tasks, folder / "e"),
        }
        try:
            import ray  # noqa: F401
        except ImportError:
            print("Ray is not installed: its row is left out.")
        else:
            if not asked.without_ray:
                arms["Ray, 2 cores"] = lambda: on_ray(tasks, folder / "f")
                arms["Ray, 2 nodes, 1 killed"] = lambda: one_node_killed(tasks, folder / "g")
        found = {}
        print(f"{stamp()}\n{N_RUNS} runs in {len(tasks)} tasks, days {28 if asked.full else 4}\n")
        for arm, run in arms.items():
            if asked.only not in arm:
                continue
            try:
                found[arm] = run()
            except Exception as error:
                if not arm.startswith("Ray"):
                    raise
                print(f"{arm:26}not measured: {type(error).__name__}: {str(error).splitlines()[0]}")
                continue
            told = ", ".join(f"{k} {v if isinstance(v, str) else format(v, '.3g')}" for k, v in found[arm].items())
            print(f"{arm:26}{told}", flush=True)
        one.close()
        two.close()
    if asked.only:
        print(json.dumps({"arms": found}))
        return 0
    speed_up = float(found["1 process"]["wall_s"]) / float(found["2 processes"]["wall_s"])
    equal = len({f["results"] for f in found.values()}) == 1
    lost = found.get("Ray, 2 nodes, 1 killed", {}).get("tried_again", 1.0)
    repeated = float(found["driver killed, run again"]["repeated"])
    share = float(found["2 processes"]["cpu_share"])
    print(
        f"\nall results equal to the byte: {equal}; tasks repeated after the kill: {repeated:g}; speed-up on 2 "
        f"processes {speed_up:.2f} (they had {share:.2f} of 2 cores); overhead of 2 processes "
        f"{100 * float(found['2 processes']['overhead']):.1f} %"
    )
    print(json.dumps({"equal": equal, "repeated": repeated, "speed_up": round(speed_up, 3), "arms": found}))
    return 0 if equal and repeated == 0 and float(lost) >= 1 else 1


if __name__ == "__main__":
    sys.exit(main())

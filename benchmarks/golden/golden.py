"""Whether the working tree decides and forecasts what a commit of before did, to the last bit. `make golden`.

Both run the five cases of `golden_cases.py` on this machine, in one virtual environment, the commit of before (named in
`base.txt`) from a worktree in a temporary folder. Events on record must be equal, and their order; times, hashes and
versions are not looked at. Bits differ between processors, so no figure of this is stored; what is stored, and held to
1e-6, is in `tests/closed_loop/test_stored_goldens.py`.

A commit that changes figures on purpose says so and names itself in `base.txt` afterwards.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import scipy

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BASE = HERE / "base.txt"
CASES = ("file", "fleet", "history", "transfer", "economic")
IGNORED = ("RunStarted", "SetpointsFound")
"""Events that are not compared: they hold versions and paths, or joined the record since the commit of before."""
IGNORED_FIELDS = {
    "WriteIntended": ("not_after",),
    "ModelSaved": ("sha256",),
    "SampleRead": ("assumed", "next_assumed"),  # since setpoints are read before the first sample
}
"""Fields of a payload that are not compared, by event: they are times, or joined it since the commit of before."""
KEPT = ROOT / "build" / "golden"
"""What commits of before gave on this machine: they need not run twice."""

Record = list[dict[str, Any]]


def main() -> int:
    """Print a row per case and one JSON line; 1 if anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default=BASE.read_text(encoding="utf-8").strip(), help="commit of before")
    parser.add_argument(
        "--without", action="append", default=[], metavar="EVENT",
        help="leave an event out, for a commit that changes just this one on purpose; repeatable",
    )  # fmt: skip
    asked = parser.parse_args()
    print(f"The working tree beside {asked.base[:12]}: events on record, equal to the bit?\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="perfusio-golden-") as temporary, ThreadPoolExecutor(2) as pool:
        folder = Path(temporary)
        then = pool.submit(before, asked.base, folder)
        start = time.perf_counter()
        now = run(ROOT / "src", folder / "now")
        seconds = time.perf_counter() - start
        old = then.result()
    now, old = ({case: compared(record[case], asked.without) for case in CASES} for record in (now, old))
    differ = {case: first_difference(old[case], now[case]) for case in CASES}
    print(f"{'case':<10}{'events':>8}{'decisions':>11}  first difference")
    for case, difference in differ.items():
        n_decisions = sum(event["event"] == "Decided" for event in now[case])
        print(f"{case:<10}{len(now[case]):>8}{n_decisions:>11}  {difference or 'none'}")
    is_equal = not any(differ.values())
    print(json.dumps({"base": asked.base, "equal": is_equal, "seconds": round(seconds, 1), "differences": differ}))
    return 0 if is_equal else 1


def before(commit: str, folder: Path) -> dict[str, Record]:
    """Return what a commit gives, from an earlier run on this machine with the same cases if there was one."""
    files = [HERE / "golden_cases.py", *sorted(HERE.glob("cases/*"))]
    inputs = hashlib.sha256(b"".join(file.read_bytes() for file in files))
    inputs.update(f"{commit} {sys.version} {np.__version__} {scipy.__version__}".encode())
    kept = KEPT / f"{inputs.hexdigest()[:16]}.json"
    if kept.exists():
        known: dict[str, Record] = json.loads(kept.read_text(encoding="utf-8"))
        return known
    with sources_of(commit, folder / "before") as sources:
        found = run(sources, folder / "then")
    KEPT.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(found), encoding="utf-8")
    return found


@contextmanager
def sources_of(commit: str, tree: Path) -> Iterator[Path]:
    """Give the sources of a commit of before, from a worktree that is there for so long."""
    git("worktree", "add", "--quiet", "--detach", str(tree), commit)
    try:
        yield tree / "src"
    finally:
        git("worktree", "remove", "--force", str(tree))


def run(sources: Path, folder: Path) -> dict[str, Record]:
    """Run the cases with the package of `sources`; return what is compared of the record of each."""
    done = subprocess.run(
        [sys.executable, str(HERE / "golden_cases.py"), str(folder), *CASES],
        env=os.environ | {"PYTHONPATH": str(sources)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        sys.exit(f"The cases on {sources} ended with {done.returncode}:\n{done.stderr}")
    if Path(done.stdout.strip()).resolve() != (sources / "perfusio").resolve():
        sys.exit(f"The cases ran on {done.stdout.strip()}, not on {sources}: the two trees would be one.")
    return {case: recorded(folder / case) for case in CASES}


def recorded(folder: Path) -> Record:
    """Return what is compared of one run: the forecast in full precision, then its record without the run's name."""
    forecast = {"event": "forecast", "payload": json.loads((folder / "forecast.json").read_text(encoding="utf-8"))}
    lines = (folder / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    name = json.loads(lines[0])["run"]
    events = [json.loads(line.replace(name, "RUN")) for line in lines]
    return [forecast, *events]


def compared(record: Record, without: Sequence[str] = ()) -> Record:
    """Return the events that must be equal."""
    return [event for event in record if event["event"] not in (*IGNORED, *without)]


def first_difference(old: Record, new: Record) -> str:
    """Return the first difference between two records in words, or nothing."""
    for i, (a, b) in enumerate(zip_longest(old, new)):
        if a is None or b is None or title(a) != title(b):
            return f"event {i}: {title(a)} before, {title(b)} now"
        for path, then, now in differences(a["payload"], b["payload"], ""):
            if path.split(".")[1] not in IGNORED_FIELDS.get(a["event"], ()):
                return f"event {i}, {title(a)}: {path[1:]} was {then!r}, is {now!r}"
        if a.get("reason") != b.get("reason"):
            return f"event {i}, {title(a)}: reason was {a.get('reason')!r}, is {b.get('reason')!r}"
    return ""


def title(event: dict[str, Any] | None) -> str:
    """Return which event this is, in words."""
    if event is None:
        return "nothing"
    return event["event"] + (f" of {event['reactor']} at turn {event['turn']}" if event.get("reactor") else "")


def differences(old: Any, new: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield path and both values wherever two payloads differ; numbers are equal to the bit or they differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from differences(old.get(key), new.get(key), f"{path}.{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (a, b) in enumerate(zip(old, new, strict=True)):
            yield from differences(a, b, f"{path}[{i}]")
    elif json.dumps(old) != json.dumps(new):
        yield path, old, new


def git(*arguments: str) -> None:
    """Run git in this repository; end with its words if it fails."""
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"git {' '.join(arguments)}: {done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main())

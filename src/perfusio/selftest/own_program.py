"""Trials that fork, each in a program of its own: one process, without threads, that has loaded its modules once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

SHOWN = 300


def tried_apart(module: str, *arguments: object) -> dict[str, Any]:
    """Return what the program of a trial found: at least `n_points` and `problems`.

    Args:
        module: Of the trial, within `perfusio.selftest`.
        arguments: Of its command line.
    """
    command = [sys.executable, "-m", f"perfusio.selftest.{module}", *map(str, arguments)]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **threads})
    if done.returncode != 0:
        return {"n_points": 1, "problems": [f"the trial itself failed: {done.stderr[-SHOWN:]}"]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found

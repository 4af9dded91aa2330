"""Where and when a figure was measured: date, commit, machine, versions."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import scipy


def stamp() -> str:
    """One line for the head of a benchmark's output."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    found = subprocess.run(git, capture_output=True, text=True, check=False)
    commit = found.stdout.strip() or "unknown"
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}; {platform.machine()}, {os.cpu_count()} cores, one BLAS thread "
        f"a process; Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}"
    )

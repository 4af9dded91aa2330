"""A page beside a run: in a process of its own, so that neither can harm the other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LAST_WORDS_S = 5.0


@contextmanager
def page_beside(folder: Path, port: int) -> Iterator[None]:
    """Serve the page of a folder as long as this lasts; it says its address itself.

    Args:
        folder: Of a run, which need not have begun.
        port: Port; 0 = any free one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "perfusio", "serve", str(folder), "--port", str(port)]
    page = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        page.terminate()
        try:
            page.wait(LAST_WORDS_S)
        except subprocess.TimeoutExpired:
            page.kill()
            page.wait()

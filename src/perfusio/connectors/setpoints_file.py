"""The file into which a run writes its setpoints: one row per decision, whole rows only.

Each write replaces the file by a longer one (temporary file in the same folder, fsync, rename), so a reader sees the
rows before or the rows after, never half a row. A file of an earlier run is moved aside at the first write.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from perfusio.connectors.csv_files import csv_bytes, replace_file
from perfusio.errors import ConfigError, WriteRejected
from perfusio.state import SETPOINT_QUANTITIES, SETPOINTS, Setpoints


def default_path(source: Path, run: str | None, reactor: str | None, *, chosen: str | Path | None = None) -> Path:
    """Return where the setpoints for a source go: ``my_data.setpoints.csv`` beside ``my_data.csv``, or `chosen`.

    A run or reactor that was picked out of the source is part of the name, so that two of them never share a file.

    Raises:
        ConfigError: the chosen place is the source itself, a folder, or in a folder that does not exist.
    """
    if chosen is None:
        parts = [re.sub(r"[^\w.-]+", "_", part) for part in (run, reactor) if part]
        return source.with_name(".".join([source.stem, *parts, "setpoints", "csv"]))
    path = Path(chosen).expanduser().resolve()
    if path == source:
        raise ConfigError(f"setpoints_path is the source itself, {path.name}. Give the setpoints a file of their own.")
    if path.is_dir():
        raise ConfigError(f"setpoints_path={str(chosen)!r} is a folder, expected a file. Add a name, 'setpoints.csv'.")
    if not path.parent.is_dir():
        raise ConfigError(f"setpoints_path={str(chosen)!r}: there is no folder {path.parent}. Make it first.")
    return path


class SetpointsFile:
    """Rows of setpoints for one vessel, or for several told apart by a column ``reactor``."""

    def __init__(self, path: Path) -> None:
        """Prepare to write to `path`; nothing is touched before the first row."""
        self.path = path
        self.warnings: list[str] = []
        self._ours: bytes | None = None

    def append(self, time_h: float, setpoints: Setpoints, *, reactor: str = "") -> None:
        """Add one row, durably.

        Args:
            time_h: Culture time from which the setpoints are asked for [h].
            setpoints: All six, finite.
            reactor: Vessel, for a file of several; always given or never.

        Raises:
            WriteRejected: the file could not be written; it is as it was.
        """
        try:
            self._keep_aside()
            longer = (self._ours or _header(with_reactor=bool(reactor))) + _row(time_h, setpoints, reactor)
            replace_file(self.path, longer)
        except OSError as error:
            raise WriteRejected(
                f"{self.path} could not be written: {error.strerror}. Close it in other programs, check the disk and "
                "the rights of the folder, or choose another place: FilesystemStore(..., setpoints_path=...).",
                connector=self.path.name,
                operation="write",
            ) from error
        self._ours = longer

    def _keep_aside(self) -> None:
        """Move a file that we did not write out of the way; rows of two runs are never mixed, and none is lost."""
        try:
            found = self.path.read_bytes()
        except FileNotFoundError:
            return
        if found == self._ours or not found:
            return
        n = 1
        while (aside := self.path.with_name(f"{self.path.stem}-{n}{self.path.suffix}")).exists():
            n += 1
        os.rename(self.path, aside)
        what = "an earlier run's setpoints were" if self._ours is None else "a version changed by someone else was"
        self.warnings.append(f"{self.path.name}: {what} moved to {aside.name}.")


def _header(*, with_reactor: bool) -> bytes:
    units = [q.header for q in SETPOINT_QUANTITIES.values()]
    return csv_bytes([[*(["reactor"] if with_reactor else []), "day", "time [h]", *units]])


def _row(time_h: float, setpoints: Setpoints, reactor: str) -> bytes:
    values = [repr(getattr(setpoints, name)) for name in SETPOINTS]
    return csv_bytes([[*([reactor] if reactor else []), f"{round(time_h / 24.0, 6):g}", repr(time_h), *values]])

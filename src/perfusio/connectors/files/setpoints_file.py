"""The file into which a run writes its setpoints: one row per decision, whole rows only.

Each write replaces the file by a longer one (temporary file in the same folder, fsync, rename), so a reader sees the
rows before or the rows after, never half a row. A file of an earlier run is moved aside at the first write.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from perfusio.connectors.files.file_lease import FileLease
from perfusio.errors import ConfigError, WriteOverridden, WriteRejected
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.quantities import without_dust
from perfusio.state import Setpoints
from perfusio.tables.cells.csv_files import csv_bytes, replace_file, unescaped
from perfusio.texts import as_file_name


def default_path(source: Path, run: str | None, reactor: str | None, *, chosen: str | Path | None = None) -> Path:
    """Return where the setpoints for a source go: ``my_data.setpoints.csv`` beside ``my_data.csv``, or `chosen`.

    A run or reactor that was picked out of the source is part of the name, so that two of them never share a file.

    Raises:
        ConfigError: the chosen place is the source itself, a folder, or in a folder that does not exist.
    """
    if chosen is None:
        parts = [as_file_name(part) for part in (run, reactor) if part]
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

    def __init__(self, path: Path, panel: Panel = CHO_PERFUSION) -> None:
        """Prepare to write setpoints of a process to `path`; nothing is touched before the first row."""
        self.path, self._panel = path, panel
        self._units: Mapping[str, tuple[str, float]] = {}
        self.lease = FileLease(path)
        self._notes: list[str] = []
        self._ours: bytes | None = None

    @property
    def warnings(self) -> list[str]:
        """Remarks for a person, in sentences."""
        return [*self._notes, *([self.lease.warning] if self.lease.warning else [])]

    def written_in(self, units: Mapping[str, tuple[str, float]]) -> None:
        """Write some setpoints in another unit than the canonical one: as the sheet does that people read beside it.

        Args:
            units: Unit, and the factor from it to the canonical one, by setpoint.
        """
        if self._ours is None:  # rows of one file are in one unit
            self._units = dict(units)

    def goes_on(self, until_h: float, *, reactor: str = "") -> None:
        """Go on in the file of an earlier program of the same run; rows that cannot be its own are somebody else's.

        Args:
            until_h: Time of the latest sample: of this vessel, no row of ours can be later [h].
            reactor: Vessel, for a file of several.
        """
        if self._ours is None:
            with suppress(OSError):
                found = self.path.read_bytes()
                self._ours = found if _is_ours(found, self._header(bool(reactor)), until_h, reactor) else b""

    def append(self, time_h: float, setpoints: Setpoints, *, reactor: str = "", acts: bool = False) -> None:
        """Add one row, durably.

        Args:
            time_h: Culture time from which the setpoints are asked for [h].
            setpoints: All six, finite.
            reactor: Vessel, for a file of several; always given or never.
            acts: Whether a controller acts on the file; nobody then writes into it but us.

        Raises:
            WriteRejected: the file could not be written; it is as it was.
            WriteOverridden: a controller acts on it, and somebody else wrote into it; it is as it was found.
        """
        try:
            self._keep_aside(acts=acts)
            longer = (self._ours or self._header(bool(reactor))) + self._row(time_h, setpoints, reactor, acts=acts)
            replace_file(self.path, longer)
        except OSError as error:
            raise WriteRejected(
                f"{self.path} could not be written: {error.strerror}. Close it in other programs, check the disk and "
                "the rights of the folder, or choose another place: FilesystemStore(..., setpoints_path=...).",
                connector=self.path.name,
                operation="write",
            ) from error
        self._ours = longer

    def _header(self, with_reactor: bool) -> bytes:
        units = {q.name: self._units.get(q.name, (q.unit, 1.0))[0] for q in self._panel.setpoints}
        headers = [f"{name} [{unit}]" for name, unit in units.items()]
        return csv_bytes([[*(["reactor"] if with_reactor else []), "day", "time [h]", *headers]])

    def _written(self, name: str, value: float, *, acts: bool) -> float:
        """People read advice, a controller takes what was decided: rounded, it might lie outside of a bound."""
        if acts or name in self._units:
            return without_dust(value / self._units.get(name, ("", 1.0))[1])
        return self._panel[name].as_written(value)

    def _row(self, time_h: float, setpoints: Setpoints, reactor: str, *, acts: bool) -> bytes:
        values = [repr(self._written(name, value, acts=acts)) for name, value in setpoints.by_name().items()]
        return csv_bytes([[*([reactor] if reactor else []), f"{round(time_h / 24.0, 6):g}", repr(time_h), *values]])

    def _keep_aside(self, *, acts: bool) -> None:
        """Move a file that we did not write out of the way; rows of two runs are never mixed, and none is lost.

        Raises:
            WriteOverridden: somebody else writes into the file on which a controller acts. Said once: when a person
                lets the twin write again, rows are added to those found.
        """
        try:
            found = self.path.read_bytes()
        except FileNotFoundError:
            return
        if found == self._ours or not found:
            return
        if acts and self._ours is not None:
            self._ours = found
            raise WriteOverridden(
                f"{self.path.name} holds rows that this run did not write: somebody else asks the vessel for setpoints "
                "too. Nothing was added. Find out who writes there, then allow it again: perfusio mode RUN VESSEL "
                "automatic.",
                connector=self.path.name,
                operation="write",
            )
        n = 1
        while (aside := self.path.with_name(f"{self.path.stem}-{n}{self.path.suffix}")).exists():
            n += 1
        os.rename(self.path, aside)
        what = "an earlier run's setpoints were" if self._ours is None else "a version changed by someone else was"
        self._notes.append(f"{self.path.name}: {what} moved to {aside.name}.")


def _is_ours(found: bytes, header: bytes, until_h: float, reactor: str) -> bool:
    """Whether a file holds nothing but rows as we write them, none of this vessel later than a time [h]."""
    if not found.startswith(header) or not found.endswith(b"\n"):
        return False
    n_cells, n_names = header.count(b",") + 1, 1 if reactor else 0
    try:
        for cells in csv.reader(found[len(header) :].decode("utf-8").splitlines()):
            numbers = [float(cell) for cell in cells[n_names:]]
            is_same = not reactor or unescaped(cells[0]) == reactor
            if len(cells) != n_cells or (is_same and numbers[1] > until_h):
                return False
    except (ValueError, IndexError):
        return False
    return True

"""Moment: what a database can say at no cost about all of its content, so that a look reads no rows if nothing changed.

Equal moments have equal content. SQLite counts the commits of others (``PRAGMA data_version``) for a connection that
stays open; PostgreSQL names the transactions whose work is visible (``txid_current_snapshot``). Both cover everything
that the database holds, so a moment that passed says only that something changed, perhaps elsewhere.
"""

from __future__ import annotations

import sqlite3
import weakref
from pathlib import Path
from threading import Lock

from sqlalchemy import Connection, text

Moment = tuple[object, ...]
_SNAPSHOT = text("SELECT CAST(txid_current_snapshot() AS text), CAST(pg_postmaster_start_time() AS text)")


class SqliteMoments:
    """Moments of one SQLite file.

    Args:
        path: Of the file; another file in its place is another moment.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, Lock()
        self._file: tuple[int, int] | None = None
        self._connection: sqlite3.Connection | None = None
        self._n_opened = 0

    def now(self) -> Moment | None:
        """Return the moment; None if the file cannot tell, and whoever reads it is told why."""
        with self._lock:
            try:
                found = self._path.stat()
                if self._connection is None or self._file != (found.st_dev, found.st_ino):
                    self._open((found.st_dev, found.st_ino))
                assert self._connection is not None
                (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            except (OSError, sqlite3.Error):
                self._close()
                return None
            # a file that was cut or overwritten in place may keep its counter
            return (self._n_opened, version, found.st_size, found.st_mtime_ns)

    def _open(self, file: tuple[int, int]) -> None:
        self._close()
        uri = f"{self._path.as_uri()}?mode=ro"
        self._connection = sqlite3.connect(uri, uri=True, timeout=0.0, check_same_thread=False, isolation_level=None)
        weakref.finalize(self, self._connection.close)
        self._file, self._n_opened = file, self._n_opened + 1

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = self._file = None


def postgres_moment(connection: Connection) -> Moment:
    """Return the moment that a transaction of PostgreSQL sees; it must see one moment only (REPEATABLE READ)."""
    return tuple(connection.execute(_SNAPSHOT).one())

"""A lease on a vessel whose setpoints go into a database: a locked file beside SQLite, an advisory lock in PostgreSQL.

PostgreSQL ends the lock with the connection that took it, so it lapses with the program. A server that was restarted
has forgotten it: it is taken anew before the next write, and if another twin was quicker, nothing is written.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, text

from perfusio.connectors.database.database import Database
from perfusio.connectors.files.file_lease import FileLease
from perfusio.errors import VesselTaken
from perfusio.protocols import Holder

LONGEST_NAME = 63
"""Characters that PostgreSQL keeps of an application's name."""


class SqlLease:
    """The lease on one vessel of a database.

    Args:
        database: Where its setpoints go.
        run: As its samples say.
        reactor: As its samples say.
    """

    def __init__(self, database: Database, run: str, reactor: str) -> None:
        self._database, self._name = database, f"{database.name}, {reactor or run or 'its vessel'}"
        digest = sha256(f"perfusio vessel\n{run}\n{reactor}".encode()).digest()
        self._key = int.from_bytes(digest[:8], "big", signed=True)
        self._file: FileLease | None = None
        if database.is_sqlite:
            part = ".".join(name for name in (run, reactor) if name)
            self._file = FileLease(Path(str(database.url.database)), of=part)
        self._connection: Connection | None = None
        self._holder: Holder | None = None

    @property
    def warning(self) -> str:
        """Why there is no lease although it was asked for; empty if there is, or nobody asked."""
        return self._file.warning if self._file is not None else ""

    def take(self, holder: Holder) -> None:
        """Take the lease, or see to it that it is still held.

        Raises:
            VesselTaken: another twin holds it.
            NotConnected: the database does not answer.
        """
        if self._file is not None:
            self._file.take(holder)
        elif not self._is_held():
            self._take_lock(holder)
        self._holder = holder

    def renew(self) -> None:
        """Take a lease again that was taken and may be lost; nothing if none was taken.

        Raises:
            VesselTaken: another twin was quicker.
            NotConnected: the database does not answer.
        """
        if self._holder is not None:
            self.take(self._holder)

    def give_back(self) -> None:
        """Let another twin take it."""
        self._holder = None
        if self._file is not None:
            self._file.give_back()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _is_held(self) -> bool:
        """Whether the connection that took the lock is still there."""
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("SELECT 1"))
        except Exception:  # noqa: BLE001 - whatever it failed with, the lock went with it
            self._connection.invalidate()
            self._connection = None
        return self._connection is not None

    def _take_lock(self, holder: Holder) -> None:
        connection = self._database.staying("lease")
        name = f"perfusio {holder.pid}@{holder.host} {holder.run[-30:]}"[:LONGEST_NAME]
        connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
        if connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": self._key}).scalar():
            self._connection = connection
            return
        # the lock of a 64 bit key stands in two halves
        who = connection.execute(
            text(
                "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' "
                "AND granted AND ((classid::bigint << 32) | objid::bigint) = :key"
            ),
            {"key": self._key},
        ).scalar()
        connection.close()
        raise VesselTaken(
            f"{self._name}: written by {who or 'another twin'}, and a vessel has one twin. Stop that one first, or "
            "take another vessel."
        )

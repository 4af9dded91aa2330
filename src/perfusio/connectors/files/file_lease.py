"""A lease on a vessel as a locked file beside the written one: it ends with the program that holds it, however it ends.

The file stays, since removing it could let two twins in; its text says who holds the lock, for the other's message.
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from perfusio.errors import VesselTaken
from perfusio.protocols import Holder

LONGEST = 4096
"""Bytes that are read of who holds a lease."""


class FileLease:
    """A lease that several connectors of one program may share.

    Args:
        beside: The file that only one twin may write; the lock lies beside it.
        of: Which part of it is meant, where several twins may each write a part of their own.

    Attributes:
        warning: Why there is no lease although it was asked for; empty if there is, or nobody asked.
    """

    def __init__(self, beside: Path, of: str = "") -> None:
        safe = "".join(c if c.isalnum() or c in "-_" else f"%{ord(c):x}" for c in of)
        self._path = beside.with_name(f".{beside.name}{'.' if safe else ''}{safe}.lease")
        self._name = beside.name
        self._fd: int | None = None
        self._holder: Holder | None = None
        self.warning = ""

    def take(self, holder: Holder) -> None:
        """Take the lease, or go on holding it.

        Raises:
            VesselTaken: another twin holds it.
        """
        if self._fd is not None:
            if self._holder != holder:
                raise self._taken(str(self._holder))
            return
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            self._without(error)
            return
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            told = _said_by(fd)
            os.close(fd)
            raise self._taken(told) from error
        except OSError as error:  # a file system without locks
            os.close(fd)
            self._without(error)
            return
        with suppress(OSError):  # a full disk: the lock holds all the same, and names nobody
            os.ftruncate(fd, 0)
            os.pwrite(fd, json.dumps(asdict(holder)).encode(), 0)
        self._fd, self._holder = fd, holder

    def give_back(self) -> None:
        """Let another twin take it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd, self._holder = None, None

    def _without(self, error: OSError) -> None:
        self.warning = (
            f"{self._path.name} cannot be locked ({error.strerror}), so nothing keeps a second twin from writing to "
            f"{self._name}. Put it on a disk of this machine, or see to it that there is one twin only."
        )

    def _taken(self, by: str) -> VesselTaken:
        return VesselTaken(
            f"{self._name} is written by {by}: a vessel has one twin. Stop that one first, or take another vessel."
        )


def _said_by(fd: int) -> str:
    """Return who holds the lock, as far as its file says."""
    try:
        return str(Holder(**json.loads(os.pread(fd, LONGEST, 0))))
    except (OSError, ValueError, TypeError):
        return "another twin"

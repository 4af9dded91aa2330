"""Journal: a file that only grows, by whole lines that are on the disk before `append` returns, under one writer."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Protocol

from perfusio.errors import AuditError, RecordInUse

N_TRIES, TRY_AGAIN_S = 3, 0.02
REMEDY = "Nothing may be written to a vessel without a record; mend the disk, then start again."


class Disk(Protocol):
    """The three calls by which a journal reaches the disk; tests bring disks that fail."""

    def write(self, fd: int, data: bytes) -> int:
        """Append `data`, return how many bytes were taken."""
        ...

    def fsync(self, fd: int) -> None:
        """Return when everything written to `fd` would survive a power cut."""
        ...

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file to `size` bytes."""
        ...


class SystemDisk:
    """The disk of this machine."""

    def write(self, fd: int, data: bytes) -> int:
        """Make one write call."""
        return os.write(fd, data)

    def fsync(self, fd: int) -> None:
        """Flush file and metadata."""
        os.fsync(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut the file."""
        os.ftruncate(fd, size)


class Journal:
    """An append-only file of lines; after the first failure it takes no more.

    A failed fsync is never tried again: the kernel may have dropped the data and report success the second time.
    """

    def __init__(self, path: Path, disk: Disk, *, committed: int = 0) -> None:
        """Open `path`, which must hold just the lines that are known, and make its name durable.

        Args:
            path: The file; it need not exist.
            disk: How it is reached.
            committed: Bytes of the lines in it that were verified.

        Raises:
            AuditError: it cannot be created, or it holds something else.
        """
        self.path = path
        self._disk = disk
        self._failure: str | None = None
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise AuditError(f"{path} cannot be created: {error.strerror}. {REMEDY}") from error
        self._committed = committed
        try:
            self._check_untouched()
            sync_directory(path.parent, disk)
        except AuditError:
            os.close(self._fd)
            raise

    def append(self, line: bytes) -> None:
        """Write one line (with its line break) and return once it is durable.

        Raises:
            AuditError: it may not be durable; this and every later line is refused.
        """
        if self._failure:
            raise AuditError(f"{self.path} takes no more records since an earlier failure: {self._failure} {REMEDY}")
        self._check_untouched()
        try:
            n_written = self._disk.write(self._fd, line)
            if n_written != len(line):
                raise OSError(errno.ENOSPC, f"only {n_written} of {len(line)} bytes were taken (is the disk full?)")
        except OSError as error:
            raise self._failed(f"a write failed: {error.strerror}. {self._cut_back()}") from error
        try:
            self._disk.fsync(self._fd)
        except OSError as error:
            raise self._failed(f"an fsync failed: {error.strerror}. The last line may or may not be there.") from error
        self._committed += len(line)

    def _check_untouched(self) -> None:
        found = os.fstat(self._fd)
        if found.st_size != self._committed or found.st_nlink == 0:
            what = f"has {found.st_size} bytes, expected {self._committed}" if found.st_nlink else "was deleted"
            raise self._failed(f"the file {what}: something else wrote to it.")

    def _cut_back(self) -> str:
        try:
            self._disk.truncate(self._fd, self._committed)
        except OSError as error:
            return f"The torn line could not be removed either: {error.strerror}."
        return "The torn line was removed; the records before it are good."

    def _failed(self, what: str) -> AuditError:
        self._failure = what
        return AuditError(f"{self.path}: {what} {REMEDY}")

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


class WriterLock:
    """The right to write one record, held by one process at a time, through `.<name>.lock` beside it."""

    def __init__(self, path: Path) -> None:
        """Take the lock for the record at `path`; its folder is created if need be.

        Raises:
            RecordInUse: somebody else holds it; the message names the process.
            AuditError: the folder cannot be written.
        """
        lock = lock_of(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise AuditError(f"{path} cannot be locked: {lock}: {error.strerror}. {REMEDY}") from error
        try:
            self._take()
        except OSError as error:
            holder = _holder(self._fd)
            os.close(self._fd)
            raise RecordInUse(
                f"{path} is being written by {holder}: one record has one writer. "
                "Wait until that run has ended or stop it, or use another folder (run_dir)."
            ) from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def _take(self) -> None:
        """Take the lock; who only looks whether somebody writes holds it for an instant, and is waited for."""
        for is_last in (False,) * N_TRIES + (True,):
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if is_last:
                    raise
                time.sleep(TRY_AGAIN_S)
            else:
                return

    def release(self) -> None:
        """Let the next writer in; the lock file stays, since removing it could let two writers in."""
        os.close(self._fd)


def lock_of(path: Path) -> Path:
    """Return the lock file of the record at `path`."""
    return path.with_name(f".{path.name}.lock")


def writer_of(record: Path) -> int | None:
    """Return the process that is writing a record, by the lock that it holds; None if none is, 0 if it has no name."""
    try:
        fd = os.open(lock_of(record), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)  # held for no longer than this look
    except OSError:
        text = os.pread(fd, 20, 0).decode("ascii", "replace").strip()
        return int(text) if text.isdigit() else 0
    finally:
        os.close(fd)
    return None


def _holder(fd: int) -> str:
    text = os.pread(fd, 20, 0).decode("ascii", errors="replace").strip()
    if text == str(os.getpid()):
        return f"this very process (pid {text}); close the earlier AuditLogger first"
    return f"process {text}" if text.isdigit() else "another process"


def sync_directory(folder: Path, disk: Disk) -> None:
    """Make names created or changed in `folder` durable.

    Raises:
        AuditError: the folder cannot be flushed.
    """
    try:
        fd = os.open(folder, os.O_RDONLY)
        try:
            disk.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise AuditError(f"The folder {folder} cannot be flushed to disk: {error.strerror}. {REMEDY}") from error

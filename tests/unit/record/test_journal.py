"""A journal acknowledges only what is durable, and after a failure nothing more."""

import errno
import os
import subprocess
import sys

import pytest

from perfusio.errors import AuditError
from perfusio.record.journal import Journal, SystemDisk, WriterLock


class FailingDisk(SystemDisk):
    """A disk that takes `n_bytes` in all and fails the named calls; it notes every call."""

    def __init__(self, n_bytes=10**9, failing=()):
        self.n_left = n_bytes
        self.failing = set(failing)
        self.calls = []

    def _call(self, name):
        self.calls.append(name)
        if name in self.failing:
            raise OSError(errno.EIO, "Input/output error")

    def write(self, fd, data):
        self._call("write")
        if self.n_left == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        n = super().write(fd, data[: self.n_left])
        self.n_left -= n
        return n

    def fsync(self, fd):
        self._call("fsync")
        super().fsync(fd)

    def truncate(self, fd, size):
        self._call("truncate")
        super().truncate(fd, size)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.jsonl"


def refused_for_ever(journal, path):
    before = path.read_bytes()
    with pytest.raises(AuditError, match="earlier failure"):
        journal.append(b"later\n")
    return path.read_bytes() == before


def test_each_line_is_one_write_then_one_fsync(path):
    disk = FailingDisk()
    journal = Journal(path, disk)
    assert disk.calls == ["fsync"]  # the folder: the name is durable before the first line
    journal.append(b"one\n")
    journal.append(b"two\n")
    assert disk.calls == ["fsync", "write", "fsync", "write", "fsync"]
    assert path.read_bytes() == b"one\ntwo\n"
    journal.close()


@pytest.mark.parametrize("n_bytes", [4, 5, 7])
def test_a_full_disk_leaves_whole_lines_only(path, n_bytes):
    disk = FailingDisk(n_bytes=n_bytes)
    journal = Journal(path, disk)
    journal.append(b"one\n")
    with pytest.raises(AuditError, match=r"(disk full|No space left).*torn line was removed"):
        journal.append(b"two\n")
    assert path.read_bytes() == b"one\n"
    disk.n_left = 10**9
    assert refused_for_ever(journal, path)


def test_a_torn_line_that_cannot_be_removed_is_said(path):
    journal = Journal(path, FailingDisk(n_bytes=6, failing={"truncate"}))
    journal.append(b"one\n")
    with pytest.raises(AuditError, match="could not be removed"):
        journal.append(b"two\n")
    assert path.read_bytes() == b"one\ntw"
    assert refused_for_ever(journal, path)


def test_a_failed_fsync_is_never_tried_again(path):
    disk = FailingDisk()
    journal = Journal(path, disk)
    journal.append(b"one\n")
    disk.failing = {"fsync"}
    with pytest.raises(AuditError, match="fsync failed"):
        journal.append(b"two\n")
    disk.failing, disk.calls = set(), []
    assert refused_for_ever(journal, path)
    assert disk.calls == []


def test_a_failed_write_poisons(path):
    disk = FailingDisk()
    journal = Journal(path, disk)
    disk.failing = {"write"}
    with pytest.raises(AuditError, match="Input/output error"):
        journal.append(b"one\n")
    disk.failing = set()
    assert refused_for_ever(journal, path)


def test_a_folder_that_cannot_be_flushed_is_refused_at_the_start(path):
    with pytest.raises(AuditError, match="folder"):
        Journal(path, FailingDisk(failing={"fsync"}))


@pytest.mark.parametrize(("meddle", "words"), [("append", "has 8 bytes, expected 4"), ("delete", "was deleted")])
def test_a_file_that_something_else_touched_takes_no_more(path, meddle, words):
    journal = Journal(path, SystemDisk())
    journal.append(b"one\n")
    if meddle == "append":
        path.write_bytes(b"one\ntwo\n")
    else:
        path.unlink()
    with pytest.raises(AuditError, match=words):
        journal.append(b"three\n")


def test_what_is_there_is_never_continued(path):
    path.write_bytes(b"old\n")
    with pytest.raises(AuditError, match="expected 0"):
        Journal(path, SystemDisk())
    assert path.read_bytes() == b"old\n"


def test_a_place_that_cannot_be_written_is_refused(path):
    path.mkdir()
    with pytest.raises(AuditError, match="cannot be created"):
        Journal(path, SystemDisk())
    (path / "file").touch()
    with pytest.raises(AuditError, match="cannot be locked"):
        WriterLock(path / "file" / "audit.jsonl")


def test_a_second_writer_is_named_its_process(path):
    lock = WriterLock(path)
    code = f"""
from pathlib import Path
from perfusio.errors import AuditError
from perfusio.record.journal import WriterLock
try:
    WriterLock(Path({str(path)!r}))
except AuditError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert f"being written by process {os.getpid()}:" in said
    lock.release()
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == ""


def test_a_second_writer_in_this_process_is_told_so(path):
    lock = WriterLock(path)
    with pytest.raises(AuditError, match="this very process"):
        WriterLock(path)
    lock.release()
    WriterLock(path).release()

"""Waiting for news, and every foreign failure in words of ours."""

import asyncio
import sqlite3
import zipfile

import pandas
import psycopg
import pytest
import sqlalchemy.exc
from asyncua import ua
from python_calamine import CalamineError

from perfusio.connectors.following import Polling, told
from perfusio.errors import ConnectorError, EndOfRun, NotConnected, SampleOverdue, UnreadableSource, WriteRejected
from perfusio.testing import ManualClock

FOREIGN = [
    OSError(24, "Too many open files"),
    PermissionError(13, "Permission denied"),
    FileNotFoundError(2, "No such file or directory"),
    IsADirectoryError(21, "Is a directory"),
    OSError(116, "Stale file handle"),
    TimeoutError(),
    ConnectionResetError(104, "Connection reset by peer"),
    MemoryError(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    zipfile.BadZipFile("File is not a zip file"),
    CalamineError("cannot detect file format"),
    pandas.errors.ParserError("C error: EOF inside string"),
    sqlite3.DatabaseError("database disk image is malformed"),
    psycopg.OperationalError("the connection is closed"),
    sqlalchemy.exc.NoSuchTableError("samples"),
    ua.UaError("no such node"),
    RecursionError("maximum recursion depth exceeded"),
    KeyError("quality"),
    ZeroDivisionError("a bug of ours"),
]


@pytest.mark.parametrize("error", FOREIGN, ids=lambda error: type(error).__name__)
def test_no_foreign_exception_escapes_and_each_keeps_its_cause(error):
    with pytest.raises((NotConnected, UnreadableSource)) as found, told("lab", "read_sample"):
        raise error
    assert found.value.__cause__ is error
    assert (found.value.connector, found.value.operation) == ("lab", "read_sample")
    for part in ("lab", "Expected", "Check"):
        assert part in str(found.value)


@pytest.mark.parametrize(
    "error", [EndOfRun("over"), NotConnected("gone"), UnreadableSource(("wrong",)), WriteRejected("no")]
)
def test_errors_of_ours_pass_as_they_are(error):
    with pytest.raises(type(error)) as found, told("lab", "read_sample"):
        raise error
    assert found.value is error


def passing(clock):
    """A sleep during which the clock goes on by itself."""

    async def sleep(seconds):
        clock.advance(seconds=seconds)

    return sleep


def overdue(waited):
    return SampleOverdue(f"after {waited:g} s")


async def test_news_that_is_there_is_not_waited_for():
    clock = ManualClock()
    pace = Polling(poll_seconds=5.0, timeout_seconds=None, sleep=passing(clock))

    async def look():
        return 7 if clock.monotonic_ns() >= 20e9 else None

    assert await pace.until_news(look, overdue) == 7
    assert clock.monotonic_ns() == 20e9
    assert await pace.until_news(look, overdue) == 7
    assert clock.monotonic_ns() == 20e9


async def test_a_source_that_is_away_for_less_than_its_time_is_not_missed_and_each_outage_counts_anew():
    clock = ManualClock()
    pace = Polling(poll_seconds=5.0, timeout_seconds=None, sleep=passing(clock), away_seconds=15.0)
    outages = [(0, 14), (20, 34), (50, 1000)]

    async def look():
        if any(begin <= clock.monotonic_ns() / 1e9 <= end for begin, end in outages):
            raise NotConnected("away")

    with pytest.raises(NotConnected):
        await pace.until_news(look, overdue)
    assert clock.monotonic_ns() == 65e9


async def test_one_that_is_looked_at_rarely_fails_at_once_rather_than_after_a_silence_that_looks_well():
    clock = ManualClock()
    pace = Polling(poll_seconds=900.0, timeout_seconds=None, sleep=passing(clock), away_seconds=30.0)

    async def look():
        raise NotConnected("away")

    with pytest.raises(NotConnected):
        await pace.until_news(look, overdue)
    assert clock.monotonic_ns() == 0


async def test_what_does_not_come_is_overdue_and_may_be_waited_for_again():
    pace = Polling(poll_seconds=5.0, timeout_seconds=60.0, sleep=passing(ManualClock()))

    async def look():
        return None

    for _ in range(2):
        with pytest.raises(SampleOverdue, match="after 60 s"):
            await pace.until_news(look, overdue)


async def test_a_look_that_fails_ends_the_waiting_at_once():
    pace = Polling(poll_seconds=5.0, timeout_seconds=60.0, sleep=passing(ManualClock()))

    async def look():
        raise NotConnected("away")

    with pytest.raises(ConnectorError, match="away"):
        await pace.until_news(look, overdue)


async def test_waiting_can_be_given_up():
    looks = 0

    async def look():
        nonlocal looks
        looks += 1

    pace = Polling(poll_seconds=3600.0, timeout_seconds=None, sleep=asyncio.sleep)
    waiting = asyncio.create_task(pace.until_news(look, overdue))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert looks == 1

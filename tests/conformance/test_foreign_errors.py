"""Whatever a library, a driver or the system raises, a connector says it in errors of perfusio.

For each kind of connector its libraries raise what they can, and some of what nobody expects of them.
"""

import asyncio
import csv
import io
import os
import sqlite3
import struct
import zipfile
from types import SimpleNamespace

import openpyxl
import psycopg
import pyarrow as pa
import pytest
import python_calamine
import sqlalchemy.exc as sql
from asyncua import Client, ua
from pyarrow import parquet

from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.opc_ua import connecting
from perfusio.connectors.opc_ua.link import Link
from perfusio.connectors.sql import SqlStore
from perfusio.errors import ConnectorError, NotConnected, UnreadableSource
from perfusio.state import Setpoints
from perfusio.testing import make_state

ROWS = [["day", "vcd [1e6 cells/mL]", "glucose [g/L]"], [0.0, 1.0, 5.0], [1.0, 2.0, 4.0]]
SYSTEM = (OSError(5, "Input/output error"), PermissionError(13, "Permission denied"), OSError(24, "No more files"))
UNEXPECTED = (
    KeyError("x"), IndexError("x"), ValueError("x"), TypeError("x"), RuntimeError("x"), MemoryError(), RecursionError(),
)  # fmt: skip


def raising(error):
    def fails(*_, **__):
        raise error

    return fails


def source(kind, folder):
    place = folder / f"data.{kind}"
    if kind == "csv":
        place.write_text("\n".join(",".join(map(str, row)) for row in ROWS) + "\n")
    elif kind == "xlsx":
        book = openpyxl.Workbook()
        for row in ROWS:
            book.active.append(row)
        book.save(place)
    else:
        head, *rows = ROWS
        parquet.write_table(pa.table({name: [row[i] for row in rows] for i, name in enumerate(head)}), place)
    return place


async def read_fails(store, *expected):
    """Read; return the error, which says which source and what was done with it."""
    with pytest.raises(ConnectorError) as caught:
        await store.read_sample()
    assert isinstance(caught.value, expected)
    assert str(caught.value).count("\n") <= 3
    return caught.value


LIBRARIES = {
    "csv": (csv, "reader", (csv.Error("line contains NUL"), UnicodeDecodeError("utf-8", b"x", 0, 1, "bad byte"))),
    "xlsx": (
        python_calamine.CalamineWorkbook,
        "from_filelike",
        (python_calamine.CalamineError("x"), python_calamine.ZipError("x"), python_calamine.XmlError("x"),
         python_calamine.PasswordError("x"), zipfile.BadZipFile("x")),
    ),
    "parquet": (
        parquet, "ParquetFile", (pa.ArrowInvalid("x"), pa.ArrowNotImplementedError("x"), pa.ArrowKeyError("x")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("is_folder", [False, True], ids=["file", "folder"])
@pytest.mark.parametrize("kind", LIBRARIES)
async def test_files(kind, is_folder, tmp_path, monkeypatch):
    module, name, own = LIBRARIES[kind]
    place = source(kind, tmp_path)
    holder = module
    if kind == "xlsx":  # a class of an extension module takes no attribute
        holder, name = python_calamine, "CalamineWorkbook"
    for error in (*own, *UNEXPECTED):
        fails = SimpleNamespace(from_filelike=raising(error)) if kind == "xlsx" else raising(error)
        with monkeypatch.context() as patched:
            patched.setattr(holder, name, fails)
            await read_fails(FilesystemStore(tmp_path if is_folder else place), UnreadableSource, NotConnected)
    store = FilesystemStore(tmp_path if is_folder else place)
    assert (await store.read_sample()).vcd == 1.0  # what was patched was what reads


@pytest.mark.parametrize("error", SYSTEM, ids=str)
async def test_the_system_under_a_file(error, tmp_path, monkeypatch):
    store = FilesystemStore(source("csv", tmp_path))
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", raising(error))
        await read_fails(store, NotConnected, UnreadableSource)
    assert (await store.read_sample()).vcd == 1.0


def driver(cls, original=None, **values):
    return cls("SELECT secret", {}, original or sqlite3.OperationalError("disk I/O error"), **values)


DRIVER = (
    *(driver(cls) for cls in (
        sql.OperationalError, sql.InterfaceError, sql.ProgrammingError, sql.DatabaseError, sql.DataError,
        sql.InternalError, sql.NotSupportedError, sql.IntegrityError)),
    driver(sql.OperationalError, psycopg.OperationalError("server closed the connection unexpectedly")),
    driver(sql.DBAPIError, psycopg.InterfaceError("the connection is lost"), connection_invalidated=True),
    sql.TimeoutError("QueuePool limit"), sql.ResourceClosedError("closed"), sql.NoSuchTableError("samples"),
    sql.PendingRollbackError("rolled back"), sqlite3.DatabaseError("file is not a database"),
    psycopg.OperationalError("no route to host"),
)  # fmt: skip


@pytest.mark.parametrize("error", [*DRIVER, *SYSTEM, *UNEXPECTED], ids=lambda e: type(e).__name__)
async def test_databases(error, tmp_path, monkeypatch):
    place = tmp_path / "samples.db"
    add_samples(place, [SqlSample(state=make_state(day=0), setpoints=Setpoints(), reactor="", run="")])
    store = SqlStore(place)
    with monkeypatch.context() as patched:
        patched.setattr(store._database._engine, "begin", raising(error))
        found = await read_fails(store, ConnectorError)
    assert "SELECT secret" not in str(found)
    assert (await store.read_sample()).time_h == 0.0


OPC_UA = (
    ua.UaError("x"), ua.uaerrors.BadSessionIdInvalid(), ua.uaerrors.BadNodeIdUnknown(), ua.uaerrors.BadTimeout(),
    ua.uaerrors.BadUserAccessDenied(), ua.UaStatusCodeError(0x80010000), ua.UaStringParsingError("x"),
    asyncio.IncompleteReadError(b"", 8), TimeoutError(), ConnectionResetError(104, "Connection reset by peer"),
    BrokenPipeError(32, "Broken pipe"), struct.error("unpack requires 4 bytes"), EOFError(), AttributeError("x"),
)  # fmt: skip
ACCESS = SimpleNamespace(
    endpoint="opc.tcp://rig:4840", timing=SimpleNamespace(request=0.2, session=1.0), allow_insecure=False, login=None
)


@pytest.mark.parametrize("error", [*OPC_UA, *SYSTEM, *UNEXPECTED], ids=lambda e: type(e).__name__)
async def test_requests_to_an_opc_ua_server(error, monkeypatch):
    link = object.__new__(Link)
    monkeypatch.setattr(Link, "lose", lambda self, why: setattr(self, "lost", why))
    link._access, link.lost = ACCESS, ""

    async def fails():
        raise error

    with pytest.raises(NotConnected) as caught:
        await link.ask(fails())
    assert (caught.value.connector, caught.value.operation) == ("opc.tcp://rig:4840", "request")
    assert link.lost
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [*OPC_UA, *SYSTEM, *UNEXPECTED], ids=lambda e: type(e).__name__)
async def test_connecting_to_an_opc_ua_server(error, monkeypatch):
    async def fails(self):
        raise error

    monkeypatch.setattr(Client, "connect_and_get_server_endpoints", fails)
    with pytest.raises(NotConnected) as caught:
        await connecting.connect(ACCESS)
    assert (caught.value.connector, caught.value.operation) == ("opc.tcp://rig:4840", "connect")


def test_a_stream_that_ends_in_the_middle_of_an_archive_is_damage(tmp_path):
    """The same without a patch: a workbook that was copied in part."""
    whole = source("xlsx", tmp_path).read_bytes()
    assert zipfile.is_zipfile(io.BytesIO(whole))
    place = tmp_path / "data.xlsx"
    place.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableSource):
        asyncio.run(FilesystemStore(place).read_sample())

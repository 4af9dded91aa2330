"""Every connector keeps the same promises: one check, run over each of them."""

from contextlib import contextmanager
from dataclasses import replace
from math import nan

import pytest
from sqlalchemy import text

from perfusio.connectors.database.database import Database
from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.sql import SqlStore
from perfusio.state import SETPOINTS, Setpoints
from perfusio.testing import check_connector, make_state
from perfusio.testing.reading import check_reading

CSV = (
    "day,VCD,Via,Glc,Lac,Amm,perfusion_rate,bleed_rate,temperature\n"
    "0,0.5,97,5,0,n.d.,1.0,0.15,36.5\n"
    "1,1.1,98,4.6,<0.2,-,1.0,0.15,36.5\n"
    "1,1.1,98,4.6,<0.2,,1.0,0.15,36.5\n"
    "3,4.2,97,3.1,6.5,NA,1.2,0.2,36\n"
)


@contextmanager
def away(path):
    """A file or folder that is not there for a while."""
    aside = path.with_name(f"{path.name}.away")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "my_data.csv"
    path.write_text(CSV)
    return path


async def test_a_replayed_file(source):
    await check_connector(lambda: FilesystemStore(source), unmeasured=("ammonium", "pyruvate", "titer"))


async def test_one_vessel_of_a_file(source):
    lines = CSV.splitlines()
    rows = [line + f",{name}" for name in ("R01", "R02") for line in lines[1:]]
    source.write_text("\n".join([lines[0] + ",reactor", *rows]) + "\n")
    await check_connector(lambda: FilesystemStore(source).vessels()["R02"])
    await check_connector(lambda: FilesystemStore(source, reactor="R01"))


async def test_a_folder(source):
    folder = source.parent
    await check_connector(lambda: FilesystemStore(folder))
    await check_connector(lambda: FilesystemStore(folder, follow=True, timeout_seconds=9, sleep=no_time), max_samples=3)
    source.write_text(CSV + "5,5,97,3,7,1,1.0,0.15,36.5\n")
    await check_reading(
        lambda: FilesystemStore(folder, follow=True, timeout_seconds=9, sleep=no_time), breaks=lambda: away(folder)
    )


async def no_time(seconds):
    """Let no time pass."""


async def test_a_growing_file_with_a_controller(source):
    looks = 0

    async def a_day_passes(seconds):
        nonlocal looks
        looks += 1
        if looks % 3 == 0:
            with source.open("a") as file:
                file.write(f"{3 + looks},5,97,3,7,1,1.0,0.15,36.5\n")

    await check_connector(
        lambda: FilesystemStore(source, actuates=True, sleep=a_day_passes),
        confirms_at_once=False,
        max_samples=8,
        breaks=lambda: away(source),
    )


DAYS = [
    SqlSample(state=make_state(day=day, ammonium=nan), setpoints=Setpoints(perfusion_rate=1.0, temperature=36.5))
    for day in (0, 1, 3)
]


async def test_a_replayed_database(where):
    add_samples(where, DAYS)
    await check_connector(lambda: SqlStore(where), unmeasured=("ammonium",))


async def test_one_vessel_of_a_database(where):
    add_samples(where, [replace(sample, reactor=name) for name in ("R01", "R02") for sample in DAYS])
    await check_connector(lambda: SqlStore(where).vessels()["R02"])
    await check_connector(lambda: SqlStore(where, reactor="R01"))


async def test_a_database_that_is_followed_and_acted_on(where):
    add_samples(where, DAYS)
    answer = ", ".join(f"acknowledged_{name} = asked_{name}" for name in SETPOINTS)
    n = len(DAYS)

    async def a_day_passes(seconds):
        nonlocal n
        n += 1
        add_samples(where, [SqlSample(state=make_state(day=n))])
        with Database(where).writing() as connection:
            connection.execute(text(f"UPDATE setpoints SET status = 'acknowledged', {answer} WHERE status = 'asked'"))

    @contextmanager
    def without_its_table():
        with Database(where).writing() as connection:
            connection.execute(text("ALTER TABLE samples RENAME TO aside"))
        try:
            yield
        finally:
            with Database(where).writing() as connection:
                connection.execute(text("ALTER TABLE aside RENAME TO samples"))

    await check_connector(
        lambda: SqlStore(where, actuates=True, sleep=a_day_passes), max_samples=8, breaks=without_its_table
    )

"""One twin per vessel: a second one is refused in one sentence that names the first; the lease dies with its holder."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.files.file_lease import FileLease
from perfusio.connectors.files.setpoints_file import SetpointsFile
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.sql import SqlStore
from perfusio.errors import NotConnected, VesselTaken, WriteOverridden, WriteRejected
from perfusio.protocols import Holder, Leased
from perfusio.testing import make_state

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
ONE = Holder(run="/runs/one", pid=4711, host="lab-pc", since="2026-01-05 08:00 UTC")
OTHER = Holder(run="/runs/other", pid=4712, host="lab-pc")
NAMED = r"the twin of the run in /runs/one \(process 4711 on lab-pc, since 2026-01-05 08:00 UTC\)"


def test_a_second_program_is_refused_until_the_first_gives_back_or_dies(tmp_path):
    first, second = FileLease(tmp_path / "x.csv"), FileLease(tmp_path / "x.csv")
    first.take(ONE)
    first.take(ONE)
    with pytest.raises(VesselTaken, match=f"x.csv is written by {NAMED}: a vessel has one twin"):
        second.take(OTHER)
    first.give_back()
    second.take(OTHER)
    with pytest.raises(VesselTaken, match="/runs/other"):
        first.take(ONE)


def test_the_lease_of_a_killed_program_lapses_at_once(tmp_path):
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom perfusio.connectors.files.file_lease import FileLease\n"
        "from perfusio.protocols import Holder\n"
        f"lease = FileLease(Path({str(tmp_path / 'x.csv')!r}))\n"
        "lease.take(Holder(run='/runs/one', pid=1, host='h'))\nprint('held', flush=True)\ntime.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as program:
        assert program.stdout.readline() == b"held\n"
        lease = FileLease(tmp_path / "x.csv")
        with pytest.raises(VesselTaken, match="/runs/one"):
            lease.take(OTHER)
        os.kill(program.pid, signal.SIGKILL)
        program.wait()
        lease.take(OTHER)


def test_what_cannot_be_locked_is_a_warning(tmp_path):
    lease = FileLease(tmp_path / "no folder" / "x.csv")
    lease.take(ONE)
    assert "cannot be locked (No such file or directory)" in lease.warning


def test_parts_of_a_database_have_leases_of_their_own(tmp_path):
    names = ["R01", "R02", "../R01", "R 01", "R%2001", ""]
    for name in names:
        FileLease(tmp_path / "lab.sqlite", of=name).take(ONE)  # each is another one
    assert len(list(tmp_path.iterdir())) == len(names)


def file_with_two(tmp_path):
    path = tmp_path / "rig.csv"
    path.write_text("reactor,day,VCD [1e6 cells/mL]\nR01,0,1.0\nR02,0,1.0\n")
    return path


async def test_the_vessels_of_one_file_share_a_lease(tmp_path):
    path = file_with_two(tmp_path)
    mine, theirs = (FilesystemStore(path, actuates=True).vessels() for _ in range(2))
    assert all(isinstance(vessel, Leased) for vessel in mine.values())
    for vessel in mine.values():
        await vessel.take(ONE)
    with pytest.raises(VesselTaken, match=NAMED):
        await theirs["R02"].take(OTHER)
    await mine["R01"].give_back()
    await theirs["R02"].take(OTHER)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    if request.param == "sqlite":
        return tmp_path / "lab.sqlite"
    return request.getfixturevalue("postgres_url")


async def test_each_vessel_of_a_database_has_a_lease(database):
    add_samples(database, [SqlSample(state=make_state(day=0), reactor=name) for name in ("R01", "R02")])
    mine, theirs = (SqlStore(database, actuates=True).vessels() for _ in range(2))
    await mine["R01"].take(ONE)
    with pytest.raises(VesselTaken, match=r"4711.*lab-pc"):
        await theirs["R01"].take(OTHER)
    await theirs["R02"].take(OTHER)
    await mine["R01"].give_back()
    await theirs["R01"].take(OTHER)
    for vessel in (*mine.values(), *theirs.values()):
        await vessel.give_back()


async def test_a_server_that_forgot_the_lease_gives_it_to_whoever_asks_first(postgres, postgres_url):
    if postgres.programs is None:
        pytest.skip("the server of PERFUSIO_TEST_PG_URL is not ours to kill")
    add_samples(postgres_url, [SqlSample(state=make_state(day=0), reactor="R01")])
    mine, theirs = (SqlStore(postgres_url, reactor="R01", actuates=True, acknowledge_seconds=0.1) for _ in range(2))
    await mine.read_sample()
    await mine.take(ONE)
    postgres.kill()
    postgres.start()
    await theirs.take(OTHER)
    with pytest.raises(WriteRejected, match=r"4712.*Nothing was asked for"):
        await mine.write_setpoints(NOMINAL)
    await theirs.give_back()
    with pytest.raises(NotConnected, match="acknowledged"):  # it was asked for: the lease is ours again
        await mine.write_setpoints(NOMINAL)
    await mine.give_back()


@pytest.fixture
def beaten(connect, server):
    """Makes vessels with a heartbeat that are watched for a short while only."""
    server.set_value("R01.heartbeat", 0, kind="Int16")

    def make():
        connector = connect(nodes=server.node_map(heartbeat=True))
        connector.heartbeats.watched_s = 0.3
        return connector.vessels()["R01"]

    return make


async def test_a_heartbeat_that_counts_is_another_twin(beaten, server):
    vessel = beaten()
    await vessel.take(ONE)  # nobody ever counted
    server.set_value("R01.heartbeat", 7, kind="Int16")

    async def counts():
        for count in range(8, 1000):
            await asyncio.sleep(0.05)
            server.set_value("R01.heartbeat", count, kind="Int16")

    other = asyncio.ensure_future(counts())
    with pytest.raises(VesselTaken, match=r"somebody else counts in heartbeat \(s=R01.heartbeat\)"):
        await beaten().take(OTHER)
    other.cancel()
    with suppress(asyncio.CancelledError):
        await other
    await beaten().take(OTHER)  # the other is dead: its number stands still


async def test_a_second_count_in_our_heartbeat_stops_writing_until_a_person_says_so(beaten, server):
    vessel = beaten()
    await vessel.beat(1)
    server.set_value("R01.heartbeat", 0, kind="Int16")  # a controller puts it back
    await vessel.beat(2)
    server.set_value("R01.heartbeat", 40, kind="Int16")
    for _ in range(2):
        with pytest.raises(VesselTaken):
            await vessel.beat(3)
    assert server.value("R01.heartbeat") == 40.0
    with pytest.raises(WriteRejected, match="another twin writes to this vessel"):
        await vessel.write_setpoints(NOMINAL)
    vessel.allow_writing(who="A. Smith", why="The other one is stopped.")
    await vessel.beat(4)
    assert server.value("R01.heartbeat") == 4.0


def test_somebody_elses_row_is_said_and_stays_where_it_is(tmp_path):
    file = SetpointsFile(tmp_path / "x.setpoints.csv")
    file.append(0.0, NOMINAL, acts=True)
    with file.path.open("a") as other:
        other.write("1,24.0,1,0.1,4,34,900,1\n")
    found = file.path.read_bytes()
    with pytest.raises(WriteOverridden, match="holds rows that this run did not write"):
        file.append(24.0, NOMINAL, acts=True)
    assert file.path.read_bytes() == found
    file.append(48.0, NOMINAL, acts=True)  # a person allowed it: after what is there
    assert file.path.read_bytes().startswith(found)
    assert [p.name for p in tmp_path.iterdir()] == ["x.setpoints.csv"]


def test_a_file_of_the_same_run_is_gone_on_with(tmp_path):
    first = SetpointsFile(tmp_path / "x.setpoints.csv")
    first.append(0.0, NOMINAL)
    again = SetpointsFile(first.path)
    again.goes_on(24.0)
    again.append(24.0, NOMINAL)
    assert len(first.path.read_text().splitlines()) == 3
    assert again.warnings == []

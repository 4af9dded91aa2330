"""A twin is killed at any record, and before it goes on a person changes a setpoint: it is never written over.

The witness is the vessel itself, which notes what it was set to and by whom; the record must tell the same in the end.
"""

import asyncio
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise

import pytest
from sqlalchemy import select, update

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode
from perfusio.connectors.database.database import Database
from perfusio.connectors.database.samples import SqlSample, add_samples
from perfusio.connectors.database.schema import setpoints as requests
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.sql import SqlStore
from perfusio.protocols import ConnectorKind
from perfusio.record.verification.verify import read_records, verify
from perfusio.state import SETPOINT_QUANTITIES, SETPOINTS, STATE_QUANTITIES, Setpoints
from perfusio.testing import ScriptedConnector, make_state
from perfusio.twin.digital_twin import DigitalTwin

NOMINAL = DEFAULT_AMBR250_DESIGN_SPACE.nominal
N_DAYS = 2
BY_HAND = 35.5
"""Within one step of what the twin leaves, so that only looking keeps it."""


class Killed(BaseException):
    """The program is gone."""


class World:
    """A vessel that outlives programs, with a witness of who set it to what."""

    def __init__(self, folder):
        self.folder, self.in_force, self.changes, self.is_cut_off, self.n_sampled = folder, NOMINAL, [], False, 0

    def set(self, who, setpoints):
        if setpoints != self.in_force:
            self.in_force = setpoints
            self.changes.append((who, setpoints))

    def person(self):
        self.set("person", replace(self.in_force, temperature=BY_HAND))

    def close(self):
        """Nothing of it is left running."""


class Plain(World):
    """Answers at once."""

    kind = ConnectorKind.HARDWARE

    def connector(self):
        world = self

        class Link(ScriptedConnector):
            async def read_setpoints(self):
                return world.in_force

            async def write_setpoints(self, setpoints):
                if world.is_cut_off:
                    raise Killed
                world.set("twin", setpoints)
                return setpoints

        return Link([make_state(day=d, vcd=20.0 + d) for d in range(N_DAYS + 1)], kind=self.kind)


class Simulated(Plain):
    kind = ConnectorKind.SIMULATED


class Controlled(World):
    """Behind a controller that acts once it looks; the lab takes the next sample when nothing else happens."""

    async def time_passes(self, _):
        """The store waits: for an answer, or for a sample."""
        await asyncio.sleep(0)
        if self.is_cut_off:
            raise Killed
        if not self.act() and self.n_sampled <= N_DAYS and self.is_waited_for():
            self.sample(self.n_sampled)
            self.n_sampled += 1

    def is_waited_for(self):
        self.idle = getattr(self, "idle", 0) + 1
        return self.idle % 3 == 0

    def person(self):
        self.act()  # a controller goes on while the twin is dead
        super().person()


class ByFile(Controlled):
    def __init__(self, folder):
        super().__init__(folder)
        folder.mkdir(exist_ok=True)
        self.source, self.asked = folder / "culture.csv", folder / "culture.setpoints.csv"
        units = [q.header for q in (*STATE_QUANTITIES.values(), *SETPOINT_QUANTITIES.values())]
        self.source.write_text(",".join(["time [h]", *units]) + "\n")
        self.n_acted = 0
        self.sample(0)
        self.n_sampled = 1

    def connector(self):
        return FilesystemStore(self.source, actuates=True, poll_seconds=0.01, sleep=self.time_passes)

    def act(self):
        """Put the newest row of the setpoints file in force, each once."""
        told = self.rows()
        if len(told) <= self.n_acted:
            return False
        self.n_acted = len(told)
        newest = max((line.split(",") for line in told), key=lambda cells: float(cells[1]))
        self.set("twin", Setpoints(**dict(zip(SETPOINTS, map(float, newest[2:]), strict=True))))
        return True

    def sample(self, day):
        state = make_state(day=day, vcd=20.0 + day)
        values = [*(getattr(state, n) for n in STATE_QUANTITIES), *(getattr(self.in_force, n) for n in SETPOINTS)]
        with self.source.open("a") as file:
            file.write(",".join([repr(state.time_h), *("" if v != v else repr(v) for v in values)]) + "\n")

    def hours_of_rows(self):
        """The hour of each row of setpoints that was ever written."""
        return [float(line.split(",")[1]) for line in self.rows()]

    def rows(self):
        """The rows of setpoints that were ever written."""
        paths = [path for path in [self.asked, *self.folder.glob("culture.setpoints-*.csv")] if path.exists()]
        return [line for path in paths for line in path.read_text().splitlines()[1:]]


class ByDatabase(Controlled):
    def __init__(self, folder):
        super().__init__(folder)
        folder.mkdir(exist_ok=True)
        self.where = folder / "lab.sqlite"
        self.sample(0)
        self.n_sampled = 1

    def connector(self):
        return SqlStore(self.where, actuates=True, poll_seconds=0.01, sleep=self.time_passes)

    def act(self):
        with Database(self.where).writing() as connection:
            rows = connection.execute(select(requests).where(requests.c.status == "asked")).mappings().all()
            for row in rows:
                asked = {n: row[f"asked_{n}"] for n in SETPOINTS}
                self.set("twin", Setpoints(**asked))
                done = {f"acknowledged_{n}": v for n, v in asked.items()}
                at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
                connection.execute(
                    update(requests).where(requests.c.key == row["key"]).values(
                        status="acknowledged", answered_at=at, **done
                    )
                )  # fmt: skip
        return bool(rows)

    def sample(self, day):
        state = make_state(day=day, vcd=20.0 + day)
        add_samples(self.where, [SqlSample(reactor="R01", state=state, setpoints=self.in_force)])


KINDS = {"simulated": Simulated, "hardware": Plain, "file": ByFile, "database": ByDatabase}


def killed_after(n, world):
    seen = []

    def observer(event):
        seen.append(event)
        if len(seen) == n:
            world.is_cut_off = True
            raise Killed

    return observer


async def lived(make_twin, world, n, **settings):
    """Run until `n` records are durable (0 = to the end), and leave the record as a kill does."""
    observers = (killed_after(n, world),) if n else ()
    twin = make_twin(
        {"R01": world.connector()}, days=N_DAYS, retrain_every=9, mode=Mode.AUTOMATIC, observers=observers,
        run_dir=world.folder / "run", **settings,
    )  # fmt: skip
    if not n:
        return await twin.run()
    with pytest.raises(Killed):
        await twin.run()
    world.is_cut_off = False
    path = world.folder / "run" / "audit.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:n]))
    heads = path.with_name("audit.heads")
    kept = [h for h in heads.read_bytes().splitlines(keepends=True) if json.loads(h)["seq"] <= n]
    heads.write_bytes(b"".join(kept))
    return None


@pytest.mark.parametrize("kind", KINDS)
async def test_killed_at_any_record_nothing_is_written_over_what_a_person_set(
    kind, make_twin, persistence, alternating, tmp_path
):
    make = partial(KINDS[kind], tmp_path / "whole")
    (tmp_path / "whole").mkdir()
    whole = make()
    await lived(make_twin, whole, 0)
    n_records = len(list(read_records(tmp_path / "whole" / "run" / "audit.jsonl")))
    assert len([who for who, _ in whole.changes if who == "twin"]) == N_DAYS  # else there is nothing to protect
    n_overrides = 0
    for n in range(1, n_records):
        folder = tmp_path / f"cut-{n}"
        folder.mkdir()
        world = KINDS[kind](folder)
        await lived(make_twin, world, n)
        world.person()
        twin = DigitalTwin.resume(
            folder / "run", connector={"R01": world.connector()}, model=persistence, policy=alternating
        )
        await twin.run()
        path = folder / "run" / "audit.jsonl"
        records = list(read_records(path))
        cut = f"cut after record {n}, {records[n - 1].event} of turn {records[n - 1].turn}: {world.changes}"
        assert verify(path).is_intact, cut
        after = world.changes[[who for who, _ in world.changes].index("person") + 1 :]
        first_wish = not [r for r in records[:n] if r.event in ("SetpointsFound", "SampleRead")]
        if first_wish:  # nothing was ever known: what the person set is where the run begins
            assert all(s.temperature == BY_HAND for _, s in after), cut
        else:
            assert after == [], cut
            n_overrides += len([r for r in records[n:] if r.event == "OverrideDetected"])
        assert world.in_force.temperature == BY_HAND, cut
        has_shown = not isinstance(world, Controlled) or any(r.event == "SampleRead" for r in records[n:])
        assert not has_shown or twin.run_state.in_force["R01"] == world.in_force, cut
        shutil.rmtree(folder)
    assert n_overrides >= n_records // 2


@pytest.mark.parametrize("kind", ["simulated", "file", "database"])
async def test_killed_at_any_record_and_left_alone_each_decision_is_asked_for_once_and_for_its_own_sample(
    kind, make_twin, persistence, alternating, tmp_path
):
    (tmp_path / "whole").mkdir()
    await lived(make_twin, KINDS[kind](tmp_path / "whole"), 0)
    n_records = len(list(read_records(tmp_path / "whole" / "run" / "audit.jsonl")))
    for n in range(1, n_records):
        folder = tmp_path / f"cut-{n}"
        folder.mkdir()
        world = KINDS[kind](folder)
        await lived(make_twin, world, n)
        twin = DigitalTwin.resume(
            folder / "run", connector={"R01": world.connector()}, model=persistence, policy=alternating
        )
        await twin.run()
        records = list(read_records(folder / "run" / "audit.jsonl"))
        cut = f"cut after record {n}, {records[n - 1].event} of turn {records[n - 1].turn}: {world.changes}"
        assert [r.event for r in records if r.event in ("OverrideDetected", "WriteUnknown", "WritePartial")] == [], cut
        done = [r.to_event().asked for r in records if r.event == "SetpointsWritten"]
        changed = [now for before, now in pairwise([NOMINAL, *done]) if now != before]
        assert [s for _, s in world.changes] == changed, cut
        assert len(done) >= N_DAYS - 1, cut  # at most the turn that was cut into is lost
        if isinstance(world, ByFile):
            hours = world.hours_of_rows()
            assert sorted(hours) == sorted(set(hours)), cut
            assert set(hours) <= {24.0 * r.turn for r in records if r.event == "WriteIntended"}, cut

"""One run that goes on, one server of its page, and their users: for all tests of a module."""

import asyncio
import json
import threading
import time
from contextlib import suppress

import httpx
import pytest

from perfusio.config import DesignSpace, Mode, RunConfig
from perfusio.dashboard.accounts.roles import UserRole
from perfusio.dashboard.accounts.site import Site
from perfusio.dashboard.serve import prepared
from perfusio.process import CHO_PERFUSION
from perfusio.protocols import ConnectorKind
from perfusio.testing import ScriptedConnector, make_state
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin

PASSWORD = "correct horse battery"
PATIENCE_S = 60.0


def until(condition, what):
    """Wait for something that another thread does; busy machines take their time."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"it did not come: {what}")


class FedVessel(ScriptedConnector):
    """A vessel whose samples a test gives, one by one."""

    def __init__(self, **settings):
        super().__init__([], **settings)
        self.arrived = asyncio.Event()

    async def read_sample(self):
        while not self._script:
            self.arrived.clear()
            await self.arrived.wait()
        return await super().read_sample()


class LiveRun:
    """A twin in a thread of its own, on vessels that a test feeds; people approve what it advises."""

    def __init__(self, folder, names=("R01", "R02"), days=20, **settings):
        self.folder = folder
        settings = {"mode": Mode.ADVISORY, "sampling_interval_hours": 24.0, "retrain_every": 2} | settings
        self.config = RunConfig(duration_days=days, run_dir=folder, forecast_days=5, n_paths=16, **settings)
        self.names = names
        self.day = -1
        self.pages = []  # that must have read what was fed before a test looks at them
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)

    def _run(self):
        asyncio.run(self._live())

    async def _live(self):
        self._loop = asyncio.get_running_loop()
        self.vessels = {name: FedVessel(kind=ConnectorKind.SIMULATED) for name in self.names}
        space = DesignSpace.of(CHO_PERFUSION)
        twin = DigitalTwin(connector=self.vessels, design_space=space, run_config=self.config, model=SteadyModel(),
                           policy=SteppingPolicy())  # fmt: skip
        self._task = asyncio.ensure_future(twin.run())
        self._ready.set()
        with suppress(asyncio.CancelledError):
            await self._task

    def feed(self, n=1, **values):
        """Give the samples of the next days to all vessels, and wait until they are decided upon and on the pages."""
        for _ in range(n):
            self.day += 1
            state = make_state(day=self.day, **values)
            self._loop.call_soon_threadsafe(self._give, state)
        record = self.folder / "audit.jsonl"
        wanted = (self.day + 1) * len(self.names)
        until(lambda: record.exists() and record.read_text().count('"event":"Withheld"') >= wanted, "advice")
        last = json.loads(record.read_text().rpartition("\n")[0].splitlines()[-1])["seq"]
        for page in self.pages:
            until(lambda page=page: page.last_seq() >= last, "the advice on the page")

    def _give(self, state):
        for vessel in self.vessels.values():
            vessel._script.append(state)
            vessel.arrived.set()

    def end(self):
        """Kill the twin, as far as a thread can be killed."""
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(PATIENCE_S)


class Client(httpx.Client):
    """A browser without a screen: logs in, and sends what a browser sends."""

    def __init__(self, url, user=None, **settings):
        super().__init__(base_url=url, timeout=PATIENCE_S, **settings)
        if user:
            found = self.post("/api/v1/login", json={"user": user, "password": PASSWORD})
            assert found.status_code == 200, found.text
            self.headers["X-CSRF-Token"] = found.json()["csrf"]

    def order(self, run="run", **asked):
        return self.post(f"/api/v1/runs/{run}/orders", json={"why": "A test.", **asked})


class Page:
    """A server of the page in a thread."""

    def __init__(self, folder, accounts):
        self.site, self.clients, self.reader = Site(accounts), [], None
        self.served = prepared([folder], port=0, accounts=accounts)
        self.url = self.served.url.rstrip("/")
        self._thread = threading.Thread(target=self.served.run, daemon=True)
        self._thread.start()
        until(lambda: self.served.server.started, "the server")

    def client(self, user=None, **settings):
        client = Client(self.url, user, **settings)
        self.clients.append(client)
        return client

    def last_seq(self):
        """Return the number of the last record that the page has read."""
        self.reader = self.reader or self.client("vera")
        return self.reader.get("/api/v1/runs/run").json()["last_seq"]

    def end(self):
        for client in self.clients:
            client.close()
        self.served.server.should_exit = True
        self._thread.join(PATIENCE_S)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Accounts: one user of each role."""
    site = Site(tmp_path_factory.mktemp("accounts") / "users.sqlite")
    for name, role in (("vera", UserRole.VIEWER), ("olga", UserRole.OPERATOR), ("ada", UserRole.ADMIN)):
        site.users.add(name, f"{name.capitalize()} Example", role, PASSWORD)
    return site


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """A run that goes on, with advice for day 1 waiting."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    folder.mkdir()
    run = LiveRun(folder)
    run.feed(2)
    yield run
    run.end()


@pytest.fixture(scope="module")
def page(live, site):
    """The page of that run."""
    page = Page(live.folder, site.place)
    live.pages.append(page)
    yield page
    live.pages.remove(page)
    page.end()

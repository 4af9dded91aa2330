"""The program of T21, which forks: a person acts on the page of a run, and twin and page are killed meanwhile.

A person approves or rejects the card of each day, and asks again until it is gone, as people do whose page died under
their hands. Kills fall at random moments, or where they hurt: right when the order lies in its folder, when it is gone
again, when so many more records are there.
"""

from __future__ import annotations

import asyncio
import http.client
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.dashboard.accounts.roles import UserRole
from perfusio.dashboard.accounts.site import Site
from perfusio.dashboard.app import create_app
from perfusio.dashboard.runs.shelf import Shelf
from perfusio.selftest.page.acts_on_record import examined
from perfusio.selftest.page.planted_in_acts import BUGS
from perfusio.selftest.page.processes import PageUser, Processes, Stuck, answer, until
from perfusio.selftest.quiet_vessel import QuietVessel
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin

USER, PASSWORD = "olga", "a password of the trial"
N_DAYS = 6
LONGEST_DELAY_S = 0.4
STALE_WITHIN_S = 10.0
SHARE_OF_REJECTIONS = 0.25


class Trial:
    """Kills, until there were enough.

    Args:
        folder: For accounts and runs.
        n: How many kills.
        seed: Of the moments.
        is_enough: Whether to stop once something is wrong.
    """

    def __init__(self, folder: Path, n: int, seed: int, *, is_enough: bool = False) -> None:
        self.folder, self.n, self.rng, self._is_enough = folder, n, Random(seed), is_enough
        self.n_killed, self.problems = 0, list[str]()
        self.accounts = folder / "users.sqlite"
        Site(self.accounts).users.add(USER, "Olga Example", UserRole.OPERATOR, PASSWORD)

    def go_on(self) -> None:
        """Run after run, until all kills are done."""
        n_runs = 0
        while self.n_killed < self.n and not (self._is_enough and self.problems):
            n_runs += 1
            processes = Processes(self.folder / f"{n_runs}", self.accounts, N_DAYS)
            try:
                self._live(processes)
            except Stuck as error:
                self.problems.append(f"run {n_runs}: {error}")
            finally:
                processes.close()

    def _live(self, all_: Processes) -> None:
        """One run: a card a day, and a person who wants each of them dealt with."""
        person = PageUser(all_.port, USER, PASSWORD)
        wanted, told = dict[str, str](), dict[str, str]()
        for day in range(N_DAYS):
            all_.allow(day)
            card = until(partial(_card, person, day), f"the card of day {day}")
            act = "reject" if self.rng.random() < SHARE_OF_REJECTIONS else "approve"
            wanted[card["key"]] = act
            while _card(person, day):
                self._act(all_, person, {"act": act, "vessel": card["vessel"], "value": card["key"]}, told)
        all_.allow(N_DAYS + 1)
        if code := all_.end():
            said = (all_.folder / "twin.stderr.txt").read_text()[-300:]
            self.problems.append(f"the twin ended with {code}: {said}")
            return
        self.problems += examined(all_.folder, wanted, told)

    def _act(self, all_: Processes, person: PageUser, asked: dict[str, Any], told: dict[str, str]) -> None:
        """Give a signed order, and kill twin or page meanwhile."""
        victim = self.rng.choice(("twin", "page")) if self.n_killed < self.n else ""
        moment = self._moment(all_)
        with suppress(OSError, http.client.HTTPException):
            wire = person.asks({**asked, "why": "A trial.", "password": PASSWORD, "meaning": "Approval"})
            if victim:
                moment()
                all_.kill(victim)
                self.n_killed += 1
            if victim == "page" and not all_.lives("twin"):
                self.problems.append("the twin ended when its page was killed")
            if victim == "twin":
                self._see_stale(person)
                all_.start(victim)
            found = answer(wire)
            if "order" in found:
                told[found["order"]] = found["status"]
        if victim == "page":
            all_.start(victim)

    def _moment(self, all_: Processes) -> Callable[[], None]:
        """Return how to wait for the moment of a kill."""
        delay_s, orders = self.rng.uniform(0.0, LONGEST_DELAY_S), all_.run_dir / "orders"
        record = all_.run_dir / "audit.jsonl"
        size, n_lines = record.stat().st_size, self.rng.randint(1, 4)

        def reached(condition: Callable[[], object]) -> None:
            end = time.monotonic() + LONGEST_DELAY_S
            while time.monotonic() < end and not condition():
                pass

        def more_lines() -> bool:
            with record.open("rb") as file:
                file.seek(size)
                return file.read().count(b"\n") >= n_lines

        def lies_there() -> bool:
            return any(orders.glob("*.json"))

        def gone_again() -> None:
            reached(lies_there)
            reached(lambda: not lies_there())

        return self.rng.choice((
            lambda: time.sleep(delay_s), lambda: reached(lies_there), gone_again, lambda: reached(more_lines),
        ))  # fmt: skip

    def _see_stale(self, person: PageUser) -> None:
        start = time.monotonic()
        until(lambda: person.look("")["state"] == "stale", "STALE on the page")
        if (stale_s := time.monotonic() - start) > STALE_WITHIN_S:
            self.problems.append(f"the page said STALE {stale_s:.1f} s after the twin was killed")


def _card(person: PageUser, day: int) -> Any:
    """Return the card of a day that waits for a person."""
    return next((c for c in person.look("/decisions?is_open=true") if c["turn"] == day), None)


def _warm_up(folder: Path) -> None:
    """Load all modules in this very process: its children need not."""
    config = RunConfig(duration_days=1, n_paths=16, forecast_days=2, run_dir=folder)
    twin = DigitalTwin(connector=QuietVessel(1), design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config,
                       model=SteadyModel(), policy=SteppingPolicy())  # fmt: skip
    asyncio.run(twin.run())
    create_app(Shelf([folder]), Site(folder / "users.sqlite"))
    import uvicorn.protocols.http.auto  # noqa: F401


def tried(n: int, seed: int, bug: str) -> tuple[int, list[str]]:
    """Kill twin and page `n` times, with a bug planted if one is named; return how often, and the problems."""
    with tempfile.TemporaryDirectory() as home:
        _warm_up(Path(home) / "warm-up")
        if bug:
            BUGS[bug]()
        trial = Trial(Path(home), n, seed, is_enough=bool(bug))
        trial.go_on()
    return trial.n_killed, trial.problems

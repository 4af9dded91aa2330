"""T12: every route as every role and as nobody; forged requests, guessed passwords, secrets in answers; with teeth."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from perfusio.selftest.promises import Tried

if TYPE_CHECKING:
    from fastapi import FastAPI

    from perfusio.dashboard.accounts.site import Site

PASSWORD, CANARY = "a password of the trial", "canary-5b1d7e"
BUGS = ("a route without a role", "changes without the word of the session", "changes from other pages",
        "no limit on guessing", "passwords repeated in answers", "a header is missing")  # fmt: skip


def page_for_strangers(is_full: bool) -> Tried:  # noqa: ARG001 - it is quick
    """Try the page as it is."""
    n_tried, faults = asyncio.run(_tried(""))
    return Tried(id="T12", promise="nobody does on the page what their role may not, nor by forging, nor by guessing",
                 n_tried=n_tried, n_failed=len(faults), note=faults[0] if faults else "")  # fmt: skip


def planted_on_the_page(is_full: bool) -> Tried:  # noqa: ARG001 - it is quick
    """Try pages with one bug each: every one must be noticed."""
    missed = [bug for bug in BUGS if not asyncio.run(_tried(bug))[1]]
    return Tried(id="teeth", promise="bugs planted in the page are noticed", n_tried=len(BUGS), n_failed=len(missed),
                 note=f"not noticed: {', '.join(missed)}" if missed else "")  # fmt: skip


async def _tried(bug: str) -> tuple[int, list[str]]:
    """Return how many things were tried on a page with this bug, and what was wrong."""
    from perfusio.dashboard.accounts.roles import UserRole
    from perfusio.dashboard.accounts.site import Site
    from perfusio.dashboard.app import create_api
    from perfusio.dashboard.runs.shelf import Shelf
    from perfusio.dashboard.shield import Shield

    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "run"
        await _short_run(run)
        shelf, site = Shelf([run]), Site(Path(place) / "users.sqlite")
        for role in UserRole:
            site.users.add(role.value, f"The {role}", role, PASSWORD)
        for followed in shelf.runs.values():
            followed.look()
        api = create_api(shelf, site)
        _plant(bug, api, site)
        page = Shield(api, frozenset({"127.0.0.1"}))
        undo = _plant_outside(bug)
        try:
            trial = _Trial(page, api)
            await trial.roles()
            await trial.forgeries()
            await trial.guesses()
            return trial.n_tried, trial.faults
        finally:
            undo()


async def _short_run(folder: Path) -> None:
    """Leave the record of one vessel."""
    from perfusio.config import DesignSpace, RunConfig
    from perfusio.process.cho_perfusion import CHO_PERFUSION
    from perfusio.testing import ScriptedConnector, make_state
    from perfusio.testing.fakes import SteadyModel, SteppingPolicy
    from perfusio.twin.digital_twin import DigitalTwin

    config = RunConfig(duration_days=2, run_dir=folder, forecast_days=2, n_paths=16)
    vessel = ScriptedConnector([make_state(day=0), make_state(day=1)])
    twin = DigitalTwin(connector=vessel, design_space=DesignSpace.of(CHO_PERFUSION), run_config=config,
                       model=SteadyModel(), policy=SteppingPolicy())  # fmt: skip
    await twin.run()


def _plant(bug: str, api: FastAPI, site: Site) -> None:
    if bug == "a route without a role":
        api.get("/api/v1/everything")(lambda: {"all": "of it"})
    elif bug == "no limit on guessing":
        vars(site)["attempts"] = type("Patient", (), {
            "wait_s": lambda *_: 0.0, "failed": lambda *_: None, "succeeded": lambda *_: None,
        })()  # fmt: skip


def _plant_outside(bug: str) -> Callable[[], None]:
    """Change a module of the page; return how it is undone."""
    from perfusio.dashboard import app, shield
    from perfusio.dashboard.api import access

    before = vars(access)["SAFE"], vars(shield)["SAFE"], dict(shield.HEADERS), vars(app)["shown"]
    every = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
    if bug == "changes without the word of the session":
        vars(access)["SAFE"] = every
    elif bug == "changes from other pages":
        vars(shield)["SAFE"] = every
    elif bug == "a header is missing":
        shield.HEADERS.pop("content-security-policy")
    elif bug == "passwords repeated in answers":
        vars(app)["shown"] = lambda text, *_: f"{text} {CANARY}"

    def undo() -> None:
        vars(access)["SAFE"], vars(shield)["SAFE"], headers, vars(app)["shown"] = before
        shield.HEADERS.update(headers)

    return undo


class _Trial:
    def __init__(self, page: object, api: FastAPI) -> None:
        from perfusio.dashboard.shield import Shield

        assert isinstance(page, Shield)
        self.page, self.api = page, api
        self.n_tried, self.faults = 0, list[str]()

    def expect(self, is_right: bool, words: str) -> None:
        self.n_tried += 1
        if not is_right:
            self.faults.append(words)

    async def logged_in(self, user: str) -> dict[str, str]:
        from perfusio.dashboard.api.access import COOKIE, CSRF
        from perfusio.selftest.page.caller import call

        found = await call(self.page, "POST", "/api/v1/login", body={"user": user, "password": PASSWORD})
        cookie = found.headers.get("set-cookie", "").partition(";")[0]
        self.expect("httponly" in found.headers.get("set-cookie", "").lower(), "the cookie can be read by scripts")
        assert cookie.startswith(COOKIE)
        return {"cookie": cookie, CSRF: found.data["csrf"]}

    async def roles(self) -> None:
        """Every route as every role and as nobody."""
        from perfusio.dashboard.accounts.roles import UserRole
        from perfusio.dashboard.promises import OPEN, TABLE, calls, needed
        from perfusio.selftest.page.caller import call

        found = needed(self.api)
        for name in sorted(found.keys() ^ TABLE.keys()):
            self.expect(False, f"{name} is not in the table of routes, or not among the routes")
        for name, role in TABLE.items():
            self.expect(found.get(name, role) == role, f"{name} asks for {found.get(name)}, expected {role}")
        for who in (None, *UserRole):
            headers = {} if who is None else await self.logged_in(who.value)
            for method, path, body in calls("run", "R01"):
                least = TABLE[f"{method} {path.template}"]
                if path.template in OPEN or path.template.endswith("/stream") or least is None:
                    continue
                answer = await call(self.page, method, path.filled, body=body, headers=headers)
                expected: tuple[int, ...]
                if who is None or not who.includes(least):
                    expected = (401,) if who is None else (403,)
                else:
                    expected = (200, 400, 404, 409, 422)
                words = f"{method} {path.filled} as {who or 'nobody'}: {answer.status}"
                self.expect(answer.status in expected, words)
                policy = answer.headers.get("content-security-policy", "")
                self.expect("default-src 'none'" in policy and "unsafe" not in policy, f"{path.filled}: its policy")

    async def forgeries(self) -> None:
        """Changes that another page or program makes in the name of a user."""
        from perfusio.selftest.page.caller import call

        good = await self.logged_in("operator")
        path, body = "/api/v1/runs/run/orders", {"act": "note", "vessel": "none", "why": "A trial."}
        forged = ({"x-csrf-token": "guess"}, {"origin": "http://elsewhere.example"}, {"sec-fetch-site": "cross-site"},
                  {"host": "elsewhere.example"}, {"content-type": "text/plain"}, {"authorization": "Bearer guess"},
                  {"cookie": "perfusio_session=guess"})  # fmt: skip
        for headers in forged:
            answer = await call(self.page, "POST", path, body=body, headers={**good, **headers})
            self.expect(answer.status in (401, 403, 415), f"forged by {headers}: {answer.status}")
        answer = await call(self.page, "POST", path, body={"why": "x" * 1_100_000}, headers=good)
        self.expect(answer.status == 413, f"more than 1 MB: {answer.status}")
        answer = await call(self.page, "POST", path, body={**body, "password": [CANARY]}, headers=good)
        self.expect(answer.status == 422 and CANARY.encode() not in answer.body, "a misshapen password is repeated")

    async def guesses(self) -> None:
        """Passwords that are guessed."""
        from perfusio.selftest.page.caller import call

        for n in range(7):
            answer = await call(self.page, "POST", "/api/v1/login", body={"user": "viewer", "password": CANARY})
            expected = 401 if n < 5 else 429
            self.expect(answer.status == expected, f"guess {n + 1}: {answer.status}, expected {expected}")
            self.expect(CANARY.encode() not in answer.body, "a password is repeated")

"""Promises of the page: the least role of every route, written down once, and one call of each to try it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from perfusio.dashboard.accounts.roles import UserRole
from perfusio.events import Json

_OF_RUN = "/api/v1/runs/{run}"
_VIEWS = ("", "/vessels/{vessel_name:path}", "/decisions", "/alarms", "/model", "/record", "/record/{seq}", "/verify",
          "/overnight", "/samples", "/compare", "/samples.csv", "/stream")  # fmt: skip
OPEN = ("/login", "/welcome", "/favicon.ico", "/static/{stamp}/{name:path}", "/api/v1/login", "/api/v1/welcome")
"""Routes for everybody: they show no run and no user."""
SHELLS = ("/", "/runs/{rest:path}", "/account")
"""Places of the page: a shell without data, which sends whoever is not logged in to the login."""
TABLE: dict[str, UserRole | None] = {
    **{f"GET {path}": None for path in (*OPEN[:4], *SHELLS)},
    **{f"POST {path}": None for path in OPEN[4:]},
    **{f"GET {_OF_RUN}{view}": UserRole.VIEWER for view in _VIEWS},
    **{f"GET {path}": UserRole.VIEWER for path in ("/api", "/api/v1/openapi.json", "/api/v1/runs", "/api/v1/me",
                                               "/api/v1/tokens")},
    **{f"POST {path}": UserRole.VIEWER for path in ("/api/v1/logout", "/api/v1/me/password", "/api/v1/tokens",
                                                f"{_OF_RUN}/seen")},
    "DELETE /api/v1/tokens/{ident}": UserRole.VIEWER,
    **{f"GET {_OF_RUN}/{out}": UserRole.VIEWER for out in ("report.html", "samples.{ending}",
                                                          "charts/{vessel}/{quantity}.{ending}")},
    "GET /metrics": UserRole.VIEWER,
    f"POST {_OF_RUN}/hold": UserRole.OPERATOR,
    f"POST {_OF_RUN}/orders": UserRole.OPERATOR,
    "GET /api/v1/users": UserRole.ADMIN,
    "POST /api/v1/users": UserRole.ADMIN,
    "PATCH /api/v1/users/{name}": UserRole.ADMIN,
}  # fmt: skip
"""By method and path: the least role; None for routes that everybody may call. Further routes are entered here."""
_BODIES: dict[str, Json] = {
    f"POST {_OF_RUN}/hold": {"vessel": "no such vessel"},
    f"POST {_OF_RUN}/orders": {"act": "note", "vessel": "no such vessel", "why": "A trial."},
    "POST /api/v1/me/password": {"before": "", "after": ""},
    "POST /api/v1/tokens": {"label": "", "days": 0},
    "POST /api/v1/users": {"user": "", "role": "viewer"},
}


class Path(NamedTuple):
    """A path as declared, and with names in it."""

    template: str
    filled: str


def needed(api: FastAPI) -> dict[str, UserRole | None]:
    """Return the least role of every route, as the routes themselves ask for it."""
    found: dict[str, UserRole | None] = {}
    for route in iter_route_contexts(api.routes):
        roles = list(_roles(route.dependant)) if isinstance(getattr(route, "dependant", None), Dependant) else []
        for method in sorted(route.methods or ()):
            found[f"{method} {route.path}"] = roles[0] if roles else None
    return found


def _roles(dependant: Dependant) -> Iterator[UserRole]:
    for one in dependant.dependencies:
        role = getattr(one.call, "role", None)
        if isinstance(role, UserRole):
            yield role
        yield from _roles(one)


def calls(run: str, vessel: str) -> list[tuple[str, Path, Json]]:
    """Return one call of every route that is tried; none of them changes a run, and a logout comes last."""
    values = {"{run}": run, "{vessel_name:path}": vessel, "{vessel}": vessel, "{seq}": "1",
              "{quantity}": "none", "{ending}": "csv", "{ident}": "none", "{name}": "nobody",
              "{rest:path}": run, "{stamp}": "x", "{name:path}": "app.css"}  # fmt: skip
    out = []
    for asked in TABLE:
        method, template = asked.split(" ")
        filled = template
        for mark, value in values.items():
            filled = filled.replace(mark, value)
        out.append((method, Path(template, filled), _BODIES.get(asked, {})))
    return sorted(out, key=lambda call: call[1].template == "/api/v1/logout")

"""The page itself: one shell for all its places, its assets, and the description of the REST interface, all local."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.exceptions import HTTPException

from perfusio.dashboard.api.access import Viewer, caller_of
from perfusio.installed import __version__

HERE = Path(__file__).parent
STATIC = HERE / "static"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain"}
_templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape())
router = APIRouter(include_in_schema=False)


def _assets() -> dict[str, Path]:
    return {p.relative_to(STATIC).as_posix(): p for p in STATIC.rglob("*") if p.suffix in TYPES}


ASSETS = _assets()
STAMP = sha256(b"".join(ASSETS[name].read_bytes() for name in sorted(ASSETS))).hexdigest()[:12]
"""In the addresses of assets, so that a browser may keep them for ever."""


@router.get("/static/{stamp}/{name:path}")
def asset(stamp: str, name: str) -> Response:
    """Return a file of the page."""
    if name not in ASSETS:
        raise HTTPException(404, "There is no such file.")
    kept = "public, max-age=31536000, immutable" if stamp == STAMP else "no-cache"
    return FileResponse(ASSETS[name], media_type=TYPES[ASSETS[name].suffix], headers={"Cache-Control": kept})


@router.get("/welcome")
def welcome() -> HTMLResponse:
    """Return the page behind a one-time link; the link itself stands behind the #, which no server sees."""
    return _page("welcome.html", title="Welcome")


@router.get("/login")
def login() -> HTMLResponse:
    """Return the login."""
    return _page("login.html", title="Log in")


@router.get("/favicon.ico")
def icon() -> Response:
    """Return the icon."""
    return FileResponse(ASSETS["icon.svg"], media_type="image/svg+xml")


@router.get("/api")
def interface(request: Request, _: Viewer) -> HTMLResponse:
    """Return the REST interface in words, from its OpenAPI description."""
    return _page("interface.html", title="REST interface", paths=request.app.openapi()["paths"])


@router.get("/api/v1/openapi.json")
def openapi(request: Request, _: Viewer) -> dict[str, object]:
    """Return the OpenAPI description."""
    described: dict[str, object] = request.app.openapi()
    return described


@router.get("/")
@router.get("/runs/{rest:path}")
@router.get("/account")
def page(request: Request, rest: str = "") -> Response:
    """Return the shell of the page, or the way to the login."""
    if caller_of(request) is None:
        return RedirectResponse("/login", status_code=303)
    return _page("page.html", title="perfusio", rest=rest)


def _page(template: str, **values: object) -> HTMLResponse:
    text = _templates.get_template(template).render(base=f"/static/{STAMP}", version=__version__, **values)
    return HTMLResponse(text, headers={"Cache-Control": "no-store"})

"""The application: shelf of runs, accounts, routes, shield."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from perfusio.dashboard import pages
from perfusio.dashboard.accounts.site import Site
from perfusio.dashboard.api import accounts, acting, downloads, looking, stream
from perfusio.dashboard.runs.shelf import Shelf
from perfusio.dashboard.shield import App, Shield
from perfusio.errors import PerfusioError
from perfusio.installed import __version__
from perfusio.texts import shown

LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


def create_app(shelf: Shelf, site: Site, hosts: Collection[str] = LOCAL_HOSTS) -> App:
    """Return the application, with its shield around it.

    Args:
        shelf: The runs.
        site: The accounts.
        hosts: Names by which the server may be called.
    """
    return Shield(create_api(shelf, site), frozenset(hosts))


def create_api(shelf: Shelf, site: Site) -> FastAPI:
    """Return the application without its shield: routes, by which others may add theirs."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        async with shelf.watching():
            yield

    app = FastAPI(
        title="perfusio", version=__version__, lifespan=life, docs_url=None, redoc_url=None, openapi_url=None,
        description="The runs of a perfusion rig: what the twin has on record, and orders to it.",
    )  # fmt: skip
    app.state.shelf, app.state.site = shelf, site
    for router in (
        accounts.router, looking.router, acting.router, downloads.router, downloads.machines, stream.router,
        pages.router,
    ):  # fmt: skip
        app.include_router(router)

    @app.exception_handler(RequestValidationError)
    async def misshapen(_: Request, error: RequestValidationError) -> JSONResponse:
        """Say where and what, and never repeat what was sent: it may be a password."""
        found = [{"where": ".".join(map(str, e["loc"])), "words": shown(e["msg"])} for e in error.errors()[:20]]
        return JSONResponse({"detail": found}, status_code=422)

    @app.exception_handler(PerfusioError)
    async def refused(_: Request, error: PerfusioError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=503)

    return app

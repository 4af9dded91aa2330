"""Who may call a route: every route says the least role, and a call without it never reaches the route."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request

from perfusio.dashboard.accounts.credentials import Caller
from perfusio.dashboard.accounts.roles import UserRole
from perfusio.dashboard.accounts.site import Site
from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.runs.shelf import Shelf
from perfusio.texts import shown

COOKIE = "perfusio_session"
CSRF = "x-csrf-token"
SAFE = ("GET", "HEAD")
ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"description": text, "content": {"application/json": {"schema": {
        "type": "object", "properties": {"detail": {}}, "required": ["detail"]}}}}
    for code, text in {
        400: "Refused, with the reason.", 401: "Not logged in.", 403: "Not allowed with this role, or not from here.",
        404: "There is no such thing.", 405: "Not by this method.", 409: "Not possible now, with the reason.",
        413: "More than 1 MB.", 415: "JSON is expected.", 422: "Not of the expected form.",
        429: "Too many failures: wait.", 503: "The record cannot be used now.",
    }.items()
}  # fmt: skip
"""Answers of every route beside its own."""


def site_of(request: Request) -> Site:
    """Return the accounts."""
    site: Site = request.app.state.site
    return site


def shelf_of(request: Request) -> Shelf:
    """Return the runs."""
    shelf: Shelf = request.app.state.shelf
    return shelf


def address_of(request: Request) -> str:
    """Return the address of the caller."""
    return request.client.host if request.client else "unknown"


def caller_of(request: Request) -> Caller | None:
    """Return who calls, by token or by cookie; None if nobody that is known."""
    site = site_of(request)
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme:
        return site.credentials.of_token(secret.strip()) if scheme.lower() == "bearer" and secret else None
    cookie = request.cookies.get(COOKIE)
    return site.credentials.of_session(cookie) if cookie else None


def asks(role: UserRole) -> Callable[..., Caller]:
    """Return the dependency that lets a caller of this role through, and nobody else.

    A change by a browser must come from this page: it repeats the word that its session was given.
    """

    def check(request: Request) -> Caller:
        caller = caller_of(request)
        if caller is None:
            raise HTTPException(401, "Log in first.", headers={"WWW-Authenticate": "Bearer"})
        if request.method not in SAFE and caller.csrf and request.headers.get(CSRF) != caller.csrf:
            raise HTTPException(403, "This change does not come from the page: load it again.")
        if not caller.role.includes(role):
            raise HTTPException(403, f"This needs the role {role}; {caller.user.name} has {caller.role} here.")
        return caller

    check.role = role  # type: ignore[attr-defined]
    return check


def run_named(request: Request, run: str) -> FollowedRun:
    """Return the run of that name.

    Raises:
        HTTPException: there is none, it has not begun, or its record cannot be used.
    """
    found = shelf_of(request).runs.get(run)
    if found is None:
        names = ", ".join(list(shelf_of(request).runs)[:20]) or "none"
        raise HTTPException(404, f"There is no run {shown(run, 60)}. Runs: {names}.")
    if not found.has_begun:
        raise HTTPException(503, found.fault or "The run has not begun: its record is empty.")
    if words := found.why_unusable:
        raise HTTPException(503, words)
    return found


def vessel_named(run: FollowedRun, vessel: str) -> str:
    """Return the name of a vessel of a run, as it is.

    Raises:
        HTTPException: the run has none of that name.
    """
    if vessel not in run.state.trajectories:
        raise HTTPException(404, f"{shown(vessel, 60)} is not in this run; it has {', '.join(run.vessels)}.")
    return vessel


Viewer = Annotated[Caller, Depends(asks(UserRole.VIEWER))]
Operator = Annotated[Caller, Depends(asks(UserRole.OPERATOR))]
Admin = Annotated[Caller, Depends(asks(UserRole.ADMIN))]
TheRun = Annotated[FollowedRun, Depends(run_named)]
TheSite = Annotated[Site, Depends(site_of)]
TheShelf = Annotated[Shelf, Depends(shelf_of)]

"""Routes of logins, users and tokens."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import Field, StrictBool, StrictStr

from perfusio.dashboard.accounts.credentials import Token
from perfusio.dashboard.accounts.roles import UserRole
from perfusio.dashboard.accounts.site import TooManyFailures
from perfusio.dashboard.accounts.users import User
from perfusio.dashboard.api.access import COOKIE, ERRORS, Admin, TheSite, Viewer, address_of
from perfusio.dashboard.api.acting import _Strict
from perfusio.errors import ConfigError
from perfusio.events import Json

router = APIRouter(prefix="/api/v1", tags=["accounts"], responses=ERRORS)
Text = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Secret = Annotated[StrictStr, Field(min_length=1, max_length=400)]
RoleName = Literal["viewer", "operator", "admin"]


class LoginRequest(_Strict):
    """Name and password."""

    user: Text
    password: Secret


class Welcome(_Strict):
    """What a new user fills in behind a one-time link."""

    link: Text
    user: Annotated[StrictStr, Field(max_length=60)] = ""
    full_name: Text
    password: Secret


class NewUser(_Strict):
    """A user whom an admin adds; they set their password behind a one-time link."""

    user: Text
    role: RoleName


class UserChange(_Strict):
    """What an admin changes of a user."""

    role: RoleName | None = None
    is_active: StrictBool | None = None


class Password(_Strict):
    """A new password, and the one before."""

    before: Secret
    after: Secret


class NewToken(_Strict):
    """A token for a program."""

    label: Text
    role: RoleName = "viewer"
    days: Annotated[int, Field(ge=1, le=365)] = 90


@router.post("/login")
def login(request: Request, response: Response, site: TheSite, asked: LoginRequest) -> Json:
    """Begin a session, kept in a cookie that scripts cannot read."""
    try:
        user = site.log_in(asked.user, asked.password, address_of(request))
    except TooManyFailures as error:
        raise HTTPException(429, str(error), headers={"Retry-After": f"{error.wait_s:.0f}"}) from error
    if user is None:
        raise HTTPException(401, "Name or password is wrong.")
    return _begun(request, response, site, user)


def _begun(request: Request, response: Response, site: TheSite, user: User) -> Json:
    secret, csrf = site.credentials.begin(user)
    response.set_cookie(
        COOKIE, secret, httponly=True, samesite="strict", secure=request.url.scheme == "https", path="/",
        max_age=12 * 3600,
    )  # fmt: skip
    return {**_as_data(user), "csrf": csrf}


@router.post("/welcome")
def welcome(request: Request, response: Response, site: TheSite, asked: Welcome) -> Json:
    """Use a one-time link up: set name and password, and be logged in."""
    try:
        user = site.credentials.use_link(asked.link, asked.user, asked.full_name, asked.password)
    except ConfigError as error:
        raise HTTPException(400, str(error)) from error
    return _begun(request, response, site, user)


@router.post("/logout")
def logout(request: Request, response: Response, _: Viewer, site: TheSite) -> Json:
    """End the session."""
    site.credentials.end(request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE, path="/")
    return {"status": "done"}


@router.get("/me")
def me(caller: Viewer) -> Json:
    """Who is logged in, with the word that a browser repeats with each change."""
    return {**_as_data(caller.user), "role": caller.role.value, "csrf": caller.csrf}


@router.post("/me/password")
def change_password(request: Request, caller: Viewer, site: TheSite, asked: Password) -> Json:
    """Change one's own password; all sessions end."""
    if not caller.csrf:
        raise HTTPException(403, "A token cannot change a password: log in.")
    try:
        if site.log_in(caller.user.name, asked.before, address_of(request)) is None:
            raise HTTPException(403, "The password before is wrong.")
        site.users.change(caller.user.name, password=asked.after)
    except TooManyFailures as error:
        raise HTTPException(429, str(error), headers={"Retry-After": f"{error.wait_s:.0f}"}) from error
    except ConfigError as error:
        raise HTTPException(400, str(error)) from error
    return {"status": "done"}


@router.get("/users")
def users(_: Admin, site: TheSite) -> list[Json]:
    """All users."""
    return [_as_data(user) for user in site.users.all()]


@router.post("/users")
def add_user(_: Admin, site: TheSite, asked: NewUser) -> Json:
    """Make a one-time link for a new user, valid for a day."""
    if site.users.get(asked.user) is not None:
        raise HTTPException(409, f"{asked.user} is a user already.")
    return {"link": f"/welcome#{site.credentials.make_link(UserRole(asked.role), asked.user)}"}


@router.patch("/users/{name}")
def change_user(_: Admin, site: TheSite, name: str, asked: UserChange) -> Json:
    """Change the role of a user, or close the account; they are logged out."""
    try:
        role = UserRole(asked.role) if asked.role else None
        return _as_data(site.users.change(name, role=role, is_active=asked.is_active))
    except ConfigError as error:
        raise HTTPException(409 if site.users.get(name) else 404, str(error)) from error


@router.get("/tokens")
def tokens(caller: Viewer, site: TheSite) -> list[Json]:
    """One's own tokens; an admin sees all."""
    own = None if caller.role is UserRole.ADMIN else caller.user
    return [_token(token) for token in site.credentials.tokens(own)]


@router.post("/tokens")
def make_token(caller: Viewer, site: TheSite, asked: NewToken) -> Json:
    """Make a token; its secret is shown this once."""
    if not caller.csrf:
        raise HTTPException(403, "A token cannot make another one: log in.")
    try:
        secret, token = site.credentials.make_token(caller.user, asked.label, UserRole(asked.role), asked.days)
    except ConfigError as error:
        raise HTTPException(400, str(error)) from error
    return {**_token(token), "secret": secret}


@router.delete("/tokens/{ident}")
def revoke_token(caller: Viewer, site: TheSite, ident: str) -> Json:
    """Revoke a token."""
    own = None if caller.role is UserRole.ADMIN else caller.user
    if ident not in [token.id for token in site.credentials.tokens(own)]:
        raise HTTPException(404, "There is no such token of yours.")
    site.credentials.revoke(ident)
    return {"status": "done"}


def _as_data(user: User) -> Json:
    return {"user": user.name, "full_name": user.full_name, "role": user.role.value, "is_active": user.is_active}


def _token(token: Token) -> Json:
    return {"id": token.id, "user": token.user, "label": token.label, "role": token.role.value,
            "expires": token.expires, "is_revoked": token.is_revoked, "created": token.created}  # fmt: skip

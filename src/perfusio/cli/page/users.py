"""`perfusio user`: accounts of the page."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from perfusio.cli.echo import echo

user = typer.Typer(help="Accounts of the page: who may look, act, administer.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name to log in by.", metavar="NAME")]
RoleOption = Annotated[str, typer.Option(help="viewer, operator or admin.")]


@user.command()
def add(
    name: Name,
    role: RoleOption = "operator",
    full_name: Annotated[str, typer.Option(help="As it goes on record; default: the name.")] = "",
    link: Annotated[bool, typer.Option("--link", help="Print a link by which they set their password.")] = False,
    url: Annotated[str, typer.Option(help="Address of the page, for the link.")] = "http://127.0.0.1:8765/",
) -> None:
    """Add a user. The password is asked for, without an echo; with --link they choose it, once, within a day."""
    from perfusio.dashboard.accounts.roles import role_named
    from perfusio.dashboard.accounts.site import Site
    from perfusio.errors import ConfigError

    site, wanted = Site(), role_named(role)
    if link:
        if site.users.get(name) is not None:
            raise ConfigError(f"{name} is a user already: choose another name.")
        echo(f"{url.rstrip('/')}/welcome#{site.credentials.make_link(wanted, name)}")
        return
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    added = site.users.add(name, full_name or name, wanted, password)
    echo(f"{added.on_record} is {added.role} now.")


@user.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array instead.")] = False) -> None:
    """List the users."""
    from perfusio.dashboard.accounts.site import Site

    users = Site().users.all()
    if as_json:
        echo(json.dumps([
            {"user": u.name, "full_name": u.full_name, "role": u.role.value, "is_active": u.is_active} for u in users
        ]))  # fmt: skip
        return
    for one in users:
        echo(f"{one.name:<20} {one.role.value:<9} {'' if one.is_active else 'closed  '}{one.full_name}")
    if not users:
        echo("No users. Add one: perfusio user add NAME --role admin")


@user.command()
def change(
    name: Name,
    role: Annotated[str, typer.Option(help="viewer, operator or admin.")] = "",
    close: Annotated[bool, typer.Option("--close", help="They cannot log in any more; their tokens end.")] = False,
    reopen: Annotated[bool, typer.Option("--reopen", help="They can log in again.")] = False,
    password: Annotated[bool, typer.Option("--password", help="Ask for a new password.")] = False,
) -> None:
    """Change the role or the password of a user, or close the account. They are logged out."""
    from perfusio.dashboard.accounts.roles import role_named
    from perfusio.dashboard.accounts.site import Site
    from perfusio.errors import ConfigError

    if not (role or close or reopen or password) or (close and reopen):
        raise ConfigError("Nothing to change: give --role, --password, --close or --reopen.")
    new = typer.prompt("New password", hide_input=True, confirmation_prompt=True) if password else None
    is_active = True if reopen else False if close else None
    changed = Site().users.change(name, role=role_named(role) if role else None, is_active=is_active, password=new)
    echo(f"{changed.on_record}: {changed.role}{'' if changed.is_active else ', closed'}.")


@user.command()
def bind(
    wanted: Annotated[bool, typer.Option("--who/--no-who", help="Whether --who of commands must be a user.")] = True,
) -> None:
    """Bind --who of all commands to these users: each then asks for the password of that user."""
    from perfusio.dashboard.accounts.site import Site
    from perfusio.errors import ConfigError

    site = Site()
    if wanted and not site.users.all():
        raise ConfigError("There are no users to bind --who to: perfusio user add NAME first.")
    site.bind_who(wanted)
    echo("--who must be a user now, with their password." if wanted else "--who may be any name now.")

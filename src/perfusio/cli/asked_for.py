"""The part of an app that a command line asks for: to make all commands takes longer than most of them run."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import typer
from typer.models import CommandInfo, TyperInfo


def asked_for(app: typer.Typer, arguments: Sequence[str]) -> typer.Typer:
    """Return an app that answers these arguments as the whole app would.

    Args:
        app: All commands.
        arguments: Of the command line, without the name of the program.
    """
    lean = copy.copy(app)
    first = arguments[0] if arguments else "--help"
    commands = [c for c in app.registered_commands if _name_of(c) == first]
    groups = [g for g in app.registered_groups if g.name == first]
    if commands or groups:
        lean.registered_commands, lean.registered_groups = commands, groups
    elif first == "--help":  # which tells of each command its name and its first line
        lean.registered_commands = [_without_options(c) for c in app.registered_commands]
        lean.registered_groups = [_without_commands(g) for g in app.registered_groups]
    return lean


def _name_of(command: CommandInfo) -> str:
    function = command.callback.__name__ if command.callback is not None else ""
    return command.name or function.lower().replace("_", "-")


def _without_options(command: CommandInfo) -> CommandInfo:
    told = copy.copy(command)
    told.name = _name_of(command)
    told.callback = _saying(command.callback.__doc__ if command.callback is not None else None)
    return told


def _saying(words: str | None) -> Callable[[], None]:
    def nothing() -> None:
        return

    nothing.__doc__ = words
    return nothing


def _without_commands(group: TyperInfo) -> TyperInfo:
    told = copy.copy(group)
    told.typer_instance = copy.copy(group.typer_instance)
    if told.typer_instance is not None:
        told.typer_instance.registered_commands = []
        told.typer_instance.registered_groups = []
    return told

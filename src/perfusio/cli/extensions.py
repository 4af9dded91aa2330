"""`perfusio extensions`: which parts other packages bring, from where, and whether they can be loaded."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.options import JsonOption, print_json


def extensions(
    load: Annotated[bool, typer.Option("--load/--no-load", help="Try whether each can be loaded.")] = True,
    json_output: JsonOption = False,
) -> None:
    """List connectors, models, policies, objectives and other parts, perfusio's own and those of other packages.

    A package brings a part by an entry point (docs/extending.md). One that cannot be loaded is named with its package,
    and the exit code is 1; nothing else depends on it.
    """
    from perfusio.config.acquisitions import ACQUISITIONS
    from perfusio.errors import ConfigError
    from perfusio.registry import ALL

    assert ACQUISITIONS  # the names of perfusio's own stand there
    found, failures = [], []
    for registry in ALL:
        for extension in registry.extensions():
            failure = ""
            if load:
                try:
                    registry.find(extension.name)
                except ConfigError as error:
                    failure = str(error)
                    failures.append(failure)
            found.append({**asdict(extension), "failure": failure})
    if json_output:
        own = {registry.kind: list(registry.own) for registry in ALL}
        print_json({"own": own, "extensions": found})
    else:
        for registry in ALL:
            echo(f"{registry.kind} ({registry.group}): {', '.join(registry.own) or 'none of its own'}")
            for one in found:
                if one["kind"] == registry.kind:
                    version = f" {one['version']}" if one["version"] else ""
                    remark = "  CANNOT BE LOADED" if one["failure"] else ""
                    echo(f"  {one['name']}  from {one['package']}{version}, {one['target']}{remark}")
        for failure in failures:
            echo(failure, err=True)
    if failures:
        raise typer.Exit(1)

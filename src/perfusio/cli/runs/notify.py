"""`perfusio notify`: try the channels by which people are told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.notification import channels_of, stated
from perfusio.errors import PerfusioError


def notify(
    file: Annotated[
        Path, typer.Argument(help="The file of --notify, or an experiment.toml with [notify].", metavar="FILE")
    ],
    test: Annotated[bool, typer.Option("--test", help="Send a test message by every channel.")] = False,
) -> None:
    """Check the channels by which people are told; with --test, send a message by each of them.

    Exit code 0: every channel is usable, and took the message. 1: one did not; the others were tried all the same.
    """
    from perfusio.notify.channels import NotDelivered

    content, folder, name = stated(file)
    channels = channels_of(content, folder, name)
    if not test:
        echo(f"{name}: {', '.join(c.name for c in channels)}. Nothing was sent; --test sends a message by each.")
        return
    failed = 0
    for channel in channels:
        try:
            channel.deliver(
                "[perfusio] test message", "perfusio can reach you by this channel. No vessel is concerned; do nothing."
            )
        except NotDelivered as error:
            failed += 1
            echo(f"{channel.name}: NOT delivered. {error}")
        else:
            echo(f"{channel.name}: delivered.")
    if failed:
        raise typer.Exit(PerfusioError.exit_code)

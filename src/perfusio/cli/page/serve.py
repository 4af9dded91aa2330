"""`perfusio serve`: the page of one run or many, on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perfusio.cli.echo import echo


def serve(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs, or folders with runs in them.", metavar="RUN...")
    ],
    port: Annotated[int, typer.Option(help="Port; 0 = any free one.", min=0, max=65535)] = 8765,
    host: Annotated[str, typer.Option(help="Address; any but this machine's own needs TLS and a user.")] = "127.0.0.1",
    certificate: Annotated[Path | None, typer.Option(help="Certificate for TLS (PEM).", metavar="FILE")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key (PEM).", metavar="FILE")] = None,
) -> None:
    """Show runs in a browser: the rig, forecasts against samples, decisions to approve, alarms, the record.

    The page reads the records and gives orders; it never runs a twin, and a run goes on if the page ends. At the first
    start a link is printed by which the first user, an admin, sets a password. Ctrl-C ends the page.
    """
    from perfusio.dashboard.serve import prepared

    served = prepared(runs, port=port, host=host, certificate=certificate, key=key)
    if served.link:
        echo(f"No user yet. Open this once to become the admin: {served.link}")
    echo(f"{'Page:':8}{served.url} (Ctrl-C ends it; runs go on)")
    served.run()

"""`perfusio fallback`: hold the vessels of a run by the model-free MPC while no twin runs."""

from __future__ import annotations

from typing import Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.notification import NotifyOption
from perfusio.cli.operators.hold import RunFolder
from perfusio.errors import RecordInUse, VesselTaken

AFTER_MIN = 10.0


def fallback(
    run: RunFolder,
    after: Annotated[
        float, typer.Option(help="Minutes without a twin after which it takes over.", min=0.0, max=1440.0)
    ] = AFTER_MIN,
    notify: NotifyOption = None,
) -> None:
    """Watch over a run, and hold its densities by the model-free MPC while no twin runs.

    Start it beside the twin, as a service of its own. It takes over only once no program has been at the record for
    --after minutes and the vessels are free. Then it decides from the record and the new samples, through the same
    guard and the same writes, on the run's own record, and people are told. `perfusio resume` has it give the vessels
    back; it goes on watching until the run is over. Holds, modes and orders count as for the twin.
    """
    import asyncio

    from perfusio.cli.operators.asking import opened
    from perfusio.cli.runs.resume import go_on, kept_source
    from perfusio.twin.fallback import until_alone
    from perfusio.twin.loop.ending import GivenBack

    opened(run)
    kept_source(run)  # a run whose vessels cannot be reached again is refused now, not at night
    echo(f"Watching {run}: it takes over after {after:g} min without a twin.")
    while asyncio.run(until_alone(run, after_s=60.0 * after)):
        try:
            go_on(run, None, notify, stands_in=True)
        except GivenBack as end:
            echo(f"{end} Watching again.")
        except (RecordInUse, VesselTaken) as taken:  # somebody was faster, or a lease has not lapsed
            echo(f"Not taken over: {taken}")
    echo(f"The run in {run} is over.")

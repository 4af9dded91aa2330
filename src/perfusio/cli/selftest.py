"""`perfusio selftest`: try the promises on safety and record on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.cli.echo import echo
from perfusio.errors import ConfigError, PerfusioError

if TYPE_CHECKING:
    from perfusio.selftest.promises import Tried


def selftest(
    full: Annotated[
        bool, typer.Option("--full/--quick", help="All points (half an hour), or a few (minutes).")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Only this test, e.g. T04; repeatable.", metavar="ID")
    ] = None,
) -> None:
    """Try perfusio's promises on this machine, and print their table.

    Nothing outside a temporary folder is touched. The last line is one JSON object. Exit code 0: every promise was
    kept. 1: one was broken.
    """
    from perfusio.selftest.guard.gate import gate
    from perfusio.selftest.guard.mutants import mutants
    from perfusio.selftest.lives.cutting_off import kill_loop, planted_in_lives, system_calls
    from perfusio.selftest.lives.every_record import every_record, planted_at_every_record
    from perfusio.selftest.loop.alarm_trial import alarm_trial
    from perfusio.selftest.loop.clock_jumps import clock_jumps
    from perfusio.selftest.loop.link_bugs import planted_in_links
    from perfusio.selftest.loop.model_faults import model_faults
    from perfusio.selftest.loop.outages import outages, planted_in_outages
    from perfusio.selftest.loop.people import people, planted_in_people
    from perfusio.selftest.loop.soak import soak
    from perfusio.selftest.page.kill_trial import acts_after_kills, planted_in_acts
    from perfusio.selftest.page.web_trial import page_for_strangers, planted_on_the_page
    from perfusio.selftest.promises import table, timed
    from perfusio.selftest.record.planted import planted_bugs
    from perfusio.selftest.record.power_loss import power_loss
    from perfusio.selftest.record.tampering import tampering
    from perfusio.selftest.samples.sample_trial import false_samples

    promises = {
        "T02": system_calls, "T03": power_loss, "T04": kill_loop, "T05": gate, "T05-mutants": mutants,
        "T06": model_faults, "T08": clock_jumps, "T12": page_for_strangers, "T14": soak, "T15": every_record,
        "T16": outages, "T17": people, "T18": one_as_many, "T19": false_samples, "T20": alarm_trial,
        "T21": acts_after_kills,
        "teeth": planted_bugs, "teeth-resume": planted_in_lives, "teeth-links": planted_in_links,
        "teeth-records": planted_at_every_record, "teeth-outages": planted_in_outages,
        "teeth-people": planted_in_people, "teeth-page": planted_on_the_page, "teeth-acts": planted_in_acts,
        "T01": tampering,
    }  # fmt: skip
    if unknown := sorted(set(only or ()) - set(promises)):
        raise ConfigError(f"--only {', '.join(unknown)}: no such test. Known: {', '.join(sorted(promises))}.")
    rows = []
    for name in only or promises:
        echo(f"{name} {promises[name].__name__.replace('_', ' ')} ...", err=True)
        rows.append(timed(promises[name], is_full=full))
        echo(table(rows[-1:]).splitlines()[1], err=True)
    rows.sort(key=lambda row: row.id)
    echo(table(rows))
    echo(json.dumps({"is_full": full, "promises": [asdict(row) for row in rows]}))
    if not all(row.is_kept for row in rows):
        raise typer.Exit(PerfusioError.exit_code)


def one_as_many(is_full: bool) -> Tried:
    """Try it with sources as the command line opens them, too."""
    from perfusio.selftest.loop.one_as_many import one_as_many

    return one_as_many(is_full, from_toml)


def from_toml(place: Path) -> Any:
    """Open the source of an experiment.toml."""
    from perfusio.cli.experiment_file.experiment import connectors, load

    return connectors(load(place, {}, environ={}))

"""`perfusio status`: where a run stands, whether it goes on, was stopped or has ended."""

from __future__ import annotations

import json
import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.cli.echo import echo
from perfusio.cli.operators.hold import RunFolder

if TYPE_CHECKING:
    from perfusio.process.panel import Panel
    from perfusio.twin.run_view import RunView

WIDTH = 80


def status(
    run: RunFolder,
    vessel: Annotated[
        str, typer.Option(help="One vessel alone, with effect and basis of its advice; of few vessels all are shown.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Print where a run stands: latest sample, advice, alarms, modes, the awaited sample, and whether a twin runs it.

    Of each advice or decision stand the moves, the expected effect beside that of unchanged setpoints, and the samples
    and past runs behind it. Everything is from its record, but for holds, which are looked for in its folder. Nothing
    is changed.
    """
    from perfusio.clock import SystemClock
    from perfusio.twin.run_view import view
    from perfusio.twin.status import status as found

    seen = view(run)
    where = found(seen, SystemClock().now())
    if vessel:
        name = seen.vessel(vessel)
        where["vessels"] = {name: where["vessels"][name]}
    if as_json:
        echo(json.dumps(where))
        return
    for line in _lines(where, seen):
        echo(line)


def _lines(where: dict[str, Any], seen: RunView) -> list[str]:
    from perfusio.report import columns
    from perfusio.report.fleet import MANY
    from perfusio.texts import shown

    panel = seen.config.process

    ago = _age(where["last_record_age_h"])
    state = {
        "running": f"running (process {where['process'] or 'unknown'})",
        "stopped": f"no twin runs it now; to go on: perfusio resume {where['folder']}",
        "ended": f"ended: {where['outcome']}",
    }[where["state"]]
    said = _wrapped(f"Run {where['run']}: {state}.", "")
    said += _wrapped(f"Turn {where['turn']} of {where['n_turns']}; the last record is {ago} old.", "")
    said += [f"ALARM of the run: {alarm}" for alarm in where["alarms"]]
    for name in where["misnamed_holds"]:
        said += _wrapped(f"{shown(name, 60)!r} names no vessel of this run, so it holds all.", "")
    said += ["", _row("vessel", "mode", "day", "age", *columns.shown(panel).values())]
    is_fleet = len(where["vessels"]) >= MANY
    for name, vessel in sorted(where["vessels"].items(), key=lambda one: _urgency(one[1]) if is_fleet else 0):
        said += _of_vessel(shown(name, 40), vessel, panel)
        if not is_fleet:
            said += _effect(name, seen)
    if is_fleet:
        first = next(iter(where["vessels"]))
        said += ["", *_wrapped(f"Effect and basis of the advice: status {where['folder']} --vessel {first}", "")]
    return said


def _urgency(vessel: dict[str, Any]) -> int:
    """Return the place of a vessel of a fleet: those that need a person now come first, those that left last."""
    from perfusio.twin.alarms.alarm_list import PRIORITY

    last = max(PRIORITY.values()) + 1
    levels = [PRIORITY.get(str(alarm).rpartition(":")[2], last) for alarm in vessel["alarms"]]
    if vessel["is_source_failing"] or vessel["mode"] == "hold":
        levels.append(PRIORITY["doubt"])
    return last + 1 if vessel["has_left"] else min(levels, default=last)


def _effect(name: str, seen: RunView) -> list[str]:
    """Return the latest decision of a vessel with its expected effect and the data behind it."""
    from perfusio.events import Decided
    from perfusio.report.advice import Basis, advice_lines
    from perfusio.twin.status import before, learnt_from, objectives_of

    known = seen.run_state
    latest = known.forecasts.get(name)
    if not isinstance(latest, Decided) or name in known.left:
        return []
    basis = Basis(
        trajectory=known.trajectories[name], in_force=before(seen, latest), assumed=known.assumed.get(name, ()),
        learnt_from=learnt_from(seen), objectives=objectives_of(seen, name),
    )  # fmt: skip
    return advice_lines(latest, basis, width=WIDTH)


def _of_vessel(name: str, vessel: dict[str, Any], panel: Panel) -> list[str]:
    from perfusio.report.columns import shown
    from perfusio.report.wording import number

    day = "-" if vessel["culture_day"] is None else f"{vessel['culture_day']:.3g}"
    values = [number(vessel["sample"].get(q, float("nan"))) for q in shown(panel)]
    mode = "left" if vessel["has_left"] else vessel["mode"]
    said = [] if len(name) <= 11 else [name]
    said.append(_row(name if not said else "", mode, day, _age(vessel["sample_age_h"]), *values))
    if vessel["said"] is not None and (vessel["said"]["who"] or vessel["mode"] == "hold"):
        label = "held" if vessel["mode"] == "hold" else vessel["mode"]
        who = f" by {vessel['said']['who']}" if vessel["said"]["who"] else ""
        said += _wrapped(f"{label}{who}: {vessel['said']['why']}", "  ")
    if (decider := vessel["decider"])["name"] != "twin":
        by = " by ".join(filter(None, (f"{decider['name']} decides", decider["who"])))
        said += _wrapped(f"{by}: {decider['why']}", "  ")
    if vessel["advice"] is not None:
        said += _wrapped(_advice(vessel["advice"], panel), "  ")
    if vessel["is_write_under_way"]:
        said.append("  a write is under way: how it ended is not known yet")
    said += [f"  ALARM {alarm}" for alarm in vessel["alarms"]]
    if vessel["waiting"] is not None:
        wait = vessel["waiting"]
        parts = [f"{what} {wait[key]}" for what, key in (("due", "due"), ("missed at", "until")) if wait[key]]
        said += _wrapped(f"waiting for a sample since {', '.join([wait['since'], *parts])}", "  ")
    if vessel["is_source_failing"]:
        said.append("  its source cannot be read now")
    return said


def _advice(advice: dict[str, Any], panel: Panel) -> str:
    from perfusio.report.columns import short
    from perfusio.report.wording import number

    values = (f"{said} {number(advice['setpoints'][n])} {panel[n].unit}" for n, said in short(panel).items())
    day = advice["culture_day"]
    when = f"turn {advice['turn']}" if day is None else f"culture day {day:.3g}"
    return f"advice of {when} waits: {', '.join(values)}"


def _row(name: str, mode: str, day: str, age: str, *values: str) -> str:
    return f"{name:<11} {mode:<9} {day:>5} {age:>7}  {' '.join(f'{v:>7}' for v in values)}".rstrip()


def _age(hours: float | None) -> str:
    if hours is None:
        return "-"
    if hours < 1.0:
        return f"{60.0 * hours:.0f} min"
    return f"{hours:.1f} h" if hours < 48.0 else f"{hours / 24.0:.1f} d"


def _wrapped(text: str, indent: str) -> list[str]:
    from perfusio.texts import shown

    return textwrap.wrap(shown(text, 800), WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ")

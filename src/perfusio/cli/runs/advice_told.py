"""Advice of a sheet, told: lines for a person, plain data for programs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from perfusio.errors import ConnectorError
from perfusio.events import SampleCorrected, SampleQuarantined, plain
from perfusio.protocols import Described, Taught, able
from perfusio.report.advice import Basis, advice_lines, basis_lines, labelled, of_panel

if TYPE_CHECKING:
    from perfusio.config import RunConfig
    from perfusio.twin.advice import Advice, Consultation
    from perfusio.twin.vessels import Vessel

_OF_A_FILE = re.compile(r"(\S+\.\w+)(?: \([^)]*\))?(:? .*)", re.DOTALL)
OLD = 1.5
"""Intervals after which a latest sample is told to be old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """All that is told.

    Attributes:
        answer: The advice.
        vessels: By name.
        config: Settings.
        learnt_from: Past runs in words; empty = none, None = not known.
        now: Wall time.
        notes: On how the past runs were read.
    """

    answer: Consultation
    vessels: Mapping[str, Vessel]
    config: RunConfig
    learnt_from: str | None
    now: datetime
    notes: Sequence[str] = ()


def past_of(model: object) -> str | None:
    """Return the past runs of a starting model in words; empty = none, None = it cannot say."""
    if model is None:
        return ""
    return model.learnt_from() if isinstance(model, Taught) else None


def lines(about: About) -> list[str]:
    """Return the advice on all vessels as lines of at most WIDTH characters."""
    said: list[str] = []
    own = dict.fromkeys(note for vessel in about.vessels.values() for note in _notes(vessel))
    for note in (*own, *grouped(about.notes)):
        said += labelled("Note", note)
    for reactor, advice in about.answer.advice.items():
        said += ["", *_of_vessel(reactor, advice, about)] if said else _of_vessel(reactor, advice, about)
    return [*said, "", *labelled("", "Nothing was written to any vessel; a person sets what is right.")]


def plain_data(about: About) -> dict[str, Any]:
    """Return the same as plain data."""
    known = about.answer.run_state
    return {
        "learnt_from": about.learnt_from,
        "notes": [*dict.fromkeys(n for vessel in about.vessels.values() for n in _notes(vessel)), *about.notes],
        "vessels": {
            reactor: {
                "advised": advice.is_given,
                "action": None if advice.withheld is None else advice.withheld.action,
                "because": [] if advice.withheld is None else list(advice.withheld.because),
                "culture_day": known.trajectories[reactor].states[-1].day,
                "sampled": _text(_date(reactor, about)),
                "sample": plain(known.trajectories[reactor].states[-1].measured()),
                "in_force": plain(known.in_force[reactor]),
                "assumed": list(known.assumed[reactor]),
                "setpoints": plain(advice.decided.setpoints) if advice.is_given and advice.decided else None,
                "reason": "" if advice.decided is None else advice.decided.reason,
                "why": {} if advice.decided is None else plain(advice.decided.why),
                "alarms": [{"quantity": a.quantity, "level": a.level, "reason": a.reason} for a in advice.alarms],
                "refused": _refused(reactor, about),
                "n_samples": len(known.trajectories[reactor].states),
            }
            for reactor, advice in about.answer.advice.items()
        },
        "without_a_usable_sample": sorted(set(about.vessels) - set(about.answer.advice)),
    }


def _of_vessel(reactor: str, advice: Advice, about: About) -> list[str]:
    known = about.answer.run_state
    trajectory = known.trajectories[reactor]
    latest, date = trajectory.states[-1], _date(reactor, about)
    basis = Basis(
        trajectory=trajectory, in_force=known.in_force[reactor], assumed=known.assumed[reactor],
        learnt_from=about.learnt_from, objectives=about.vessels[reactor].config(about.config).objectives,
    )  # fmt: skip
    when = f"culture day {latest.day:.3g}{'' if date is None else f' ({date:%Y-%m-%d})'}"
    said = labelled("", f"{reactor}, {when}: {'advice' if advice.is_given else 'NO ADVICE'}")
    said = [line.strip() for line in said]
    said += labelled("measured", of_panel(trajectory.panel, latest.measured()) + ".")
    if date is not None and (old := about.now - date) > timedelta(hours=OLD * about.config.sampling_interval_hours):
        days = old.total_seconds() / 86400.0
        said += labelled("OLD", f"the latest sample is {days:.0f} days old. Are there newer ones?")
    for words in _refused(reactor, about):
        said += labelled("NOT USED", words)
    if advice.is_given and advice.decided is not None:
        said += advice_lines(advice.decided, basis)
    else:
        why = advice.withheld.because if advice.withheld is not None else ("Nothing could be decided.",)
        said += labelled("because", " ".join(why))
        said += basis_lines(advice.decided, basis)
    for alarm in advice.alarms:
        said += labelled(f"ALARM ({alarm.level})", f"{alarm.reason} {alarm.response}")
    return said


def _refused(reactor: str, about: About) -> list[str]:
    """Return the samples, and values, that were not used, with the reasons."""
    refused = [
        f"day {e.state.day:.3g}: {e.reason}"
        for e in about.answer.events
        if isinstance(e, SampleQuarantined | SampleCorrected) and e.reactor == reactor
    ]
    remarks = about.answer.run_state.trajectories[reactor].states[-1].quality
    return refused + [f"{name}: {words}" for name, words in remarks.items() if "not used" in words]


def grouped(notes: Sequence[str]) -> list[str]:
    """Return remarks on files, those that many files share as one that counts them."""
    files = dict[str, list[str]]()
    for note in notes:
        where, rest = (m[1], m[2]) if (m := _OF_A_FILE.match(note)) else ("", note)
        files.setdefault(rest, []).append(where)
    shared = {rest: where for rest, where in files.items() if len(where) > 1}
    told = {rest: f"{where[0]} (and {len(where) - 1} files more){rest}" for rest, where in shared.items()}
    return [told.get(rest, f"{where[0]}{rest}") for rest, where in files.items()]


def _notes(vessel: Vessel) -> tuple[str, ...]:
    """Return remarks on how the sheet was read, assumed units among them."""
    described = able(vessel.connector, Described)
    if described is None:
        return ()
    about = described.describe()
    columns, assumed = about.get("columns", {}), about.get("taken_for_granted", {}).get("units_assumed", ())
    units = [f"{header} as {columns[header]}" for header in assumed if header in columns]
    told = (f"units that no header says, assumed: {', '.join(units)}.",) if units else ()
    return (*about.get("warnings", ()), *told)


def _date(reactor: str, about: About) -> datetime | None:
    """Return when the latest sample was taken, None where the source has no dates."""
    described = able(about.vessels[reactor].connector, Described)
    try:
        zero = "" if described is None else str(described.describe().get("time_zero") or "")
    except ConnectorError:
        return None
    if not zero:
        return None
    start = datetime.fromisoformat(zero)
    taken = start + timedelta(hours=about.answer.run_state.trajectories[reactor].states[-1].time_h)
    return taken if taken.tzinfo is not None else taken.replace(tzinfo=UTC)


def _text(date: datetime | None) -> str | None:
    return None if date is None else date.isoformat()

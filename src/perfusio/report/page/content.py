"""The content of a report: every table as rows of texts, made from the record of a run alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from perfusio.objective import in_words
from perfusio.process.panel import Panel
from perfusio.record.line import Record
from perfusio.record.verification.signed_heads import heads_of, read_heads
from perfusio.record.verification.verify import VerifyReport, verify
from perfusio.report.lines import counted
from perfusio.report.page.aims import LAST_DAYS, AimRow, aim_row, limit_row, limit_words, limits_of_run, objectives_of
from perfusio.report.story.calibration import LEADS, outcomes, scores
from perfusio.report.story.rows import AlarmRow, DecisionRow, Place
from perfusio.report.story.run_story import RunStory, VesselStory
from perfusio.report.wording import number

Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTable:
    """One table.

    Attributes:
        name: Of the table, unique on a page.
        head: Headings of its columns.
        rows: Its cells.
        note: A sentence below it; may be empty.
        if_empty: Told where there are no rows.
    """

    name: str
    head: Texts
    rows: tuple[Texts, ...]
    note: str = ""
    if_empty: str = "None."


@dataclass(frozen=True, slots=True, kw_only=True)
class VesselPart:
    """One vessel on the page."""

    story: VesselStory
    about: str
    decisions: ReportTable
    samples: ReportTable


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordVerdict:
    """Whether the record is unchanged, with its head.

    Attributes:
        is_intact: Whether nothing is wrong.
        words: One sentence.
        head: Hash of its last record.
        n_records: Number of records.
        heads: Heads that it was held against, in words.
        problems: Faults, the first few.
        broken_at: Line of the first fault, from 1; 0 = none.
        not_checked: Blind spots, one sentence each.
    """

    is_intact: bool
    words: str
    head: str
    n_records: int
    heads: str
    problems: Texts
    not_checked: Texts
    broken_at: int = 0


def verdict_on(record: Path, *, take: Callable[[Record], None] | None = None) -> RecordVerdict:
    """Verify a record, with the heads beside it where there are any.

    Args:
        record: Its `audit.jsonl`.
        take: Is given each record before the first line that was changed, so that it need not be read again.

    Raises:
        AuditError: the record cannot be read.
    """
    place = heads_of(record)
    report = verify(record, heads=read_heads(place) if place.exists() else (), take=take)
    heads = f"{report.n_heads} signed heads that lie beside it" if place.exists() else "no signed heads"
    return _verdict(report, heads)


def _verdict(report: VerifyReport, heads: str) -> RecordVerdict:
    words = f"intact, {counted(report.n_records, 'record')}"
    if not report.is_intact:
        found = counted(len(report.problems), "problem")
        words = f"BROKEN: {found}; this page shows the run up to the first line that was changed"
    return RecordVerdict(
        is_intact=report.is_intact, words=words, head=report.head or "none", n_records=report.n_records, heads=heads,
        problems=tuple(map(str, report.problems[:5])), not_checked=report.not_checked,
        broken_at=report.problems[0].line if report.problems else 0,
    )  # fmt: skip


def aim_words(story: RunStory) -> str:
    """Return the aim of the run in words."""
    objectives = [o for v in list(story.vessels.values())[:1] for o in objectives_of(story, v)]
    return in_words(tuple(objectives)) if objectives else "none"


def summary(story: RunStory) -> ReportTable:
    """Return a row per vessel and objective: how it stands against the aim."""
    rows = []
    for vessel in story.vessels.values():
        decided = [d for d in story.decisions if d.place.reactor == vessel.name]
        alarms = [a for a in story.alarms if a.place.reactor == vessel.name]
        troubles = [t.trouble for t in story.troubles if t.place.reactor == vessel.name]
        missing = sum(t in ("no sample", "day missed") for t in troubles)
        counts = (
            str(len(vessel.known.states)), str(missing), str(len(decided)),
            str(sum(d.ended == "written" for d in decided)), str(sum(a.level != "warn" for a in alarms)),
            str(sum(a.level == "warn" for a in alarms)),
        )  # fmt: skip
        day = "-" if vessel.now_h != vessel.now_h else f"{vessel.now_h / 24.0:g}"
        for i, objective in enumerate(objectives_of(story, vessel)):
            row = aim_row(vessel, objective)
            first = (vessel.name, vessel.known.clone or "-", "left" if vessel.has_left else vessel.mode, day)
            rows.append((*(first if not i else ("", "", "", "")), *_aim_cells(row), *(counts if not i else ("",) * 6)))
    head = (
        "vessel", "clone", "mode", "culture day", "aim", "latest", f"mean, last {LAST_DAYS:g} days", "off target",
        "reached on day", "samples", "missing", "decisions", "written", "alarms (act)", "alarms (warn)",
    )  # fmt: skip
    note = (
        f"Off target: mean absolute deviation from the target over the last {LAST_DAYS:g} days, measurement noise "
        "included. Reached: first sample within 10 % of the target."
    )
    return ReportTable(name="summary", head=head, rows=tuple(rows), note=note)


def _aim_cells(row: AimRow) -> Texts:
    off = "-" if row.off != row.off else f"{100.0 * row.off:.1f} %"
    reached = "-" if row.reached_day != row.reached_day else f"{row.reached_day:g}"
    return row.aim, _with_unit(row.last, row.unit), _with_unit(row.mean, row.unit), off, reached


def _with_unit(value: float, unit: str) -> str:
    return "-" if value != value else f"{number(value)} {unit}"


def limits(story: RunStory) -> ReportTable:
    """Return a row per limit and vessel with samples beyond it, and one per limit that was kept throughout."""
    rows = []
    for limit in limits_of_run(story):
        found = [row for v in story.vessels.values() if (row := limit_row(v, limit)) is not None]
        beyond = [row for row in found if row.n_beyond]
        for row in beyond:
            rows.append((row.limit, row.vessel, f"{row.n_beyond} of {row.n}", _with_unit(row.worst, row.unit)))
        if found and not beyond:
            total = sum(row.n for row in found)
            rows.append((found[0].limit, "all" if len(found) > 1 else found[0].vessel, f"0 of {total}", "-"))
        if not found:
            rows.append((limit_words(limit, story.panel), "all", "never measured", "-"))
    note = "Decisions keep the limits for the true value with a stated probability; single samples scatter about it."
    return ReportTable(
        name="limits", head=("limit", "vessel", "samples beyond it", "farthest"), rows=tuple(rows), note=note,
        if_empty="The run has no limits.",
    )  # fmt: skip


def forecasts(story: RunStory) -> ReportTable:
    """Return a row per species and days ahead: error of the forecasts on record, coverage of their intervals."""
    panel, found = story.panel, []
    for lead in LEADS:
        found += [outcomes(v, lead, story.interval_h) for v in story.vessels.values() if v.kept]
    rows = [
        (
            panel[s.name].label, f"{s.lead_days}", str(s.n), _with_unit(s.error, panel[s.name].unit),
            _with_unit(s.last_value, panel[s.name].unit), _share(s.inside[80], s.n), _share(s.inside[90], s.n),
        )
        for s in scores(found, panel)
    ]  # fmt: skip
    head = (
        "quantity", "days ahead", "samples", "mean absolute error", "of the last value", "within 80 %", "within 90 %",
    )  # fmt: skip
    note = (
        "Forecasts as they stand on record, each under the setpoints that were in force next, against the samples that "
        "came; later decisions may have changed the setpoints. A sample scatters about the true value: intervals are "
        "widened by the measurement noise. Good intervals hold their share; the last value is the simplest forecast."
    )
    return ReportTable(
        name="forecasts", head=head, rows=tuple(rows), note=note, if_empty="No sample has come yet that was forecast."
    )


def _share(part: int, whole: int) -> str:
    return f"{part} ({100.0 * part / whole:.0f} %)" if whole else "-"


def models(story: RunStory) -> ReportTable:
    """Return a row per step of the model."""
    rows = tuple(
        (_turn(m.place), _when(m.place), m.step, m.model_id, number(m.error), number(m.before), m.why)
        for m in story.models
    )
    head = ("turn", "when (UTC)", "step", "model", "one-step error", "before", "why")
    return ReportTable(name="models", head=head, rows=rows, if_empty="The model was not refitted.")


def alarms(story: RunStory) -> ReportTable:
    """Return a row per alarm, those that are active first."""
    order = sorted(story.alarms, key=lambda a: (bool(a.ended), -a.place.seq))
    rows = tuple(
        (
            a.place.reactor or "run", _day(a.place), _when(a.place), a.name, a.text, a.response,
            _end(a), a.acknowledged or "-",
        )
        for a in order
    )  # fmt: skip
    head = ("vessel", "culture day", "when (UTC)", "alarm", "found", "to do", "ended", "acknowledged")
    return ReportTable(name="alarms", head=head, rows=rows, if_empty="There was no alarm.")


def _end(alarm: AlarmRow) -> str:
    if not alarm.ended:
        return "ACTIVE"
    return f"day {alarm.ended_day:g}" if alarm.ended_day == alarm.ended_day else _short_time(alarm.ended)


def acts(story: RunStory) -> ReportTable:
    """Return a row per act: who did what, and why."""
    rows = tuple((_when(a.place), a.place.reactor or "run", a.who, a.act, a.why) for a in story.acts)
    head = ("when (UTC)", "vessel", "who", "act", "why")
    return ReportTable(name="acts", head=head, rows=rows, if_empty="Nobody intervened.")


def troubles(story: RunStory) -> ReportTable:
    """Return a row per trouble of samples, links and writes."""
    rows = tuple(
        (_when(t.place), t.place.reactor or "run", _day(t.place), t.trouble, t.why) for t in story.troubles
    )
    head = ("when (UTC)", "vessel", "culture day", "trouble", "found")
    return ReportTable(name="troubles", head=head, rows=rows)


def vessel_part(story: RunStory, vessel: VesselStory) -> VesselPart:
    """Return the tables of one vessel."""
    panel, states = vessel.panel, vessel.known.states
    latest = "no sample yet"
    if states:
        latest = f"{len(states)} samples, culture days {states[0].day:g} to {states[-1].day:g}"
    clone = f", clone {vessel.known.clone}" if vessel.known.clone else ""
    mode = "has left the run" if vessel.has_left else f"mode {vessel.mode}"
    return VesselPart(
        story=vessel, about=f"{latest}{clone}; {mode}.",
        decisions=_decisions([d for d in story.decisions if d.place.reactor == vessel.name], panel),
        samples=_samples(vessel),
    )  # fmt: skip


def _decisions(rows: Iterable[DecisionRow], panel: Panel) -> ReportTable:
    head = ("day", "setpoints before and recommended", "reason", "ended")
    found = tuple((_day(d.place), _moves(d, panel), _effect(d.why), _ended(d)) for d in rows)
    return ReportTable(name="decisions", head=head, rows=found, if_empty="No decision yet.")


def _moves(row: DecisionRow, panel: Panel) -> str:
    moved = [
        f"{s.label} {before} → {asked} {s.unit}"
        for s in panel.setpoints
        if (before := number(getattr(row.before, s.name))) != (asked := number(getattr(row.asked, s.name)))
    ]
    return "; ".join(moved) or "as before"


def _effect(why: str) -> str:
    """Leave out the moves, which have a column of their own."""
    _, colon, effect = why.partition(": expect ")
    return f"expect {effect}" if colon else why


def _ended(row: DecisionRow) -> str:
    return f"{row.ended or 'open'}{f': {row.remark}' if row.remark else ''}"


def _samples(vessel: VesselStory) -> ReportTable:
    panel, known = vessel.panel, vessel.known
    species = [q for q in panel.species if any(q.name in s.measured() for s in known.states)]
    held = [*known.setpoints, vessel.in_force]
    rows = tuple(
        (
            f"{state.day:.4g}",
            *(f"{number(getattr(state, q.name))}{'*' if q.name in state.quality else ''}" for q in species),
            *(number(getattr(u, s.name)) for s in panel.setpoints),
        )
        for state, u in zip(known.states, held, strict=False)
    )
    head = ("day", *(f"{q.label} [{q.unit}]" for q in species), *(f"{s.label} [{s.unit}]" for s in panel.setpoints))
    remarks = any(s.quality for s in known.states)
    note = "Setpoints were in force from that sample on." + (" * with a remark on record." if remarks else "")
    return ReportTable(name="samples", head=head, rows=rows, note=note, if_empty="No sample yet.")


def sources(story: RunStory) -> ReportTable:
    """Return a row per vessel: where its samples come from."""
    keys = ("kind", "path", "url", "endpoint", "n_rows")
    rows = tuple(
        (name, ", ".join(f"{key} {v.source[key]}" for key in keys if v.source.get(key) not in (None, "")) or "-")
        for name, v in story.vessels.items()
    )
    return ReportTable(name="sources", head=("vessel", "source"), rows=rows)


def _day(place: Place) -> str:
    return "-" if place.culture_day != place.culture_day else f"{place.culture_day:.4g}"


def _turn(place: Place) -> str:
    return "-" if place.turn is None else str(place.turn)


def _when(place: Place) -> str:
    return _short_time(place.ts)


def _short_time(ts: str) -> str:
    return ts[:16].replace("T", " ") or "-"



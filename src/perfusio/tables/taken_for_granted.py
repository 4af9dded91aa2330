"""What was taken for granted when tables were read: one page for people, the same as plain data for programs.

Vessels with their samples and start, each column with the unit and where that is from, columns left unread, what was
joined and what was not, setpoints that no file states.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from perfusio.tables.columns.column import ColumnRead
from perfusio.tables.columns.culture_times import Group
from perfusio.tables.rows.table import Table

UNITS = {
    "assumed": "assumed: nothing says it",
    "profile": "of this instrument: the file does not say it",
    "header": "",
    "": "",
}
MOST_VESSELS = 24
"""Vessels that a screen lists one by one."""


def granted(tables: Sequence[Table], result: Table, assumed: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Return what was taken for granted, as plain data.

    Args:
        tables: As each file was read.
        result: As they were joined.
        assumed: Setpoints in force where no file says, by name.
    """
    return {
        "files": [_file(table) for table in tables],
        "vessels": [] if result.has_open_vessels else [_vessel(result, group) for group in result.groups],
        "samples_without_vessel": _named_samples(result) if result.has_open_vessels else [],
        "joins": [
            {"file": j.file, "vessel": j.vessel, "joined": j.n_joined, "alone_days": list(j.alone)}
            for j in result.joins
        ],
        "setpoints_assumed": dict(assumed or {}),
        "notes": list(result.warnings),
    }


def _file(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "kind": table.profile,
        "sha256": table.sha256,
        "columns": [column_data(read) for read in table.reads],
        "units_assumed": [r.header for r in table.reads if r.unit_from in ("assumed", "profile")],
        "unread": [r.header for r in table.reads if not r.meaning],
    }


def column_data(read: ColumnRead) -> dict[str, Any]:
    """Return how a column was read, as plain data."""
    return {
        "header": read.header, "meaning": read.meaning, "unit": read.unit, "unit_from": read.unit_from,
        "n_values": read.n_values, "first": read.first,
    }  # fmt: skip


def _named_samples(table: Table) -> list[dict[str, str]]:
    """Return name and date of each sample of which nobody said the vessel."""
    return [
        {"sample": row.reactor,
         "taken": (table.starts[row.run, row.reactor] + timedelta(hours=row.state.time_h)).isoformat(sep=" ")}
        for row in table.rows
    ]  # fmt: skip


def _vessel(table: Table, group: Group) -> dict[str, Any]:
    days = [row.state.day for row in table.rows if (row.run, row.reactor) == group]
    start = table.starts.get(group)
    where = "culture times of the file"
    if start is not None:
        where = "first date of the file" if group in table.assumed_starts else "declared or known"
    return {
        "vessel": "/".join(filter(None, group)),
        "samples": len(days),
        "first_day": round(min(days), 4),
        "last_day": round(max(days), 4),
        "inoculated": start.isoformat(sep=" ") if start else "",
        "start_from": where,
    }


def page(found: Mapping[str, Any]) -> list[str]:
    """Return what `granted` found as the lines of one screen; none where there is nothing to say."""
    lines = ["Taken for granted:"]
    if open_ones := found["samples_without_vessel"]:
        dates = sorted(s["taken"] for s in open_ones)
        between = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
        lines.append(f"  which vessel: open; {_count(len(open_ones), 'sample')} under their own names, {between}")
    for v in found["vessels"][:MOST_VESSELS]:
        days = f"day {v['first_day']:.3g} to {v['last_day']:.3g}"
        start = f"day 0 = {v['inoculated']} ({v['start_from']})" if v["inoculated"] else f"day 0: {v['start_from']}"
        lines.append(f"  {v['vessel'] or '(one vessel)'}: {_count(v['samples'], 'sample')}, {days}; {start}")
    if (more := found["vessels"][MOST_VESSELS:]):
        n = sum(v["samples"] for v in more)
        lines.append(f"  and {_count(len(more), 'vessel')} more with {_count(n, 'sample')}")
    for file in found["files"]:
        bare = [c for c in file["columns"] if c["unit_from"] == "assumed"]
        of_kind = [c for c in file["columns"] if c["unit_from"] == "profile"]
        for why, columns in ((UNITS["assumed"], bare), (UNITS["profile"], of_kind)):
            if columns:
                listed = ", ".join(f"{c['header']} in {c['unit']}" for c in columns)
                lines.append(f"  {file['name']}: {listed} ({why})")
        if file["unread"]:
            lines.append(f"  {file['name']}: left unread: {', '.join(file['unread'])}")
    for j in found["joins"]:
        rest = f", alone: day {', '.join(f'{d:.3g}' for d in j['alone_days'])}" if j["alone_days"] else ""
        lines.append(f"  {j['file']}, {j['vessel'] or 'its vessel'}: {_count(j['joined'], 'sample')} joined{rest}")
    if found["setpoints_assumed"]:
        listed = ", ".join(f"{name} {value:g}" for name, value in found["setpoints_assumed"].items())
        lines.append(f"  setpoints that no file states: {listed}")
    return lines if len(lines) > 1 else []


def together(each: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what was taken for granted of several vessels as one: their files count once.

    Args:
        each: Of each vessel, as a run has it on record; one that is not of a file is passed over.
    """
    found: dict[str, Any] = {"files": [], "vessels": [], "joins": []}
    for one in each:
        for name, known in found.items():
            known.extend(x for x in one.get(name, ()) if x not in known)
    return {**found, "samples_without_vessel": [], "setpoints_assumed": {}}


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"

"""Several files about the same vessels, joined by vessel and sample time: two analyzers, a titer that comes late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from perfusio.errors import UnreadableSource
from perfusio.state import Setpoints, State
from perfusio.tables.columns.culture_times import FROM_FIRST, SAME_TIME_H, Group
from perfusio.tables.columns.header_names import amount
from perfusio.tables.columns.problems import Problems
from perfusio.tables.joining import Placed, aligned_tables, ask_about_clocks, joins_of
from perfusio.tables.rows.samples import TableRow
from perfusio.tables.rows.table import Table

SAME_SAMPLE_MINUTES = 30.0
"""Analyzers stamp one sample at different minutes; samples themselves are hours apart."""


def joined_vessels(name: str, tables: Sequence[Table]) -> Table:
    """Put the vessels of several sheets into one table; no two sheets may hold the same vessel.

    Raises:
        UnreadableSource: two sheets hold the same vessel.
    """
    seen: dict[Group, str] = {}
    for table in tables:
        for group in table.groups:
            if group in seen:
                who = "/".join(filter(None, group)) or "the vessel"
                text = f"{name}: {seen[group]} and {table.name} both hold {who}, expected each vessel in one sheet."
                raise UnreadableSource((f"{text} Say which sheet to read.",), connector=name)
            seen[group] = table.name
    first = tables[0]
    return replace(
        first,
        name=name,
        columns=MappingProxyType({k: v for t in tables for k, v in t.columns.items()}),
        rows=tuple(row for t in tables for row in t.rows),
        clones=MappingProxyType({k: v for t in tables for k, v in t.clones.items()}),
        media=MappingProxyType({k: v for t in tables for k, v in t.media.items()}),
        warnings=tuple(w for t in tables for w in t.warnings),
        reads=first.reads,
        truly_zero=frozenset[str]().union(*(t.truly_zero for t in tables)),
        starts=MappingProxyType({k: v for t in tables for k, v in t.starts.items()}),
        assumed_starts=frozenset[Group]().union(*(t.assumed_starts for t in tables)),
    )


def merged(
    tables: Sequence[Table],
    *,
    same_sample_minutes: float = SAME_SAMPLE_MINUTES,
    later_wins: bool = False,
    keep_times: bool = False,
    are_clocks_told: bool = False,
) -> Table:
    """Join tables by vessel and sample time.

    Rows of different files that lie close together are one sample, at the time of the first of them. Blanks are filled;
    where two files state different values, the files are refused, or the later one in `tables` counts.

    Args:
        tables: In the order in which they count.
        same_sample_minutes: How far apart the times of one sample may be.
        later_wins: Whether a later file corrects an earlier one.
        keep_times: Whether a sample keeps the time that the first file in `tables` gives it, instead of the earliest:
            known samples must not move because another analyzer was a few minutes quicker.
        are_clocks_told: Whether a person said how far apart the times may be, so that two clocks are no question.

    Returns:
        One table; its warnings tell joins and corrections.

    Raises:
        UnreadableSource: files disagree, or a file does not say which vessel it is about; all problems are listed.
        QuestionOpen: it is open when a culture began, or whether two clocks are apart.
    """
    if len(tables) == 1:
        return _with_signals(tables[0])
    name = " + ".join(table.name for table in tables)
    remarks: list[str] = []
    problems: list[str] = []
    named = _named(tables, problems)
    if problems:
        raise UnreadableSource(tuple(problems), connector=name)
    tolerance_h = same_sample_minutes / 60.0
    open_starts = Problems(name)
    aligned, starts = aligned_tables(named, open_starts, tolerance_h, keep_first=keep_times)
    if not are_clocks_told:
        ask_about_clocks(aligned, tolerance_h, open_starts)
    open_starts.refuse_if_any()
    rows: list[TableRow] = []
    rows_by_vessel: list[list[list[Placed]]] = []
    for placed in _by_vessel(aligned).values():
        found = _clusters(placed, tolerance_h, remarks)
        rows_by_vessel.append(found)
        rows += [_one(cluster, later_wins, keep_times, problems, remarks) for cluster in found]
    clones = _said_alike("clone", [(t.name, t.clones) for t in aligned], problems)
    media = _said_alike("medium", [(t.name, t.media) for t in aligned], problems)
    if problems:
        raise UnreadableSource(tuple(problems), connector=name)
    return _with_signals(
        Table(
            name=name,
            sha256=tables[0].sha256,
            n_bytes=sum(t.n_bytes for t in tables),
            columns=MappingProxyType({k: v for t in tables for k, v in t.columns.items()}),
            rows=tuple(rows),
            clones=MappingProxyType(clones),
            media=MappingProxyType(media),
            panel=tables[0].panel,
            warnings=(
                *(w for t in tables for w in t.warnings if FROM_FIRST not in w or _keeps_start(t, starts)),
                *remarks,
            ),
            starts=MappingProxyType(starts),
            assumed_starts=frozenset[Group]().union(*(t.assumed_starts for t in aligned)) & set(starts),
            joins=tuple(joins_of(rows_by_vessel)),
            truly_zero=frozenset[str]().union(*(t.truly_zero for t in tables)),
            signals=MappingProxyType({k: v for t in aligned for k, v in t.signals.items()}),
        )
    )


def _keeps_start(table: Table, starts: Mapping[Group, datetime]) -> bool:
    """Whether culture time still counts from the first date of this file."""
    return any(starts.get(group) == table.starts[group] for group in table.assumed_starts)


def _by_vessel(tables: Sequence[Table]) -> dict[Group, list[Placed]]:
    """Return the rows of each vessel; days that stand for signals only where there is nothing else."""
    found: dict[Group, list[Placed]] = {group: [] for t in tables for group in t.groups}
    for k, table in enumerate(tables):
        for row in table.rows:
            found[row.run, row.reactor].append(Placed(place=k, table=table, row=row))
    return {g: [p for p in placed if not p.table.signals] or placed for g, placed in found.items()}


def _named(tables: Sequence[Table], problems: list[str]) -> list[Table]:
    """Give every row the run and reactor that other files alone can mean."""
    groups = list(dict.fromkeys(g for t in tables for g in t.groups))
    found = []
    for table in tables:
        names = {group: _full_name(group, groups) for group in table.groups}
        for full in names.values():
            if full is None:
                listed = ", ".join("/".join(filter(None, g)) for g in groups if all(g) or g[1])
                problems.append(
                    f"{table.name}: which vessel are its samples from? Other files hold {listed}. Add a column "
                    "'reactor' (and 'run'), or say it in a column map."
                )
        renamed = {g: full or g for g, full in names.items()}
        found.append(
            replace(
                table,
                rows=tuple(_renamed(row, renamed[row.run, row.reactor]) for row in table.rows),
                clones=MappingProxyType({renamed[g]: c for g, c in table.clones.items() if g in renamed}),
                media=MappingProxyType({renamed[g]: m for g, m in table.media.items() if g in renamed}),
                starts=MappingProxyType({renamed[g]: s for g, s in table.starts.items() if g in renamed}),
                assumed_starts=frozenset(renamed.get(g, g) for g in table.assumed_starts),
                signals=MappingProxyType({renamed.get(g, g): s for g, s in table.signals.items()}),
            )
        )
    return found


def _renamed(row: TableRow, group: Group) -> TableRow:
    return row if (row.run, row.reactor) == group else replace(row, run=group[0], reactor=group[1])


def _full_name(group: Group, groups: Sequence[Group]) -> Group | None:
    """Return the only name among `groups` that this one can be short for; itself, if it is short for none."""
    run, reactor = group
    longer = [g for g in groups if g != group and run in ("", g[0]) and reactor in ("", g[1])]
    longest = [g for g in longer if not any(h != g and g[0] in ("", h[0]) and g[1] in ("", h[1]) for h in longer)]
    return group if not longest else longest[0] if len(longest) == 1 else None


def _clusters(placed: Sequence[Placed], tolerance_h: float, remarks: list[str]) -> list[list[Placed]]:
    """Return the rows of one vessel by sample, each in the order of the files."""
    in_order = sorted(placed, key=lambda p: p.row.state.time_h)
    clusters: list[list[Placed]] = []
    for p in in_order:
        cluster = clusters[-1] if clusters else []
        gap = p.row.state.time_h - cluster[0].row.state.time_h if cluster else float("inf")
        is_same_file = any(q.table is p.table for q in cluster)
        if gap <= SAME_TIME_H or (gap <= tolerance_h and not is_same_file):
            cluster.append(p)
        else:
            clusters.append([p])
    n_joined, widest = 0, 0.0
    for cluster in clusters:
        if len(cluster) > 1:
            n_joined += 1
            widest = max(widest, cluster[-1].row.state.time_h - cluster[0].row.state.time_h)
    if widest > SAME_TIME_H:
        row = in_order[0].row
        who = "/".join(filter(None, (row.run, row.reactor)))
        remarks.append(f"{who or 'the vessel'}: {n_joined} samples joined, up to {60 * widest:.0f} min apart.")
    return [sorted(cluster, key=lambda p: p.place) for cluster in clusters]


def _one(
    cluster: Sequence[Placed], later_wins: bool, keep_times: bool, problems: list[str], remarks: list[str]
) -> TableRow:
    """Join the rows of one sample."""
    result = cluster[0].row
    time_h = result.state.time_h if keep_times else min(p.row.state.time_h for p in cluster)
    panel = result.state.panel
    origin = dict.fromkeys(panel.by_name, cluster[0])
    values = _values(result)
    quality = dict(result.state.quality)
    feed = result.feed
    for p in cluster[1:]:
        for n, b in _values(p.row).items():
            a = values[n]
            if b != b or a == b:
                continue
            if a == a and not later_wins:
                problems.append(_disagreement(n, a, origin[n], b, p))
                continue
            if a == a:
                remarks.append(
                    f"corrected: {n} at {time_h:g} h was {a:g} ({origin[n].table.name}) and is "
                    f"{amount(b, panel[n])} ({p.table.name})."
                )
                quality.pop(n, None)
            values[n], origin[n] = b, p
            if n in p.row.state.quality:
                quality[n] = p.row.state.quality[n]
        feed = p.row.feed if p.row.feed and (later_wins or not feed) else feed
    state = State.of_values(panel, time_h, {s.name: values[s.name] for s in panel.species}, quality)
    setpoints = Setpoints.of_values(panel, {n: values[n] for n in panel.setpoint_names})
    return replace(result, state=state, setpoints=setpoints, feed=feed)


def _values(row: TableRow) -> dict[str, float]:
    states = {s.name: getattr(row.state, s.name) for s in row.state.panel.species}
    return states | row.setpoints.by_name()


def _disagreement(name: str, a: float, first: Placed, b: float, second: Placed) -> str:
    others = "" if second.row.reactor else " If the files are of different vessels, give each a column `reactor`."
    return (
        f"{second.table.name}, line {second.row.line}: states {name} = {amount(b, second.row.state.panel[name])} at "
        f"{second.row.state.time_h:g} h, but {first.table.name}, line {first.row.line} states {a:g} for the same "
        f"sample. Leave the column of one file unread; or, if the later file is a correction, say --correct.{others}"
    )


def _said_alike(what: str, said: Sequence[tuple[str, Mapping[Group, str]]], problems: list[str]) -> dict[Group, str]:
    """Return the files' word on each run, its clone or its medium; two that differ are a problem."""
    found: dict[Group, str] = {}
    for name, by_group in said:
        for group, one in by_group.items():
            if found.setdefault(group, one) != one:
                words = f"the {what} is {one!r}, but another file says {found[group]!r}"
                problems.append(f"{name}: {words}. Correct the wrong one.")
    return found


def _with_signals(table: Table) -> Table:
    """Fill the setpoints of each row from the signals of its vessel, over the interval up to the next row."""
    if not table.signals:
        return table
    rows = list(table.rows)
    by_group: Mapping[Group, list[int]] = {g: [] for g in table.groups}
    for i, row in enumerate(rows):
        by_group[row.run, row.reactor].append(i)
    for group, places in by_group.items():
        signals = table.signals.get(group) or table.signals.get(("", group[1]))
        for k, i in enumerate(places if signals else ()):
            t = rows[i].state.time_h
            until = rows[places[k + 1]].state.time_h if k + 1 < len(places) else t + 24.0
            if signals is not None:
                rows[i] = replace(rows[i], setpoints=rows[i].setpoints.filled_from(signals.in_force(t, until))[0])
    return replace(table, rows=tuple(rows))

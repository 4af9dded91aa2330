"""From volumes and a feed sheet to `Feed`s: the share of the culture added after each sample, and of which feed.

The volume of a culture is followed through its samples and feeds: start, less samples, plus feeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from perfusio.errors import UnknownQuantity
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.quantities import conversion_factor
from perfusio.state import FloatArray
from perfusio.tables.cells.cells import is_missing, read_numbers
from perfusio.tables.columns.column import Column
from perfusio.tables.columns.column_map import ColumnMap, FeedSheet
from perfusio.tables.columns.columns import read_header
from perfusio.tables.columns.culture_times import Group
from perfusio.tables.columns.header_names import VOLUME, form_of, names_of
from perfusio.tables.columns.problems import Problems
from perfusio.tables.excel import LabelledSheet
from perfusio.trajectory import Feed

Content = Mapping[str, float]
"""Concentrations in a feed, canonical units, by quantity."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Composition of each feed, by its name and by the run it is for (empty: for every run)."""

    by_feed: Mapping[tuple[str, str], Content]

    def of(self, feed: str, run: str) -> Content | None:
        """Return the composition of a feed, None if the sheet does not say."""
        form = form_of(feed)
        return self.by_feed.get((form, run), self.by_feed.get((form, "")))


def read_contents(sheet: LabelledSheet, about: FeedSheet, problems: Problems, remarks: list[str]) -> Contents:
    """Read the feed sheet; faults go to `problems`, assumptions to `remarks`."""
    named = sheet.place(about.feed, problems)
    columns = read_header(list(about.columns), problems, columns=about.columns, panel=about.panel)
    fed = names_of(about.panel).fed
    texts = {c: sheet.texts(i) for c in columns if (i := sheet.place(c.header, problems)) is not None}
    for c in columns:
        if c.name not in (*fed, "run"):
            problems.file(f"{c.header!r} means {c.name}, which no feed holds: expected {', '.join(fed)} or run. "
                          "Mend feed_sheet.columns in the map.")  # fmt: skip
    if problems or named is None:
        return Contents({})
    if absent := [name for name in fed if name not in {c.name for c in columns}]:
        remarks.append(f"{sheet.source} does not say how much {', '.join(absent)} the feeds hold: taken as none.")
    run = next((c for c in columns if c.name == "run"), None)
    runs = texts.pop(run) if run else [""] * len(sheet.rows)
    found: dict[tuple[str, str], Content] = {}
    for i, feed in enumerate(sheet.texts(named)):
        if not feed:
            continue
        who = f"feed {feed!r}{f' of run {runs[i]!r}' if runs[i] else ''}"
        held = {c.name: _concentration(c, cells[i], who, about, problems) for c, cells in texts.items()}
        if found.setdefault((form_of(feed), runs[i]), held) != held:
            problems.file(f"{who} is described twice, and differently. Keep the right one.")
    return Contents(found)


def _concentration(column: Column, text: str, who: str, about: FeedSheet, problems: Problems) -> float:
    if is_missing(text) and about.empty_means_none:
        return 0.0
    numbers = read_numbers([text])
    value = float(numbers.values[0]) * column.factor
    if value >= 0.0 and not numbers.limits:
        return value
    problems.file(
        f"{column.header!r} of {who} is {text!r}, expected a concentration from 0 on. Fill it in; if every empty cell "
        "means that the feed holds none, say so in the column map: empty_means_none = true."
    )
    return 0.0


def read_feeds(
    sheet: LabelledSheet, columns: ColumnMap, contents: Contents, groups: Sequence[Group], problems: Problems
) -> dict[int, Feed]:
    """Return the feed right after the sample of each line; lines without a feed are left out.

    Args:
        sheet: The samples.
        columns: Which columns hold volumes, and of which feed.
        contents: Composition of the feeds.
        groups: Run and reactor of each row.
        problems: Collects faults.
    """
    start = _volumes(sheet, columns.start_volume, problems)
    taken = _volumes(sheet, columns.sample_volume, problems) if columns.sample_volume else np.zeros(len(groups))
    given = {label: _volumes(sheet, label, problems) for label in columns.feed_volumes}
    found: dict[int, Feed] = {}
    for group in dict.fromkeys(groups):
        rows = [i for i, g in enumerate(groups) if g == group]
        held = {label: contents.of(feed, group[0]) for label, feed in columns.feed_volumes.items()}
        in_use = {label: volumes for label, volumes in given.items()
                  if held[label] is not None or (volumes[rows] > 0.0).any()}  # fmt: skip
        needed = rows[:-1]  # what happened after the last sample changes nothing
        _require(sheet, columns.start_volume, start, rows[:1], "the volume before the first sample", problems)
        _require(sheet, columns.sample_volume, taken, needed, "the volume that was taken, 0 if none", problems)
        for label, volumes in in_use.items():
            _require(sheet, label, volumes, needed, "the volume that was fed, 0 if none", problems)
            if held[label] is None:
                feed = columns.feed_volumes[label]
                problems.file(
                    f"feed {feed!r} was given to run {group[0]!r}, but no sheet says what it holds in that run. Add it "
                    "to the feed sheet, or mend the name of the feed in the column map."
                )
        volume = float(start[rows[0]])
        for i in rows if not problems else ():
            volume -= float(np.nan_to_num(taken[i]))
            if volume <= 0.0:
                problems.line(
                    sheet.lines[i],
                    f"leaves {volume:.4g} mL of culture, expected more than 0. Check start and sample volumes.",
                    rule=f"volume of {group}",
                )
                break
            parts = [Feed.of_values(columns.panel, v / volume, held[label] or {})
                     for label, volumes in in_use.items() if (v := float(volumes[i])) > 0.0]  # fmt: skip
            if parts:
                found[sheet.lines[i]] = Feed.together(parts)
                volume *= 1.0 + found[sheet.lines[i]].fraction
    return found


def _volumes(sheet: LabelledSheet, label: str, problems: Problems) -> FloatArray:
    """Return a column of volumes [mL], NaN where it is empty."""
    place = sheet.place(label, problems)
    if place is None:
        return np.full(len(sheet.rows), np.nan)
    split = names_of(CHO_PERFUSION).split  # units of volume are the same in any process
    unit = next((u for part in reversed(sheet.labels[place]) if (u := split(part)[1])), VOLUME.unit)
    try:
        factor = conversion_factor(unit, VOLUME)
    except UnknownQuantity as error:
        problems.file(f"column {label!r}: {error}")
        factor = 1.0
    texts = sheet.texts(place)
    numbers = read_numbers(texts)
    refused = dict.fromkeys(numbers.limits, "is a limit, expected a volume.") | numbers.refused
    refused |= {int(i): "is negative, expected a volume from 0 on." for i in np.nonzero(numbers.values < 0.0)[0]}
    for i, why in refused.items():
        problems.cell(sheet.lines[i], label, texts[i], why)
    numbers.values[list(refused)] = 0.0  # said once is enough
    return numbers.values * factor


def _require(
    sheet: LabelledSheet, label: str, volumes: FloatArray, rows: Sequence[int], what: str, problems: Problems
) -> None:
    for i in rows:
        if volumes[i] != volumes[i]:
            problems.cell(sheet.lines[i], label, "", f"is empty, expected {what}. Fill it in.")

"""Files of controllers that hold no samples: refused by name, with the way to those that do."""

from __future__ import annotations

import re

from perfusio.tables.cells.sheets import Sheet
from perfusio.tables.columns.problems import Problems

_SECTION = re.compile(r"\[\s*(?P<name>[\w ]+?)\s*\]")
_TRACKS, _UNIT = "trackdata", re.compile(r"unit (?P<number>\d+)\.", re.IGNORECASE)
_FIRST_CELLS = 4000
"""Lines in which the first track is looked for: settings and events stand above it."""


def refuse_tracks(sheet: Sheet, problems: Problems) -> None:
    """Refuse a control file of DASware (DASGIP), which parts tracks of sensors and pumps by ``[TrackData1]``.

    Args:
        sheet: Lines of cells.
        problems: Collects the refusal.
    """
    if not (sheet.rows and sheet.rows[0] and _SECTION.fullmatch(sheet.rows[0][0].strip())):
        return
    for i, row in enumerate(sheet.rows[:_FIRST_CELLS]):
        section = _SECTION.fullmatch(row[0].strip()) if row else None
        if section is None or not section["name"].lower().startswith(_TRACKS):
            continue
        header = sheet.rows[i + 1] if i + 1 < len(sheet.rows) else []
        units = sorted({m["number"] for cell in header if (m := _UNIT.match(cell.strip()))})
        of = f" of unit {', '.join(units)}" if units else ""
        problems.line(
            sheet.lines[i],
            f"it is a control file of DASware (DASGIP): sections in brackets, tracks of sensors and pumps{of}, and no "
            "samples. Give the file of the cell counter or the analyzer. If off-line values were typed into the "
            f"tracks, save the lines from {sheet.lines[min(i + 1, len(sheet.lines) - 1)]} on as a table of its own.",
        )
        return

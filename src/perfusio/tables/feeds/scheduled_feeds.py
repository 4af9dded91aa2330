"""From a sheet of pump rates to feeds and setpoints: the gifts between two samples, as a bolus after the first.

The volume of a culture is followed step by step: start, less what is taken, plus feeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from perfusio.process.panel import Panel
from perfusio.state import FloatArray
from perfusio.tables.cells.cells import read_numbers
from perfusio.tables.columns.problems import Problems
from perfusio.tables.columns.pumps.pump_schedule import ANY, PumpSchedule
from perfusio.tables.excel import LabelledSheet
from perfusio.trajectory import Feed

JUST_BEFORE_H = 0.2
"""A gift that begins so shortly before a sample counts as given after it: people sample first, then feed."""
LATE = 0.25
"""A feed whose middle lies later than this share of the interval after its sample is no bolus: that is said."""


Given = tuple[Feed | None, Mapping[str, float]]
"""Feed after a sample, and setpoints from it on."""

_NO_RATE, _MOST_TOLD = "is no rate of a pump, expected a number from 0 on. Mend the cell.", 5


def scheduled(
    times_h: Sequence[float],
    sheet: LabelledSheet,
    schedule: PumpSchedule,
    panel: Panel,
    file: str,
    remarks: list[str],
) -> list[Given]:
    """Return the feed after each sample of one culture, and the setpoints that its schedule changes.

    Args:
        times_h: Of the samples, in order; culture time 0 is the start of the schedule.
        sheet: With the rates.
        schedule: What its columns mean.
        panel: The process.
        file: Name of the file without its ending.
        remarks: Gets a sentence for each thing that was assumed.

    Raises:
        UnreadableSource: columns are absent, rates are not numbers, or the volume ends below zero.
    """
    problems = Problems(sheet.source)
    start = schedule.start_of(file)
    if start is None:
        problems.file(f"the schedule does not say with which volume {file} starts. Add it to schedule.start_volume.")
    if any(b < a for a, b in pairwise(times_h)):
        problems.file("a schedule is of one culture, and there are several runs. Give each a file of its own.")
    taken = _rates(sheet, schedule.taken, problems) if schedule.taken else np.zeros(len(sheet.rows))
    given = {column: _rates(sheet, column, problems) for column in schedule.feeds}
    problems.refuse_if_any()
    assert start is not None
    amount = schedule.factor * schedule.step_h  # mL per step and unit of rate
    net = sum(given.values(), np.zeros(len(taken))) - taken
    volume = start + amount * np.concatenate([[0.0], np.cumsum(net)])
    if (low := float(volume.min())) <= 0.0:
        problems.file(f"it leaves {low:.4g} mL of culture, expected more than 0. Check start_volume and rates.")
        problems.refuse_if_any()
    # sample i is taken at the beginning of step `exact`; gifts from shortly before it to the next are its own
    exact = [round(time_h / schedule.step_h) for time_h in times_h]
    at = [max(k - int(JUST_BEFORE_H / schedule.step_h), 0) for k in exact]
    out, is_late, is_early = list[Given](), False, False
    for i, time_h in enumerate(times_h):
        to = at[i + 1] if i + 1 < len(at) else at[i]
        parts = []
        for column, rates in given.items():
            steps = np.flatnonzero(rates[at[i] : to] > 0.0)
            if len(steps):
                share = amount * float(rates[at[i] : to].sum()) / float(volume[at[i] + steps[0]])
                parts.append(Feed.of_values(panel, share, schedule.feeds[column]))
                is_late |= bool(steps.mean() > LATE * (to - at[i]))
                is_early |= bool(at[i] + steps[0] < exact[i])
        said = {n: v for c in schedule.changes if c.file in (ANY, file) and time_h / 24.0 >= c.day - 1e-9
                for n, v in c.setpoints.items()}  # fmt: skip
        out.append((Feed.together(parts) if parts else None, said))
    if is_late:
        remarks.append(f"{sheet.source}: a feed went on between two samples; it counts as given right after the first.")
    if is_early:
        remarks.append(
            f"{sheet.source}: a feed began less than {JUST_BEFORE_H:g} h before a sample; it counts as given after it."
        )
    return out


def _rates(sheet: LabelledSheet, label: str, problems: Problems) -> FloatArray:
    """Return a column of rates, an empty cell as none."""
    place = sheet.place(label, problems)
    if place is None:
        return np.zeros(len(sheet.rows))
    texts = sheet.texts(place)
    numbers = read_numbers(texts)
    wrong = [i for i in numbers.refused if texts[i].strip()]
    wrong += [int(i) for i in np.flatnonzero(numbers.values < 0.0)]
    for i in wrong[:_MOST_TOLD]:
        problems.cell(sheet.lines[i], label, texts[i], _NO_RATE)
    rates: FloatArray = np.nan_to_num(numbers.values)
    return rates

"""Report of a study: one HTML file with tables, paired differences, a picture and the cost."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from perfusio.installed import __version__
from perfusio.study.running.driver import in_time
from perfusio.study.running.task import Row
from perfusio.study.running.task_journal import DoneTask
from perfusio.study.scenarios.study_summary import FIGURES, grouped, paired, table

DRAWN = ("error_pct", "violated_days", "perfused")
"""Figures of the picture."""
_STYLE = (
    "body{font:15px sans-serif;max-width:70em;margin:2em auto}table{border-collapse:collapse;margin:1em 0}"
    "td,th{border-bottom:1px solid #ccc;padding:.2em .6em;text-align:right}img{max-width:100%}"
)


def varied(rows: Sequence[Row], factors: Sequence[str]) -> list[str]:
    """Return the factors that have several values; one at least."""
    found = [f for f in factors if len({row[f] for row in rows}) > 1]
    return found or [factors[-1]]


def write_report(
    path: Path, name: str, rows: Sequence[Row], factors: Sequence[str], done: Mapping[str, DoneTask], n_tasks: int
) -> Path:
    """Write the report.

    Args:
        path: Of the file.
        name: Of the study.
        rows: One a run.
        factors: Names by which runs differ, beside the seed.
        done: Results, with their cost.
        n_tasks: Tasks of the whole study.
    """
    by = varied(rows, factors)
    cpu = sum(d.cpu_seconds for d in done.values())
    head = (
        f"{len(rows)} runs of {len(done)} tasks (of {n_tasks}); {in_time(cpu)} of processor time, "
        f"{cpu / max(len(rows), 1):.2g} s a run; perfusio {__version__}."
    )
    parts = [f"<h1>{escape(name)}</h1><p>{escape(head)}</p>", _html(table(rows, by)), _picture(rows, by)]
    for factor in by:
        rest = [f for f in factors if f != factor]
        for figure in DRAWN:
            lines = [str(d) for d in paired(rows, factor, figure, [*rest, "seed"])]
            if lines:
                title = f"{factor}: {FIGURES[figure]}, mean of paired differences (95 % bootstrap interval)"
                items = "".join(f"<li>{escape(line)}</li>" for line in lines)
                parts.append(f"<h3>{escape(title)}</h3><ul>{items}</ul>")
    if len(done) < n_tasks:
        parts.append(f"<p><b>{n_tasks - len(done)} tasks have no result.</b></p>")
    body = "\n".join(parts)
    page = f"<!doctype html><meta charset=utf-8><title>{escape(name)}</title><style>{_STYLE}</style>{body}"
    path.write_text(page, encoding="utf-8")
    return path


def _html(lines: Sequence[Sequence[str]]) -> str:
    rows = [
        "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in line) + "</tr>"
        for line, tag in zip(lines, ["th", *["td"] * len(lines)], strict=False)
    ]
    return f"<table>{''.join(rows)}</table>"


def _picture(rows: Sequence[Row], by: Sequence[str]) -> str:
    from matplotlib.figure import Figure

    groups = grouped(rows, by)
    figure = Figure(figsize=(11.0, 1.2 + 0.32 * len(groups)), layout="constrained")
    axes = figure.subplots(1, len(DRAWN), sharey=True, squeeze=False)[0]
    for axis, name in zip(axes, DRAWN, strict=True):
        for i, some in enumerate(groups.values()):
            values = np.array([row[name] for row in some], dtype=float)
            axis.plot(values, np.full(values.size, i), ".", color="#4477aa", alpha=0.4)
            axis.plot(np.nanmean(values), i, "|", color="black", markersize=12)
        axis.set_xlabel(FIGURES[name])
        axis.grid(axis="x", alpha=0.3)
    axes[0].set_yticks(range(len(groups)), [", ".join(key) for key in groups])
    axes[0].invert_yaxis()
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=110)
    coded = base64.b64encode(data.getvalue()).decode()
    return f'<p>Dots are runs, bars their means.</p><img alt="figures by scenario" src="data:image/png;base64,{coded}">'

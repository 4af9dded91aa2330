"""Panels as small drawings inside a page: a few kilobytes each, so that 24 vessels of four weeks fit a mail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import floor, log10
from xml.sax.saxutils import escape

import numpy as np

from perfusio.report.drawing.panel_axes import ASKED, BELIEF, LIMIT, MEASURED, OUTSIDE, smoothed
from perfusio.report.story.curves import Curves
from perfusio.state import FloatArray

WIDTH, HEIGHT = 300, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 34, 6, 16, 18
STYLE = f"""
svg.p{{font:8px sans-serif}}
.p .f{{fill:none;stroke:#999;stroke-width:.7}}.p .g{{stroke:#e4e4e4;stroke-width:.6}}
.p .b{{fill:{BELIEF};fill-opacity:.25}}.p .w{{fill:{BELIEF};fill-opacity:.13}}
.p .m{{fill:none;stroke:{BELIEF};stroke-width:1}}
.p .a{{fill:none;stroke:{BELIEF};stroke-width:1.2;stroke-dasharray:4 2}}
.p .u{{fill:{BELIEF}}}.p .s{{fill:none;stroke:{MEASURED};stroke-width:1.2}}
.p .r{{fill:none;stroke:{ASKED};stroke-width:4;stroke-opacity:.45}}
.p .d{{fill:none;stroke:{MEASURED};stroke-width:3.4;stroke-linecap:round}}
.p .o{{fill:none;stroke:{OUTSIDE};stroke-width:3;stroke-linecap:round}}
.p .target{{stroke:{ASKED};stroke-width:1.1}}
.p .limit,.p .bound{{stroke:{LIMIT};stroke-width:.9;stroke-dasharray:1 2}}
.p .n{{stroke:#888;stroke-width:.8;stroke-dasharray:1 2}}
.p .x{{text-anchor:middle}}.p .y{{text-anchor:end}}.p .t{{font-weight:600}}.p .v{{text-anchor:end;fill:#444}}
"""
"""Of all panels, once a page."""


def panel_svg(curves: Curves, *, heading: str | None = None, is_alone: bool = False) -> str:
    """Return one panel as an SVG element; its style is STYLE.

    Args:
        curves: Numbers of the panel.
        heading: Written above it; default the label of its axis. In any case the unit is there.
        is_alone: Whether it is a file of its own: it then brings its style.
    """
    at = _Frame(curves)
    said = heading if heading is not None else curves.label
    parts = [f'<text class="t" x="{_LEFT}" y="10">{escape(said)}</text>']
    if curves.verdict:
        parts.append(f'<text class="v" x="{WIDTH - _RIGHT}" y="10">{escape(curves.verdict)}</text>')
    parts += _axes(at, curves)
    if curves.earlier is not None:
        days = curves.earlier.times_h / 24.0
        parts += [_band(at, days, *curves.earlier.ends[80], "b"), _line(at, days, curves.earlier.mean, "m")]
    if curves.ahead is not None:
        days = curves.ahead.times_h / 24.0
        for level, name in ((90, "w"), (80, "b")):
            low_end, high_end = curves.ahead.ends[level]
            parts.append(_band(at, days, smoothed(low_end), smoothed(high_end), name))
        parts.append(_line(at, days, smoothed(curves.ahead.mean), "a"))
    low, high = curves.value_ends
    for value, kind in curves.levels:
        if low <= value <= high:
            parts.append(_rule(kind, _LEFT, at.y(value), WIDTH - _RIGHT, at.y(value)))
    parts += _setpoint(at, curves)
    if curves.ahead is not None or len(curves.planned[1]):
        parts.append(_rule("n", at.x(curves.now_day), _TOP, at.x(curves.now_day), HEIGHT - _BOTTOM))
    for days, edge, mark in zip(curves.beyond(), (_TOP, HEIGHT - _BOTTOM), ("l-3 5h6z", "l-3-5h6z"), strict=True):
        parts.append(_path("u", (f"M{_n(at.x(day))} {edge}{mark}" for day in days)) if len(days) else "")
    parts.append(_dots(at, curves.days, curves.values, "d"))
    parts.append(_dots(at, curves.days[curves.is_outside], curves.values[curves.is_outside], "o"))
    style = f"<style>{STYLE}</style>" if is_alone else ""
    space = ' xmlns="http://www.w3.org/2000/svg"' if is_alone else ""
    label = escape(f"{curves.label}, vessel {curves.vessel}", {'"': "&quot;"})
    return (
        f'<svg class="p"{space} viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{style}'
        f"{''.join(parts)}</svg>"
    )


class _Frame:
    """Places in the drawing; what lies beyond the axes is drawn at their ends."""

    def __init__(self, curves: Curves) -> None:
        self._days, self._values = curves.day_ends, curves.value_ends

    def x(self, day: float) -> float:
        """Return the place of a day."""
        first, last = self._days
        share = (day - first) / (last - first)
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * min(max(share, 0.0), 1.0)

    def y(self, value: float) -> float:
        """Return the place of a value."""
        low, high = self._values
        share = (value - low) / (high - low)
        return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * min(max(share, 0.0), 1.0)

    def points(self, days: FloatArray, values: FloatArray) -> list[str]:
        """Return places of pairs, as a path has them."""
        return [f"{_n(self.x(d))} {_n(self.y(v))}" for d, v in zip(days, values, strict=True)]


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _axes(at: _Frame, curves: Curves) -> list[str]:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts = []
    for value in ticks(*curves.value_ends, 4):
        y = at.y(value)
        parts.append(_rule("g", _LEFT, y, right, y))
        parts.append(f'<text class="y" x="{_LEFT - 3}" y="{_n(y + 2.7)}">{value:g}</text>')
    for day in ticks(*curves.day_ends, 6):
        x = at.x(day)
        parts.append(_rule("g", x, _TOP, x, bottom))
        parts.append(f'<text class="x" x="{_n(x)}" y="{bottom + 9}">{day:g}</text>')
    parts.append(f'<text class="v" x="{right}" y="{HEIGHT - 1}">culture day</text>')
    size = f'width="{right - _LEFT}" height="{bottom - _TOP}"'
    return [*parts, f'<rect class="f" x="{_LEFT}" y="{_TOP}" {size}/>']


def ticks(low: float, high: float, n: int) -> list[float]:
    """Return round numbers between two ends, about `n` of them, at least one.

    >>> ticks(0.0, 31.8, 4)
    [0.0, 10.0, 20.0, 30.0]
    """
    raw = (high - low) / n
    power = 10.0 ** floor(log10(raw))
    step = next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= raw * 0.999)
    first = int(np.ceil(low / step - 1e-9))
    digits = max(0, -floor(log10(step)) + 1)
    return [round(i * step, digits) for i in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def _setpoint(at: _Frame, curves: Curves) -> list[str]:
    parts, (days, asked) = [], curves.recommended
    if len(asked):
        length = float(np.median(np.diff(days))) if len(days) > 1 else 1.0
        ends = np.minimum(days + length, [*days[1:], days[-1] + length])
        strokes = (f"M{_n(at.x(a))} {_n(at.y(v))}H{_n(at.x(b))}" for a, b, v in zip(days, ends, asked, strict=True))
        parts.append(_path("r", strokes))
    for (edges, held), name in ((curves.steps, "s"), (curves.planned, "a")):
        if len(held):
            strokes = (f"V{_n(at.y(v))}H{_n(at.x(end))}" for v, end in zip(held, edges[1:], strict=True))
            parts.append(_path(name, [f"M{_n(at.x(edges[0]))} {_n(at.y(held[0]))}", *strokes]))
    return parts


def _band(at: _Frame, days: FloatArray, low: FloatArray, high: FloatArray, name: str) -> str:
    there = [*at.points(days, high), *at.points(days[::-1], low[::-1])]
    return _path(name, [f"M{'L'.join(there)}Z"])


def _line(at: _Frame, days: FloatArray, values: FloatArray, name: str) -> str:
    return _path(name, [f"M{'L'.join(at.points(days, values))}"])


def _dots(at: _Frame, days: FloatArray, values: FloatArray, name: str) -> str:
    """Return points as strokes without a length and with round ends: eleven characters each."""
    return _path(name, (f"M{point}h0" for point in at.points(days, values))) if len(days) else ""


def _path(name: str, strokes: Iterable[str]) -> str:
    return f'<path class="{name}" d="{"".join(strokes)}"/>'


def _rule(name: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{name}" x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"/>'


LEGEND: Sequence[tuple[str, str, str]] = (
    ("d", "M4 6h0", "measured"),
    ("o", "M4 6h0", "measured, outside of the 80 % interval that was forecast (noise included)"),
    ("b", "M0 1H18V11H0Z", "80 % interval"),
    ("m", "M0 6H18", "forecast made 3 days before, mean"),
    ("a", "M0 6H18", "latest forecast, mean; setpoint planned"),
    ("u", "M9 2l-4 7h8z", "forecast, mean beyond the axis"),
    ("s", "M0 6H18", "setpoint in force"),
    ("r", "M0 6H18", "setpoint recommended"),
    ("target", "M0 6H18", "target"),
    ("limit", "M0 6H18", "limit"),
)
"""Class, stroke and words of each line of the legend."""

"""Earlier forecasts against the samples that came, in one figure of a vessel or of a fleet, from the record alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from perfusio.events import Event
from perfusio.objective import of_record
from perfusio.process.derived import DERIVED_QUANTITIES
from perfusio.report.axes_grid import grid, legend_below, title_above
from perfusio.report.drawing.figures import new_figure, save_figure
from perfusio.report.drawing.panel_axes import draw_curves
from perfusio.report.story.curves import LEAD_DAYS, Curves, Panels
from perfusio.report.story.run_story import RunStory, VesselStory, story_of, story_of_events

if TYPE_CHECKING:
    from matplotlib.figure import Figure

N_COLUMNS, MOST_COLUMNS = 3, 6
"""Panels in a row: of one vessel, and of a fleet on a screen. A fleet of no more vessels shows several quantities."""
_MOST_NAMED = 6


def plot_record(record: str | Path, path: Path, *, reactor: str | None = None) -> bool:
    """Draw the run in `record` and save the figure; the format follows the ending of `path`.

    One vessel has a panel for each quantity; many vessels have one each for the quantity that is aimed at, and few of
    them also for those that must be measured.

    Args:
        record: The `audit.jsonl` of a run, finished or not; it is verified line by line while it is read.
        path: File to write, e.g. ``forecast.png``.
        reactor: Vessel to draw; default all that have a forecast.

    Returns:
        Whether there was a forecast to draw; without one nothing is written.

    Raises:
        AuditError: the record cannot be read.
        ChainBroken: the record was changed.
    """
    return plot_story(story_of(record), path, reactor=reactor)


def plot_events(events: Iterable[Event], path: Path, *, reactor: str | None = None) -> bool:
    """Draw the run that these events tell; see `plot_record`."""
    return plot_story(story_of_events(events), path, reactor=reactor)


def plot_story(story: RunStory, path: Path, *, reactor: str | None = None) -> bool:
    """Draw a run; see `plot_record`."""
    figure = run_figure(story, reactor=reactor)
    if figure is None:
        return False
    save_figure(figure, path)
    return True


def run_figure(story: RunStory, *, reactor: str | None = None, most_columns: int = MOST_COLUMNS) -> Figure | None:
    """Return the figure of a run, None where there is no forecast to draw; see `plot_record`.

    Args:
        story: The run.
        reactor: Vessel to draw; default all that have a forecast.
        most_columns: Panels of a fleet beside one another; a mail is narrower than a screen.
    """
    drawable = [v for v in story.vessels.values() if v.kept and v.known.states]
    if reactor is not None:
        drawable = [v for v in drawable if v.name == reactor]
    if not drawable:
        return None
    left_out = [] if reactor is not None else [v.name for v in story.vessels.values() if v not in drawable]
    if len(drawable) == 1:
        return _of_one(story, drawable[0], left_out)
    return _of_many(story, drawable, left_out, n_columns=min(len(drawable), most_columns))


def _of_one(story: RunStory, vessel: VesselStory, left_out: Sequence[str]) -> Figure:
    panels, process = Panels(story), vessel.panel
    above = [panels.species(vessel, n) for n in (*process.species_names, *panels.signals(vessel))]
    below = [panels.setpoint(vessel, n) for n in process.setpoint_names]
    told = _told(story, [vessel], left_out)
    return panels_figure([above, below], f"Vessel {vessel.name}, run {story.run_id}. {told}")


def panels_figure(blocks: Sequence[Sequence[Curves]], title: str) -> Figure:
    """Return a figure of blocks of panels, one layout for all: three in a row, one axis of time, one legend."""
    n_rows = sum(-(-len(block) // N_COLUMNS) for block in blocks)
    figure = new_figure(15.0, 2.7 * n_rows + 1.0)
    for axes, curves in zip(grid(figure, [len(b) for b in blocks], n_columns=N_COLUMNS), blocks, strict=True):
        for one, of in zip(axes, curves, strict=True):
            draw_curves(one, of)
            one.set_ylabel(of.label)
            if of.verdict:
                one.set_title(of.verdict, fontsize=8, loc="right", pad=2)
    title_above(figure, title)
    legend_below(figure)
    return figure


def _of_many(
    story: RunStory, vessels: Sequence[VesselStory], left_out: Sequence[str], *, n_columns: int
) -> Figure:  # fmt: skip
    panels, wanted, is_few = Panels(story), aimed(story), len(vessels) <= MOST_COLUMNS
    names = list(dict.fromkeys((*wanted, *story.panel.critical))) if is_few else [*wanted[:1]]
    n_rows = [-(-len(vessels) // n_columns)] * len(names)
    figure = new_figure(max(3.1 * n_columns, 9.0), 2.3 * sum(n_rows) + 1.2)
    blocks = grid(figure, [len(vessels)] * len(names), n_columns=n_columns)
    for name, axes in zip(names, blocks, strict=True):
        curves = [panels.species(vessel, name) for vessel in vessels]
        ends = min(c.value_ends[0] for c in curves), max(c.value_ends[1] for c in curves)
        days = min(c.day_ends[0] for c in curves), max(c.day_ends[1] for c in curves)
        for i, (one, of) in enumerate(zip(axes, curves, strict=True)):
            draw_curves(one, replace(of, value_ends=ends, day_ends=days))
            one.set_title(f"{_short(of.vessel)}", fontsize=9, loc="left", pad=2)
            one.set_title(of.verdict, fontsize=7, loc="right", pad=2)
            if i % n_columns:
                one.tick_params(labelleft=False)
            else:
                one.set_ylabel(of.label.replace(" [", "\n["))
    title_above(figure, f"{len(vessels)} vessels, run {story.run_id}. {_told(story, vessels, left_out)}")
    legend_below(figure)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 16 else f"{name[:15]}…"


def aimed(story: RunStory) -> tuple[str, ...]:
    """Return the quantities that are aimed at and can be drawn, the cells where there is none."""
    panel = story.panel
    names = [o.quantity for o in of_record(story.config.get("run", {}).get("objective", ()), panel)]
    drawn = [n for n in names if n in panel.species_names or (n in DERIVED_QUANTITIES and n != "vcv")]
    return tuple(dict.fromkeys(drawn)) or (panel.the("cells"),)


def _told(story: RunStory, vessels: Sequence[VesselStory], left_out: Sequence[str]) -> str:
    day = max(v.now_h for v in vessels) / 24.0
    has_earlier = any(one.made_h + 24.0 * LEAD_DAYS <= v.now_h + 1e-6 for v in vessels for one in v.kept)
    said = f"Blue: forecasts made {LEAD_DAYS} days before, with the setpoints of that day." if has_earlier else ""
    if left_out:
        more = f" and {len(left_out) - _MOST_NAMED} more" if len(left_out) > _MOST_NAMED else ""
        said += f" Without a forecast, not drawn: {', '.join(map(_short, left_out[:_MOST_NAMED]))}{more}."
    if story.ended is not None:
        return f"The run is over (day {day:g}). {said.strip()}".rstrip()
    return f"Day {day:g}; right of the dotted line: the latest forecast. {said.strip()}".rstrip()


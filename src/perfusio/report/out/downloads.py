"""A run as files of other programs: samples as CSV, Excel, Parquet or NetCDF; one panel as SVG, PNG or its numbers.

Pure: the bytes of a file and its media type. Whoever serves them, a page or a command, asks here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from perfusio import labelled
from perfusio.errors import ConfigError
from perfusio.quantities import without_dust
from perfusio.record.run_state import RunState
from perfusio.report.out.metrics import CONTENT_TYPE
from perfusio.report.page.svg import panel_svg
from perfusio.report.story.curves import Curves, Panels
from perfusio.report.story.run_story import RunStory
from perfusio.state import Setpoints, State
from perfusio.tables.cells.csv_files import csv_bytes
from perfusio.tables.exporting import table_bytes, xlsx_bytes
from perfusio.tables.rows.samples import TableRow
from perfusio.tables.rows.table import Table, empty_table

MEDIA: Mapping[str, str] = {
    ".csv": "text/csv; charset=utf-8",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".parquet": "application/vnd.apache.parquet",
    ".nc": "application/x-netcdf",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".prom": CONTENT_TYPE,
}
"""Media type by the ending of a file."""
SAMPLES = (".csv", ".xlsx", ".parquet", ".nc")
CHARTS = (".svg", ".png", ".csv", ".xlsx")
CHART_HEAD = ("vessel", "quantity", "curve", "culture day [day]", "value", "low 80 %", "high 80 %", "unit")


def samples_file(story: RunStory, ending: str, *, layout: str = "wide") -> bytes:
    """Return the samples of all vessels and the setpoints in force from each on; what the twin knows, as `export` does.

    Args:
        story: The run.
        ending: One of SAMPLES.
        layout: ``"wide"``: a row per sample; ``"long"``: a row per value. NetCDF has axes instead.

    Raises:
        ConfigError: another ending or layout, or a package is not installed.
    """
    if ending not in SAMPLES:
        raise ConfigError(f"Samples as {ending!r}: expected one of {', '.join(SAMPLES)}.")
    if ending == ".nc":
        return netcdf_file(story.state)
    return table_bytes(table_of(story.state), ending, layout=layout)


def chart_file(story: RunStory, vessel: str, quantity: str, ending: str) -> bytes:
    """Return one panel of one vessel as a picture, or the numbers that are drawn in it.

    Args:
        story: The run.
        vessel: Name of the vessel.
        quantity: A species, a signal, a derived quantity or a setpoint.
        ending: One of CHARTS; .csv and .xlsx are the numbers.

    Raises:
        ConfigError: another ending, or the run has no such vessel.
        UnknownQuantity: the process has no such quantity.
    """
    if ending not in CHARTS:
        raise ConfigError(f"A chart as {ending!r}: expected one of {', '.join(CHARTS)}.")
    curves = curves_of(story, vessel, quantity)
    if ending == ".svg":
        return panel_svg(curves, heading=f"{curves.vessel}: {curves.label}", is_alone=True).encode("utf-8")
    if ending == ".png":
        return _png(curves)
    rows: list[tuple[str | float, ...]] = [CHART_HEAD, *((*row, curves.unit) for row in curves.rows())]
    if ending == ".csv":
        return csv_bytes([[_text(cell) for cell in row] for row in rows])
    filled = [[c if isinstance(c, str) or c == c else "" for c in row] for row in rows]
    return xlsx_bytes(filled, sheet_name="chart")


def curves_of(story: RunStory, vessel: str, quantity: str) -> Curves:
    """Return the numbers of one panel.

    Raises:
        ConfigError: the run has no such vessel.
        UnknownQuantity: the process has no such quantity.
    """
    of, panels = story.vessel(vessel), Panels(story)
    return panels.setpoint(of, quantity) if quantity in of.panel.setpoint_names else panels.species(of, quantity)


def netcdf_file(state: RunState) -> bytes:
    """Return the samples of all vessels as NetCDF over vessel and culture day, with units and coordinates.

    Raises:
        ConfigError: xarray is not installed, or there is no sample.
    """
    sets = {name: one.to_xarray() for name, one in state.trajectories.items() if one.states}
    if not sets:
        raise ConfigError("No sample is on record yet: there is nothing to write.")
    return labelled.netcdf_bytes(labelled.joined(sets, "vessel"))


def table_of(state: RunState, name: str = "audit.jsonl", data: bytes = b"") -> Table:
    """Return the samples of a run as a table, each with the setpoints in force from it on.

    Corrections and accepted samples count, quarantined ones do not. Values are as people write them
    (`Quantity.as_written`): what a simulated analyzer or a decision has beyond that is no information.

    Args:
        state: Folded from its record.
        name: Of the table.
        data: Of the record, for the hash in the table.
    """
    rows = tuple(
        TableRow(line=0, run="", reactor=reactor, state=_written(sample), setpoints=_written(setpoints))
        for reactor, one in state.trajectories.items()
        for unknown in [[Setpoints(panel=one.panel)][: len(one.states)]]
        for sample, setpoints in zip(one.states, (*one.setpoints, *unknown), strict=True)
    )
    clones = {("", reactor): one.clone for reactor, one in state.trajectories.items() if one.clone}
    return replace(empty_table(name, data, state.process), rows=rows, clones=MappingProxyType(clones))


S = TypeVar("S", State, Setpoints)


def _written(values: S) -> S:
    """Return a sample or setpoints as people write them."""
    panel = values.panel
    names = [s.name for s in panel.species] if isinstance(values, State) else panel.setpoint_names
    known = {n: v for n in names if (v := getattr(values, n)) == v}
    return values.with_values(**{n: panel[n].as_written(v) for n, v in known.items()})


def _png(curves: Curves) -> bytes:
    from perfusio.report.axes_grid import DAY, legend_below
    from perfusio.report.drawing.figures import new_figure, png_bytes
    from perfusio.report.drawing.panel_axes import draw_curves

    figure = new_figure(9.0, 5.0)
    axes = figure.subplots()
    draw_curves(axes, curves)
    axes.set(xlabel=DAY, ylabel=curves.label)
    axes.set_title(f"Vessel {curves.vessel}", loc="left", fontsize=10)
    axes.set_title(curves.verdict, loc="right", fontsize=9)
    legend_below(figure)
    return png_bytes(figure)


def _text(cell: str | float) -> str:
    return cell if isinstance(cell, str) else "" if cell != cell else repr(without_dust(cell))

"""All runs of an experiment in one figure: small multiples, one panel per measured quantity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from perfusio.report.axes_grid import grid
from perfusio.trajectory import Trajectory

N_COLUMNS = 5


def plot_trajectories(trajectories: Sequence[Trajectory], path: Path, *, color_by: str, title: str) -> None:
    """Draw every run of every quantity that was ever measured over the culture day and save the figure.

    Measured values are dots joined by thin lines; a missing value is a gap. The format follows the file's ending.

    Args:
        trajectories: The runs, of one process.
        path: File to write, e.g. ``trajectories.png``.
        color_by: The setpoint whose value on the first day colors a run.
        title: Heading of the figure.
    """
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

    levels = np.array([getattr(t.setpoints[0], color_by) for t in trajectories])
    spread = Normalize(levels.min(), levels.max() if np.ptp(levels) > 0 else levels.min() + 1.0)
    colors = colormaps["viridis"](spread(levels))
    process = trajectories[0].panel
    drawn = [q for q in process.species if any(q.name in s.measured() for t in trajectories for s in t.states)]
    figure = Figure(figsize=(15, 3.1 * -(-len(drawn) // N_COLUMNS)), layout="constrained")
    FigureCanvasAgg(figure)
    (panels,) = grid(figure, (len(drawn),), n_columns=N_COLUMNS)
    for panel, quantity in zip(panels, drawn, strict=True):
        for trajectory, color in zip(trajectories, colors, strict=True):
            days = trajectory.times_h / 24.0
            values = [getattr(state, quantity.name) for state in trajectory.states]
            panel.plot(days, values, "-o", color=color, linewidth=0.8, markersize=2.0)
        panel.set_ylabel(quantity.axis_label)
        panel.grid(alpha=0.25)
    figure.colorbar(
        ScalarMappable(norm=spread, cmap="viridis"),
        ax=panels,
        label=process[color_by].axis_label,
        shrink=0.6,
        pad=0.01,
    )
    figure.suptitle(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)

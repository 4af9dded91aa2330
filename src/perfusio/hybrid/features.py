"""The indexed multi-task format: what runs are to the model.

The **indexed format** is public: `x` has one row per species per time step, columns `[species x Q, setpoints x U, day,
task_id]`; `y` holds the value of species `task_id` one interval later, in canonical units. Rows whose target is missing
are left out; inputs that were not measured come from the smoother. Where a culture is fed, the species are those right
after the feed. The default panel has Q = 9 species and U = 6 setpoints, so 17 columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from perfusio.errors import ModelError
from perfusio.hybrid.layout import Layout, layout_of
from perfusio.physics.feeds import after_feeds
from perfusio.state import FloatArray
from perfusio.trajectory import Trajectory


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedData:
    """Transitions in the indexed multi-task format.

    Attributes:
        x: Shape (R, Q + U + 2): species before, setpoints in force, culture day before, task_id.
        y: Shape (R,): measured species `task_id` after the interval.
        hours: Shape (R,): length of the interval.
        read: Shape (R,): what was measured of species `task_id` at the start of the interval (after a feed), NaN where
            nothing was; the column of `x` may hold a better estimate. Its error is also in the row before.
        medium: Shape (R, Q): what the perfusion medium of that run holds; None = that of the panel for all rows.
        layout: Of the panel that the columns are of.
    """

    x: FloatArray
    y: FloatArray
    hours: FloatArray
    read: FloatArray
    medium: FloatArray | None = None
    layout: Layout = field(default_factory=layout_of)

    def __post_init__(self) -> None:
        """Refuse arrays of another shape."""
        rows, n = len(self.y), self.layout.n_columns
        if self.x.shape != (rows, n) or not self.hours.shape == self.read.shape == (rows,):
            raise ModelError(
                f"The indexed format needs x (R, {n}) and y, hours, read (R,); found x {self.x.shape}, "
                f"y {self.y.shape}, hours {self.hours.shape}, read {self.read.shape}."
            )

    def of(self, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> IndexedData:
        """Return some rows, (R,)."""
        medium = None if self.medium is None else self.medium[rows]
        return replace(
            self, x=self.x[rows], y=self.y[rows], hours=self.hours[rows], read=self.read[rows], medium=medium
        )

    @property
    def task(self) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        """Species index of each row, shape (R,)."""
        return self.x[:, -1].astype(np.intp)


def indexed(
    trajectories: Sequence[Trajectory],
    inputs: Sequence[FloatArray] | None = None,
    *,
    from_transition: ArrayLike = 0,
    layout: Layout | None = None,
) -> IndexedData:
    """Put trajectories into the indexed multi-task format.

    Args:
        trajectories: Runs of one process, each with its own number of samples.
        inputs: For each run the states at its samples to start from, before any feed, shape (N, Q); default: the
            measured values.
        from_transition: First transition to use, one number or one per run.
        layout: Of the process; default: that of the first run.

    Returns:
        Rows in order of run, time, species. Rows without a target, or with an unknown input, are left out.

    Raises:
        ModelError: a run is of another process.
    """
    if layout is None:
        layout = layout_of(trajectories[0].panel) if len(trajectories) else layout_of()
    q = layout.n_species
    starts = np.broadcast_to(np.asarray(from_transition, dtype=int), (len(trajectories),))
    blocks, targets, hours, read = [np.empty((0, layout.n_columns))], [np.empty(0)], [np.empty(0)], [np.empty(0)]
    media = [np.empty((0, q))]
    for k, t in enumerate(trajectories):
        layout.check(t.panel)
        if len(t.states) < 2:
            continue
        before = after_feeds((t.values if inputs is None else inputs[k])[:-1], t.fed, layout.panel)
        row = np.concatenate([before, t.inputs, t.times_h[:-1, None] / 24.0], axis=1)[starts[k] :]
        measured = after_feeds(t.values[:-1], t.fed, layout.panel)[starts[k] :]
        after = t.values[1 + starts[k] :]
        tasks = np.tile(np.arange(q), len(row))
        x = np.column_stack([np.repeat(row, q, axis=0), tasks])
        usable = np.isfinite(after.ravel()) & np.isfinite(x).all(axis=1)
        blocks.append(x[usable])
        targets.append(after.ravel()[usable])
        read.append(measured.ravel()[usable])
        hours.append(np.repeat(np.diff(t.times_h)[starts[k] :], q)[usable])
        media.append(np.broadcast_to(layout.medium_of(t), (int(usable.sum()), q)))
    return IndexedData(
        x=np.concatenate(blocks),
        y=np.concatenate(targets),
        hours=np.concatenate(hours),
        read=np.concatenate(read),
        medium=_or_alike(np.concatenate(media), layout),
        layout=layout,
    )


def _or_alike(media: FloatArray, layout: Layout) -> FloatArray | None:
    """Return media (R, Q), None where all are that of the panel: then one vector serves all rows."""
    return None if (media == layout.medium).all() else media

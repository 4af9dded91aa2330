"""The different transitions behind indexed rows: what the model steps through while it learns.

Letters as in `layout`; T transitions, R rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from perfusio.hybrid.features import IndexedData
from perfusio.hybrid.layout import Layout
from perfusio.hybrid.residuals.step import step
from perfusio.state import FloatArray

Indices = np.ndarray[tuple[int], np.dtype[np.intp]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transitions:
    """The T different transitions behind R indexed rows, which repeat each of them for every measured species.

    Attributes:
        latent: Start (Q, T).
        setpoints: (U, T).
        hours: (T,).
        x: Inputs of the processes (T, D).
        place: Transition of each row, (R,).
        medium: (Q,) of all, or (Q, T).
        layout: Of the panel.
    """

    latent: FloatArray
    setpoints: FloatArray
    hours: FloatArray
    x: FloatArray
    place: Indices
    medium: FloatArray
    layout: Layout

    @classmethod
    def of(cls, data: IndexedData) -> Transitions:
        """Find them; rows of one transition follow one another."""
        is_new = np.ones(len(data.y), dtype=bool)
        is_new[1:] = (data.x[1:, :-1] != data.x[:-1, :-1]).any(axis=1) | (data.hours[1:] != data.hours[:-1])
        if data.medium is not None:
            is_new[1:] |= (data.medium[1:] != data.medium[:-1]).any(axis=1)
        one, at = data.x[is_new], data.layout
        latent, setpoints = at.to_latent(one[:, : at.n_species].T), one[:, at.n_species : -2].T
        return cls(
            latent=latent,
            setpoints=setpoints,
            hours=data.hours[is_new],
            x=at.gp_inputs(latent, setpoints, one[:, -2]),
            place=np.cumsum(is_new) - 1,
            medium=at.medium if data.medium is None else np.ascontiguousarray(data.medium[is_new].T),
            layout=at,
        )

    def repeated(self, n: int) -> Transitions:
        """Return the transitions `n` times, one copy after the other; rows stay those of the first."""
        return replace(
            self,
            latent=np.tile(self.latent, (1, n)),
            setpoints=np.tile(self.setpoints, (1, n)),
            hours=np.tile(self.hours, n),
            medium=self.medium if self.medium.ndim == 1 else np.tile(self.medium, (1, n)),
        )

    def predicted(
        self, log_factors: FloatArray, residual: FloatArray | None = None, latent: FloatArray | None = None
    ) -> FloatArray:
        """Return the latent states after the transitions (Q, T), from `latent` if given.

        Args:
            log_factors: Parameters of the prior, (P,), or (P, T) where they differ between transitions.
            residual: As for `step`.
            latent: Start (Q, T).
        """
        factors = log_factors if log_factors.ndim == 2 else np.repeat(log_factors[:, None], len(self.hours), axis=1)
        start = self.latent if latent is None else latent
        return step(self.layout, start, self.setpoints, factors, self.hours, self.medium, residual, is_bounded=False)

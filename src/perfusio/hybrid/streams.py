"""Random streams by name: what a species, a parameter or an input draws does not depend on where it stands.

Streams taken in the order of arrays would give a species the draws of its neighbour as soon as a line is added to the
panel or moved. Here each name has a generator of its own, seeded by the seed and the CRC-32 of the names.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from perfusio.state import FloatArray


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the generator of a name, e.g. of a vessel and a species; the same one for the same names and seed."""
    return np.random.default_rng([seed, *(crc32(name.encode()) for name in names)])


def normal(streams: Sequence[np.random.Generator], shape: tuple[int, ...]) -> FloatArray:
    """Return standard normal draws (N, *shape), a row of each of N streams."""
    return np.array([rng.standard_normal(shape) for rng in streams]).reshape(len(streams), *shape)

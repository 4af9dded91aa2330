"""Old name of `perfusio.hybrid.clones.embedding`; it stays."""

from perfusio.hybrid.clones.embedding import (
    BETWEEN_LINES,
    LEAST_FREEDOM,
    MOST_DIMENSIONS,
    WIDEST,
    CloneRegistry,
    coordinates,
)

__all__ = ["BETWEEN_LINES", "LEAST_FREEDOM", "MOST_DIMENSIONS", "WIDEST", "CloneRegistry", "coordinates"]

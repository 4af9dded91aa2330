"""A model that costs nothing: cells grow at one rate."""

from perfusio.testing import GrowingModel


def growing(*, growth: float = 0.15) -> GrowingModel:
    """Return the model.

    Args:
        growth: Of the cells [1/day].
    """
    return GrowingModel(growth=growth)

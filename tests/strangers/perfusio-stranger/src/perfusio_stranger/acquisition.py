"""An acquisition function for people who dislike surprises."""

import numpy as np


def cautious(improvement):
    """Return the 20 % quantile of the improvement over the paths; improvement is (G, S, 1)."""
    return np.quantile(improvement[..., 0], 0.2, axis=1)

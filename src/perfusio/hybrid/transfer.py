"""Old name of `perfusio.hybrid.clones.transfer`; it stays."""

from perfusio.hybrid.clones.transfer import (
    CLEARLY,
    FROM_SHARE,
    MOST_FOLDS,
    Adaptation,
    adapt,
    forecast_error,
    harms,
    model_for,
)

__all__ = ["CLEARLY", "FROM_SHARE", "MOST_FOLDS", "Adaptation", "adapt", "forecast_error", "harms", "model_for"]

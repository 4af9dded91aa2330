"""Old name of `perfusio.bed.campaigns.recommendation`; it stays."""

from perfusio.bed.campaigns.recommendation import (
    TYPICAL_START,
    Recommendation,
    constant_recipe,
    goes_on,
    next_names,
    start_of,
    told,
)

__all__ = ["TYPICAL_START", "Recommendation", "constant_recipe", "goes_on", "next_names", "start_of", "told"]

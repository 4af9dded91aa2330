"""Draws as they were before streams were keyed by name: a run that began then replays, and goes on, as it began.

Models of such a run are checkpoints of format 2. What is learnt anew in it draws by name, as everything else does.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace

from perfusio.hybrid.clone_models import CloneModels
from perfusio.hybrid.model import HybridModel

LAST_FORMAT = 2
"""Of checkpoints written by a version that drew by position."""


def drawn_as_then(model: HybridModel | CloneModels) -> HybridModel | CloneModels:
    """Return a model that draws its paths by position, in the order of arrays; it predicts the same otherwise."""
    if isinstance(model, CloneModels):
        return replace(model, models={clone: _as_then(one) for clone, one in model.models.items()})
    return _as_then(model)


def _as_then(model: HybridModel) -> HybridModel:
    process = copy(model.process)
    object.__setattr__(process, "by_position", True)
    return replace(model, process=process)

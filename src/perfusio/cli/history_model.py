"""The model with which a run starts, learnt from a lab's past runs of any clones: `--history`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from perfusio.cli.history import Steps, read_runs_aloud

if TYPE_CHECKING:
    from perfusio.hybrid.model import HybridModel
    from perfusio.trajectory import Trajectory


def starting_model(history: Path | None, clones: Sequence[str], *, seed: int) -> HybridModel | None:
    """Return the model of past runs for vessels of these clones; None without past runs.

    One model serves all vessels. Where they are of one known clone it is that clone's; of several clones, or of one
    that nobody named, it is that of a newcomer among the clones of the past, with the doubt of one.

    Args:
        history: A file or folder of past runs.
        clones: Of the vessels; empty = not said.
        seed: Of every random choice.

    Raises:
        UnreadableSource: the past runs cannot be read.
        NotEnoughData: a clone among them has too few usable rows.
    """
    if history is None:
        return None
    past = read_runs_aloud(history)
    of_past = sorted({t.clone for t in past})
    named = sorted({c for c in clones if c})
    clone = named[0] if len(named) == 1 else (of_past[0] if len(of_past) == 1 and not named else "")
    with Steps(f"Learning from {len(past)} past runs", None):
        model, told = learnt(past, clone, seed=seed)
    typer.echo(f"{'History:':8} {len(past)} past runs; {told}")
    return model


def learnt(past: Sequence[Trajectory], clone: str, *, seed: int) -> tuple[HybridModel, str]:
    """Return the model of `clone` from past runs, and how it came about."""
    from perfusio.hybrid.transfer import model_for

    n_own = sum(t.clone == clone for t in past)
    name = clone or "a clone that is not named"
    if 0 < n_own == len(past):
        return model_for(past, clone, seed=seed).model, f"all are of {name}"
    adaptation = model_for(past, clone, seed=seed)
    if n_own == 0:
        return adaptation.model, f"none is of {name}: forecasts start from its relatives, with wide intervals"
    if adaptation.is_alone:
        return adaptation.model, f"only the {n_own} of {name} are used: runs left out say that the others do harm"
    return adaptation.model, f"{n_own} of {name}, and the others teach as its relatives"

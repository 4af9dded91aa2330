"""Two samples that cannot both be true: which of them is the doubtful one, by all evidence. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perfusio.hybrid.layout import layout_of
from perfusio.process.roles import share_alive
from perfusio.state import Setpoints, State
from perfusio.twin.samples.changes import Contradiction, contradictions

FEWEST_ALIVE = 50.0
"""Nobody inoculates with fewer living cells [%]."""


def earlier_is_doubtful(
    sample: State,
    before: Sequence[State],
    in_force: Setpoints,
    found: Sequence[Contradiction],
    refused: Sequence[State],
) -> bool:
    """Whether of two samples that cannot both be true the earlier one, which was believed, is the doubtful one.

    A sample that was refused since and agrees with the new one is a witness against it; so are the samples before it,
    if the new one follows on them and the earlier one turns back. Of two samples alone, one that is no start of a
    culture is.

    Args:
        sample: The new one.
        before: All earlier ones.
        in_force: Setpoints since the latest of them.
        found: Contradictions; all with one earlier sample, or it is not withdrawn.
        refused: Samples that were refused since the latest one that was not.
    """
    doubtful = found[0].earlier
    if any(one.earlier is not doubtful for one in found):
        return False
    rest = tuple(s for s in before if s is not doubtful)
    names = sample.panel.species_names  # all of them: a quantity that only rises lies closer to older samples when low
    if any(contradictions(sample, rest, in_force)):
        return False
    if any(_agree(sample, other, doubtful, in_force, names) for other in refused):
        return True
    if not rest:
        alive = share_alive(sample.panel)
        return alive is not None and getattr(doubtful, alive) < FEWEST_ALIVE <= getattr(sample, alive)
    votes = [v for one in found if (v := _breaks_the_trend(one.quantity, sample, doubtful, rest)) is not None]
    return sum(votes) > len(votes) / 2.0


def _breaks_the_trend(name: str, sample: State, doubtful: State, rest: Sequence[State]) -> bool | None:
    """Whether the earlier of two contradicting samples turns back where the later one goes on; None if nobody knows.

    A false low lies below the samples before it, and the truth above; after a false high the truth lies above them
    still, while a false low after a true rise does not.
    """
    before = next((v for s in reversed(rest) if (v := getattr(s, name)) == v), None)
    if before is None:
        return None
    is_rise = getattr(sample, name) > getattr(doubtful, name)
    return bool(getattr(doubtful, name) < before if is_rise else getattr(sample, name) >= before)


def _agree(
    sample: State, refused: State, doubtful: State, in_force: Setpoints, names: Sequence[str]
) -> bool:
    """Whether a refused sample between the two can be as true as the new one, and is as far from the doubtful one."""
    if not doubtful.time_h < refused.time_h < sample.time_h or contradictions(sample, (refused,), in_force):
        return False
    return _distance(sample, (refused,), names) < _distance(sample, (doubtful,), names)


def _distance(sample: State, others: Sequence[State], names: Sequence[str]) -> float:
    """Return how far a sample is from the latest of others in these quantities, in changes that would be called clear.

    Values that either lacks count nothing.
    """
    at = layout_of(sample.panel)
    last = [next((v for s in reversed(others) if (v := getattr(s, n)) == v), np.nan) for n in at.species]
    here = at.to_latent(sample.vector())
    off = np.abs(here - at.to_latent(np.array(last))) / at.gp_scale[: at.n_species]
    places = [at.species.index(n) for n in names if n in at.species]
    return float(np.nansum(off[places]))

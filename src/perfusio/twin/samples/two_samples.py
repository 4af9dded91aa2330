"""Two samples that cannot both be true: which of them is the doubtful one, by all evidence. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perfusio.hybrid.layout import layout_of
from perfusio.process.roles import share_alive
from perfusio.state import Setpoints, State
from perfusio.twin.samples.changes import Contradiction, contradictions
from perfusio.twin.samples.likelihoods import FOREIGN, Expected, Explained

CLEARLY = 1.0
"""Log odds by which the earlier of two samples must be the stranger one."""
FEWEST_ALIVE = 50.0
"""Nobody inoculates with fewer living cells [%]."""


def earlier_is_doubtful(
    sample: State,
    before: Sequence[State],
    in_force: Setpoints,
    found: Sequence[Contradiction],
    refused: Sequence[State],
    formerly: tuple[Expected | None, Expected | None] = (None, None),
) -> bool:
    """Whether of two samples that cannot both be true the earlier one, which was believed, is the doubtful one.

    A sample that was refused since and agrees with the new one is a witness against it; so are the samples before it,
    and the forecast after these, if they explain the new one better than the earlier one. Of two samples alone, one
    that is no start of a culture is.

    Args:
        sample: The new one.
        before: All earlier ones.
        in_force: Setpoints since the latest of them.
        found: Contradictions; all with one earlier sample, or it is not withdrawn.
        refused: Samples that were refused since the latest one that was not.
        formerly: Forecasts made without the latest sample: for its time, and for that of the new one.
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
    return rather_the_earlier(sample, doubtful, rest, formerly if doubtful is before[-1] else (None, None))


def rather_the_earlier(
    sample: State, earlier: State, rest: Sequence[State], formerly: tuple[Expected | None, Expected | None]
) -> bool:
    """Whether the samples before two, and the forecast after these, explain the later one and not the earlier one.

    Args:
        sample: The later one.
        earlier: The earlier one.
        rest: Samples before both, and perhaps between them.
        formerly: Forecasts after them for the times of the earlier and of the later one.
    """
    if not any(s.time_h < earlier.time_h for s in rest):
        return False
    strange_then, strange_now = (
        Explained(s, [r for r in rest if r.time_h < s.time_h], expected).foreign(s)
        for s, expected in zip((earlier, sample), formerly, strict=True)
    )
    both = strange_then.keys() & strange_now.keys()
    now, then = (sum(max(strange[n], 0.0) for n in both) for strange in (strange_now, strange_then))
    return sum(strange_now.values()) < FOREIGN and then > now + CLEARLY


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

"""The named acquisition functions: the worth of a candidate, given its outcomes on sample paths.

The outcome that they see is the *improvement over holding the setpoints in force*, path by path and objective by
objective: holding itself has improvement 0 on every path, so the best value so far is 0 and never missing, and what is
uncertain for both cancels. PI, EI, LogEI and UCB are closed forms of mean and sd over the paths; the others need paths
or several objectives and come from BoTorch (`with_botorch`), which a plain installation leaves out.

Letters: G candidates, D = pieces x U, S paths, M objectives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec

import numpy as np
from scipy.special import erfcx, ndtr

from perfusio.bed.candidates.outcomes import UCB_BETA, Outcomes
from perfusio.config.acquisitions import acquisition_named
from perfusio.errors import ConfigError
from perfusio.state import FloatArray

LEAST_SD = 1e-6
"""Paths that agree are not certain: their sd counts as at least this, as in BoTorch."""
_FAR = 30.0  # standard deviations below zero from which the asymptotic series is exact to 1e-10



def log_improvement(z: FloatArray) -> FloatArray:
    """Return log(phi(z) + z Phi(z)): the logarithm of EI for a mean of z and an sd of 1.

    Below -1 the two terms cancel: there it is log phi(z) + log(1 - |z| Mills(|z|)), and far below by the asymptotic
    series of the Mills ratio (Ament et al., NeurIPS 2023, "Unexpected improvements to expected improvement", eq. 9;
    Abramowitz and Stegun 26.2.12).

    Args:
        z: Mean over sd, any shape.
    """
    z = np.asarray(z, dtype=float)
    log_density = -0.5 * z * z - 0.5 * np.log(2.0 * np.pi)
    near = np.maximum(z, -1.0)
    plain = np.log(np.exp(-0.5 * near * near) / np.sqrt(2.0 * np.pi) + near * ndtr(near))
    below = np.clip(-z, 1.0, _FAR)
    mills = np.sqrt(0.5 * np.pi) * erfcx(below / np.sqrt(2.0))
    tail = log_density + np.log1p(-below * mills)
    far = 1.0 / np.maximum(-z, _FAR) ** 2
    farther = log_density + np.log(far) + np.log1p(far * (-3.0 + far * (15.0 + far * (-105.0 + far * 945.0))))
    found: FloatArray = np.where(z > -1.0, plain, np.where(z > -_FAR, tail, farther))
    return found


CLOSED_FORMS: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "PI": lambda mean, sd: ndtr(mean / sd),
    "EI": lambda mean, sd: np.exp(np.log(sd) + log_improvement(mean / sd)),
    "LogEI": lambda mean, sd: np.log(sd) + log_improvement(mean / sd),
    "UCB": lambda mean, sd: mean + np.sqrt(UCB_BETA) * sd,
}
"""Of mean and sd of the improvement over the paths, two arrays (G,). EI goes by way of its logarithm: the plain formula
cancels to nothing some six standard deviations below zero."""


def acquisition(
    name: str, outcomes: Outcomes, *, n_paths: int, n_objectives: int, baseline: FloatArray, seed: int = 0
) -> Callable[[FloatArray], FloatArray]:
    """Return the acquisition function of that name.

    Args:
        name: One of config.ACQUISITIONS.
        outcomes: Candidates (G, D) -> improvements over holding on each path (G, S, M).
        n_paths: S.
        n_objectives: M; 1 for those of one number, which must have been weighed into one before.
        baseline: Candidates that are no news, holding among them (K, D); hypervolumes are measured beyond them.
        seed: Of the direction that qNParEGO looks in.

    Returns:
        Candidates (G, D) -> values (G,), higher is better.

    Raises:
        ConfigError: no acquisition function has that name, or it needs BoTorch, which is not installed.
    """
    check_available(name)
    if name not in CLOSED_FORMS:
        from perfusio.bed.with_botorch.acquisition import by_botorch  # torch

        return by_botorch(name, outcomes, n_paths=n_paths, n_objectives=n_objectives, baseline=baseline, seed=seed)
    formula = CLOSED_FORMS[name]

    def evaluate(candidates: FloatArray) -> FloatArray:
        values = np.ascontiguousarray(outcomes(candidates)[..., 0])
        return formula(values.mean(axis=1), np.maximum(values.std(axis=1, ddof=1), LEAST_SD))

    return evaluate


def check_available(name: str, search: str = "cross-entropy") -> None:
    """Refuse an acquisition function or a search that this installation does not have.

    Args:
        name: Of the acquisition function.
        search: One of config.SEARCHES.

    Raises:
        ConfigError: no acquisition function has that name, or BoTorch is needed and not installed.
    """
    is_given = acquisition_named(name) is not None
    needy = [f"acquisition = {name!r}"] if name not in CLOSED_FORMS and not is_given else []
    needy += [f"search = {search!r}"] if search == "gradient" else []
    if needy and find_spec("botorch") is None:
        raise ConfigError(
            f"{' and '.join(needy)}: this needs BoTorch, which is not installed here; a plain installation leaves it "
            "out, as it brings PyTorch. Install the extra, pip install 'perfusio-twin[botorch]', or take "
            f"{', '.join(CLOSED_FORMS)} with search = 'cross-entropy'."
        )

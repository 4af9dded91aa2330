"""The named acquisition functions, built on BoTorch: the only module that imports torch, with the first decision.

The outcome that they see is the *improvement over holding the setpoints in force*, path by path: holding itself has
improvement 0 on every path, so `best_f` is 0 and never missing, and what is uncertain for both cancels.
"""

from __future__ import annotations

from collections.abc import Callable
from warnings import catch_warnings, simplefilter

import torch
from botorch.acquisition import (
    AcquisitionFunction,
    ExpectedImprovement,
    LogExpectedImprovement,
    ProbabilityOfImprovement,
    UpperConfidenceBound,
    qLogExpectedImprovement,
)
from botorch.exceptions.warnings import NumericsWarning
from botorch.models.ensemble import EnsembleModel
from botorch.posteriors.ensemble import EnsemblePosterior
from botorch.sampling.index_sampler import IndexSampler

from perfusio.errors import ConfigError
from perfusio.state import FloatArray

UCB_BETA = 0.25
"""Half a standard deviation of optimism: a vessel is not a place for bold exploration."""


class ImprovementEnsemble(EnsembleModel):  # type: ignore[misc]
    """Paths of the improvement over holding, as a BoTorch model whose members are the paths."""

    def __init__(self, improvements: Callable[[FloatArray], FloatArray]) -> None:
        super().__init__()
        self._improvements = improvements
        self._num_outputs = 1

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return improvements (batch, S, q, 1) at setpoints X (batch, q, U)."""
        flat = X.reshape(-1, X.shape[-1]).numpy()
        values = torch.from_numpy(self._improvements(flat))
        return values.reshape(*X.shape[:-1], -1).transpose(-1, -2).unsqueeze(-1)


class EveryPath(IndexSampler):  # type: ignore[misc]
    """Uses each path once for every candidate, so that an acquisition value is the same whatever is asked beside it."""

    def _construct_base_samples(self, posterior: EnsemblePosterior) -> None:
        n_paths, batch = self.sample_shape[0], posterior.batch_shape
        self.base_samples = torch.arange(n_paths).reshape(-1, *[1] * len(batch)).expand(n_paths, *batch)


def acquisition(
    name: str, improvements: Callable[[FloatArray], FloatArray], n_paths: int
) -> Callable[[FloatArray], FloatArray]:
    """Return the acquisition function of that name.

    Args:
        name: One of config.ACQUISITIONS.
        improvements: Setpoints (G, U) -> improvement over holding on each path (G, S).
        n_paths: S.

    Returns:
        Setpoints (G, U) -> values (G,), higher is better.

    Raises:
        ConfigError: no acquisition function has that name.
    """
    model = ImprovementEnsemble(improvements)
    makers: dict[str, Callable[[], AcquisitionFunction]] = {
        "PI": lambda: ProbabilityOfImprovement(model, best_f=0.0),
        "EI": lambda: ExpectedImprovement(model, best_f=0.0),
        "LogEI": lambda: LogExpectedImprovement(model, best_f=0.0),
        "UCB": lambda: UpperConfidenceBound(model, beta=UCB_BETA),
        "qLogEI": lambda: qLogExpectedImprovement(
            model, best_f=0.0, sampler=EveryPath(sample_shape=torch.Size([n_paths]))
        ),
    }
    if name not in makers:
        raise ConfigError(f"{name!r} is not an acquisition function. Known: {', '.join(makers)}.")
    with catch_warnings():  # BoTorch advises against EI; whoever asks for it by name has chosen, see LogEI
        simplefilter("ignore", NumericsWarning)
        function = makers[name]()

    def evaluate(setpoints: FloatArray) -> FloatArray:
        with torch.no_grad():
            values: FloatArray = function(torch.from_numpy(setpoints).unsqueeze(-2)).numpy()
        return values

    return evaluate

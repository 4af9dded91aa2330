"""The acquisition functions that need sample paths or several objectives, by BoTorch: torch is loaded here.

Outcomes are as in `perfusio.bed.acquisition`. For hypervolumes the reference point is REFERENCE in each objective.
"""

from __future__ import annotations

from collections.abc import Callable
from warnings import catch_warnings, simplefilter

import torch
from botorch.acquisition import (
    AcquisitionFunction,
    qExpectedImprovement,
    qLogExpectedImprovement,
    qNoisyExpectedImprovement,
    qUpperConfidenceBound,
)
from botorch.acquisition.multi_objective import (
    logei,
    qExpectedHypervolumeImprovement,
    qLogNoisyExpectedHypervolumeImprovement,
    qNoisyExpectedHypervolumeImprovement,
)
from botorch.acquisition.objective import GenericMCObjective
from botorch.exceptions.warnings import NumericsWarning
from botorch.models.ensemble import EnsembleModel
from botorch.posteriors.ensemble import EnsemblePosterior
from botorch.sampling.index_sampler import IndexSampler
from botorch.utils.multi_objective.box_decompositions import FastNondominatedPartitioning

from perfusio.bed.candidates.outcomes import REFERENCE, UCB_BETA, Outcomes
from perfusio.state import FloatArray

logei._load_attempted = True
"""No compiler is started for a decision: BoTorch would build a faster kernel of qLogNEHVI, once a user and machine, and
a process that was killed meanwhile leaves a lock behind at which every later decision waits for ever."""
EVEN = 0.05
"""Share of the plain sum in the scalarization of ParEGO (Knowles, IEEE Trans. Evol. Comput. 10:50, 2006)."""


class PathEnsemble(EnsembleModel):  # type: ignore[misc]
    """Outcomes on sample paths, as a BoTorch model whose members are the paths."""

    def __init__(self, outcomes: Outcomes, n_objectives: int) -> None:
        super().__init__()
        self._outcomes = outcomes
        self._num_outputs = n_objectives

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return outcomes (batch, S, q, M) of candidates X (batch, q, D)."""
        values = torch.from_numpy(self._outcomes(X.reshape(-1, X.shape[-1]).numpy()))
        return values.reshape(*X.shape[:-1], *values.shape[1:]).transpose(-2, -3)


class EveryPath(IndexSampler):  # type: ignore[misc]
    """Uses each path once for every candidate, so that an acquisition value is the same whatever is asked beside it."""

    def __init__(self, n_paths: int) -> None:
        super().__init__(sample_shape=torch.Size([n_paths]))

    def _construct_base_samples(self, posterior: EnsemblePosterior) -> None:
        n_paths, batch = self.sample_shape[0], posterior.batch_shape
        self.base_samples = torch.arange(n_paths).reshape(-1, *[1] * len(batch)).expand(n_paths, *batch)


def by_botorch(
    name: str, outcomes: Outcomes, *, n_paths: int, n_objectives: int, baseline: FloatArray, seed: int = 0
) -> Callable[[FloatArray], FloatArray]:
    """Return the acquisition function of that name; `perfusio.bed.acquisition` has those that need no torch.

    Args:
        name: One of config.ACQUISITIONS that is not among `acquisition.CLOSED_FORMS`.
        outcomes: Candidates (G, D) -> improvements over holding on each path (G, S, M).
        n_paths: S.
        n_objectives: M; 1 for those of one number, which must have been weighed into one before.
        baseline: Candidates that are no news, holding among them (K, D); hypervolumes are measured beyond them.
        seed: Of the direction that qNParEGO looks in.

    Returns:
        Candidates (G, D) -> values (G,), higher is better.
    """
    model = PathEnsemble(outcomes, n_objectives)
    known = torch.from_numpy(baseline)

    def noisy(kind: type[AcquisitionFunction], **options: object) -> AcquisitionFunction:
        return kind(
            model, X_baseline=known, sampler=EveryPath(n_paths), prune_baseline=False, cache_root=False, **options
        )

    reference = torch.full((n_objectives,), REFERENCE, dtype=torch.float64)
    makers: dict[str, Callable[[], AcquisitionFunction]] = {
        "qEI": lambda: qExpectedImprovement(model, best_f=0.0, sampler=EveryPath(n_paths)),
        "qLogEI": lambda: qLogExpectedImprovement(model, best_f=0.0, sampler=EveryPath(n_paths)),
        "qUCB": lambda: qUpperConfidenceBound(model, beta=UCB_BETA, sampler=EveryPath(n_paths)),
        "qEHVI": lambda: qExpectedHypervolumeImprovement(
            model,
            ref_point=reference,
            partitioning=FastNondominatedPartitioning(ref_point=reference, Y=model.posterior(known).mean),
            sampler=EveryPath(n_paths),
        ),
        "qNEHVI": lambda: noisy(qNoisyExpectedHypervolumeImprovement, ref_point=reference),
        "qNParEGO": lambda: noisy(qNoisyExpectedImprovement, objective=_in_a_direction(n_objectives, seed)),
        "qLogNEHVI": lambda: noisy(qLogNoisyExpectedHypervolumeImprovement, ref_point=reference),
    }
    with catch_warnings():  # BoTorch advises against the plain ones; whoever asks for one by name has chosen
        simplefilter("ignore", NumericsWarning)
        with torch.no_grad():
            function = makers[name]()

    def evaluate(candidates: FloatArray) -> FloatArray:
        with torch.no_grad():
            values: FloatArray = function(torch.from_numpy(candidates).unsqueeze(-2)).numpy()
        return values

    return evaluate


def _in_a_direction(n_objectives: int, seed: int) -> GenericMCObjective:
    """Return the augmented Chebyshev scalarization along a direction drawn from the simplex."""
    generator = torch.Generator().manual_seed(seed)
    drawn = -torch.rand(n_objectives, generator=generator, dtype=torch.float64).clamp_min(1e-12).log()
    weights = drawn / drawn.sum()

    def scalarized(samples: torch.Tensor, X: torch.Tensor | None = None) -> torch.Tensor:  # noqa: ARG001 - BoTorch's
        weighed = weights * (samples - REFERENCE)  # seen from the reference, giving a little for much can pay
        return weighed.amin(dim=-1) + EVEN * weighed.sum(dim=-1)

    return GenericMCObjective(scalarized)

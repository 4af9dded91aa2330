"""The batched Gaussian process that a library offers, on the same rows: what the project's own is held against.

Nine independent processes of one BoTorch `SingleTaskGP` on the standardised next-state log targets, as the plain GP has
them, but with all rows in the search for hyperparameters. Kernel, priors on lengthscales and noise, and the search are
the library's own; the search stops where that of `hybrid.gp` does: after as many iterations, at the same gradient and
the same relative gain. A library GP of one batch needs every target of a row: missing ones are interpolated in time,
for it alone.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.models import SingleTaskGP
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import ScaleKernel
from gpytorch.means import ZeroMean
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.priors import LogNormalPrior

from model_cases import Array
from perfusio.forecast import Forecast
from perfusio.hybrid.gaussian_processes import gp
from perfusio.hybrid.layout import layout_of
from perfusio.hybrid.rivals.plain_gp import filled
from perfusio.state import Setpoints
from perfusio.trajectory import Feed, Trajectory

MAX_ITER = inspect.signature(gp.fit).parameters["max_iter"].default
GRADIENT = 1e-5  # at which L-BFGS stops; the library's objective is divided by the number of rows


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryGP:
    """A fitted library model.

    Attributes:
        model: On standardised targets.
        centre: Mean of the latent targets, (Q,).
        scale: Their standard deviation, (Q,).
    """

    model: SingleTaskGP
    centre: Array
    scale: Array

    @classmethod
    def fit(cls, trajectories: Sequence[Trajectory], *, max_iter: int = MAX_ITER) -> tuple[LibraryGP, float]:
        """Learn from daily samples on one thread; return the model and the CPU seconds."""
        torch.set_num_threads(1)
        start = time.process_time()
        values = [filled(t) for t in trajectories]
        at = layout_of(trajectories[0].panel)
        before = at.to_latent(np.concatenate([v[:-1] for v in values]).T)
        after = at.to_latent(np.concatenate([v[1:] for v in values]).T)
        setpoints = np.concatenate([t.inputs for t in trajectories]).T
        x = at.gp_inputs(before, setpoints, np.concatenate([t.times_h[:-1] for t in trajectories]) / 24.0)
        centre, scale = after.mean(axis=1), after.std(axis=1)
        y = ((after - centre[:, None]) / scale[:, None]).T
        batch = torch.Size([at.n_species])
        matern = get_covar_module_with_dim_scaled_prior(
            ard_num_dims=x.shape[1], batch_shape=batch, use_rbf_kernel=False
        )
        kernel = ScaleKernel(
            matern,
            batch_shape=batch,
            outputscale_prior=LogNormalPrior(0.0, 1.4),
            outputscale_constraint=GreaterThan(1e-6),  # a scale that rounds to 0 is outside of the prior: no fit at all
        )
        model = SingleTaskGP(
            torch.tensor(x),
            torch.tensor(y),
            covar_module=kernel,
            mean_module=ZeroMean(batch_shape=batch),
            outcome_transform=None,
        )
        options = {"maxiter": max_iter, "gtol": GRADIENT / len(x)}
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model), optimizer_kwargs={"options": options})
        return cls(model=model, centre=centre, scale=scale), time.process_time() - start

    def rollout(
        self,
        trajectory: Trajectory,
        plans: Sequence[Sequence[Setpoints]],
        *,
        interval_hours: float,
        n_paths: int,
        seed: int,
        feeds: Sequence[Feed | None] = (),
    ) -> tuple[Forecast, ...]:
        """Chain the means from the last measured values, as the plain GP does; a point forecast."""
        del n_paths, seed, feeds  # nothing is drawn, and no virtual run is fed
        at = layout_of(trajectory.panel)
        z = np.repeat(at.to_latent(filled(trajectory)[-1])[:, None], len(plans), axis=1)
        out, n = [], len(plans[0])
        for h in range(n):
            setpoints = np.array([plan[h].vector() for plan in plans]).T
            x = at.gp_inputs(z, setpoints, trajectory.states[-1].day + h * interval_hours / 24.0)
            with torch.no_grad():
                mean = self.model.posterior(torch.tensor(x)).mean.numpy().T
            z = self.centre[:, None] + self.scale[:, None] * mean
            out.append(at.from_latent(z))
        times = trajectory.states[-1].time_h + interval_hours * np.arange(1.0, n + 1.0)
        means = np.array(out).transpose(2, 0, 1)
        return tuple(Forecast(times_h=times, mean=m, sd=np.zeros_like(m), samples=m[None]) for m in means)

"""ModelFreeMPC: the policy that holds a density from counts alone; a model is asked for forecasts only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from perfusio.bed.candidates.plans import intervals
from perfusio.bed.many_vessels import forecasts, guarded
from perfusio.bed.model_free.rule import DensityPlan, hold
from perfusio.bed.reasons import changes
from perfusio.config import Constraint, DesignSpace, RunConfig
from perfusio.decision import Decision, Reason
from perfusio.errors import ConfigError, PerfusioError
from perfusio.forecast import Forecast
from perfusio.process.declared import misdeclared
from perfusio.process.derived import quantity_paths
from perfusio.process.panel import Panel
from perfusio.process.sound_numbers import refuse_outside
from perfusio.protocols import Model
from perfusio.state import Setpoints
from perfusio.trajectory import Trajectory

KIND = "model-free-mpc"
"""Name of the policy, in an experiment and on record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFreeMPC:
    """Model-predictive control of the density by the bleed, from counts alone; see `rule.hold`.

    Limits are not weighed: the probability of keeping the tightest is told with the decision; alarms watch them.

    Attributes:
        target: Density to hold [1e6 cells/mL]; None = the one that the run tracks.
        cspr: Perfusion per cell [nL/cell/day]; 0.025 = 25 pL/cell/day.
    """

    target: float | None = None
    cspr: float = 0.025

    def __post_init__(self) -> None:
        if not (0.0 < self.cspr <= 1.0):
            raise ConfigError(
                f"cspr = {self.cspr:g} nL/cell/day of the model-free MPC: expected a number above 0 and up to 1 "
                "(0.025 is 25 pL/cell/day). Correct it."
            )
        if self.target is not None:
            refuse_outside("target of the model-free MPC", self.target, 0.0, np.inf, above=True)

    def on_record(self) -> dict[str, Any]:
        """Return kind and settings, as plain data."""
        return {"kind": KIND, "target": self.target, "cspr": self.cspr}

    @classmethod
    def of_record(cls, told: Mapping[str, Any]) -> ModelFreeMPC:
        """Return the policy that was told this."""
        return cls(target=told["target"], cspr=told["cspr"])

    def check(self, config: RunConfig) -> None:
        """Refuse a run that has no density to hold, or nothing to hold it with.

        Raises:
            ConfigError: it tracks no density; the process has no bleed, or no perfusion.
        """
        panel = config.process
        if absent := [role for role in ("perfusion", "bleed") if panel.one_or_none(role) is None]:
            raise ConfigError(
                f"The model-free MPC holds a density by one bleed and one perfusion rate; {panel.name} does not have "
                f"exactly one {' and one '.join(absent)}. Take another policy."
            )
        if wrong := misdeclared(panel.the("cells"), self.density_of(config), panel=panel):
            raise ConfigError(f"Target of the model-free MPC: {wrong}")

    def density_of(self, config: RunConfig) -> float:
        """Return the density to hold [1e6 cells/mL].

        Raises:
            ConfigError: none is said.
        """
        cells = config.process.the("cells")
        aims = [o.target for o in config.objectives if o.quantity == cells and o.target is not None]
        if self.target is None and not aims:
            raise ConfigError(
                f"The model-free MPC holds a density, and the aim of the run is another: "
                f"{'; '.join(map(str, config.objectives))}. Track {cells}, or give the policy a target."
            )
        return aims[0] if self.target is None else self.target

    def decide(
        self,
        trajectories: Mapping[str, Trajectory],
        in_force: Mapping[str, Setpoints],
        model: Model,
        design_space: DesignSpace,
        config: RunConfig,
        *,
        day: int,
    ) -> dict[str, Decision | PerfusioError]:
        """Return a Decision per vessel, or the error that kept one from being made."""
        hours = config.sampling_interval_hours
        n = intervals(config.forecast_days, hours)
        held = {
            r: guarded(r, partial(self.held, trajectory, in_force[r], design_space, config))
            for r, trajectory in trajectories.items()
        }
        asked = {
            r: (trajectories[r], [[*h.plan, *[h.plan[-1]] * n][:n], [in_force[r]] * n])
            for r, h in held.items()
            if isinstance(h, DensityPlan)
        }
        seed = int(np.random.SeedSequence([config.seed, day]).generate_state(1)[0])
        ahead = forecasts(model, asked, hours=hours, n_paths=config.n_paths, seed=seed)
        found: dict[str, Decision | PerfusioError] = {}
        for r, h in held.items():
            both = ahead.get(r)
            if isinstance(h, PerfusioError):
                found[r] = h
            elif isinstance(both, PerfusioError) or both is None:
                found[r] = both or PerfusioError(f"No forecast for {r}.")
            else:
                found[r] = self._decision(r, h, both, trajectories[r], in_force[r], model, config)
        return found

    def held(
        self, trajectory: Trajectory, current: Setpoints, design_space: DesignSpace, config: RunConfig
    ) -> DensityPlan:
        """Return the plan of one vessel; no model is asked."""
        return hold(
            trajectory.states, trajectory.setpoints, current, target=self.density_of(config), space=design_space,
            hours=config.sampling_interval_hours, cspr=self.cspr,
        )  # fmt: skip

    def _decision(
        self,
        reactor: str,
        held: DensityPlan,
        both: tuple[Forecast, ...],
        trajectory: Trajectory,
        current: Setpoints,
        model: Model,
        config: RunConfig,
    ) -> Decision:
        chosen, unchanged = both
        target, moved = self.density_of(config), changes(current, held.plan[0])
        unit = trajectory.panel[trajectory.panel.the("cells")].unit
        seen = (
            f"{held.density:.3g} of {target:g} {unit} by filtered counts, growth {held.growth:.2f} 1/day"
            if held.density == held.density
            else "no count yet"
        )
        limiting, probability, feasible = _tightest(chosen, held.plan, trajectory, config)
        told = f"; {limiting} with P = {probability:.2f}" if config.constraints else ""
        return Decision(
            reactor_id=reactor,
            setpoints=held.plan[0],
            chosen=chosen,
            hold=unchanged,
            reason=Reason(
                text=f"Model-free: {seen}: {', '.join(moved) or 'nothing moves'}{told}.",
                improvement=float("nan"),
                limiting=limiting,
                limiting_probability=probability,
                feasible=feasible,
            ),
            acquisition=KIND,
            score=0.0 if held.density != held.density else -abs(float(np.log(held.density / target))),
            model_id=model.model_id,
            plan=held.plan,
        )


def _tightest(
    chosen: Forecast, plan: tuple[Setpoints, ...], trajectory: Trajectory, config: RunConfig
) -> tuple[str, float, bool]:
    """Return the limit with the least margin in probability, that probability, and whether all are kept."""
    panel: Panel = trajectory.panel
    n = min(intervals(config.objectives[0].horizon_days, config.sampling_interval_hours), len(chosen.times_h))
    plans = np.array([u.vector() for u in (*plan, *[plan[-1]] * n)][:n])[None]
    name = panel.one_or_none("size")
    sizes = [] if name is None else [v for s in trajectory.states if (v := getattr(s, name)) == v]

    def probability(c: Constraint) -> float:
        size = sizes[-1] if sizes else np.nan
        values = quantity_paths(c.quantity, chosen.samples[None, :, :n], plans, size=size, panel=panel)[0]
        low, high = (-np.inf if c.low is None else c.low), (np.inf if c.high is None else c.high)
        return float(((values >= low) & (values <= high)).mean(axis=0).min())

    kept = [(probability(c), c) for c in config.constraints]
    if not kept:
        return "none", 1.0, True
    worst = min(kept, key=lambda one: one[0] - one[1].probability)
    return str(worst[1]), worst[0], all(p >= c.probability for p, c in kept)

"""A policy that moves the bleed up on even days and down on odd ones."""

from dataclasses import dataclass

from perfusio.decision import Decision, Reason


@dataclass(frozen=True)
class UpAndDown:
    """Moves the bleed.

    Attributes:
        step: By how much [1/day].
    """

    step: float = 0.02

    def decide(self, trajectories, in_force, model, design_space, config, *, day):
        """Return a decision for each vessel."""
        allowed = design_space.bounds["bleed_rate"]
        wanted = 0.2 + (self.step if day % 2 == 0 else -self.step)
        bleed = min(max(wanted, allowed.low), allowed.high)
        return {r: self._decision(t, in_force[r], model, config, bleed) for r, t in trajectories.items()}

    def _decision(self, trajectory, current, model, config, bleed):
        chosen = current.with_values(bleed_rate=bleed)
        plans = [[u] * config.forecast_days for u in (chosen, current)]
        ahead, hold = model.rollout(
            trajectory, plans, interval_hours=config.sampling_interval_hours, n_paths=config.n_paths, seed=config.seed
        )
        return Decision(
            reactor_id=trajectory.reactor_id, setpoints=chosen, chosen=ahead, hold=hold, score=0.0,
            acquisition=config.acquisition, model_id=model.model_id,
            reason=Reason(text="Its turn.", improvement=0.0, limiting="none", limiting_probability=1.0, feasible=True),
        )  # fmt: skip

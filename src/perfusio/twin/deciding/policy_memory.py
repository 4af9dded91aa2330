"""Settings of a policy that stand nowhere else on record, so that a run can go on with it and be replayed."""

from __future__ import annotations

from typing import Any

from perfusio.bed.model_free.policy import KIND as MODEL_FREE
from perfusio.bed.model_free.policy import ModelFreeMPC
from perfusio.bed.policy import BEDPolicy
from perfusio.protocols import Policy, Recorded
from perfusio.record.vessel_history import process_of


def on_record(policy: Policy | None) -> dict[str, Any]:
    """Return the entry of a policy in the first record of a run; nothing for one that was told nothing."""
    told: dict[str, Any] = policy.on_record() if isinstance(policy, Recorded) else {}
    return {"policy": told} if told else {}


def as_recorded(config: dict[str, Any]) -> BEDPolicy | ModelFreeMPC:
    """Return perfusio's own policy from the `config` of the first record of a run."""
    told = config.get("policy", {})
    if told.get("kind") == MODEL_FREE:
        return ModelFreeMPC.of_record(told)
    return BEDPolicy.of_record(told, process_of(config))

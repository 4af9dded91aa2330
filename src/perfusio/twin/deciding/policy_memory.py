"""Settings of a policy that stand nowhere else on record, so that a run can go on with it and be replayed."""

from __future__ import annotations

from typing import Any

from perfusio.bed.policy import BEDPolicy
from perfusio.protocols import Policy, Recorded
from perfusio.record.vessel_history import process_of


def on_record(policy: Policy | None) -> dict[str, Any]:
    """Return the entry of a policy in the first record of a run; nothing for one that was told nothing."""
    told: dict[str, Any] = policy.on_record() if isinstance(policy, Recorded) else {}
    return {"policy": told} if told else {}


def as_recorded(config: dict[str, Any]) -> BEDPolicy:
    """Return perfusio's own policy from the `config` of the first record of a run."""
    return BEDPolicy.of_record(config.get("policy", {}), process_of(config))

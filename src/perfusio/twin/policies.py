"""What a policy was told that stands nowhere else on record, so that a run can go on with it and be replayed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from perfusio.bed.coupling import SharedLimit
from perfusio.bed.policy import BEDPolicy
from perfusio.protocols import Policy


def on_record(policy: Policy | None) -> dict[str, Any]:
    """Return the entry of a policy in the first record of a run; nothing for one that was told nothing."""
    shared = policy.shared if isinstance(policy, BEDPolicy) else ()
    return {"policy": {"shared": [{**asdict(s), "reactors": list(s.reactors)} for s in shared]}} if shared else {}


def as_recorded(config: Mapping[str, Any]) -> BEDPolicy:
    """Return the policy of a run from the `config` of its first record."""
    shared = config.get("policy", {}).get("shared", ())
    return BEDPolicy(shared=tuple(SharedLimit(**{**s, "reactors": tuple(s["reactors"])}) for s in shared))

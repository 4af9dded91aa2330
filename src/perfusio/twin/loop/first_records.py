"""The record that a run begins with, and the one that it goes on with: all that was asked, versions, who decides."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from perfusio.config import DesignSpace, Mode, RunConfig, in_words
from perfusio.events import (
    RunResumed,
    RunStarted,
    VesselJoined,
)
from perfusio.installed import version_there
from perfusio.protocols import Described, Model, Policy, Taught, able
from perfusio.record.line import Record
from perfusio.record.places import recorded
from perfusio.twin.deciding import policy_memory
from perfusio.twin.deciding.extensions import functions_of
from perfusio.twin.deciding.identity import decided_by, identity_of, is_ours
from perfusio.twin.vessels import Vessel

RECORDED_VERSIONS = ("perfusio-twin", "numpy", "scipy", "torch", "botorch")
"""Those of them that are installed: torch and botorch come with an extra."""


def started(
    config: RunConfig,
    space: DesignSpace,
    modes: Mapping[str, Mode],
    sources: Mapping[str, Mapping[str, object]],
    vessels: Mapping[str, Vessel] = MappingProxyType({}),
    policy: Policy | None = None,
    model: Model | None = None,
) -> RunStarted:
    """Return the first record of a run: all that was asked of it and who decides, with versions and sources."""
    functions = functions_used(config, vessels)
    own = {reactor: asked for reactor, vessel in vessels.items() if (asked := of_its_own(vessel, config))}
    return RunStarted(
        config={
            "run": config.model_dump(mode="json", exclude={"run_dir", "fresh"}),
            "design_space": space.model_dump(mode="json"),
            "modes": {reactor: mode.value for reactor, mode in modes.items()},
            **({"vessels": own} if own else {}),
            **policy_memory.on_record(policy),
            **({} if policy is None or model is None else {"decided_by": decided_by(policy, model, functions)}),
            **({"learnt_from": model.learnt_from()} if isinstance(model, Taught) else {}),
        },
        versions=versions(),
        sources=dict(sources),
        reason=f"{len(modes)} vessel(s), {config.duration_days} days: {in_words(config.objectives)}.",
    )


def functions_used(config: RunConfig, vessels: Mapping[str, Vessel]) -> dict[str, dict[str, Any]]:
    """Return the functions of other packages that decide in a run, for all vessels or for some."""
    return functions_of(config, [aim for vessel in vessels.values() for aim in vessel.config(config).objectives])


def of_its_own(vessel: Vessel, config: RunConfig) -> dict[str, object]:
    """Settings of a vessel that differ from those of all."""
    own: dict[str, object] = {}
    if vessel.objective is not None:
        own["objective"] = vessel.config(config).model_dump(mode="json")["objective"]
    if vessel.design_space is not None:
        own["design_space"] = vessel.design_space.model_dump(mode="json")
    return own


def joined(
    reactor: str, vessel: Vessel, config: RunConfig, space: DesignSpace, mode: Mode, *, turn: int, reason: str,
    run_dir: Path | None = None,
) -> VesselJoined:  # fmt: skip
    """Return the record of a vessel that takes part from now on, with its settings.

    Args:
        reactor: Its name.
        vessel: With its settings.
        config: Settings of the run.
        space: Allowed setpoints.
        mode: Who may write to it.
        turn: From which it takes part.
        reason: Why.
        run_dir: Folder of the record, from which its places are seen; None = they are whole.
    """
    source = description(vessel)
    asked = {"design_space": space.model_dump(mode="json")} | of_its_own(vessel, config)
    return VesselJoined(
        reactor=reactor, turn=turn, mode=mode.value, config=asked, reason=reason,
        source=source if run_dir is None else recorded(source, run_dir),
    )  # fmt: skip


def resumed(
    last: Record,
    model: Model,
    policy: Policy,
    sources: Mapping[str, Mapping[str, object]],
    functions: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> RunResumed:
    """Return the record of a run that goes on after this last record, and of who decides from then on."""
    return RunResumed(
        after=last.seq, model_id=model.model_id, versions=versions(), sources=dict(sources),
        decided_by=decided_by(policy, model, functions),
        reason=f"The run goes on after record {last.seq} of {last.ts}.",
    )  # fmt: skip


def versions() -> dict[str, str]:
    """Return the versions of the libraries of a run."""
    found = {name: version_there(name) for name in RECORDED_VERSIONS}
    return {name: version for name, version in found.items() if version} | {"python": platform.python_version()}


def description(vessel: Vessel) -> dict[str, object]:
    """Return where the samples of a vessel come from; a clone that a person names counts before the source's.

    A connector of another package is named with its version and source.
    """
    connector = vessel.connector
    described = able(connector, Described)
    found = dict(described.describe()) if described is not None else {}
    who = identity_of(connector)
    theirs = {} if is_ours(who) else {"connector": who}
    return {"kind": connector.kind.value} | found | theirs | ({"clone": vessel.clone} if vessel.clone else {})

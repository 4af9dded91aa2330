"""Identity: which policy and which model decide, as a fact of the record; a run goes on with these, or says so.

A policy or model of perfusio's own may have another version after an update, which is on record; one of the user's own
is another one as soon as its source is.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from perfusio.errors import ConfigError
from perfusio.installed import __version__
from perfusio.registry import version_of
from perfusio.twin.deciding.extensions import function_difference, named, origin_of

OURS = "perfusio."
_ROLES = ("policy", "model")


def identity_of(part: object) -> dict[str, Any]:
    """Return class, version and source hash of a policy or a model; empty words where they are not known.

    One that another package brings by name has its kind, package and settings beside, so that it can be made again.

    Args:
        part: The policy or model.
    """
    cls, origin = type(part), origin_of(part)
    return {
        "class": f"{cls.__module__}.{cls.__qualname__}", "version": _version(cls), "source_sha256": _source_sha256(cls),
        **({} if origin is None else named(origin)),
    }  # fmt: skip


def decided_by(policy: object, model: object, functions: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """Return who decides, for the record: the identity of policy and model, and of functions of other packages."""
    used = {"functions": dict(functions)} if functions else {}
    return {"policy": identity_of(policy), "model": identity_of(model), **used}


def is_ours(identity: Mapping[str, Any]) -> bool:
    """Whether a recorded identity is that of a part of perfusio, which can be made again from the record."""
    return str(identity.get("class", OURS)).startswith(OURS) and "kind" not in identity


def not_ours(recorded: Mapping[str, Any], role: str) -> str:
    """Return the class of the policy or model on record if it is one of the user's own; else nothing."""
    before = recorded.get(role, {})
    return "" if is_ours(before) else str(before["class"])


def check_same(
    recorded: Mapping[str, Any],
    *,
    policy: object | None,
    model: object | None,
    functions: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Refuse to go on with another policy, model, objective or acquisition function than the one on record.

    Args:
        recorded: Who decided, as on record; empty for runs of before this was recorded.
        policy: That is given; None = as on record.
        model: The same.
        functions: Of other packages, that the run uses.

    Raises:
        ConfigError: it is another one, or one of the user's own that is not given.
    """
    for role, given in zip(_ROLES, (policy, model), strict=True):
        before = recorded.get(role)
        if not before:
            continue
        if given is None:
            if own := not_ours(recorded, role):
                raise ConfigError(
                    f"This run was begun with the {role} {own}, which is not perfusio's own: go on with it "
                    f"in Python, DigitalTwin.resume(run_dir, connector=..., {role}=...)."
                )
            continue
        if difference := _difference(before, identity_of(given)):
            raise ConfigError(
                f"The {role} is another than that of the run: {difference}. Give the one on record, or say that "
                "another shall decide from now on, which is recorded: DigitalTwin.resume(..., other=True)."
            )
    if difference := function_difference(recorded, functions):
        raise ConfigError(
            f"The run would be decided otherwise than it was: {difference}. Install the version on record, or say in "
            "Python that it shall: DigitalTwin.resume(..., other=True)."
        )


def _difference(before: Mapping[str, Any], now: Mapping[str, str]) -> str:
    if before["class"] != now["class"]:
        return f"{now['class']}, and on record is {before['class']}"
    hashes = before.get("source_sha256", ""), now["source_sha256"]
    if not is_ours(before) and all(hashes) and hashes[0] != hashes[1]:
        return f"{now['class']} with the source {hashes[1][:12]}..., and on record is {hashes[0][:12]}..."
    return ""


def _version(cls: type) -> str:
    if cls.__module__.startswith(OURS):
        return __version__
    return version_of(cls.__module__)


def _source_sha256(cls: type) -> str:
    """Return the SHA-256 of the file that a class stands in; of its own text where there is no such file."""
    try:
        file = inspect.getsourcefile(cls)
        data = Path(file).read_bytes() if file is not None else inspect.getsource(cls).encode()
    except (OSError, TypeError):
        return ""
    return sha256(data).hexdigest()

"""Resume: how to go on with an unfinished run, from its record. Nothing here writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from perfusio.config import DesignSpace, Objective, RunConfig
from perfusio.errors import AuditError, ConfigError, ConnectorError
from perfusio.events import Event, ModelFitted, ModelSaved, ModelWaiting, RunStarted
from perfusio.objective import of_record
from perfusio.process.panel import Panel
from perfusio.protocols import Connector, Described, Model, NamedByRows, Policy, Resumable, Standing, able
from perfusio.record.audit_logger import LARGEST_CLOCK_STEP_S
from perfusio.record.good_prefix import prefix_of
from perfusio.record.line import Record
from perfusio.record.run_state import RunState
from perfusio.record.summary import Summary
from perfusio.twin.deciding import saved_models
from perfusio.twin.deciding.extensions import functions_of, made_again, refuse_absent
from perfusio.twin.deciding.identity import check_same
from perfusio.twin.deciding.policy_memory import as_recorded
from perfusio.twin.vessels import UNNAMED, Vessel


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """Facts that are needed before an unfinished run can be opened.

    Attributes:
        run_dir: Its folder.
        config: Settings of the run.
        design_space: Allowed setpoints.
        own: Aims of single vessels, by reactor id.
        sources: Description of the source of each vessel when the run began, by reactor id.
        policy: Perfusio's own, with its settings.
        decided_by: Identity of policy and model, as on record last; empty in records of before that was kept.
        run_state: The knowledge of the twin.
        saved: The model that was saved last, if one was.
    """

    run_dir: Path
    config: RunConfig
    design_space: DesignSpace
    own: Mapping[str, Mapping[str, object]]
    sources: Mapping[str, Mapping[str, object]]
    policy: Policy
    decided_by: Mapping[str, Any]
    run_state: RunState
    saved: ModelSaved | None


def outline(run_dir: Path) -> Outline:
    """Read the request of an unfinished run; the record is verified again when it is opened to be written on.

    Raises:
        AuditError: there is no record, or its run is finished.
    """
    path = run_dir / "audit.jsonl"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AuditError(f"{path} cannot be read: {error.strerror}. Give the folder of an unfinished run.") from error
    found = prefix_of(path, data)
    if not found:
        raise AuditError(f"{path} holds no record: that run never began. Start a new one here with --fresh.")
    if found.last.event == "RunEnded":
        raise AuditError(f"{path} holds run {found.first.run}, which is finished: nothing to resume. Start a new run.")
    started = found.first.to_event()
    assert isinstance(started, RunStarted)
    refuse_absent(found.decided_by or {})
    config = RunConfig.model_validate({**started.config["run"], "run_dir": run_dir})
    saved = _latest_of(found, ModelSaved)
    return Outline(
        run_dir=run_dir,
        config=config,
        policy=as_recorded(started.config),
        decided_by=found.decided_by or {},
        design_space=DesignSpace(**started.config["design_space"], process=config.process),
        own=started.config.get("vessels", {}),
        sources=started.sources,
        run_state=known_after(found),
        saved=saved if isinstance(saved, ModelSaved) else None,
    )


def parts_of(
    run_dir: Path, vessels: Mapping[str, Vessel], *, model: Model | None, policy: Policy | None, other: bool
) -> dict[str, Any]:
    """Return the parts of the twin that goes on with a run, by the names of its arguments.

    Arguments and errors as those of `DigitalTwin.resume`.
    """
    known = outline(run_dir)
    if not other:
        policy = policy or made_again(known.decided_by, "policy", known.config.process)
        model = model or made_again(known.decided_by, "model", known.config.process)
        check_same(known.decided_by, policy=policy, model=model, functions=functions_of_run(known))
    asked = asked_of(vessels, known)
    tell_connectors(asked, known)
    return {
        "connector": asked, "design_space": known.design_space, "run_config": known.config,
        "model": model or saved_model(known), "policy": policy or known.policy,
    }  # fmt: skip


def functions_of_run(known: Outline) -> dict[str, dict[str, Any]]:
    """Return the functions of other packages that the run uses, as they are installed now."""
    own = [aim for asked in known.own.values() if "objective" in asked for aim in _aims(asked["objective"], known)]
    return functions_of(known.config, own)


def _aims(recorded: Any, known: Outline) -> tuple[Objective, ...]:
    return of_record(recorded, known.config.process)


def _latest_of(found: Summary, kind: type[Event]) -> Event | None:
    record = found.latest(kind)
    return None if record is None else record.to_event()


def known_after(found: Summary) -> RunState:
    """Return the twin's state after these records; a refit whose model was not saved is still to be done.

    Raises:
        AuditError: a record is of a kind, or has fields, that this version does not know.
        ConfigError: the settings of the run are refused by this version.
    """
    known, fitted, saved = found.run_state, found.latest(ModelFitted), found.latest(ModelSaved)
    if fitted is not None and saved is not None and fitted.seq > saved.seq:
        return replace(known, today=replace(known.today, is_fitted=False))
    return known


def waiting_refit(found: Summary) -> ModelWaiting | None:
    """Return the refit that waits for a person; one that was adopted is there no more once its model was saved."""
    waiting, saved = found.latest(ModelWaiting), found.latest(ModelSaved)
    if waiting is None or (saved is not None and saved.seq > waiting.seq):
        return None
    event = waiting.to_event()
    return event if isinstance(event, ModelWaiting) else None


def saved_model(known: Outline) -> Model | None:
    """Return the model that was in use, None if it was of a kind that is not saved.

    Raises:
        AuditError: it is gone, or another than the one on record.
    """
    return None if known.saved is None else saved_models.load(known.run_dir, known.saved)


def tell_connectors(vessels: Mapping[str, Connector | Vessel], known: Outline) -> None:
    """Tell each connector that can hear it where the run stood, before it is asked for anything.

    Raises:
        UnreadableSource: a source is another one than that of the run.
    """
    state = known.run_state
    for reactor, one in vessels.items():
        connector = able(one.connector if isinstance(one, Vessel) else one, Resumable)
        if connector is not None:
            refused = tuple(sample for (of, _), sample in sorted(state.quarantined.items()) if of == reactor)
            connector.goes_on(
                Standing(
                    states=tuple(state.trajectories[reactor].states), refused=refused, in_force=state.in_force[reactor],
                    done=state.done.get(reactor), source=known.sources.get(reactor, {}),
                )
            )  # fmt: skip


def clock_step(last: Record, now: datetime) -> float:
    """Return by how much the wall clock was set back since the last record [s, below 0], 0 if it was not."""
    back = (now - datetime.fromisoformat(last.ts)).total_seconds()
    return back if back < -LARGEST_CLOCK_STEP_S else 0.0


def asked_of(vessels: Mapping[str, Vessel], known: Outline) -> dict[str, Connector | Vessel]:
    """Return the vessels with the settings of each when the run began.

    Raises:
        ConfigError: these are not the vessels of the run.
    """
    wanted = set(known.run_state.trajectories) - known.run_state.left
    vessels = _under_its_old_name(_by_their_names(vessels, wanted), wanted, known)
    if lacking := sorted(wanted - set(vessels)):
        raise ConfigError(
            f"The run in {known.run_dir} has the vessels {', '.join(sorted(wanted))}, but there is no connector for "
            f"{', '.join(lacking)}. Found: {', '.join(vessels)}."
        )
    if unknown := sorted(set(vessels) - set(known.run_state.trajectories)):
        raise ConfigError(
            f"The run in {known.run_dir} knows nothing of {', '.join(unknown)}; its vessels are "
            f"{', '.join(sorted(wanted))}. Resume with these, then let others join."
        )
    process = known.config.process
    return {r: replace(v, **_own(known.own.get(r, {}), process)) for r, v in vessels.items() if r in wanted}


def _by_their_names(vessels: Mapping[str, Vessel], wanted: set[str]) -> Mapping[str, Vessel]:
    """A source that cannot name its vessels now is that of the run; it is held against it later."""
    named = able(vessels[UNNAMED].connector, NamedByRows) if set(vessels) == {UNNAMED} else None
    if named is None or UNNAMED in wanted or not _is_speechless(named):
        return vessels
    return {reactor: Vessel(connector=named.called(reactor)) for reactor in sorted(wanted)}


def _is_speechless(source: NamedByRows) -> bool:
    described = able(source, Described)
    try:
        return described is not None and not described.describe().get("n_rows")
    except ConnectorError:
        return True


def _under_its_old_name(vessels: Mapping[str, Vessel], wanted: set[str], known: Outline) -> Mapping[str, Vessel]:
    """A single vessel that its source names was called R01 by versions before: it goes on under that name."""
    if wanted != {UNNAMED} or len(vessels) != 1 or UNNAMED in vessels:
        return vessels
    ((name, vessel),) = vessels.items()
    described = able(vessel.connector, Described)  # a name that only the caller gives is another vessel
    said = known.sources.get(UNNAMED, {}).get("reactor") or (described.describe().get("reactor") if described else "")
    return {UNNAMED: vessel} if said == name else vessels


def _own(asked: Mapping[str, Any], process: Panel) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if "objective" in asked:
        out["objective"] = asked["objective"]
    if "design_space" in asked:
        out["design_space"] = DesignSpace(**asked["design_space"], process=process)
    return out

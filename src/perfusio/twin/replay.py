"""Replay: every decision of a run made again from its record, with the models that were saved beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import Any

from perfusio.bed.model_free.counts_model import MODEL_ID, CountsModel
from perfusio.bed.model_free.standing_in import StandIn
from perfusio.config import DesignSpace, Mode, RunConfig
from perfusio.decision import Decision
from perfusio.errors import AuditError, ConfigError
from perfusio.events import Decided, Event, ModelConditioned, ModelSaved, RunStarted, VesselJoined
from perfusio.hybrid.clone_models import keeping_apart
from perfusio.protocols import Model, Policy
from perfusio.record.apply_event import after
from perfusio.record.line import Record
from perfusio.record.run_state import RunState
from perfusio.record.verification.verify import read_records
from perfusio.twin.deciding import saved_models
from perfusio.twin.deciding.extensions import made_again, refuse_absent
from perfusio.twin.deciding.identity import not_ours
from perfusio.twin.deciding.ladder import ON_RECORD
from perfusio.twin.deciding.policy_memory import as_recorded
from perfusio.twin.vessels import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One decision on record, and made again.

    Attributes:
        seq: Number of its record.
        reactor: Vessel.
        turn: Turn of the loop.
        difference: In words; empty = equal to the last bit.
    """

    seq: int
    reactor: str
    turn: int
    difference: str


SCORES_DIFFER = 100.0
"""Times the tolerance of setpoints: scores are means over paths in single precision, of which logarithms are taken."""


class Replay:
    """Goes through the record of a run and makes its decisions again.

    Args:
        run_dir: Folder of the run.
        policy: As the run had it; None = BEDPolicy, with the limits on record.
        model: That it began with, if that was not saved.
        tolerance: Setpoints may differ by so much of their size, scores by SCORES_DIFFER times as much, and models in
            the last bits, as on another kind of machine; 0 = not at all.
    """

    def __init__(
        self, run_dir: Path, policy: Policy | None = None, model: Model | None = None, *, tolerance: float = 0.0
    ) -> None:
        if not 0.0 <= tolerance < 1.0:
            raise ConfigError(f"A tolerance of {tolerance:g} says nothing: give a share from 0 to below 1, as 1e-6.")
        self._run_dir, self._policy, self._model, self._tolerance = run_dir, policy, model, tolerance
        self._again: dict[tuple[str, int], object] = {}

    def compared(self) -> Iterator[Compared]:
        """Yield each decision of the record, compared.

        Raises:
            AuditError: the record or a model cannot be read, or the models of this run were not saved.
            ChainBroken: the record was changed.
            ConfigError: it was decided by a policy of the user's own, which was not given.
        """
        records = list(read_records(self._run_dir / "audit.jsonl"))
        if not records:
            raise AuditError(f"{self._run_dir} holds no record: expected its audit.jsonl. Give the folder of a run.")
        started = records[0].to_event()
        assert isinstance(started, RunStarted)
        decided_by = started.config.get("decided_by", {})
        refuse_absent(decided_by)
        self._config = RunConfig.model_validate({**started.config["run"], "run_dir": self._run_dir})
        self._policy = self._policy or made_again(decided_by, "policy", self._config.process)
        self._model = self._model or made_again(decided_by, "model", self._config.process)
        if self._policy is None and (own := not_ours(decided_by, "policy")):
            raise ConfigError(
                f"This run was decided by {own}, which is not perfusio's own: give it, Replay(run_dir, policy=...)."
            )
        self._chooses = self._policy or as_recorded(started.config)
        self._asked: dict[str, Mapping[str, Any]] = {
            r: {"design_space": started.config["design_space"], **started.config.get("vessels", {}).get(r, {})}
            for r in started.sources
        }
        self._decided = {(r.reactor, r.turn) for r in records if r.event == Decided.__name__}
        known = RunState(run_id=records[0].run, process=self._config.process)
        for record in records:
            event = record.to_event()
            if isinstance(event, Decided):
                yield self._compare(record, event, known)
            known = after(known, event)
            self._follow(event, known)

    def _follow(self, event: Event, known: RunState) -> None:
        """Believe what was believed then."""
        if isinstance(event, VesselJoined):
            self._asked[str(event.reactor)] = event.config
        elif isinstance(event, ModelSaved):
            self._model = saved_models.load(self._run_dir, event)
        elif isinstance(event, ModelConditioned) and self._model is not None and event.model_id != MODEL_ID:
            observed = [t for t in known.trajectories.values() if t.states]
            self._model = keeping_apart(self._model, observed).condition(observed)

    def _compare(self, record: Record, event: Decided, known: RunState) -> Compared:
        reactor, turn = str(event.reactor), event.turn or 0
        if self._model is None:
            raise AuditError(
                f"The model of this run was not saved beside its record (no ModelSaved before record {record.seq}), so "
                "its decisions cannot be made again. Give it: Replay(run_dir, policy, model)."
            )
        if ON_RECORD in event.why:
            found = self._stood_in(event, known, self._model)
        else:
            if not any(t == turn for _, t in self._again):
                self._decide(turn, known, self._model)
            found = self._again.get((reactor, turn))
        difference = _difference(event, found, self._tolerance)
        return Compared(seq=record.seq, reactor=reactor, turn=turn, difference=difference)

    def _stood_in(self, event: Decided, known: RunState, model: Model) -> object:
        """Make a decision again that the model-free MPC made in the place of the twin, for its vessel alone."""
        reactor, turn = str(event.reactor), event.turn or 0
        (terms,) = self._on_equal_terms([reactor])
        policy = StandIn(targets={reactor: known.deciders[reactor].target})
        by = CountsModel(panel=terms.config.process) if event.model_id == MODEL_ID else model
        theirs, now = {reactor: known.trajectories[reactor]}, {reactor: known.in_force[reactor]}
        return policy.decide(theirs, now, by, terms.design_space, terms.config, day=turn)[reactor]

    def _decide(self, turn: int, known: RunState, model: Model) -> None:
        """Make all decisions of a turn, as they were made: those on equal terms together."""
        now = {r: known.in_force[r] for r, t in known.trajectories.items() if t.states and r not in known.left}
        asked = sorted(
            r for r in known.today.sampled - known.left
            if (r, turn) in self._decided  # a person may have changed its mode while it was decided for
            or (known.noted[r] in (Mode.AUTOMATIC, Mode.ADVISORY) and r not in known.pending)
        )  # fmt: skip
        for terms in self._on_equal_terms(asked):
            theirs = {r: known.trajectories[r] for r in terms.reactors}
            answers = self._chooses.decide(theirs, dict(now), model, terms.design_space, terms.config, day=turn)
            self._again |= {(r, turn): answers.get(r) for r in terms.reactors}
            now |= {r: d.setpoints for r, d in answers.items() if isinstance(d, Decision) and r in theirs}

    def _on_equal_terms(self, reactors: list[str]) -> list[Terms]:
        groups: dict[str, Terms] = {}
        for reactor in reactors:
            asked = self._asked[reactor]
            config = self._config
            if "objective" in asked:
                config = RunConfig.model_validate({**dict(config), "objective": asked["objective"]})
            space = DesignSpace(**asked["design_space"], process=config.process)
            name = f"{config.model_dump_json()} {space.model_dump_json()}"
            others = groups[name].reactors if name in groups else ()
            groups[name] = Terms(design_space=space, config=config, reactors=(*others, reactor))
        return list(groups.values())


def _difference(on_record: Decided, again: object, tolerance: float) -> str:
    if not isinstance(again, Decision):
        return f"on record is a decision, now there is none: {again}"
    if tolerance == 0.0 and again.model_id != on_record.model_id:  # it names itself by its last bit
        return f"the model is another: {on_record.model_id[:12]} on record, {again.model_id[:12]} now"
    panel = on_record.setpoints.panel
    moved = [
        f"{name} {getattr(on_record.setpoints, name):.9g} on record, {getattr(again.setpoints, name):.9g} now "
        f"[{panel[name].unit}]"
        for name in panel.setpoint_names
        if _differ(getattr(on_record.setpoints, name), getattr(again.setpoints, name), tolerance)
    ]
    if not moved and _differ(on_record.score, again.score, SCORES_DIFFER * tolerance):
        moved = [f"score {on_record.score!r} on record, {again.score!r} now"]
    return "; ".join(moved)


def _differ(one: float, other: float, tolerance: float) -> bool:
    if one != one or other != other:
        return (one == one) != (other == other)
    return not isclose(one, other, rel_tol=tolerance, abs_tol=0.0)

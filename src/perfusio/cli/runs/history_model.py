"""The model with which a run starts, learnt from a lab's past runs of any clones: `--history`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from perfusio import factories
from perfusio.cli.echo import echo
from perfusio.cli.models.history import FileAnswers, Steps, aloud, read_runs_aloud
from perfusio.errors import NotEnoughData
from perfusio.registry import MODELS, ExtensionError
from perfusio.report.lines import counted

if TYPE_CHECKING:
    from perfusio.cli.experiment_file.past_runs import PastRuns
    from perfusio.frozen import Frozen
    from perfusio.hybrid.clone_models import CloneModels
    from perfusio.hybrid.model import HybridModel
    from perfusio.process.panel import Panel
    from perfusio.protocols import Model
    from perfusio.state import State
    from perfusio.trajectory import Trajectory


NOTHING: Mapping[str, Sequence[State]] = MappingProxyType({})
ANSWERED = (
    "perfusio init SHEET --history RUNS takes these options about past runs too, and keeps the answers; or say "
    "--history-mapping mapping.toml (perfusio import FILE --dry-run --save-mapping mapping.toml writes one)."
)
ALIKE = 4
"""Equal values by which a culture is known: two runs of one design share a few rounded ones by chance."""
MODEL_CAN = ("condition", "refit", "rollout", "futures")


def model_of(
    settings: Frozen,
    history: PastRuns | None,
    clones: Sequence[str],
    process: Panel,
    *,
    seed: int,
    now: Mapping[str, Sequence[State]] = NOTHING,
    say: Callable[[str], object] = echo,
    note: Callable[[str], object] = aloud,
) -> Model | None:
    """Return the model with which a run starts; None = perfusio's own, without data.

    Args:
        settings: `[model]` of the experiment.
        history: As of `starting_model`.
        clones: As of `starting_model`.
        process: Of the runs.
        seed: Of every random choice.
        now: As of `starting_model`.
        say: Takes the lines on what was learnt.
        note: Takes remarks on how the past runs were read.

    Raises:
        ExtensionError: another package brings the model, and it cannot be made.
        PerfusioError: as of `starting_model`.
    """
    name = str(getattr(settings, "kind", ""))
    if name in MODELS.own:
        return starting_model(history, clones, process, seed=seed, now=now, say=say, note=note)
    model = factories.make(MODELS, name, settings, process=process)
    if lacking := [method for method in MODEL_CAN if not callable(getattr(model, method, None))]:
        package = MODELS.find(name)[1].package
        raise ExtensionError(
            f"The model {name!r} of the package {package} gave {type(model).__name__} without {', '.join(lacking)}. "
            "Its author can try check_model of perfusio.testing."
        )
    if history is None:
        return model  # type: ignore[no-any-return]
    origin = MODELS.origin(model)
    past = _of_the_past(history, process, now, note)
    with Steps(f"Learning from {len(past)} past runs", None):
        taught = model.refit(past, seed=seed).model
    if origin is not None:
        MODELS.note(taught, origin)
    say(f"{'History:':8} {counted(len(past), 'past run')}, learnt by the model {name}")
    return taught  # type: ignore[no-any-return]


def starting_model(
    history: PastRuns | None,
    clones: Sequence[str],
    process: Panel,
    *,
    seed: int,
    now: Mapping[str, Sequence[State]] = NOTHING,
    say: Callable[[str], object] = echo,
    note: Callable[[str], object] = aloud,
) -> HybridModel | CloneModels | None:
    """Return the model of past runs for vessels of these clones; None without past runs.

    Where the vessels are of one clone it is that clone's model, of several a model that keeps them apart. Vessels whose
    clone nobody named are of the clone of the past if it is the only one, else a newcomer among those of the past, with
    the doubt of one.

    Args:
        history: Past runs; None = none.
        clones: Of each vessel; empty = not said.
        process: Of the runs, past ones and those to come.
        seed: Of every random choice.
        now: Samples of the cultures that go on, by vessel: none of them is a past run, whatever the files hold.
        say: Takes the lines on what was learnt.
        note: Takes remarks on how the past runs were read.

    Raises:
        UnreadableSource: the past runs cannot be read.
        NotEnoughData: no clone among them has enough usable rows.
    """
    if history is None:
        return None
    past = _of_the_past(history, process, now, note)
    known = {t.clone for t in past}
    wanted = sorted(set(clones) or {""})
    if wanted == [""] and len(known) == 1:
        wanted = [*known]
    with Steps(f"Learning from {len(past)} past runs", None):
        model, told = learnt(past, wanted, seed=seed)
    say(f"{'History:':8} {counted(len(past), 'past run')} of {counted(len(known), 'clone')}; {told[0]}")
    for line in told[1:]:
        say(f"{'':8} {line}")
    return model


def _of_the_past(
    history: PastRuns, process: Panel, now: Mapping[str, Sequence[State]], note: Callable[[str], object]
) -> list[Trajectory]:
    """Return past runs without the cultures that go on: a model that has seen their samples would be too sure.

    Raises:
        UnreadableSource: the files cannot be read.
        NotEnoughData: they hold nothing but these cultures.
    """
    read = read_runs_aloud(
        history.path, process, FileAnswers(mapping=history.mapping, encoding=history.encoding),
        note=note, hint=ANSWERED,
    )  # fmt: skip
    going_on = {run.reactor_id: name for run in read for name, states in now.items() if is_same(run, states)}
    past = [run for run in read if run.reactor_id not in going_on]
    if going_on:
        listed = ", ".join(sorted(going_on))
        if not past:
            raise NotEnoughData(
                f"{history.path} holds {listed} alone, the culture to be advised, expected past runs of others. Leave "
                "--history away, or give other runs."
            )
        words = f"{listed} is the culture of today, so it is not learnt from as a past run"
        note(f"{history.path}: {words}.")
    return past


def is_same(run: Trajectory, states: Sequence[State]) -> bool:
    """Whether a run holds the samples of a culture: at least ALIKE equal values, and none that differs."""
    n_equal = 0
    for state in states:
        known = run.at(state.time_h)
        if known is None:
            continue
        ours, theirs = state.measured(), known.measured()
        both = ours.keys() & theirs.keys()
        if any(ours[name] != theirs[name] for name in both):
            return False
        n_equal += len(both)
    return n_equal >= ALIKE


def learnt(
    past: Sequence[Trajectory], clones: Sequence[str], *, seed: int
) -> tuple[HybridModel | CloneModels, list[str]]:
    """Return the model of `clones` from past runs, and a sentence on each of them.

    Raises:
        NotEnoughData: no clone of the past has enough usable rows.
        FitFailed: no usable optimum.
    """
    from perfusio.hybrid.clone_models import CloneModels
    from perfusio.hybrid.model import HybridModel

    (first, *others) = clones
    if not others and {t.clone for t in past} == {first}:
        return HybridModel.prior(past[0].panel).fit(past, seed=seed), [f"all are of {_named(first)}"]
    models = CloneModels.fit(past, clones, seed=seed)
    told = [_told(models, past, clone) for clone in clones]
    return (models if others else models.of(first)), told


def _told(models: CloneModels, past: Sequence[Trajectory], clone: str) -> str:
    name, n_own = _named(clone), sum(t.clone == clone for t in past)
    if clone in models.alone:
        return f"only the {n_own} of {name} are used for it: runs left out say that the others do harm"
    if not models.of(clone).courses:
        own = f"the {n_own} of {name} are too short to learn from" if n_own else f"none is of {name}"
        return f"{own}: its forecasts start from its relatives, with wide intervals"
    if len(models.registry.models) == 1:
        return f"{n_own} of {name} teach it, and there is no other clone to learn from"
    return f"{n_own} of {name} teach it, and the others as its relatives{_nearest(models, clone)}"


def _nearest(models: CloneModels, clone: str) -> str:
    """Say which known clone is most like this one."""
    registry = models.registry
    names = [*registry.models]
    apart = registry.distances()[names.index(clone)]
    other = min((n for n in names if n != clone), key=lambda n: apart[names.index(n)])
    return f"; the nearest is {_named(other)}, {apart[names.index(other)]:.1f} away (1 = as two cell lines usually are)"


def _named(clone: str) -> str:
    return clone or "a clone that is not named"

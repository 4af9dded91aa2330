"""`perfusio fit`: learn a model from past runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.processes import ProcessOption, VolumeOption, panel_in
from perfusio.cli.models.history import (
    FileAnswers,
    MappingOption,
    RunsOption,
    SeedOption,
    Steps,
    chosen,
    read_runs_aloud,
    refuse_to_replace,
)
from perfusio.cli.options import ColumnOption, IgnoreOption, JsonOption, OverwriteOption, SetMissingOption, print_json

if TYPE_CHECKING:
    from perfusio.hybrid.model import HybridModel

UNINFORMED, AT_EDGE, FAR = 0.8, 0.95, 2.5
"""Share of the prior's doubt that is left where data hardly told a rate; share of the search's reach; prior sds."""


def fit(
    runs: RunsOption,
    out: Annotated[Path, typer.Option(help="Folder for the model.")] = Path("model"),
    hold_out: Annotated[
        str, typer.Option(help="Runs to leave out and score the model on, separated by commas.", metavar="NAMES")
    ] = "",
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
    mapping: MappingOption = None,
    column: ColumnOption = None,
    ignore: IgnoreOption = None,
    set_missing: SetMissingOption = None,
    process: ProcessOption = None,
    working_volume: VolumeOption = None,
    json_output: JsonOption = False,
) -> None:
    """Fit the hybrid model to past runs and save it.

    With --hold-out it is scored on runs that it did not see, beside persistence, the batch average and a plain
    Gaussian process; the scores go into the checkpoint.
    """
    from perfusio.cli.models.score import compare
    from perfusio.errors import NotEnoughData
    from perfusio.hybrid.checkpoints import ABOUT, ARRAYS, save
    from perfusio.hybrid.model import HybridModel

    files = [out / ABOUT, out / ARRAYS]
    refuse_to_replace(files, overwrite=overwrite)
    panel = panel_in(process, working_volume)
    answers = FileAnswers(mapping=mapping, column=column, ignore=ignore, set_missing=set_missing, granted=[])
    past = read_runs_aloud(runs, panel, answers)
    held_out = chosen(past, [name.strip() for name in hold_out.split(",") if name.strip()], "--hold-out")
    training = [t for t in past if t.reactor_id not in {h.reactor_id for h in held_out}]
    if not training:
        raise NotEnoughData("--hold-out names every run, so none is left to learn from. Hold fewer runs out.")
    with Steps(f"Fitting {len(training)} runs", None):
        model = HybridModel.prior(panel).fit(training, seed=seed)
    board = compare(model, training, held_out, seed=seed).board if held_out else None
    scores = None if board is None else board.to_json()
    save(model, out, trajectories=training, scores=scores)
    n_samples = sum(len(t.states) for t in training)
    if json_output:
        about: dict[str, object] = {"model_id": model.model_id, "runs": len(training), "samples": n_samples}
        about["taken_for_granted"] = answers.granted
        told = {"rates": rates(model), "not_learnt": not_learnt(model), "weights": weights(model)}
        print_json({**about, **told, "files": [str(f) for f in files], "scores": scores})
        return
    echo(f"Model {model.model_id}, learnt from {len(training)} runs with {n_samples} samples.")
    echo("Rates of its balances, and what is typical of CHO cells:")
    unlearnt = not_learnt(model)
    for name, (value, typical, unit) in rates(model).items():
        echo(f"  {name:22}{value:>10.3g} {typical:>10.3g}  {unit:16}{unlearnt.get(name, '')}".rstrip())
    echo("\n".join(weights_table(model)))
    if board is not None:
        echo(f"\n{board.table()}\n")
    for file, what in zip(files, ("the model in words and numbers", "its arrays"), strict=True):
        echo(f"{file}: {what}")
    echo(f"Score it on runs that it has not seen: perfusio score --model {out} --runs FOLDER")


def not_learnt(model: HybridModel) -> dict[str, str]:
    """Return why a rate is no knowledge of these runs, by name; rates that data told are not there."""
    from perfusio.hybrid.calibration import REACH

    process = model.process
    at = process.layout
    if process.doubt_left is None:
        return {}
    found = {}
    for name, factor, sd, left in zip(at.parameters, process.log_factors, at.log_sd, process.doubt_left, strict=True):
        if left > 1.0 - 1e-9:
            found[name] = "not measured: as expected"
        elif left > UNINFORMED:
            found[name] = "not told by these runs"
        elif abs(factor) > AT_EDGE * REACH * sd:
            found[name] = "at the edge of the search: not credible"
        elif abs(factor) > FAR * sd:
            found[name] = "far from any usual CHO cell"
    return found


def weights(model: HybridModel) -> dict[str, dict[str, dict[str, float]]]:
    """Return by species and days ahead how much forecasts believe each member; {} = the hybrid model alone."""
    if model.blend is None:
        return {}
    from perfusio.hybrid.blend.members import MEMBERS

    days = (1, 3, 7)
    return {
        species: {
            f"{d}": {m: round(w, 2) for m, w in zip(MEMBERS, model.blend.weights[:, k, q].tolist(), strict=True) if w}
            for k, d in enumerate(days)
        }
        for q, species in enumerate(model.process.layout.species)
    }


def weights_table(model: HybridModel) -> list[str]:
    """Return the weights as lines of text; one line where the hybrid model stands alone."""
    found = weights(model)
    if not found:
        return ["Forecasts are those of the hybrid model alone: too few runs to leave one out."]
    lines = ["Weights of forecasters 1, 3 and 7 days ahead, by runs left out (decisions: hybrid alone):"]
    for species, of in found.items():
        said = [", ".join(f"{m} {w:.2f}" for m, w in by.items()) for by in of.values()]
        lines.append(f"  {species:12}{said[0] if len(set(said)) == 1 else '; '.join(said)}")
    return lines


def rates(model: HybridModel) -> dict[str, tuple[float, float, str]]:
    """Return the calibrated rate, the typical one and their unit, by name."""
    from math import exp

    factors = [exp(v) for v in model.process.log_factors]
    parameters = model.process.layout.bound.parameters
    return {p.name: (p.value * f, p.value, p.unit) for p, f in zip(parameters, factors, strict=True)}

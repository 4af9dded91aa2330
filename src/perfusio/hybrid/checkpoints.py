"""Save a model and load it again: arrays as safetensors, everything else as JSON that a person can read; no pickle.

A checkpoint is a folder of two files. `checkpoint.json` describes the model: format and versions, its process, the
names along the axes of its arrays, the hash of the data that it learnt from, its scores. `model.safetensors` holds the
arrays, bit by bit. Format 2, from before a process could be declared, is read as one of the default panel. A loaded
model forecasts exactly what the saved one did, or the folder is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors.numpy import load as arrays_from_bytes
from safetensors.numpy import save as bytes_from_arrays

from perfusio.errors import CheckpointRefused, ConfigError, UnknownQuantity
from perfusio.hybrid.clone_models import CloneModels
from perfusio.hybrid.layout import Layout, layout_of
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.stored.axes import Axes
from perfusio.hybrid.stored.packing import Arrays, Packer, pack_run, unpack, unpack_run
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.document import panel_of, plain_of
from perfusio.trajectory import Trajectory

FORMAT = 3
READ = (2, 3)
ABOUT, ARRAYS = "checkpoint.json", "model.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The contents of a folder.

    Attributes:
        model: The model, as it was saved.
        training: The runs that it learnt from.
        about: The rest of `checkpoint.json`: versions, hashes, `scores`.
    """

    model: HybridModel
    training: tuple[Trajectory, ...]
    about: Mapping[str, Any]


def save(
    model: HybridModel | CloneModels,
    folder: str | Path,
    *,
    trajectories: Sequence[Trajectory],
    scores: Mapping[str, object] | None = None,
) -> Path:
    """Write a model to a folder, which is made if need be; an earlier checkpoint there is replaced.

    Args:
        model: The model.
        folder: Where to; usually one folder per model.
        trajectories: The runs it learnt from. They go into the checkpoint, so that baselines and a refit can use them.
        scores: Of its quality, plain data, e.g. `Scoreboard.to_json()`.

    Returns:
        The path of `checkpoint.json`.

    Raises:
        ModelError: the model holds something that is not finite, or of a class that cannot be saved.
    """
    layout = layout_of(model.panel)
    packer = Packer(axes=Axes(layout=layout))
    training = [packer.place(t) for t in trajectories]
    tree = {"model": packer.pack(model, "model"), "training": training}
    tree |= {"process": plain_of(model.panel), "axes": _order(layout)}
    tree["runs"] = [pack_run(t, f"runs.{i}", packer.arrays) for i, t in enumerate(packer.runs)]
    content = bytes_from_arrays(packer.arrays)
    about = {
        "format": FORMAT,
        "written_by": _versions(),
        "model_id": model.model_id,
        "process": plain_of(model.panel),
        **_order(layout),
        "n_runs": len(trajectories),
        "n_samples": sum(len(t.states) for t in trajectories),
        "data_sha256": data_sha256(trajectories),
        "arrays_sha256": hashlib.sha256(content).hexdigest(),
        "tree_sha256": _tree_sha256(tree),
        "scores": scores,
        "tree": tree,
    }
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    _replace(target / ARRAYS, content)  # the JSON comes last: with old arrays beside it, it would be refused
    _replace(target / ABOUT, json.dumps(about, indent=1, allow_nan=False).encode())
    return target / ABOUT


def load(folder: str | Path) -> HybridModel:
    """Return the model of a checkpoint; it has the same `model_id` and makes the same forecasts, bit by bit.

    Raises:
        CheckpointRefused: the folder is not a whole, unchanged checkpoint that this version understands, or holds
            models of several clones.
    """
    return read_checkpoint(folder).model


def load_any(folder: str | Path) -> HybridModel | CloneModels:
    """Return the model of a checkpoint, be it of one clone or of several.

    Raises:
        CheckpointRefused: the folder is not a whole, unchanged checkpoint that this version understands.
    """
    return _read(folder)[0]


def load_with_format(folder: str | Path) -> tuple[HybridModel | CloneModels, int]:
    """Return the model of a checkpoint, and the format in which it was written.

    Raises:
        CheckpointRefused: as `load_any`.
    """
    model, _, about = _read(folder)
    return model, int(about["format"])


def read_checkpoint(folder: str | Path) -> Checkpoint:
    """Return everything in a checkpoint.

    Raises:
        CheckpointRefused: the folder is not a whole, unchanged checkpoint that this version understands, or holds
            models of several clones.
    """
    model, training, about = _read(folder)
    if not isinstance(model, HybridModel):
        raise CheckpointRefused(
            f"{Path(folder) / ABOUT} holds models of {len(model.models)} clones, {', '.join(sorted(model.models))}; "
            "expected one model. A run goes on with it by perfusio resume; fit one clone's runs for anything else."
        )
    return Checkpoint(model=model, training=training, about=about)


def _read(folder: str | Path) -> tuple[HybridModel | CloneModels, tuple[Trajectory, ...], Mapping[str, Any]]:
    """Return model, runs that it learnt from, and the rest of `checkpoint.json`."""
    path = Path(folder) / ABOUT
    try:
        about = json.loads(_bytes(path))
        found = about["format"]
        if not isinstance(about, dict):
            raise TypeError(f"a {type(about).__name__} where an object was expected")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointRefused(
            f"{path} is not what perfusio writes ({type(error).__name__}: {error}), expected JSON with a format "
            "number. Restore the file, or fit the model again: perfusio fit."
        ) from error
    if found not in READ:
        by = _written_by(about)
        raise CheckpointRefused(
            f"{path} has format {found!r}, written by perfusio {by}; this version {version('perfusio-twin')} reads "
            f"formats {' and '.join(map(str, READ))}. Use the version that wrote it, or fit the model again: perfusio "
            "fit."
        )
    axes = _axes(path, about)
    try:
        return _rebuilt(path, about, _unchanged_arrays(path, about), axes)
    except CheckpointRefused:
        raise
    except Exception as error:  # a file with right hashes can still hold anything: it was written by something else
        raise CheckpointRefused(
            f"{path} cannot be made a model again ({type(error).__name__}: {error!s:.200}): expected what perfusio "
            "writes, of the shape that this version knows. Restore both files from the same copy, or fit again: "
            "perfusio fit."
        ) from error


def data_sha256(trajectories: Sequence[Trajectory]) -> str:
    """Return the SHA-256 of runs: names, times, readings and setpoints in force; remarks do not count."""
    digest = hashlib.sha256()
    for t in trajectories:
        arrays: Arrays = {}
        names = pack_run(t, "run", arrays)
        digest.update(json.dumps([names["reactor_id"], names["run_id"], names["clone"]]).encode())
        if t.panel != CHO_PERFUSION or "medium" in names:  # what has neither keeps its hash from before
            order = [*(s.name for s in t.panel.species), *t.panel.setpoint_names]
            digest.update(json.dumps([order, t.flows_in.as_dict()]).encode())
        for array in arrays.values():
            digest.update(json.dumps(array.shape).encode() + json.dumps(array.tolist()).encode())
    return digest.hexdigest()


def _unchanged_arrays(path: Path, about: Mapping[str, Any]) -> Arrays:
    content = _bytes(path.parent / ARRAYS)
    changed = [
        name
        for name, found, key in (
            (ARRAYS, hashlib.sha256(content).hexdigest(), "arrays_sha256"),
            (ABOUT, _tree_sha256(about.get("tree")), "tree_sha256"),
        )
        if found != about.get(key)
    ]
    if changed:
        raise CheckpointRefused(
            f"{' and '.join(changed)} in {path.parent} changed since the model was saved: the SHA-256 is another than "
            "the one noted in checkpoint.json. Restore both files from the same copy, or fit again: perfusio fit."
        )
    return arrays_from_bytes(content)


def _order(layout: Layout) -> dict[str, list[str]]:
    """Return the names along the axes; the first parameters are those that vessels have of their own."""
    return {
        "species": list(layout.species),
        "setpoints": list(layout.setpoints),
        "parameters": list(layout.parameters),
        "own_rates": list(layout.parameters[: layout.n_vessel_rates]),
    }


def _axes(path: Path, about: Mapping[str, Any]) -> Axes:
    """Return the axes of the stored arrays.

    Raises:
        CheckpointRefused: the process cannot be read, or the names are not those that were saved with the arrays.
    """
    is_before_processes = about["format"] == 2
    try:
        tree = about["tree"]
        layout = layout_of(panel_of(None if is_before_processes else tree["process"]))
        here = _order(layout)
        saved = here if is_before_processes else {what: [str(n) for n in tree["axes"][what]] for what in here}
    except (ConfigError, UnknownQuantity, KeyError, TypeError, ValueError) as error:
        raise CheckpointRefused(
            f"{path}: its process cannot be read ({type(error).__name__}: {error!s:.200}), expected what perfusio "
            "writes. Restore the file, or fit the model again: perfusio fit."
        ) from error
    for what in here:
        said = about.get(what, here[what] if is_before_processes else None)
        if said != saved[what] or sorted(saved[what]) != sorted(here[what]):
            raise CheckpointRefused(
                f"{path}: the {what} of the model are {_listed(said)}, expected {_listed(here[what])}. A model only "
                "fits the quantities it learnt, and the laws it learnt with; fit it again: perfusio fit."
            )
    return Axes.read(layout, saved)


def _rebuilt(
    path: Path, about: dict[str, Any], arrays: Arrays, axes: Axes
) -> tuple[HybridModel | CloneModels, tuple[Trajectory, ...], Mapping[str, Any]]:
    tree = about["tree"]
    runs = tuple(unpack_run(node, f"runs.{i}", arrays, axes.layout.panel) for i, node in enumerate(tree["runs"]))
    try:
        model = unpack(tree["model"], arrays, runs, axes)
    except ValueError as error:
        by = _written_by(about)
        raise CheckpointRefused(
            f"{path} was written by perfusio {by} with a model of another shape: {error}. Use that version, or fit the "
            "model again: perfusio fit."
        ) from error
    is_same = axes.is_same()  # in another order of the laws it is the same model with another name
    if not isinstance(model, HybridModel | CloneModels) or (is_same and model.model_id != about["model_id"]):
        raise CheckpointRefused(
            f"{path} is the checkpoint of model {about['model_id']}, but its files make another one; expected the same "
            "model bit by bit. Restore both files from the same copy, or fit again: perfusio fit."
        )
    training = tuple(runs[i] for i in tree["training"])
    return model, training, {k: v for k, v in about.items() if k != "tree"}


def _written_by(about: Mapping[str, Any]) -> str:
    by = about.get("written_by")
    return str(by.get("perfusio", "unknown")) if isinstance(by, dict) else "unknown"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointRefused(
            f"{path} cannot be read ({error.strerror}): a checkpoint is a folder with {ABOUT} and {ARRAYS}, as "
            "`perfusio fit --out` writes it. Check the path."
        ) from error


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _tree_sha256(tree: object) -> str:
    return hashlib.sha256(json.dumps(tree, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _versions() -> dict[str, str]:
    packages = {"perfusio": "perfusio-twin", "numpy": "numpy", "scipy": "scipy", "safetensors": "safetensors"}
    return {"python": platform.python_version(), **{name: version(p) for name, p in packages.items()}}


def _listed(names: object) -> str:
    return ", ".join(map(str, names)) if isinstance(names, list) else repr(names)

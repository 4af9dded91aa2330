"""A tree of frozen dataclasses as plain JSON beside named arrays, and back: every bit, and only classes on a list.

What a field holds decides how it is written, so a field that is added to the model needs no second line here; a class
that is added needs its name in CLASSES. What has a place for each species or parameter is written by their names
(`axes.OF_FIELD`). Nothing is ever executed on the way back, as it would be with pickle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from perfusio.errors import ModelError
from perfusio.hybrid.blend.blend import Blend
from perfusio.hybrid.blend.members import Rivals
from perfusio.hybrid.clone_models import CloneModels
from perfusio.hybrid.clones.relatives import CloneResidual
from perfusio.hybrid.filtering.belief import Belief, Process
from perfusio.hybrid.gaussian_processes.gp import GaussianProcess, Hyperparameters
from perfusio.hybrid.gaussian_processes.sparse import InducingProcess
from perfusio.hybrid.learning import Course
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.residuals.residual import Residual
from perfusio.hybrid.residuals.rows import ResidualRows
from perfusio.hybrid.rivals.forecasters import BatchAverage
from perfusio.hybrid.rivals.plain_gp import PlainGP
from perfusio.hybrid.rivals.step_gp import StepGP
from perfusio.hybrid.stored.axes import OF_FIELD, Axes, permuted
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.medium import Medium
from perfusio.process.panel import Panel
from perfusio.state import Setpoints, State
from perfusio.trajectory import Feed, Trajectory

Json = Any
Arrays = dict[str, np.ndarray[Any, np.dtype[Any]]]

CLASSES: Mapping[str, type[Any]] = {
    c.__name__: c
    for c in (
        HybridModel,
        CloneModels,
        Process,
        Residual,
        CloneResidual,
        ResidualRows,
        GaussianProcess,
        InducingProcess,
        Hyperparameters,
        Belief,
        Course,
        Blend,
        Rivals,
        StepGP,
        PlainGP,
        BatchAverage,
    )
}
DEFAULT = object()
ADDED: Mapping[str, Mapping[str, object]] = {
    "HybridModel": {"blend": None},
    "Process": {"doubt_left": None},
    "Residual": {"unit": DEFAULT, "reach": None},
    "CloneResidual": {"unit": DEFAULT, "reach": None},
}
"""Fields that earlier checkpoints of a class lack, and what they then are: a model goes on as it was saved."""
_ELSEWHERE = ("layout", "panel")
"""Fields that follow from the panel, which a checkpoint holds once."""


@dataclass(slots=True)
class Packer:
    """Collects the arrays and runs of everything that is packed; a run that occurs twice is kept once.

    Attributes:
        arrays: By path in the tree.
        runs: Trajectories, by place.
        axes: Of the panel of all of them.
    """

    axes: Axes = field(default_factory=Axes)
    arrays: Arrays = field(default_factory=dict)
    runs: list[Trajectory] = field(default_factory=list)

    def pack(self, value: object, path: str) -> Json:
        """Return `value` as plain JSON.

        Raises:
            ModelError: it holds something that a checkpoint cannot hold.
        """
        if value is None or isinstance(value, str | bool | int):
            return value
        if isinstance(value, float | np.integer) and np.isfinite(value):
            return value.item() if isinstance(value, np.generic) else value
        if isinstance(value, np.ndarray) and value.dtype.kind in "fib":
            return self._array(value, path)
        if isinstance(value, tuple | list):
            return [self.pack(v, f"{path}.{i}") for i, v in enumerate(value)]
        if isinstance(value, Mapping):
            return {"map": [[key, self.pack(v, f"{path}.{key}")] for key, v in value.items()]}
        if isinstance(value, Trajectory):
            return {"run": self.place(value)}
        if CLASSES.get(type(value).__name__) is type(value):
            kind = type(value).__name__
            content = {
                f.name: self._field(f"{kind}.{f.name}", getattr(value, f.name), f"{path}.{f.name}")
                for f in _fields(type(value))
            }
            return {"class": kind, "fields": content}
        raise ModelError(
            f"{path} is {value!r:.60} of type {type(value).__name__}, which a checkpoint cannot hold: expected finite "
            f"numbers, text, arrays, tuples, mappings and {', '.join(CLASSES)}. Add the class to packing.CLASSES."
        )

    def _field(self, name: str, value: object, path: str) -> Json:
        """Pack the content of a field: by names where its places have any."""
        axes = OF_FIELD.get(name)
        if axes is None or not isinstance(value, np.ndarray | tuple) or not len(value):
            return self.pack(value, path)
        names = None if axes[0] is None else self.axes.names(axes[0], len(value))
        if isinstance(value, tuple) and names is not None:
            return {"named": {n: self.pack(v, f"{path}.{n}") for n, v in zip(names, value, strict=True)}}
        if isinstance(value, np.ndarray) and value.ndim == 1 and names is not None:
            return {"numbers": {n: self.pack(float(v), f"{path}.{n}") for n, v in zip(names, value, strict=True)}}
        return {**self.pack(value, path), "axes": list(axes)}

    def place(self, run: Trajectory) -> int:
        """Return the place of a run among `runs`, where it is put if it is new."""
        for i, known in enumerate(self.runs):
            if known is run:
                return i
        self.runs.append(run)
        return len(self.runs) - 1

    def _array(self, value: np.ndarray[Any, Any], path: str) -> Json:
        # Memory order decides the order in which LAPACK adds, and with it the last bit.
        order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
        if value.ndim == 2 and value.shape[0] == value.shape[1] > 1 and not np.triu(value, 1).any():
            self.arrays[path] = value[np.tril_indices(len(value))]  # a Cholesky factor is half zeros
            return {"array": path, "order": order, "lower": len(value)}
        self.arrays[path] = np.ascontiguousarray(value.T if order == "F" else value)
        return {"array": path, "order": order}


def unpack(node: Json, arrays: Arrays, runs: tuple[Trajectory, ...], axes: Axes | None = None) -> Any:
    """Return what `Packer.pack` was given.

    Args:
        node: What it returned.
        arrays: Its arrays.
        runs: Its runs.
        axes: Of the stored arrays; default: those of the default panel.

    Raises:
        ValueError: a class has other fields or names than when it was packed, or is not on the list.
    """
    at = axes or Axes()
    if isinstance(node, list):
        return tuple(unpack(v, arrays, runs, at) for v in node)
    if not isinstance(node, dict):
        return node
    if "map" in node:
        return {key: unpack(v, arrays, runs, at) for key, v in node["map"]}
    if "run" in node:
        return runs[node["run"]]
    if "array" in node:
        return permuted(_unpacked_array(node, arrays), node.get("axes", ()), at)
    cls = CLASSES.get(node["class"])
    known = [f.name for f in _fields(cls)] if cls is not None else []
    later = {} if cls is None else ADDED.get(cls.__name__, {})
    if cls is None or not set(known) - set(later) <= set(node["fields"]) <= set(known):
        raise ValueError(f"{node['class']} with {', '.join(node['fields'])}, here with {', '.join(known) or 'nothing'}")
    context = {"layout": at.layout, "panel": at.layout.panel}
    given = {f.name: context[f.name] for f in fields(cls) if f.init and f.name in _ELSEWHERE}
    given |= {name: value for name, value in later.items() if name not in node["fields"] and value is not DEFAULT}
    for name, value in node["fields"].items():
        given[name] = _unpacked_field(f"{node['class']}.{name}", value, arrays, runs, at)
    return cls(**given)


def _unpacked_field(name: str, node: Json, arrays: Arrays, runs: tuple[Trajectory, ...], at: Axes) -> Any:
    """Return the content of a field, in the order of the layout where it was packed by names."""
    key = next((key for key in ("named", "numbers") if isinstance(node, dict) and key in node), None)
    if key is None:
        return unpack(node, arrays, runs, at)
    axis = OF_FIELD.get(name, (None,))[0]
    names = at.names(axis, len(node[key])) if axis is not None else ()
    if set(names) != set(node[key]):
        raise ValueError(f"{name} with {', '.join(node[key])}, here with {', '.join(names)}")
    if key == "numbers":
        return np.array([float(node[key][n]) for n in names])
    return tuple(unpack(node[key][n], arrays, runs, at) for n in names)


def _unpacked_array(node: Json, arrays: Arrays) -> np.ndarray[Any, Any]:
    stored = arrays[node["array"]]
    if "lower" in node:
        n = node["lower"]
        if stored.shape != (n * (n + 1) // 2,):  # before room is made for it
            raise ValueError(f"{node['array']} with {stored.size} numbers for a triangle of {n!s:.20} rows")
        full = np.zeros((n, n), dtype=stored.dtype, order=node["order"])
        full[np.tril_indices(n)] = stored
        return full
    return np.asfortranarray(stored.T) if node["order"] == "F" else stored.copy()


def pack_run(run: Trajectory, path: str, arrays: Arrays) -> Json:
    """Put a run's numbers among `arrays` and return the rest as plain JSON."""
    names = [s.name for s in run.panel.species]
    rows = [[getattr(s, name) for name in names] for s in run.states]
    arrays[f"{path}.times_h"] = run.times_h
    arrays[f"{path}.measured"] = np.array(rows, dtype=float).reshape(-1, len(names))
    arrays[f"{path}.in_force"] = run.inputs
    if run.feeds:  # a run without feeds keeps the bytes, and so the hash, that it had before there were feeds
        held = _dissolved(run.panel)
        fed = [[math.nan] * (1 + len(held)) if f is None else [f.fraction, *_held(f, held)] for f in run.feeds]
        arrays[f"{path}.feeds"] = np.array(fed, dtype=float)
    remarks = {str(i): dict(s.quality) for i, s in enumerate(run.states) if s.quality}
    own = {} if run.flows_in == CHO_PERFUSION.medium else {"medium": run.flows_in.as_dict()}
    return {"reactor_id": run.reactor_id, "run_id": run.run_id, "clone": run.clone, "quality": remarks, **own}


def _dissolved(panel: Panel) -> tuple[str, ...]:
    """Return what a feed may hold: solutes."""
    return panel.of_role("solute")


def _held(feed: Feed, names: Sequence[str]) -> list[float]:
    held = feed.concentrations()
    return [held.get(name, 0.0) for name in names]


def unpack_run(node: Json, path: str, arrays: Arrays, panel: Panel = CHO_PERFUSION) -> Trajectory:
    """Return the run of that process that `pack_run` was given."""
    times, measured, in_force = (arrays[f"{path}.{what}"] for what in ("times_h", "measured", "in_force"))
    names = [s.name for s in panel.species]
    states = tuple(
        State.of_values(
            panel,
            float(time_h),
            dict(zip(names, map(float, row), strict=True)),
            node["quality"].get(str(i), {}),
        )
        for i, (time_h, row) in enumerate(zip(times, measured, strict=True))
    )
    setpoints = tuple(Setpoints.of(row, panel) for row in in_force)
    held = _dissolved(panel)
    feeds = tuple(
        None
        if math.isnan(row[0])
        else Feed.of_values(panel, float(row[0]), dict(zip(held, map(float, row[1:]), strict=True)))
        for row in arrays.get(f"{path}.feeds", np.empty((0, 1 + len(held))))
    )
    about = {key: node[key] for key in ("reactor_id", "run_id", "clone")}
    medium = Medium(**node.get("medium", CHO_PERFUSION.medium.as_dict()))
    own = None if medium == panel.medium else medium
    return Trajectory(states=states, setpoints=setpoints, feeds=feeds, medium=own, **about)


def _fields(cls: type[Any]) -> list[Any]:
    return [f for f in fields(cls) if f.init and f.name not in _ELSEWHERE]

"""A tree of frozen dataclasses as plain JSON beside named arrays, and back: every bit, and only classes on a list.

What a field holds decides how it is written, so a field that is added to the model needs no second line here; a class
that is added needs its name in CLASSES. Nothing is ever executed on the way back, as it would be with pickle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from perfusio.errors import ModelError
from perfusio.hybrid.clone_models import CloneModels
from perfusio.hybrid.filter import Belief, Process
from perfusio.hybrid.gp import GaussianProcess, Hyperparameters
from perfusio.hybrid.learning import Course
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.relatives import CloneResidual
from perfusio.hybrid.residual import Residual, ResidualRows
from perfusio.hybrid.sparse import InducingProcess
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.state import STATE_QUANTITIES, Setpoints, State
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
    )
}
_FEED = tuple(f.name for f in fields(Feed) if f.name not in ("panel", "more"))


@dataclass(slots=True)
class Packer:
    """Collects the arrays and runs of everything that is packed; a run that occurs twice is kept once.

    Attributes:
        arrays: By path in the tree.
        runs: Trajectories, by place.
    """

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
            content = {f.name: self.pack(getattr(value, f.name), f"{path}.{f.name}") for f in _fields(type(value))}
            return {"class": type(value).__name__, "fields": content}
        raise ModelError(
            f"{path} is {value!r:.60} of type {type(value).__name__}, which a checkpoint cannot hold: expected finite "
            f"numbers, text, arrays, tuples, mappings and {', '.join(CLASSES)}. Add the class to packing.CLASSES."
        )

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


def unpack(node: Json, arrays: Arrays, runs: tuple[Trajectory, ...]) -> Any:
    """Return what `Packer.pack` was given.

    Raises:
        ValueError: a class has other fields than when it was packed, or is not on the list.
    """
    if isinstance(node, list):
        return tuple(unpack(v, arrays, runs) for v in node)
    if not isinstance(node, dict):
        return node
    if "map" in node:
        return {key: unpack(v, arrays, runs) for key, v in node["map"]}
    if "run" in node:
        return runs[node["run"]]
    if "array" in node:
        return _unpacked_array(node, arrays)
    cls = CLASSES.get(node["class"])
    known = [f.name for f in _fields(cls)] if cls is not None else []
    if cls is None or set(known) != set(node["fields"]):
        raise ValueError(f"{node['class']} with {', '.join(node['fields'])}, here with {', '.join(known) or 'nothing'}")
    return cls(**{name: unpack(v, arrays, runs) for name, v in node["fields"].items()})


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
    rows = [[getattr(s, name) for name in STATE_QUANTITIES] for s in run.states]
    arrays[f"{path}.times_h"] = run.times_h
    arrays[f"{path}.measured"] = np.array(rows, dtype=float).reshape(-1, len(STATE_QUANTITIES))
    arrays[f"{path}.in_force"] = run.inputs
    if run.feeds:  # a run without feeds keeps the bytes, and so the hash, that it had before there were feeds
        fed = [[math.nan] * len(_FEED) if f is None else [getattr(f, name) for name in _FEED] for f in run.feeds]
        arrays[f"{path}.feeds"] = np.array(fed, dtype=float)
    remarks = {str(i): dict(s.quality) for i, s in enumerate(run.states) if s.quality}
    return {"reactor_id": run.reactor_id, "run_id": run.run_id, "clone": run.clone, "quality": remarks}


def unpack_run(node: Json, path: str, arrays: Arrays) -> Trajectory:
    """Return the run that `pack_run` was given."""
    times, measured, in_force = (arrays[f"{path}.{what}"] for what in ("times_h", "measured", "in_force"))
    states = tuple(
        State.of_values(
            CHO_PERFUSION,
            float(time_h),
            dict(zip(STATE_QUANTITIES, map(float, row), strict=True)),
            node["quality"].get(str(i), {}),
        )
        for i, (time_h, row) in enumerate(zip(times, measured, strict=True))
    )
    setpoints = tuple(Setpoints.of(row) for row in in_force)
    feeds = tuple(
        None if math.isnan(row[0]) else _feed(row) for row in arrays.get(f"{path}.feeds", np.empty((0, len(_FEED))))
    )
    about = {key: node[key] for key in ("reactor_id", "run_id", "clone")}
    return Trajectory(states=states, setpoints=setpoints, feeds=feeds, **about)


def _feed(row: np.ndarray[Any, np.dtype[Any]]) -> Feed:
    named = dict(zip(_FEED, map(float, row), strict=True))
    return Feed.of_values(CHO_PERFUSION, named.pop("fraction"), named)


def _fields(cls: type[Any]) -> list[Any]:
    return [f for f in fields(cls) if f.init and f.name not in ("layout", "panel")]

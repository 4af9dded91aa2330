"""The model: refits and their errors, coverage of forecasts, support, weights of its parts, parameters at an edge."""

from __future__ import annotations

import json
from math import exp, log
from typing import Any

from perfusio.dashboard.runs.followed import FollowedRun
from perfusio.dashboard.views.hindsight import LEADS, LEVEL, calibration
from perfusio.dashboard.views.numbers import tidy
from perfusio.dashboard.views.rig import head
from perfusio.events import Json

FITS = ("ModelFitted", "ModelRejected", "ModelWaiting")
EDGE = log(4.0)
"""A kinetic parameter four times its usual value or a quarter of it: more than cell lines differ."""
LARGEST = 20_000_000


def model(run: FollowedRun) -> Json:
    """Return what is known of the model of a run."""
    fits = []
    for row in run.rows:
        if row.event in FITS:
            payload = run.record(row)["payload"]
            fits.append({
                "seq": row.seq, "ts": row.ts, "turn": row.turn, "event": row.event, "words": row.reason,
                "model_id": payload["model_id"], "error": tidy(payload.get("holdout_error")),
                "before": tidy(payload.get("previous_error")),
            })  # fmt: skip
    checkpoint = _checkpoint(run)
    waiting = fits[-1] if fits and fits[-1]["event"] == "ModelWaiting" else None
    return {
        **head(run), "fits": fits, "waits": waiting, "in_use": _in_use(run), "coverage": _coverage(run),
        "level": LEVEL / 100, "leads": LEADS, "support": _support(run), "parameters": _parameters(checkpoint),
        "stack": _stack(checkpoint), "update": run.config.model_update, "n_runs": checkpoint.get("n_runs"),
        "n_samples": checkpoint.get("n_samples"),
    }  # fmt: skip


def _in_use(run: FollowedRun) -> str:
    known = run.state.forecasts
    return next((f.model_id for f in reversed(list(known.values()))), "")


def _coverage(run: FollowedRun) -> list[Json]:
    """Return by quantity, for all vessels together, how many samples lay within the 80 % interval at each lead."""
    sums: dict[str, dict[int, list[int]]] = {}
    for vessel in run.state.trajectories:
        for lead in LEADS:
            for name, (n, n_within) in calibration(run, vessel, lead).items():
                both = sums.setdefault(name, {}).setdefault(lead, [0, 0])
                both[0] += n
                both[1] += n_within
    return [
        {"name": s.name, "label": s.label, "leads": {str(k): v for k, v in sums.get(s.name, {}).items()}}
        for s in run.panel.modelled
    ]


def _support(run: FollowedRun) -> list[Json]:
    """Return how close the latest forecast of each vessel is to the data that the model has learnt from."""
    out = []
    for vessel, latest in run.state.forecasts.items():
        support = (getattr(latest, "chosen", None) or latest.hold).get("support")
        if support:
            out.append({"vessel": vessel, "next": tidy(support[0]), "least": tidy(min(support))})
    return out


def _checkpoint(run: FollowedRun) -> dict[str, Any]:
    """Return the description of the model that was saved last; empty where it cannot be read."""
    row = next((r for r in reversed(run.rows) if r.event == "ModelSaved"), None)
    if row is None:
        return {}
    place = (run.run_dir / run.record(row)["payload"]["file"]).resolve()
    try:
        if not place.is_relative_to(run.run_dir.resolve()) or place.stat().st_size > LARGEST:
            return {}
        found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _parameters(checkpoint: dict[str, Any]) -> list[Json]:
    """Return the kinetic parameters as factors on their usual values, the furthest first."""
    found = _numbers(checkpoint.get("tree"), "log_factors")
    rows = [
        {"name": name.replace("_", " "), "factor": tidy(exp(value)), "is_at_edge": abs(value) >= EDGE}
        for name, value in found.items()
    ]
    return sorted(rows, key=lambda r: -abs(log(r["factor"] or 1.0)))


def _stack(checkpoint: dict[str, Any]) -> list[Json]:
    """Return the weights of the parts of a stacked model, where it is one."""
    weights = _numbers(checkpoint.get("tree"), "weights")
    return [{"name": name, "weight": tidy(value)} for name, value in weights.items()]


def _numbers(tree: Any, wanted: str) -> dict[str, float]:
    """Return the first table of numbers of that name in a saved model."""
    if isinstance(tree, dict):
        here = tree.get(wanted)
        if isinstance(here, dict) and isinstance(numbers := here.get("numbers", here), dict):
            plain = {k: v for k, v in numbers.items() if isinstance(v, float)}
            if plain:
                return plain
        tree = list(tree.values())
    if isinstance(tree, list):
        for one in tree:
            if found := _numbers(one, wanted):
                return found
    return {}

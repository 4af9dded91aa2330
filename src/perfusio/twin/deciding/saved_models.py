"""Models of a run: saved beside its record, so that it can go on with the one that was in use."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from perfusio.errors import AuditError
from perfusio.events import ModelSaved, ModelWaiting
from perfusio.hybrid import checkpoints
from perfusio.hybrid.clone_models import CloneModels
from perfusio.hybrid.model import HybridModel
from perfusio.hybrid.stored.earlier_draws import LAST_FORMAT, drawn_as_then
from perfusio.protocols import Saving
from perfusio.trajectory import Trajectory

FOLDER = "models"


def save(
    model: Saving, observed: Sequence[Trajectory], run_dir: Path, turn: int, *, name: str = "turn"
) -> ModelSaved:
    """Save a model as `models/<name>-<turn>` of the run; return the record of it.

    Raises:
        AuditError: the disk does not take it.
    """
    folder = run_dir / FOLDER / f"{name}-{turn:03d}"
    try:
        path = model.save(folder, trajectories=observed)
        digest = sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise AuditError(
            f"The model cannot be saved in {folder}: {error.strerror}. Mend the disk; then perfusio resume {run_dir}."
        ) from error
    return ModelSaved(turn=turn, model_id=model.model_id, file=path.relative_to(run_dir).as_posix(), sha256=digest)


def load(run_dir: Path, saved: ModelSaved | ModelWaiting) -> HybridModel | CloneModels:
    """Return a model that was saved.

    Raises:
        AuditError: it is not there any more, or not the one on record.
        CheckpointRefused: it cannot be read.
    """
    path = run_dir / saved.file
    try:
        digest = sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise AuditError(
            f"{path}, the model of turn {saved.turn}, cannot be read: {error.strerror}. Put it back, or give another: "
            "DigitalTwin.resume(model=...)."
        ) from error
    if digest != saved.sha256:
        raise AuditError(
            f"{path} is not the model that was saved on turn {saved.turn}: its SHA-256 is {digest[:12]}..., on record "
            f"is {saved.sha256[:12]}... Put the file back, or give another model: DigitalTwin.resume(model=...)."
        )
    model, checkpoint_format = checkpoints.load_with_format(path.parent)
    return drawn_as_then(model) if checkpoint_format <= LAST_FORMAT else model

"""Events of the model: conditioned, refitted, refused, saved."""

from __future__ import annotations

from dataclasses import dataclass

from perfusio.events.base import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConditioned(Event):
    """The model took in this turn's samples."""

    model_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFitted(Event):
    """A refit was accepted."""

    model_id: str
    holdout_error: float
    previous_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWaiting(Event):
    """A refit was as good, was saved (`file`, empty for a model that cannot be) and waits for a person; not in use."""

    model_id: str
    holdout_error: float
    previous_error: float
    file: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRejected(Event):
    """A refit or an update was refused; the model before stays in use."""

    model_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSaved(Event):
    """The model in use was saved beside the record, with the SHA-256 of its file."""

    model_id: str
    file: str
    sha256: str

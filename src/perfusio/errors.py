"""Errors as one drawn tree; every message gives the finding, the expectation, the remedy.

    PerfusioError
    ├─ ConfigError      fix before the run      UnknownQuantity, OutOfRange, EmptyDesignSpace, VesselTaken
    ├─ ConnectorError   .connector .operation   NotConnected, SampleOverdue, UnreadableSource, WriteRejected
    │  ├─ WriteRejected                         WriteOverridden
    │  └─ UnreadableSource                      QuestionOpen
    ├─ ModelError                               NotEnoughData, FitFailed, CheckpointRefused
    └─ AuditError                               UnreadableRecord, ChainBroken (.line), RecordInUse

`EndOfRun` stands outside the tree: it is a signal ("no sample will ever come again"), not an error.
"""

from __future__ import annotations

from typing import Any


class PerfusioError(Exception):
    """Base of every error that perfusio raises on purpose.

    Attributes:
        exit_code: Exit code of the command line (1 failure, 2 configuration, 3 data refused, 4 record broken).
    """

    exit_code = 1


class ConfigError(PerfusioError):
    """Something to mend before the run can start."""

    exit_code = 2


class UnknownQuantity(ConfigError):
    """A name that is no quantity perfusio knows."""


class OutOfRange(ConfigError):
    """A value outside the range that its quantity can physically have."""


class EmptyDesignSpace(ConfigError):
    """Bounds, largest steps and cross rules leave no setpoint to choose."""


class VesselTaken(ConfigError):
    """Another twin writes to the vessel; the message names it."""


class ConnectorError(PerfusioError):
    """The world outside failed; names the connector and its operation."""

    def __init__(self, message: str, *, connector: str = "", operation: str = "") -> None:
        super().__init__(message)
        self.connector = connector
        self.operation = operation


class NotConnected(ConnectorError):
    """The instrument, server or file cannot be reached."""


class SampleOverdue(ConnectorError):
    """An expected sample did not come in time."""


class UnreadableSource(ConnectorError):
    """Data that is there but refused; every problem of the source is listed at once.

    Attributes:
        problems: One readable sentence each, with file, line, column, rule and remedy.
        questions: Those of them that an answer settles, as `tables.columns.questions.Question`.
        understood: The columns that were understood all the same, as `tables.table.ColumnRead`.
    """

    exit_code = 3

    def __init__(
        self,
        problems: tuple[str, ...],
        *,
        connector: str = "",
        operation: str = "read",
        questions: tuple[Any, ...] = (),
    ) -> None:
        super().__init__("\n".join(problems), connector=connector, operation=operation)
        self.problems = problems
        self.questions = questions
        self.understood: tuple[Any, ...] = ()


class QuestionOpen(UnreadableSource):
    """Data that can be read in two ways: nothing is wrong with it but that a person must say which."""

    exit_code = 2


class WriteRejected(ConnectorError):
    """The vessel did not take the setpoints."""


class WriteOverridden(WriteRejected):
    """Nothing was sent: somebody else asks the vessel for setpoints too. A person decides whose values hold."""


class ModelError(PerfusioError):
    """The model cannot do its task; the previous model stays in use."""


class NotEnoughData(ModelError):
    """Too few usable transitions to learn from."""


class FitFailed(ModelError):
    """A fit ended without finite, usable parameters."""


class CheckpointRefused(ModelError):
    """A saved model that is incomplete, changed, or of another version or other quantities."""

    exit_code = 3


class AuditError(PerfusioError):
    """The record cannot be written or read; nothing may be actuated without it."""


class RecordInUse(AuditError):
    """Another process writes this record: a twin is running in that folder."""


class UnreadableRecord(AuditError):
    """There is no record in that place, or its file cannot be read."""

    exit_code = 3


class ChainBroken(AuditError):
    """The record was changed, cut or reordered.

    Attributes:
        line: First line (from 1) that does not follow from the lines before it.
    """

    exit_code = 4

    def __init__(self, message: str, *, line: int) -> None:
        super().__init__(message)
        self.line = line


class EndOfRun(Exception):
    """The source has no further samples, now or ever."""

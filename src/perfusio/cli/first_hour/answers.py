"""Answers: all that `perfusio init` asks for, from options, a file of answers, or a person, later ones first."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field

from perfusio.cli.experiment_file.settings import read_toml
from perfusio.errors import ConfigError
from perfusio.frozen import Frozen

Kind = Literal["perfusion", "fed-batch", "batch"]
PERFUSED, FED_BATCH, BATCH = KINDS = get_args(Kind)
READING = (
    "run", "reactor", "columns", "ignore", "decimal", "encoding", "date_order", "mapping", "sample_pattern",
    "inoculated", "keep", "leave_out", "set_missing",
)  # fmt: skip
"""Answers on how the sheet is read; they become settings of `[connector]`."""
LOG = "alarms.log"
"""Name of the file of alarms, beside experiment.toml, unless another is named."""
PATHS = ("sheet", "history", "history_mapping", "process", "mapping")


class Answers(Frozen):
    """Answers so far; None or empty = not yet.

    Attributes:
        sheet: The samples: a file, or a folder of files.
        history: Past runs.
        history_mapping: Meaning of their columns.
        run: Which run of the sheet.
        reactor: Which vessel of it.
        columns: Meaning of headers.
        ignore: Headers to leave unread.
        decimal: Decimal mark.
        encoding: Of the sheet.
        date_order: Of its dates.
        mapping: Meaning of its columns, a mapping.toml.
        sample_pattern: How names of samples say vessel and day.
        inoculated: Date of culture time 0 by vessel.
        keep: Rows to read as samples.
        leave_out: Rows that are no samples.
        set_missing: Single values that do not count.
        process: A process.toml that is there already: nothing is asked about the process then.
        kind: How medium flows in.
        setpoints: The knobs of the rig, by name.
        fixed: Values of conditions that are no knobs, by name.
        feeds: Composition of each feed of a fed-batch, by name of the feed and species.
        medium: Composition of the inflow, amount with unit by species.
        working_volume: Of the vessels, with unit.
        bounds: Least, largest and longest step a decision of knobs, by name.
        limits: Limits of the culture, such as ``viability >= 90``.
        track: Targets, NAME=VALUE.
        maximize: Quantities to raise.
        minimize: Quantities to lower.
        days: Length of the run [day].
        interval_hours: Between samples [h].
        mode: Who sets the setpoints.
        log: A file that grows by a line per alarm.
        email: Addresses that are told of alarms.
        email_host: Mail server.
        email_sender: Address from which mails come.
    """

    sheet: Path | None = None
    history: Path | None = None
    history_mapping: Path | None = None
    run: str | None = None
    reactor: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    decimal: Literal[".", ","] | None = None
    encoding: str | None = None
    date_order: Literal["dmy", "mdy", "ymd"] | None = None
    mapping: Path | None = None
    sample_pattern: str = ""
    inoculated: dict[str, datetime] = Field(default_factory=dict)
    keep: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    leave_out: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    set_missing: tuple[str, ...] = ()
    process: Path | None = None
    kind: Kind | None = None
    setpoints: tuple[str, ...] | None = None
    fixed: dict[str, float] = Field(default_factory=dict)
    feeds: dict[str, dict[str, str]] = Field(default_factory=dict)
    medium: dict[str, str] = Field(default_factory=dict)
    working_volume: str = ""
    bounds: dict[str, tuple[float, float, float]] = Field(default_factory=dict)
    limits: tuple[str, ...] = ()
    track: tuple[str, ...] = ()
    maximize: tuple[str, ...] = ()
    minimize: tuple[str, ...] = ()
    days: int | None = Field(default=None, ge=1, le=365)
    interval_hours: float | None = Field(default=None, gt=0, le=240)
    mode: Literal["advisory", "automatic", "manual"] | None = None
    log: Path | None = None
    email: tuple[str, ...] = ()
    email_host: str = ""
    email_sender: str = ""

    def with_(self, **said: Any) -> Answers:
        """Return the answers with further ones; tables are added to.

        Raises:
            ConfigError: one of them cannot be.
        """
        before = {name: getattr(self, name) for name in self.model_fields_set}
        for name, value in said.items():
            old = before.get(name)
            before[name] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
        try:
            return Answers(**before)
        except ConfigError as error:
            raise ConfigError(str(error).replace("Answers.", "")) from error

    def without(self, headers: Collection[str]) -> Answers:
        """Return the answers without those about some headers."""
        columns = {header: meaning for header, meaning in self.columns.items() if header not in headers}
        ignore = tuple(header for header in self.ignore if header not in headers)
        return self.model_copy(update={"columns": columns, "ignore": ignore})

    @property
    def reading(self) -> dict[str, Any]:
        """The answers on how the sheet is read, as far as there are any."""
        return {name: value for name in READING if (value := getattr(self, name))}


def answers_in(path: Path) -> Answers:
    """Return the answers of a TOML file; paths in it count from its folder.

    Raises:
        ConfigError: it cannot be read, or an answer is unknown or cannot be.
    """
    content = read_toml(path)
    for name in PATHS:
        if isinstance(content.get(name), str):
            content[name] = path.resolve().parent / Path(content[name]).expanduser()
    try:
        return Answers(**content)
    except ConfigError as error:
        raise ConfigError(f"{path.name}: {str(error).replace('Answers.', '')}") from error

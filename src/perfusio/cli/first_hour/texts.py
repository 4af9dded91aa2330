"""experiment.toml and process.toml out of answers: the smallest files that say all that was answered."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfusio.cli.first_hour.answers import LOG, Answers

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

    from perfusio.cli.first_hour.plan import Setup

EXPERIMENT, PROCESS, HISTORY_MAPPING = "experiment.toml", "process.toml", "history-mapping.toml"
RUN_DIR = "run"


def process_text(plan: Setup) -> str:
    """Return the content of process.toml."""
    import tomlkit

    document = _headed(
        "What perfusio knows of the process, written by perfusio init. All entries: docs/reference/process-file.md.",
        "Ask what a model cannot say of it: perfusio process check process.toml",
    )
    for name, value in plan.process.items():
        document[name] = value
    return tomlkit.dumps(document)


def experiment_text(answers: Answers, plan: Setup, out: Path, *, has_mapping: bool) -> str:
    """Return the content of experiment.toml.

    Args:
        answers: All of them.
        plan: The experiment that they describe.
        out: Folder of the file; paths in it count from there.
        has_mapping: Whether `HISTORY_MAPPING` is written beside it.
    """
    import tomlkit

    document = _headed(
        "The experiment, written by perfusio init. All entries: docs/how-to/describe-an-experiment.md.",
        "One answer now: perfusio advise experiment.toml   A run with a record: perfusio run experiment.toml",
    )
    document["process"] = {"file": PROCESS if answers.process is None else seen_from(out, answers.process)}
    document["run"] = {
        "duration_days": plan.days, "sampling_interval_hours": plan.interval_h, "mode": plan.mode,
        "run_dir": RUN_DIR, "objective": plan.objective,
    }  # fmt: skip
    if plan.fixed:
        ends = ("low", "high", "nominal")
        document["design_space"] = {name: dict.fromkeys(ends, value) for name, value in plan.fixed.items()}
    document["connector"] = _connector(answers, out)
    if answers.history is not None:
        past = {"path": seen_from(out, answers.history)}
        if has_mapping:
            past["mapping"] = HISTORY_MAPPING
        elif answers.history_mapping is not None:
            past["mapping"] = seen_from(out, answers.history_mapping)
        document["history"] = past
    if people := _people(answers, out):
        document["notify"] = people
    return tomlkit.dumps(document)


def _connector(answers: Answers, out: Path) -> Any:
    import tomlkit

    table = tomlkit.table()
    table["kind"] = "file"
    table["path"] = seen_from(out, answers.sheet or Path())
    for name, value in answers.reading.items():
        plain = seen_from(out, value) if isinstance(value, Path) else value
        table[name] = list(plain) if isinstance(plain, tuple) else _plain(plain)
    table.add(tomlkit.comment("follow = true      # wait for new rows of the sheet, rather than end with its last one"))
    return table


def _people(answers: Answers, out: Path) -> dict[str, Any]:
    people: dict[str, Any] = {}
    if answers.log is not None:
        people["log"] = {"path": LOG if answers.log == Path(LOG) else seen_from(out, answers.log)}
    if answers.email:
        people["email"] = {
            "host": answers.email_host, "sender": answers.email_sender, "to": list(answers.email),
        }  # fmt: skip
    return people


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _headed(*lines: str) -> TOMLDocument:
    import tomlkit

    document = tomlkit.document()
    for line in lines:
        document.add(tomlkit.comment(line))
    document.add(tomlkit.nl())
    return document


def seen_from(folder: Path, path: Path) -> str:
    """Return a path as seen from a folder, whole where it lies elsewhere."""
    whole, base = Path(os.path.abspath(path.expanduser())), Path(os.path.abspath(folder))
    return whole.relative_to(base).as_posix() if whole.is_relative_to(base) else whole.as_posix()


def mapping_text(said: Mapping[str, Any]) -> str:
    """Return a mapping.toml with answers about files that are recognised otherwise."""
    import tomlkit

    document = _headed("Answers about the past runs; all else is recognised.")
    document["others"] = "recognised"
    for name, value in said.items():
        document[name] = _plain(value)
    return tomlkit.dumps(document)

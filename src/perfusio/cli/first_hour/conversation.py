"""The conversation of `perfusio init`, from the first answer to two files that run as they are."""

from __future__ import annotations

import os
import tempfile
import textwrap
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfusio.cli.first_hour.answers import Answers
from perfusio.cli.first_hour.person import STOPPED, WIDTH, Asked, Interrupted
from perfusio.cli.first_hour.plan import Setup, planned
from perfusio.cli.first_hour.texts import (
    EXPERIMENT,
    HISTORY_MAPPING,
    PROCESS,
    experiment_text,
    mapping_text,
    process_text,
)
from perfusio.cli.first_hour.understood import Understood, read
from perfusio.errors import ConfigError

if TYPE_CHECKING:
    from perfusio.process.panel import Panel

Tell = Callable[[str], object]


def talked(answers: Answers, asked: Asked, out: Path, *, overwrite: bool, tell: Tell) -> dict[str, Any]:
    """Ask, show, write; return files and reading as plain data.

    Args:
        answers: So far.
        asked: Who answers the rest.
        out: Folder of the files.
        overwrite: Whether files that are there may be replaced.
        tell: Takes lines for the person.

    Raises:
        Interrupted: the person stopped; nothing was written.
        PerfusioError: a file cannot be read or written, or an answer cannot be.
    """
    out = out.expanduser()
    made = [folder for folder in (out, *out.parents) if not folder.exists()]
    try:
        return _talked(answers, asked, out, overwrite=overwrite, tell=tell)
    except BaseException as error:
        for folder in made:
            with suppress(OSError):  # files are in it: some were written after all
                folder.rmdir()
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted(STOPPED) from None
        raise


def _talked(answers: Answers, asked: Asked, out: Path, *, overwrite: bool, tell: Tell) -> dict[str, Any]:
    from perfusio.cli.experiment_file.processes import panel_in

    _check_place(out, answers, asked, overwrite=overwrite)
    answers = _with_files(answers, asked)
    base = panel_in(answers.process, answers.working_volume or None)
    answers, found = read(answers, base, asked)
    for line in _shown(found, answers):
        tell(line)
    answers, plan = planned(answers, found, base, asked)
    texts = _texts(answers, plan, found, out)
    _check(texts, out)
    for line in _plan_shown(plan, answers):
        tell(line)
    if not asked.agrees(f"Write {', '.join(texts)} into {out.resolve()}?", default=True):
        raise Interrupted("Nothing was written.")
    _write(texts, out)
    for line in _next(texts, out):
        tell(line)
    return {
        "written": [str(out / name) for name in texts],
        "taken_for_granted": found.granted,
        "past_runs": [run.reactor_id for run in found.past],
        "notes": list(found.notes),
        "process": plan.panel.name,
        "knobs": list(plan.knobs),
        "fixed": dict(plan.fixed),
        "aim": plan.aim,
        "mode": plan.mode,
        "assumed": list(plan.assumed),
    }


def _with_files(answers: Answers, asked: Asked) -> Answers:
    """Ask for the sheet and the past runs.

    Raises:
        ConfigError: there is no sheet, and nobody to ask.
    """
    if answers.sheet is None:
        if not asked.is_there:
            raise ConfigError("init needs the file of samples, found none. Give it: perfusio init SHEET --history OLD.")
        answers = answers.with_(sheet=asked.answer("Which file holds the samples, or which folder?", "", _existing))
        if answers.history is None:
            words = "Past runs to learn from, a file or a folder? Empty = none."
            past = asked.answer(words, "", lambda text: _existing(text) if text else None)
            answers = answers if past is None else answers.with_(history=past)
    for path in (answers.sheet, answers.history):
        if path is not None:
            _existing(str(path))
    return answers


def _existing(text: str) -> Path:
    from perfusio.quantities import closest

    path = Path(text).expanduser()
    if not text or not path.exists():
        folder = path.parent if path.parent.is_dir() else Path()
        near = tuple(sorted(p.name for p in folder.iterdir() if p.suffix.lower() in (".csv", ".xlsx", ".xls", ".txt")))
        raise ConfigError(f"{text or 'Nothing'} was not found.{closest(path.name, near)} Expected a file or a folder.")
    return path


def _check_place(out: Path, answers: Answers, asked: Asked, *, overwrite: bool) -> None:
    """Refuse a place that cannot be written, or holds such files, before the first question.

    Raises:
        ConfigError: it does.
    """
    names = [EXPERIMENT, *([PROCESS] if answers.process is None else []), HISTORY_MAPPING]
    if there := [name for name in names if (out / name).exists()]:
        words = f"{', '.join(there)} in {out.resolve()} would be replaced."
        if not overwrite and not (asked.is_there and asked.agrees(f"{words} Go on?", default=False)):
            raise ConfigError(f"{words} Choose another folder (--out), or say --overwrite.")
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise ConfigError(
            f"{out} cannot be written: {error.strerror}. Choose a folder that you may write: --out FOLDER."
        ) from error


def _texts(answers: Answers, plan: Setup, found: Understood, out: Path) -> dict[str, str]:
    texts = {EXPERIMENT: experiment_text(answers, plan, out, has_mapping=bool(found.past_said))}
    if answers.process is None:
        texts[PROCESS] = process_text(plan)
    if found.past_said:
        texts[HISTORY_MAPPING] = mapping_text(found.past_said)
    return texts


def _check(texts: dict[str, str], out: Path) -> None:
    """Read the files as `perfusio run` will, before they replace anything.

    Raises:
        ConfigError: an answer cannot be.
    """
    from perfusio.cli.experiment_file.experiment import load

    drafts = {name: out / f".{name}.{os.getpid()}.toml" for name in texts}
    try:
        for name, text in texts.items():
            for other, draft in drafts.items():  # drafts name one another
                text = text.replace(f'"{other}"', f'"{draft.name}"')
            drafts[name].write_text(text, encoding="utf-8")
        load(drafts[EXPERIMENT], {}, environ={})
    except ConfigError as error:
        words = str(error)
        for name, draft in drafts.items():
            words = words.replace(str(draft), name).replace(draft.name, name)
        raise ConfigError(f"The answers do not fit together, so nothing was written. {words}") from error
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)


def _write(texts: dict[str, str], out: Path) -> None:
    """Write all files, each in one step.

    Raises:
        ConfigError: the folder does not take them.
    """
    from perfusio.tables.cells.csv_files import replace_file

    try:
        for name, text in reversed(texts.items()):  # the experiment last: it names the others
            replace_file(out / name, text.encode("utf-8"))
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error.strerror}. Choose another folder: --out.") from error


# -- shown -------------------------------------------------------------------------------------------------------------


def _shown(found: Understood, answers: Answers) -> list[str]:
    """Return the page on the sheet, the same as that of an import, and the past runs."""
    from perfusio.cli.runs.advice_told import grouped
    from perfusio.tables.taken_for_granted import page

    lines = [*(f"Note: {note}" for note in found.table.warnings), *page(found.granted)]
    if answers.history is not None:
        n_samples = sum(len(run.states) for run in found.past)
        names = ", ".join(run.reactor_id for run in found.past)
        lines.append(f"Past runs: {len(found.past)} with {n_samples} samples: {names}")
        lines += [f"Note: {note}" for note in grouped(found.notes)]
    return _fitted(lines)


def _plan_shown(plan: Setup, answers: Answers) -> list[str]:
    knobs = ", ".join(plan.knobs) or "none"
    held = ", ".join(f"{name} {value:g} {plan.panel[name].unit}" for name, value in plan.fixed.items())
    lines = [
        f"Process: {plan.panel.name}; {_flows_in(plan.panel)}.",
        f"Knobs: {knobs}.{f' Held: {held}.' if held else ''}",
        f"Limits: {', '.join(_limits(plan.panel)) or 'none'}.",
        f"Aim: {plan.aim}; {plan.days} days, a sample every {plan.interval_h:g} h, mode {plan.mode}.",
        f"People: {', '.join([*([str(answers.log)] if answers.log else []), *answers.email]) or 'nobody is told'}.",
    ]
    if plan.assumed:
        lines.append(f"ASSUMED, as nobody said it: {'; '.join(plan.assumed)}.")
    return ["", *_fitted(lines)]


def _flows_in(panel: Panel) -> str:
    from perfusio.report.about_process import composition

    feeds = [f"{s.name}: {composition(panel, s.composition)}" for s in panel.setpoints if s.role == "feed_rate"]
    return "; ".join(feeds) or f"medium {composition(panel, panel.medium)}"


def _limits(panel: Panel) -> list[str]:
    from perfusio.objective import limits_of

    return [str(limit) for limit in limits_of(panel)]


def _next(texts: dict[str, str], out: Path) -> list[str]:
    where = out / EXPERIMENT
    return [
        "", f"Written: {', '.join(str(out / name) for name in texts)}", f"One answer now:      perfusio advise {where}",
        f"A run with a record: perfusio run {where}",
    ]  # fmt: skip


def _fitted(lines: list[str]) -> list[str]:
    """Return lines as an 80-column terminal has room for them, indented as they were."""
    said: list[str] = []
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()))
        said += textwrap.wrap(
            line.strip(), WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
        )
    return said

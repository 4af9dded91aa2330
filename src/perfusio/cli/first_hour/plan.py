"""Process, limits, aim and people of an experiment: asked with the likely answer as default, each default told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfusio.cli.first_hour.answers import LOG, Answers
from perfusio.cli.first_hour.person import Asked
from perfusio.cli.first_hour.plan_process import fixed_of, kind_of, knobs_of, medium_of, process_of
from perfusio.cli.first_hour.words import listed, one_of, positive, whole, word
from perfusio.errors import ConfigError

if TYPE_CHECKING:
    from perfusio.cli.first_hour.understood import Understood
    from perfusio.process.panel import Panel

MODES = ("advisory", "automatic", "manual")
DAYS = 28
_AIM = re.compile(r"\s*(track|maximize|minimize)\s+(.+?)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """An experiment as the answers describe it.

    Attributes:
        panel: The process.
        process: Content of process.toml; empty where the process has a file already.
        knobs: Setpoints that are advised.
        fixed: Conditions that nobody moves, at their value.
        days: Length of the run [day].
        interval_h: Between samples [h].
        mode: Who sets the setpoints.
        objective: As experiment.toml holds it.
        aim: The same in words.
        assumed: Sentences on all that nobody answered.
    """

    panel: Panel
    process: Mapping[str, Any]
    knobs: tuple[str, ...]
    fixed: Mapping[str, float]
    days: int
    interval_h: float
    mode: str
    objective: Any
    aim: str
    assumed: tuple[str, ...] = field(default=())


def planned(answers: Answers, found: Understood, base: Panel, asked: Asked) -> tuple[Answers, Setup]:
    """Ask for all that is not answered; return the answers and the experiment that they describe.

    Args:
        answers: So far.
        found: Content of the sheet and the past runs.
        base: The process that they were read with.
        asked: Who answers.

    Raises:
        ConfigError: an answer cannot be, or is needed and there is nobody to ask.
    """
    from perfusio.process.document import panel_of

    assumed: list[str] = []
    process: dict[str, Any] = {}
    knobs, fixed, panel = base.setpoint_names, dict[str, float](), base
    if answers.process is None:
        answers = kind_of(answers, found, base, asked)
        answers, knobs = knobs_of(answers, found, base, asked, assumed)
        answers, fixed = fixed_of(answers, base, knobs, asked, assumed)
        answers = medium_of(answers, base, asked, assumed)
        answers, process = process_of(answers, found, base, knobs, asked, assumed)
        panel = panel_of(process)
        knobs = tuple(name for name in panel.setpoint_names if name not in fixed)
    answers = _with_aim(answers, panel, asked)
    days = answers.days or asked.answer("How many days is the run to last?", str(DAYS), whole)
    hours = answers.interval_hours or asked.answer("Hours between samples?", f"{found.interval_h:g}", positive)
    mode: str = answers.mode or asked.answer(
        "Who sets the setpoints: a person (advisory), or perfusio (automatic)?", MODES[0], one_of(MODES)
    )
    answers = _with_people(answers, asked)
    objective, aim = _objective(answers, panel)
    return answers, Setup(
        panel=panel, process=process, knobs=knobs, fixed=fixed, days=days, interval_h=hours, mode=mode,
        objective=objective, aim=aim, assumed=tuple(assumed),
    )  # fmt: skip


def _with_aim(answers: Answers, panel: Panel, asked: Asked) -> Answers:
    if answers.track or answers.maximize or answers.minimize:
        return answers
    usual = f"track {panel.the('cells')}=30"
    words = "The aim: track NAME=VALUE, maximize NAME, or minimize NAME?"

    def read(text: str) -> tuple[str, str]:
        match = _AIM.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r}: expected e.g. {usual}, or maximize productivity.")
        _objective(Answers().with_(**{match[1]: (match[2],)}), panel)
        return match[1], match[2]

    kind, quantity = asked.answer(words, usual, read)
    return answers.with_(**{kind: (quantity,)})


def _objective(answers: Answers, panel: Panel) -> tuple[Any, str]:
    """Return the objective as experiment.toml holds it, and in words."""
    from perfusio.cli.runs.aim import aim
    from perfusio.config import in_words

    found = aim(answers.track, answers.maximize, answers.minimize, panel)
    several = found if isinstance(found, tuple) else (found,)
    plain = [
        {"kind": o.kind, "quantity": o.quantity, **({} if o.target is None else {"target": o.target})} for o in several
    ]
    return plain if len(plain) > 1 else plain[0], in_words(several)


def _with_people(answers: Answers, asked: Asked) -> Answers:
    if answers.log is None and not answers.email:
        log = asked.answer("A file that gets a line per alarm? - = none.", LOG, str.strip)
        answers = answers if log in ("", "-") else answers.with_(log=Path(log))
    if not answers.email and asked.is_there:
        said = asked.answer("E-mail addresses to tell of alarms, separated by commas? Empty = none.", "", listed)
        answers = answers.with_(email=said) if said else answers
    if answers.email and not (answers.email_host and answers.email_sender):
        if not asked.is_there:
            raise ConfigError("--email without --email-host and --email-sender, expected all three. Give the others.")
        host = answers.email_host or asked.answer("Mail server?", "", word)
        sender = answers.email_sender or asked.answer("Address from which the mails come?", "", word)
        answers = answers.with_(email_host=host, email_sender=sender)
    return answers

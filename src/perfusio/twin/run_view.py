"""A run as its folder shows it to a person: its state, who runs it, and which vessel a name means."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from perfusio.config import RunConfig
from perfusio.errors import AuditError, ConfigError
from perfusio.events import RunEnded, RunStarted
from perfusio.quantities import closest
from perfusio.record.good_prefix import prefix_of
from perfusio.record.journal import writer_of
from perfusio.record.run_state import RunState
from perfusio.record.summary import Summary
from perfusio.texts import shown
from perfusio.twin.deciding.extensions import stand_in
from perfusio.twin.resume import known_after

RECORD = "audit.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A run, looked at from outside.

    Attributes:
        run_dir: Its folder.
        config: Settings.
        run_state: State, as far as the record goes.
        records: Summary of all that are whole.
        ended: How it ended, None if it may go on.
        writer: Process that runs it, None if none does; 0 if one does that cannot be named.
    """

    run_dir: Path
    config: RunConfig
    run_state: RunState
    records: Summary
    ended: RunEnded | None
    writer: int | None

    @property
    def vessels(self) -> tuple[str, ...]:
        """Names of those that take part."""
        return tuple(r for r in self.run_state.trajectories if r not in self.run_state.left)

    def vessel(self, name: str) -> str:
        """Return the vessel that a person names: a blank around it and how its accents are coded make no difference.

        Raises:
            ConfigError: there is none of that name.
        """
        known = self.run_state.trajectories
        found = [name] if name in known else [v for v in known if _form(v) == _form(name)]
        if len(found) != 1:
            hint = closest(shown(name), self.vessels)
            raise ConfigError(f"{shown(name, 80)} is not in this run; it has {', '.join(self.vessels)}.{hint}")
        if found[0] in self.run_state.left:
            raise ConfigError(f"{found[0]} is not in this run any more: it has left. It has {', '.join(self.vessels)}.")
        return found[0]

    def check_open(self) -> None:
        """Refuse to ask anything of a run that has ended.

        Raises:
            ConfigError: it has.
        """
        if self.ended is not None:
            raise ConfigError(
                f"Run {self.run_state.run_id} has ended ({self.ended.outcome}): nothing is written any more, and "
                "nothing can be asked of it."
            )


def _form(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip(" ")


def view(run_dir: Path) -> RunView:
    """Look at the run in a folder. Nothing is changed, and a run that goes on is not held up.

    Raises:
        ConfigError: there is none.
        AuditError: its record cannot be read.
    """
    path = run_dir / RECORD
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigError(f"{run_dir} holds no run: expected its {RECORD}.{_instead(run_dir)}") from error
    except OSError as error:
        raise AuditError(f"{path} cannot be read: {error.strerror}.") from error
    records = prefix_of(path, data)
    if not records:
        what = f"its first line {records.wrong}" if data else "it is empty"
        raise ConfigError(f"{path} holds no run: {what}. Start one with perfusio run.")
    started, last = records.first.to_event(), records.last.to_event()
    assert isinstance(started, RunStarted)
    stand_in(records.decided_by or {})
    return RunView(
        run_dir=run_dir,
        config=RunConfig.model_validate({**started.config["run"], "run_dir": run_dir}),
        run_state=known_after(records),
        records=records,
        ended=last if isinstance(last, RunEnded) else None,
        writer=writer_of(path),
    )


def _instead(run_dir: Path) -> str:
    """Return which folder may have been meant."""
    if run_dir.is_file():
        return f" Give a folder, {run_dir.parent}."
    near = run_dir if run_dir.is_dir() else run_dir.parent
    try:
        runs = sorted(p.parent.name for p in near.glob(f"*/{RECORD}"))
    except OSError:
        runs = []
    return f"{closest(run_dir.name, tuple(runs))} In {near} these hold one: {', '.join(runs[:8])}." if runs else ""

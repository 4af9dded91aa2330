"""Past runs of an experiment: `[history]`, or options of a command."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perfusio.errors import ConfigError


@dataclass(frozen=True, slots=True)
class PastRuns:
    """Runs to learn from before the first sample.

    Attributes:
        path: A file, or a folder of files.
        mapping: Meaning of their columns, a mapping.toml; None = they say it themselves.
        encoding: Of those files that are not UTF-8: that of the samples, which are usually written alike.
    """

    path: Path
    mapping: Path | None = None
    encoding: str | None = None


def of_history(section: object, folder: Path, name: str) -> PastRuns | None:
    """Return the past runs that [history] names, None without it.

    Raises:
        ConfigError: it is no section, says something else, or there is nothing at that path.
    """
    if section is None:
        return None
    is_plain = isinstance(section, dict) and all(isinstance(value, str) for value in section.values())
    if not isinstance(section, dict) or not is_plain or "path" not in section or set(section) - {"path", "mapping"}:
        said = sorted(section) if isinstance(section, dict) else section
        raise ConfigError(
            f'{name}: [history] says {said!r:.80}, expected path = "FILE OR FOLDER" of past runs, and mapping = '
            '"mapping.toml" where their columns need one.'
        )
    found = {key: folder / Path(value).expanduser() for key, value in section.items()}
    for key, path in found.items():
        if not path.exists():
            expected = "a file or a folder of past runs" if key == "path" else "a mapping.toml"
            raise ConfigError(f"{name}: history.{key}: {path} was not found. Expected {expected}.")
    return PastRuns(found["path"], found.get("mapping"))


def typed(
    path: Path | None, mapping: Path | None, stated: PastRuns | None, *, encoding: str | None = None
) -> PastRuns | None:
    """Return the past runs to learn from: those that were typed, else those of the experiment.

    Args:
        path: As typed; None = not.
        mapping: As typed; None = not.
        stated: Of the experiment.
        encoding: Of the samples; None = UTF-8, or not said.

    Raises:
        ConfigError: a mapping was typed, and there are no past runs to read with it.
    """
    if path is not None:
        return PastRuns(path, mapping, encoding)
    if mapping is None or stated is None:
        if mapping is not None:
            raise ConfigError("--history-mapping without past runs, expected --history RUNS beside it. Give both.")
        return stated
    return PastRuns(stated.path, mapping, encoding)

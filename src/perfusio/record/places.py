"""Places as a record keeps them: seen from the folder of the run, so that both can be moved together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

PATHS = ("path", "setpoints_path")
"""Fields of a source's description that are paths."""
SQLITE = "sqlite:///"


def from_run(run_dir: Path, place: str | Path) -> str:
    """Return a path as seen from the folder of a run; whole where there is no way, on another drive.

    Args:
        run_dir: Folder of the run.
        place: A whole path, or one from the working directory.
    """
    whole = Path(place).expanduser().absolute()
    try:
        return os.path.relpath(whole, run_dir.resolve())
    except ValueError:  # another drive
        return str(whole)


def whole(run_dir: Path, said: str | Path) -> Path:
    """Return the whole path of one that a record says; records of before said whole ones."""
    return Path(os.path.normpath(run_dir.resolve() / said))


def url_from_run(run_dir: Path, url: str) -> str:
    """Return where a database is; an SQLite file, named by path or URL, as seen from the folder of a run."""
    before, file, options = _sqlite_file(url)
    return f"{before}{from_run(run_dir, file)}{options}" if file else url


def whole_url(run_dir: Path, url: str) -> str:
    """Return where a database is; an SQLite file with its whole path."""
    before, file, options = _sqlite_file(url)
    return f"{before}{whole(run_dir, file)}{options}" if file else url


def recorded(source: Mapping[str, object], run_dir: Path) -> dict[str, object]:
    """Return the description of a source (`Described.describe`) with its places as seen from the run."""
    return _replaced(source, partial(from_run, run_dir), partial(url_from_run, run_dir))


def whole_source(source: Mapping[str, object], run_dir: Path) -> dict[str, object]:
    """Return the recorded description of a source with whole paths, as a person looks for them."""
    return _replaced(source, lambda said: str(whole(run_dir, said)), partial(whole_url, run_dir))


def _replaced(
    source: Mapping[str, object], path: Callable[[str], str], url: Callable[[str], str]
) -> dict[str, object]:
    replace = dict.fromkeys(PATHS, path) | {"url": url}
    return {
        name: replace[name](said) if name in replace and isinstance(said, str) and said else said
        for name, said in source.items()
    }


def _sqlite_file(url: str) -> tuple[str, str, str]:
    """Return prefix, file and suffix of the address of an SQLite database; else nothing."""
    if "://" not in url:
        return "", url, ""
    if not url.startswith(SQLITE):
        return "", "", ""
    file, mark, options = url.removeprefix(SQLITE).partition("?")
    return SQLITE, file, mark + options

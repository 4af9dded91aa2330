"""Installed packages, looked through once for as long as the folders of the path stay as they are.

A look through all of them reads some hundred files, and a run asks again and again.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, PackageNotFoundError, distributions, entry_points, version

__version__ = version("perfusio-twin")
"""Of perfusio."""
Moment = tuple[tuple[str, int], ...]


def entries(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group; a package that stands on the path twice is in there twice."""
    return _entries(group, _moment())


def version_there(name: str) -> str | None:
    """Return the version of a distribution; None where it is not installed."""
    return _version(name, _moment())


def packages() -> tuple[tuple[str, str], ...]:
    """Return name and version of every distribution, by name."""
    return _packages(_moment())


def _moment() -> Moment:
    """Return the folders of the path, and when a file came or went in each."""
    return tuple((place, _changed(place)) for place in sys.path)


def _changed(place: str) -> int:
    try:
        return os.stat(place or ".").st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=64)
def _entries(group: str, _: Moment) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=group))


@lru_cache(maxsize=64)
def _version(name: str, _: Moment) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@lru_cache(maxsize=2)
def _packages(_: Moment) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({(str(d.metadata["Name"]), d.version) for d in distributions() if d.metadata["Name"]}))

"""Controllers of others: how they are loaded, asked on trial, and known again by the source that they have."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from perfusio.errors import ConfigError

_INSTALLED = ("site-packages", "dist-packages")


def imported(name: str) -> Callable[..., Any]:
    """Return the function ``"module:function"``.

    Raises:
        ConfigError: the module cannot be loaded, or holds no such function.
    """
    module, _, attribute = name.partition(":")
    refuse_file(module)
    try:
        found = getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:  # a module of somebody else's: anything may happen
        words = str(error) if isinstance(error, ImportError | AttributeError) else f"{type(error).__name__}: {error}"
        raise ConfigError(
            f"The controller {name!r} cannot be loaded: {words}. Expected module:function, importable from this folder "
            "or installed."
        ) from error
    if not callable(found):
        raise ConfigError(f"The controller {name!r} is {type(found).__name__}, expected a function.")
    return found  # type: ignore[no-any-return]


def refuse_file(name: str) -> None:
    """Refuse the name of a file where a module or an entry point is expected.

    Raises:
        ConfigError: it is one; the message says the name to give.
    """
    if name.endswith(".py"):
        raise ConfigError(
            f"{name!r} is a file: a controller is module:function. Go to the folder of the file and say "
            f"{Path(name).stem}:decide, if decide is its function."
        )


def check_arguments(function: Callable[..., Any], name: str, settings: Mapping[str, Any]) -> None:
    """Refuse a controller that cannot be asked, before anything runs.

    Args:
        function: The controller.
        name: By which it was asked for.
        settings: That a study gives it by name.

    Raises:
        ConfigError: it takes other arguments.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # written in C: nobody knows
        return
    try:
        signature.bind(None, None, None, **settings)
    except TypeError as error:
        given = "".join(f", {key}=..." for key in settings)
        raise ConfigError(
            f"The controller {name!r} takes {signature} and would be asked with (history, in_force, task{given}): "
            f"{error}. Correct its arguments, or the settings in the study file."
        ) from error


def source_sha256_of(function: Callable[..., Any]) -> str:
    """Return the SHA-256 of all Python files of its package; of a module in no package, of those of its folder.

    Packages in that folder count, too. Files of data do not, nor other packages that are imported from elsewhere.
    """
    where = getattr(function, "__module__", None) or type(function).__module__
    module = sys.modules.get(where.partition(".")[0])
    digest = sha256()
    for path in sorted(_files(module)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _files(module: Any) -> Iterator[Path]:
    if folders := list(getattr(module, "__path__", [])):
        for folder in folders:
            yield from Path(folder).rglob("*.py")
        return
    if (said := getattr(module, "__file__", None)) is None:
        return
    file = Path(said)
    if file.parent.name in _INSTALLED:
        yield file
        return
    yield from file.parent.glob("*.py")
    for package in file.parent.glob("*/__init__.py"):
        yield from package.parent.rglob("*.py")

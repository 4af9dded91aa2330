"""The aim of a run, and how its decisions are made, as options of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perfusio.cli.options import pair
from perfusio.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfusio.config import Objective
    from perfusio.process.panel import Panel

TrackOption = Annotated[
    list[str] | None,
    typer.Option(help="Hold a quantity, e.g. vcd=30 (the default aim); repeatable.", metavar="NAME=VALUE"),
]
MaximizeOption = Annotated[
    list[str] | None, typer.Option(help="Raise a quantity or an expression of several; repeatable.", metavar="NAME")
]
MinimizeOption = Annotated[
    list[str] | None, typer.Option(help="Lower a quantity or an expression of several; repeatable.", metavar="NAME")
]
AcquisitionOption = Annotated[
    str,
    typer.Option(
        help="PI, EI, LogEI, UCB, qEI, qLogEI or qUCB; with several aims also qEHVI, qNEHVI, qNParEGO or qLogNEHVI; "
        "or one of another package. Those with q need the extra botorch.",
        metavar="NAME",
    ),
]


def aim(
    track: Sequence[str] | None,
    maximize: Sequence[str] | None,
    minimize: Sequence[str] | None,
    process: Panel | None = None,
) -> Objective | tuple[Objective, ...]:
    """Return the objective that the options ask for, a tuple if they ask for several; without any, that of a process.

    Args:
        track: Each NAME=VALUE.
        maximize: Names.
        minimize: Names.
        process: Whose quantities are named; None = CHO cells in perfusion.

    Raises:
        ConfigError: a quantity that nobody knows, or a target that is no number.
    """
    from perfusio import config
    from perfusio.process import CHO_PERFUSION

    process = process or CHO_PERFUSION
    found = [_tracked(text, process) for text in track or ()]
    found += [config.maximize(name, process=process) for name in maximize or ()]
    found += [config.minimize(name, process=process) for name in minimize or ()]
    if not found:
        return config.Objective(kind="track", quantity=process.the("cells"), target=30.0, process=process)
    return found[0] if len(found) == 1 else tuple(found)


def _tracked(text: str, process: Panel) -> Objective:
    from perfusio.config import Objective

    name, value = pair(text, "--track vcd=30")
    try:
        target = float(value)
    except ValueError:
        raise ConfigError(f"--track {text}: {value!r} is not a number. Expected e.g. --track vcd=30.") from None
    return Objective(kind="track", quantity=name, target=target, process=process)

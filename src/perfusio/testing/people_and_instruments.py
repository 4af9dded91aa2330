"""The checks of notifiers and of instrument readers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from perfusio.notify.channels import Channel, NotDelivered
from perfusio.process.cho_perfusion import CHO_PERFUSION
from perfusio.process.panel import Panel
from perfusio.tables.columns.header_names import TEXTS, names_of
from perfusio.tables.instruments.given import Reader, Reading
from perfusio.testing.promises import promised

_of_notifier = partial(promised, part="notifier")
_of_reader = partial(promised, part="instrument reader")
NOT_THEIRS = (["time [h]", "somebody's own"], ["0", "1"])
"""A table of nobody's instrument."""


def check_notifier(
    make: Callable[[], Channel], *, delivered: Callable[[str], bool], breaks: Callable[[], Channel] | None = None
) -> None:
    """Check that a notifier keeps the promises of the Channel protocol.

    Args:
        make: Returns a new channel to a test address.
        delivered: Whether a text has arrived there.
        breaks: Returns a channel to an address that cannot be reached; its error is checked only with it.

    Raises:
        BrokenPromise: a promise is broken; the message says which, and the finding.
    """
    channel = make()
    name = getattr(channel, "name", None)
    _of_notifier(isinstance(name, str) and bool(name), promise="has a name", found=repr(name))
    text = "two\nlines, a quote \" and a unit \u00b5g"
    channel.deliver("[perfusio] R01: a subject", text)
    _of_notifier(delivered("a subject"), promise="delivers the subject")
    if breaks is None:
        return
    broken = breaks()
    try:
        broken.deliver("[perfusio] R01: lost", text)
    except NotDelivered as error:
        _of_notifier(str(name) in str(error), promise="says of a failure which notifier it was", found=str(error))
    except Exception as error:  # noqa: BLE001 - whatever else it raises is the broken promise
        _of_notifier(False, promise="raises NotDelivered where it cannot deliver", found=type(error).__name__)
    else:
        _of_notifier(False, promise="raises NotDelivered where it cannot deliver", found="nothing")


def check_reader(reader: Reader, rows: Sequence[Sequence[str]], *, panel: Panel = CHO_PERFUSION) -> None:
    """Check that an instrument reader keeps its promises on a sheet of its instrument.

    Args:
        reader: The function.
        rows: Cells of such a sheet.
        panel: The process whose quantities it reads.

    Raises:
        BrokenPromise: a promise is broken; the message says which, and the finding.
    """
    before = [list(row) for row in rows]
    given = [list(row) for row in rows]
    found = reader(given)
    _of_reader(isinstance(found, Reading), promise="knows a sheet of its instrument", found=type(found).__name__)
    assert isinstance(found, Reading)
    _of_reader(given == before, promise="changes nothing of what it is given")
    _of_reader(bool(found.rows), promise="gives the header and the rows", found="no rows")
    header = [cell.strip() for cell in found.rows[0]]
    unknown = [name for name in found.columns if name.strip() not in header]
    named = [name for name in found.columns if name.strip() in header]
    _of_reader(bool(named), promise="names columns that are in the header", found=f"{', '.join(unknown) or 'none'}")
    split = names_of(panel).split
    known = {*panel.by_name, *TEXTS, "time", "day"}
    strange = [meaning for meaning in found.columns.values() if split(meaning)[0] not in known]
    _of_reader(not strange, promise="names quantities of the process", found=", ".join(strange))
    unitless = [m for m in found.columns.values() if split(m)[0] in panel.by_name and not split(m)[1]]
    _of_reader(not unitless, promise="says the unit of each quantity", found=", ".join(unitless))
    texts = {cell for row in before for cell in row}
    invented = [cell for row in found.rows[1:] for cell in row if cell and cell not in texts]
    _of_reader(not invented, promise="invents no value", found=", ".join(invented[:3]))
    _of_reader(_other(reader, NOT_THEIRS) is None, promise="returns None for the table of somebody else")
    _of_reader(_other(reader, ()) is None, promise="returns None for an empty sheet")


def _other(reader: Reader, rows: Sequence[Sequence[str]]) -> Any:
    try:
        return reader([list(row) for row in rows])
    except Exception as error:
        _of_reader(False, promise="returns None where it does not know a sheet", found=type(error).__name__)
        raise

"""The door to pandas: columns become a data frame when a user asks for one, and nothing else loads pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perfusio.errors import ConfigError

DataFrame = Any
"""A `pandas.DataFrame`; pandas is optional and has no types here."""


def data_frame(columns: Mapping[str, Sequence[object]], *, units: Mapping[str, str] | None = None) -> DataFrame:
    """Return columns of equal length as a data frame.

    Args:
        columns: Values by name of the column, in order.
        units: Unit by name of the column, where it has one; kept in ``frame.attrs["units"]``.

    Raises:
        ConfigError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise ConfigError(
            "A data frame needs pandas, which is not installed: install 'perfusio-twin[frames]', or pandas itself."
        ) from error
    frame = pd.DataFrame({name: list(values) for name, values in columns.items()})
    frame.attrs["units"] = dict(units or {})
    return frame


def one_frame(frames: Sequence[DataFrame]) -> DataFrame:
    """Return frames one below the other, rows numbered from 0; a column that one of them lacks is NaN there.

    Raises:
        ConfigError: pandas is not installed.
    """
    if not frames:
        return data_frame({})
    import pandas as pd

    units: dict[str, str] = {}
    for frame in frames:
        units |= frame.attrs.get("units", {})
    joined = pd.concat(frames, ignore_index=True)
    joined.attrs["units"] = units
    return joined

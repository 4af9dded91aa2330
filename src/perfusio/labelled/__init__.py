"""The door to xarray: arrays with named axes, coordinates and units when a user asks; nothing else loads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from perfusio.errors import ConfigError
from perfusio.quantities import Quantity

Dataset = Any
"""An `xarray.Dataset`; xarray is optional and has no types here."""
Variable = tuple[tuple[str, ...], Any, Mapping[str, str]]
"""Names of the axes, values, and attributes (`units`, `long_name`)."""


def dataset(
    variables: Mapping[str, Variable], coordinates: Mapping[str, Variable], about: Mapping[str, str]
) -> Dataset:
    """Return arrays as a data set.

    Args:
        variables: By name.
        coordinates: By name.
        about: Attributes of the whole.

    Raises:
        ConfigError: xarray is not installed.
    """
    return _xarray().Dataset(
        {name: (axes, values, dict(said)) for name, (axes, values, said) in variables.items()},
        coords={name: (axes, values, dict(said)) for name, (axes, values, said) in coordinates.items()},
        attrs={key: value for key, value in about.items() if value},
    )


def of(quantity: Quantity, axes: tuple[str, ...], values: Any) -> Variable:
    """Return the values of a quantity with its unit and its label."""
    return axes, np.asarray(values, dtype=np.float64), {"units": quantity.unit, "long_name": quantity.label}


def culture_day(times_h: Any) -> Variable:
    """Return the coordinate of time, in days since inoculation."""
    return ("day",), np.asarray(times_h, dtype=np.float64) / 24.0, {"units": "day", "long_name": "Culture day"}


def joined(sets: Mapping[str, Dataset], along: str) -> Dataset:
    """Return data sets side by side along a new axis, named by their keys; a time that one of them lacks is NaN there.

    Raises:
        ConfigError: xarray is not installed.
    """
    xarray = _xarray()
    whole = xarray.concat(
        list(sets.values()), along, data_vars="all", join="outer", coords="minimal", compat="override",
        combine_attrs="drop_conflicts",
    )  # fmt: skip
    return whole.assign_coords({along: list(sets)})


def netcdf_bytes(data: Dataset) -> bytes:
    """Return a data set as a NetCDF file (version 3, 64-bit offsets), with its units and coordinates.

    Raises:
        ConfigError: xarray is not installed.
    """
    _xarray()
    return bytes(data.to_netcdf(engine="scipy", format="NETCDF3_64BIT"))


def read_netcdf(path: Path) -> Dataset:
    """Return a data set that `netcdf_bytes` wrote.

    Raises:
        ConfigError: xarray is not installed.
    """
    with _xarray().open_dataset(path, engine="scipy") as found:
        return found.load()


def _xarray() -> Any:
    try:
        import xarray
    except ImportError as error:
        raise ConfigError(
            "Labelled arrays need xarray, which is not installed: install 'perfusio-twin[xarray]', or xarray itself."
        ) from error
    return xarray

"""A figure of its own, laid out by itself and drawn without a screen; as a file, or as the bytes of one."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from perfusio.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of that size [inch]; its layout keeps labels apart."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, path: Path, *, dpi: int = DPI) -> None:
    """Write a figure; the format follows the ending of `path`, whose folder is made.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=dpi)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}. Choose another place.") from error


def png_bytes(figure: Figure, *, dpi: int = DPI) -> bytes:
    """Return a figure as a PNG file."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=dpi)
    return data.getvalue()

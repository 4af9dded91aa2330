"""Looks at figures as a reader does: do texts cover one another, and does a picture look as it did?"""

import io

import numpy as np


def texts_of(figure):
    """Every text of a figure with its box in pixels, once the figure is laid out."""
    from matplotlib.text import Text

    figure.draw_without_rendering()  # laid out, and nothing painted: half the time
    renderer = figure.canvas.get_renderer()
    found = [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    ticks = {id(t) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for t in _unseen(axis)}
    # of the words alone: an annotation's own box holds the line to its point, too
    return [(t.get_text(), Text.get_window_extent(t, renderer)) for t in found if id(t) not in ticks]


def _unseen(axis):
    """Labels of ticks that lie beyond the axis are made and not drawn."""
    low, high = sorted(axis.get_view_interval())
    span = (high - low) * 1e-6
    for tick in axis.get_major_ticks():
        if not low - span <= tick.get_loc() <= high + span:
            yield tick.label1
    yield from (tick.label2 for tick in axis.get_major_ticks())


def overlaps(figure, *, least=2.0):
    """Pairs of texts whose boxes share more than `least` pixels in both directions, and texts beyond the picture."""
    return covered(texts_of(figure), figure.canvas.get_width_height(), least=least)


def covered(found, size, *, least=2.0):
    """The same of texts with their boxes, in a picture of that size in pixels."""
    width, height = size
    beyond = [
        (text, "the edge")
        for text, box in found
        if box.x0 < -least or box.y0 < -least or box.x1 > width + least or box.y1 > height + least
    ]
    return beyond + [
        (one, other)
        for i, (one, a) in enumerate(found)
        for other, b in found[i + 1 :]
        if min(a.x1, b.x1) - max(a.x0, b.x0) > least and min(a.y1, b.y1) - max(a.y0, b.y0) > least
    ]


def look(figure, *, size=24):
    """A perceptual hash: whether each of size x size patches is darker than the one to its right (dHash)."""
    from PIL import Image

    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=40)
    picture = Image.open(data).convert("L").resize((size + 1, size), Image.Resampling.BOX)
    grey = np.asarray(picture, dtype=int)
    return grey[:, 1:] > grey[:, :-1] + 1


def distance(one, other):
    """Share of patches in which two looks differ."""
    return float(np.mean(one != other))

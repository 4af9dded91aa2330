"""How alike clones are: the table names the nearest one, the figure has every clone on it."""

import numpy as np

from perfusio.report.clone_plot import clone_table, plot_clones

NAMES = ["CloneX", "CloneY", "Random7"]
APART = np.array([[0.0, 0.4, 1.2], [0.4, 0.0, 0.9], [1.2, 0.9, 0.0]])


def test_the_table_says_how_far_and_which_is_nearest():
    head, names, *rows = clone_table(NAMES, APART).splitlines()
    assert "1 = as far apart as two cell lines usually are" in head
    assert names.split() == [*NAMES, "nearest"]
    assert [row.split() for row in rows] == [
        ["CloneX", "-", "0.40", "1.20", "CloneY"],
        ["CloneY", "0.40", "-", "0.90", "CloneX"],
        ["Random7", "1.20", "0.90", "-", "CloneY"],
    ]


def test_one_clone_has_none_to_be_compared_with():
    assert "Only one clone is known, CloneX" in clone_table(["CloneX"], np.zeros((1, 1)))


def test_the_figure_names_every_clone_and_distance(tmp_path):
    plot_clones(NAMES, APART, np.array([[0.0, 0.1], [0.4, 0.0], [1.0, -0.6]]), tmp_path / "plots" / "clones.svg")
    text = (tmp_path / "plots" / "clones.svg").read_text(encoding="utf-8")
    for label in ("Clones by their calibrated rates", "0.40", "1.20", "0.90"):
        assert f"<!-- {label} -->" in text
    assert all(text.count(f"<!-- {name} -->") == 3 for name in NAMES)  # on the map and on both sides of the matrix


def test_two_clones_differ_in_one_direction_only(tmp_path):
    plot_clones(NAMES[:2], APART[:2, :2], np.array([[-0.2], [0.2]]), tmp_path / "clones.png")
    assert (tmp_path / "clones.png").stat().st_size > 5_000

"""The runner of pages sees a page that drifts."""

import pytest

from .pages import agree, executed, misprints

CODE = "```python\nx = 1.25\nprint(f'titer {x:.2f} mg/L in 3 days')\n```\n"
PAGE = f"{CODE}that is\n```text\ntiter 1.25 mg/L in 3 days\n```\n"


def test_a_page_that_is_right_has_no_misprints():
    assert misprints(PAGE, executed(PAGE)) == []


@pytest.mark.parametrize("drift", ["1.27", "2.25", "1.2", "1.3", "-1.25", "12.5"])
def test_a_number_that_drifted_is_a_misprint(drift):
    stale = PAGE.replace("titer 1.25", f"titer {drift}")
    assert len(misprints(stale, executed(PAGE))) == 1


@pytest.mark.parametrize(
    ("shown", "printed", "is_same"),
    [
        ("0.21 wide", "0.22 wide", True),
        ("0.21 wide", "0.23 wide", False),
        ("9.99 mg", "10.00 mg", True),
        ("3 runs", "4 runs", False),
        ("R21 best", "R22 best", False),
        ("a  1.0", "a 1.1", True),
        ("kept", "left", False),
    ],
)
def test_words_and_counts_are_exact_and_the_last_decimal_may_differ(shown, printed, is_same):
    assert agree(shown, printed) is is_same


def test_it_sees_a_word_that_drifted_and_a_block_that_is_gone():
    assert misprints(PAGE.replace("titer 1.25", "titre 1.25"), executed(PAGE))
    with pytest.raises(AssertionError):
        misprints(PAGE, [])

"""One cup on two vessels: found by equal readings, judged by the course of each, and never among twins."""

from perfusio.testing import make_state
from perfusio.twin.samples.copies import Neighbour, copied_from

NAMES = ("vcd", "glucose", "lactate", "titer")
ONE = {"vcd": 20.13, "glucose": 4.027, "lactate": 10.31, "titer": 501.7}
TWO = {"vcd": 34.21, "glucose": 2.413, "lactate": 19.27, "titer": 263.1}
EMPTY = dict.fromkeys(make_state(day=0).measured(), float("nan"))


def cup(values, day, wobble=0.0):
    return make_state(day=day, **EMPTY | {n: v * (1.0 + wobble) for n, v in values.items()})


def course(values, n_days, wobble):
    return [cup(values, d, wobble * (1 + d % 3)) for d in range(n_days)]


MINE, THEIRS = course(ONE, 5, 0.0117), course(TWO, 5, 0.0131)


def test_a_cup_of_another_vessel_that_was_read_before():
    others = {"R02": Neighbour(states=[*THEIRS, cup(TWO, 5)])}
    assert "R02 at hour 120" in copied_from(cup(TWO, 5), MINE, None, others)
    assert "fit less here" in copied_from(cup(TWO, 5), MINE, None, others)


def test_the_vessel_whose_cup_it_is_uses_it():
    others = {"R01": Neighbour(states=[*MINE, cup(TWO, 5)])}
    assert copied_from(cup(TWO, 5), THEIRS, None, others) == ""


def test_where_it_fits_both_a_person_is_asked():
    alike = course(ONE, 5, -0.0121)
    others = {"R02": Neighbour(states=[*alike, cup(ONE, 5)])}
    assert "fit both" in copied_from(cup(ONE, 5), MINE, None, others)


def test_twins_of_a_script_and_first_samples_of_one_flask_are_no_copies():
    others = {"R02": Neighbour(states=[*MINE, cup(ONE, 5)])}
    assert copied_from(cup(ONE, 5), MINE, None, others) == ""
    assert copied_from(cup(ONE, 0), [], None, {"R02": Neighbour(states=[cup(ONE, 0)])}) == ""


def test_coarse_values_and_old_cups_are_alike_by_chance():
    coarse = make_state(day=5, **EMPTY | {"vcd": 20.0, "glucose": 4.0, "lactate": 10.0})
    assert copied_from(coarse, MINE, None, {"R02": Neighbour(states=[*THEIRS, coarse])}) == ""
    assert copied_from(cup(TWO, 8), MINE, None, {"R02": Neighbour(states=[*THEIRS, cup(TWO, 5)])}) == ""

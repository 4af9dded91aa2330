"""What options repeat so that `perfusio --help` loads little is as it stands elsewhere."""

from perfusio.cli.options import LATEST_H
from perfusio.trajectory import LONGEST_H


def test_the_latest_hour_is_the_end_of_the_longest_run():
    assert LATEST_H == LONGEST_H

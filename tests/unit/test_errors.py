"""The tree of errors is the drawn one, and each has its exit code."""

import re

import pytest

from perfusio import errors
from perfusio.errors import ChainBroken, ConnectorError, EndOfRun, PerfusioError, UnreadableSource


def all_errors():
    return {n: e for n, e in vars(errors).items() if isinstance(e, type) and issubclass(e, Exception)}


def test_the_drawing_is_the_tree():
    for line in re.findall(r"[├└]─ (.*)", errors.__doc__):
        parent, *children = re.findall(r"[A-Z]\w+", line)
        assert issubclass(getattr(errors, parent), PerfusioError)
        for child in children:
            assert getattr(errors, child).__base__ is getattr(errors, parent), child
    drawn = set(re.findall(r"[A-Z][a-z]+[A-Z]\w+", errors.__doc__))
    assert set(all_errors()) <= drawn | {"PerfusioError", "EndOfRun"}


def test_the_end_of_a_run_is_no_error():
    assert not issubclass(EndOfRun, PerfusioError)


@pytest.mark.parametrize(
    ("name", "code"),
    [("ConfigError", 2), ("OutOfRange", 2), ("UnreadableSource", 3), ("ChainBroken", 4), ("FitFailed", 1)],
)
def test_exit_codes(name, code):
    assert getattr(errors, name).exit_code == code


def test_errors_carry_where():
    error = ConnectorError("no answer", connector="R01", operation="read_sample")
    assert (str(error), error.connector, error.operation) == ("no answer", "R01", "read_sample")
    assert ConnectorError("x").operation == ""
    assert str(UnreadableSource(("line 1", "line 2"))) == "line 1\nline 2"
    assert ChainBroken("broken", line=7).line == 7

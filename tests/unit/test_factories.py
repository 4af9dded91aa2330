"""Factories: parameters are settings, checked before anything is made; what cannot be used is said with its package."""

from pathlib import Path

import pytest

from perfusio.errors import ConfigError, OutOfRange
from perfusio.factories import make, paths_of, settings_of
from perfusio.process import CHO_PERFUSION
from perfusio.registry import ExtensionError, Registry


class Pump:
    def __init__(self, *, path: Path, rate: float = 1.0, spare: Path | None = None, process=None):
        if rate < 0:
            raise OutOfRange("A pump does not run backwards.")
        self.path, self.rate, self.spare, self.process = path, rate, spare, process


@pytest.fixture
def registry():
    found = Registry("policy", "perfusio.policies", ("bed",))
    found.register("pump", Pump)
    return found


def test_parameters_are_settings_and_some_are_handed_over(registry):
    settings = settings_of(registry, "pump")
    assert list(settings.model_fields) == ["kind", "path", "rate", "spare"]
    assert paths_of(settings) == ("path", "spare")
    pump = make(registry, "pump", {"path": "x", "rate": 2}, process=CHO_PERFUSION, opening="not asked for")
    assert (pump.path, pump.rate, pump.process) == (Path("x"), 2.0, CHO_PERFUSION)
    origin = registry.origin(pump)
    assert (origin.extension.name, origin.settings) == ("pump", {"path": "x", "rate": 2.0, "spare": None})
    again = make(registry, "pump", origin.settings)
    assert (again.path, again.rate) == (pump.path, pump.rate)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({}, "pump.path"), ({"path": "x", "rat": 1}, "Did you mean 'rate'"), ({"path": "x", "rate": "fast"}, "pump.rate")],
)
def test_impossible_settings_are_refused(registry, settings, words):
    with pytest.raises(ConfigError, match=words):
        make(registry, "pump", settings)


def test_an_error_of_ours_passes_and_any_other_names_the_package(registry):
    with pytest.raises(OutOfRange):
        make(registry, "pump", {"path": "x", "rate": -1})
    registry.register("odd", lambda *, n=1: 1 / (n - 1))
    with pytest.raises(ExtensionError, match=r"'odd' of the package this program could not be made: ZeroDivisionError"):
        make(registry, "odd")


@pytest.mark.parametrize(
    ("factory", "words"),
    [
        (3, "expected a class or function"), (lambda *a: 1, "cannot be given by name"),
        (lambda **a: 1, "cannot be given by name"), (lambda *, kind: 1, "is called kind"),
        (lambda a, /: 1, "cannot be given by name"),
    ],
)  # fmt: skip
def test_a_factory_that_cannot_be_used_is_refused(registry, factory, words):
    registry.register("odd", factory)
    with pytest.raises(ExtensionError, match=words):
        settings_of(registry, "odd")

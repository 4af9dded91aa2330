"""Registries: names without loading, one owner for each name, and a broken package that breaks nothing else."""

import sys
from dataclasses import replace

import pytest

from perfusio.errors import ConfigError
from perfusio.registry import ALL, HERE, Extension, ExtensionError, Origin, Registry


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A function that installs a package with entry points, as pip would leave it."""

    def install(package, entries, source="", version="1.2"):
        module = package.replace("-", "_")
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(
            "".join(f"[{group}]\n{name} = {target}\n" for group, name, target in entries)
        )

    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield install
    for name in set(sys.modules) - before:
        if name.startswith("lab_"):
            del sys.modules[name]


def policies():
    return Registry("policy", "perfusio.policies", ("bed",))


def test_a_part_of_a_package_is_listed_before_it_is_loaded(installed):
    installed("lab-one", [("perfusio.policies", "mine", "lab_one:Mine")], "class Mine:\n    pass\n")
    registry = policies()
    assert registry.extensions() == (
        Extension(kind="policy", name="mine", package="lab-one", version="1.2", target="lab_one:Mine"),
    )
    assert registry.names == ("bed", "mine")
    assert registry.has("mine")
    assert "lab_one" not in sys.modules
    part, extension = registry.find("mine")
    assert (part.__name__, extension.package) == ("Mine", "lab-one")


def test_a_name_that_nobody_has_names_the_nearest(installed):
    installed("lab-one", [("perfusio.policies", "thermostat", "lab_one:Mine")])
    with pytest.raises(ConfigError, match=r"'thermostad' is not a policy\. Did you mean 'thermostat'\? Known: bed, "):
        policies().find("thermostad")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError"), ("x = 1", "AttributeError"), ("1 / 0", "ZeroDivision"),
        ("raise SystemExit(3)", "SystemExit"), ("def (", "SyntaxError"),
    ],
)  # fmt: skip
def test_a_package_that_cannot_be_loaded_is_named_and_breaks_no_other(installed, source, words):
    entries = [("perfusio.policies", "broken", "lab_broken:Mine")]
    installed("lab-broken", entries, source)
    installed("lab-sound", [("perfusio.policies", "sound", "lab_sound:Mine")], "class Mine:\n    pass\n")
    registry = policies()
    with pytest.raises(ExtensionError, match=rf"lab-broken 1\.2 cannot be loaded from lab_broken:Mine: {words}"):
        registry.find("broken")
    assert registry.find("sound")[0].__name__ == "Mine"


def test_two_packages_with_one_name_are_refused_and_both_named(installed):
    for package in ("lab-one", "lab-two"):
        installed(package, [("perfusio.policies", "mine", f"{package.replace('-', '_')}:Mine")], "Mine = 1")
    with pytest.raises(ExtensionError, match="lab-one and from lab-two"):
        policies().find("mine")


def test_nobody_puts_another_behind_a_name_of_ours(installed):
    installed("lab-one", [("perfusio.policies", "bed", "lab_one:Mine")], "Mine = 1")
    assert not policies().has("bed")
    with pytest.raises(ExtensionError, match="perfusio and from lab-one"):
        policies().find("bed")
    with pytest.raises(ConfigError, match="perfusio's own"):
        policies().register("bed", object())


def test_a_call_registers_for_this_program_and_again_replaces(installed):
    registry = policies()
    registry.register("mine", 1)
    registry.register("mine", 2)
    assert registry.find("mine")[0] == 2
    assert registry.extensions()[0].package == HERE
    registry.forget("mine")
    assert not registry.has("mine")
    installed("lab-one", [("perfusio.policies", "mine", "lab_one:Mine")])
    with pytest.raises(ConfigError, match="the package lab-one"):
        registry.register("mine", 3)


def test_how_a_part_was_made_is_remembered():
    registry, part = policies(), object()
    origin = Origin(extension=Extension(kind="policy", name="mine", package="lab-one"), settings={"step": 1})
    registry.note(part, origin)
    assert registry.origin(part) == replace(origin)
    assert registry.origin(object()) is None


def test_every_kind_has_a_group_of_its_own():
    assert len({r.group for r in ALL}) == len(ALL) == 8
    assert all(r.group.startswith("perfusio.") for r in ALL)


def test_a_stand_in_can_be_named_but_decides_nothing():
    registry = policies()
    registry.stand_in("mine", object())
    assert registry.has("mine")
    assert not registry.can_decide("mine")
    registry.register("mine", object())
    assert registry.can_decide("mine")

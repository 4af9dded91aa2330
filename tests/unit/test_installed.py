"""Installed packages are looked through once, and anew as soon as one comes or goes."""

import shutil

import pytest

from perfusio import installed


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def put_in(site, name, version="1.2"):
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text("[perfusio.policies]\nmine = lab_one:Mine\n")
    return info


def test_a_package_that_comes_or_goes_is_seen_at_once(site):
    assert "mine" not in [e.name for e in installed.entries("perfusio.policies")]
    assert installed.version_there("lab-one") is None
    info = put_in(site, "lab-one")
    assert [e.value for e in installed.entries("perfusio.policies") if e.name == "mine"] == ["lab_one:Mine"]
    assert installed.version_there("lab-one") == "1.2"
    assert ("lab-one", "1.2") in installed.packages()
    shutil.rmtree(info)
    assert "mine" not in [e.name for e in installed.entries("perfusio.policies")]
    assert installed.version_there("lab-one") is None
    assert ("lab-one", "1.2") not in installed.packages()


def test_it_is_looked_through_once(site, monkeypatch):
    put_in(site, "lab-one")
    first = installed.entries("perfusio.policies"), installed.packages(), installed.version_there("lab-one")

    def again(**_):
        raise AssertionError("looked through again")

    for name in ("entry_points", "distributions", "version"):
        monkeypatch.setattr(installed, name, again)
    assert (installed.entries("perfusio.policies"), installed.packages(), installed.version_there("lab-one")) == first


def test_a_folder_of_the_path_that_is_not_there_is_passed_over(site, monkeypatch):
    monkeypatch.syspath_prepend(str(site / "nowhere"))
    assert installed.version_there("perfusio-twin")

"""Who decides is a fact: class, version and source of policy and model; a run goes on with these, or says so."""

import importlib.util
import sys
from dataclasses import dataclass

import pytest

from perfusio import __version__
from perfusio.bed.policy import BEDPolicy
from perfusio.errors import ConfigError
from perfusio.hybrid.model import HybridModel
from perfusio.twin.deciding.identity import check_same, decided_by, identity_of


@dataclass
class Own:
    """A policy of the user's own."""


def written(folder, text):
    """A policy in a file of its own."""
    path = folder / "mylab.py"
    path.write_text(f"class Careful:\n    '''{text}'''\n", encoding="utf-8")
    spec = importlib.util.spec_from_file_location("mylab", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.Careful.__module__ = "mylab"
    sys.modules["mylab"] = module
    return module.Careful()


def test_a_part_is_named_with_its_version_and_its_source():
    found = identity_of(BEDPolicy())
    assert (found["class"], found["version"]) == ("perfusio.bed.policy.BEDPolicy", __version__)
    assert len(found["source_sha256"]) == 64
    assert identity_of(Own())["class"].endswith("test_identity.Own")


def test_the_same_may_go_on_and_so_may_what_is_on_record():
    recorded = decided_by(BEDPolicy(), HybridModel())
    check_same(recorded, policy=None, model=None)
    check_same(recorded, policy=BEDPolicy(), model=HybridModel())
    check_same({}, policy=Own(), model=None)  # records of before this was kept


def test_an_update_of_perfusio_is_no_other_policy():
    recorded = decided_by(BEDPolicy(), HybridModel())
    recorded["policy"] |= {"version": "0.0.1", "source_sha256": "0" * 64}
    check_same(recorded, policy=BEDPolicy(), model=None)


@pytest.mark.parametrize(
    ("recorded", "given", "words"),
    [
        ((BEDPolicy(), HybridModel()), {"policy": Own(), "model": None}, "The policy is another"),
        ((BEDPolicy(), HybridModel()), {"policy": None, "model": Own()}, "The model is another"),
        ((Own(), HybridModel()), {"policy": None, "model": None}, "begun with the policy .*Own, which is not perfusio"),
        ((Own(), Own()), {"policy": Own(), "model": None}, "begun with the model .*Own, which is not perfusio"),
    ],
)
def test_another_one_is_refused_in_one_sentence(recorded, given, words):
    with pytest.raises(ConfigError, match=words):
        check_same(decided_by(*recorded), **given)


def test_a_policy_of_the_users_own_is_another_one_once_its_source_is(tmp_path):
    recorded = decided_by(written(tmp_path, "As it was."), HybridModel())
    check_same(recorded, policy=written(tmp_path, "As it was."), model=None)
    with pytest.raises(ConfigError, match=r"mylab\.Careful with the source \w{12}\.\.\., and on record is"):
        check_same(recorded, policy=written(tmp_path, "Bolder."), model=None)

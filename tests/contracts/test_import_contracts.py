"""The import contracts of pyproject.toml name every folder of the tree and forbid what the design forbids."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "perfusio"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
LAYERS = [c for c in CONTRACTS if c["type"] == "layers"]


def test_every_folder_and_root_noun_has_a_layer():
    """`lint-imports` itself refuses a module that no layer names, as long as the contract says so."""
    houses = {"perfusio", *(f"perfusio.{name}" for name in ("process", "twin", "tables", "connectors", "cli"))}
    assert houses <= {container for c in LAYERS for container in c["containers"]}
    assert all(c["exhaustive"] for c in LAYERS)
    assert not [name for c in LAYERS for layer in c["layers"] for name in layer.split("|") if "(" in name]


def test_the_belief_never_sees_the_truth():
    (belief,) = (c for c in CONTRACTS if c["type"] == "forbidden" and "perfusio.plant" in c["forbidden_modules"])
    assert set(belief["source_modules"]) == {
        f"perfusio.{name}" for name in ("hybrid", "kinetics", "bed", "twin", "record", "tables")
    }


def test_no_package_has_a_circle_but_for_what_is_named():
    (contract,) = (c for c in CONTRACTS if c["type"] == "acyclic_siblings")
    assert contract["ancestors"] == ["perfusio"]
    assert all(line.startswith("perfusio.hybrid.") for line in contract["ignore_imports"])

"""The import contracts of pyproject.toml name every folder of the tree and forbid what the design forbids."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "perfusio"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
(LAYERS,) = (c["layers"] for c in CONTRACTS if c["type"] == "layers")


def test_every_folder_and_root_noun_has_a_layer():
    named = {name.strip(" ()") for layer in LAYERS for name in layer.split("|")}
    there = {p.name for p in SOURCE.iterdir() if p.is_dir() and (p / "__init__.py").exists()}
    there |= {p.stem for p in SOURCE.glob("*.py")} - {"__init__"}
    for parted in sorted({name.split(".")[0] for name in named if "." in name}):  # a folder that lies in two layers
        there.remove(parted)
        there |= {f"{parted}.{p.stem}" for p in (SOURCE / parted).glob("*.py")} - {f"{parted}.__init__"}
    assert there <= named
    required = {name for layer in LAYERS for name in layer.split("|") if "(" not in name}
    assert {name.strip() for name in required} <= there


def test_the_belief_never_sees_the_truth():
    (belief,) = (c for c in CONTRACTS if c["type"] == "forbidden" and "perfusio.plant" in c["forbidden_modules"])
    assert set(belief["source_modules"]) == {"perfusio.hybrid", "perfusio.kinetics", "perfusio.bed", "perfusio.twin"}

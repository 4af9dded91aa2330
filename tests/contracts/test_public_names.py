"""Names that users already type, and those that `import perfusio` offers."""

from importlib import import_module
from pathlib import Path

import pytest

import perfusio

SEEDS = (
    "perfusio.connectors.filesystem:FilesystemStore",
    "perfusio.connectors.simulated:SimulatedAmbr250",
    "perfusio.twin.digital_twin:DigitalTwin",
    "perfusio.twin.audit:AuditLogger",
    "perfusio.config:DEFAULT_AMBR250_DESIGN_SPACE",
    "perfusio.config:RunConfig",
    "perfusio.bed.policy:BEDPolicy",
    "perfusio.hybrid.model:HybridModel",
)


@pytest.mark.parametrize("seed", SEEDS)
def test_seed_names_import(seed):
    module, name = seed.split(":")
    assert hasattr(import_module(module), name)


def test_seed_methods_are_there():
    from perfusio.bed.policy import BEDPolicy
    from perfusio.connectors.filesystem import FilesystemStore
    from perfusio.hybrid.model import HybridModel

    assert callable(BEDPolicy.decide)
    assert callable(HybridModel.predict_next_state)
    assert callable(FilesystemStore.read_sample)
    assert callable(FilesystemStore.write_setpoints)
    assert (Path(__file__).parents[2] / "examples" / "06_online_digital_twin_filesystem.py").exists()


def test_public_names_are_those_of_all():
    assert set(perfusio._HOME) == set(perfusio.__all__)
    assert sorted([*perfusio.__all__, "__version__"]) == dir(perfusio)
    for name in perfusio.__all__:
        assert getattr(perfusio, name) is not None
    with pytest.raises(AttributeError, match="public names"):
        perfusio.Stat  # noqa: B018

"""Names that users already type, and those that `import perfusio` offers."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import perfusio

SEEDS = (
    "perfusio.connectors.filesystem:FilesystemStore",
    "perfusio.connectors.simulated:SimulatedAmbr250",
    "perfusio.twin.digital_twin:DigitalTwin",
    "perfusio.record.audit_logger:AuditLogger",
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


OLD_PATHS = {
    "perfusio.bed.campaign": "perfusio.bed.campaigns.campaign",
    "perfusio.bed.coupling": "perfusio.bed.shared_limits",
    "perfusio.bed.initial_designs": "perfusio.bed.campaigns.initial_designs",
    "perfusio.bed.recommendation": "perfusio.bed.campaigns.recommendation",
    "perfusio.connectors.column_map": "perfusio.tables.columns.column_map",
    "perfusio.connectors.history": "perfusio.tables.runs_from_files",
    "perfusio.connectors.opcua_access": "perfusio.connectors.opc_ua.access",
    "perfusio.connectors.opcua_nodes": "perfusio.connectors.opc_ua.node_map",
    "perfusio.connectors.opcua_security": "perfusio.connectors.opc_ua.security",
    "perfusio.connectors.runs_table": "perfusio.tables.runs_table",
    "perfusio.connectors.sql_record": "perfusio.connectors.database.record_index",
    "perfusio.connectors.sql_samples": "perfusio.connectors.database.samples",
    "perfusio.connectors.workbook": "perfusio.tables.runs_from_workbook",
    "perfusio.hybrid.embedding": "perfusio.hybrid.clones.embedding",
    "perfusio.hybrid.transfer": "perfusio.hybrid.clones.transfer",
    "perfusio.twin.audit": "perfusio.record.audit_logger",
    "perfusio.twin.mirror": "perfusio.record.mirror",
    "perfusio.twin.verify": "perfusio.record.verification.verify",
}


@pytest.mark.parametrize("old", OLD_PATHS)
def test_old_paths_stay(old):
    """A module that moved keeps its old path as imports and a list of its names, and nothing of its own."""
    before = import_module(old)
    first, *imports, last = ast.parse(Path(before.__file__).read_text(encoding="utf-8")).body
    assert (type(first), {type(node) for node in imports}, type(last)) == (ast.Expr, {ast.ImportFrom}, ast.Assign)
    homes = {alias.name: node.module for node in imports for alias in node.names}
    names = [name for name in vars(before) if not name.startswith("_")]
    assert OLD_PATHS[old] in homes.values()
    assert sorted(names) == sorted(before.__all__) == sorted(homes)
    assert all(getattr(before, name) is getattr(import_module(homes[name]), name) for name in names)

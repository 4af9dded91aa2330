"""asyncua has few doors, and they open with the first connector, not with the package."""

from pathlib import Path

import perfusio

from .test_imports import MODULES, SOURCE, imported, loaded_by


def test_asyncua_is_imported_by_the_opcua_modules_only():
    doors = {path.relative_to(SOURCE).as_posix() for path in MODULES if "asyncua" in imported(path)}
    in_folder, beside = ("connectors", "opc_ua"), ("connectors/opcua.py", "testing/opcua_")
    assert all(Path(door).parts[:2] == in_folder or door.startswith(beside) for door in doors)
    assert {Path(door).parts[0] for door in doors} == {"connectors", "testing"}


def test_nothing_else_loads_it():
    assert Path(perfusio.__file__).parent == SOURCE
    for statement in (
        "import perfusio",
        "import perfusio.testing",
        "from perfusio.cli.app import app",
        "from perfusio.twin.digital_twin import DigitalTwin",
        "from perfusio.connectors.opc_ua.node_map import read_node_map",
    ):
        assert not loaded_by(statement) & {"asyncua", "cryptography"}, statement

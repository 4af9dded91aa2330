"""What loads what: the package stays light, and heavy parties stay behind their doors."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import perfusio

from .test_public_names import OLD_PATHS

SOURCE = Path(perfusio.__file__).parent
MODULES = sorted(SOURCE.rglob("*.py"))
HEAVY = {"torch", "gpytorch", "botorch"}


def loaded_by(statement):
    """Top-level names of the modules that a fresh interpreter holds after a statement."""
    script = f"import sys\n{statement}\nimport json\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


def imported(path):
    """Top-level names that a module imports anywhere, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def called(path):
    """Names of the attributes that a module calls, e.g. ``write_setpoints`` for ``x.write_setpoints(...)``."""
    calls = (n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call))
    return {node.func.attr for node in calls if isinstance(node.func, ast.Attribute)}


def test_import_perfusio_is_light():
    assert not loaded_by("import perfusio") & (HEAVY | {"pandas", "scipy", "numpy", "matplotlib", "pydantic"})


def test_the_names_that_users_type_do_not_load_torch():
    from_issue = (
        "from perfusio.connectors.filesystem import FilesystemStore\n"
        "from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig\n"
        "from perfusio.twin.digital_twin import DigitalTwin"
    )
    assert not loaded_by(from_issue) & (HEAVY | {"pandas"})


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["verify", "--help"], ["--version"]])
def test_help_is_instant(arguments):
    statement = (
        f"sys.argv = ['perfusio', *{arguments}]\nfrom perfusio.cli.entry import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code in (0, None)"
    )
    loaded = loaded_by(statement)
    assert not loaded & (HEAVY | {"numpy", "scipy", "matplotlib", "asyncio"})
    if arguments == ["--help"]:  # of one command, typer itself loads pydantic
        assert "pydantic" not in loaded


def test_torch_has_few_doors():
    doors = {"bed/with_botorch/acquisition.py", "bed/with_botorch/gradient.py"}
    assert {path.relative_to(SOURCE).as_posix() for path in MODULES if imported(path) & HEAVY} == doors
    assert not loaded_by("import perfusio.bed.pareto, perfusio.bed.policy, perfusio.bed.acquisition") & HEAVY


def test_excel_has_one_door_and_opens_with_the_first_workbook():
    readers = {"python_calamine", "openpyxl", "pandas"}
    doors = {"frames.py", "tables/excel.py", "tables/exporting.py"}
    assert {p.relative_to(SOURCE).as_posix() for p in MODULES if imported(p) & readers} == doors
    assert not loaded_by("from perfusio.tables.runs_from_workbook import read_workbook") & (readers | HEAVY)


def test_nothing_unpickles():
    assert not [path for path in MODULES if imported(path) & {"pickle", "dill", "joblib", "cloudpickle", "shelve"}]


def test_one_function_is_the_only_road_to_a_write():
    deciding = [p for p in MODULES if p.relative_to(SOURCE).parts[0] in ("twin", "record", "bed", "hybrid", "physics")]
    assert [p.name for p in deciding if "write_setpoints" in called(p)] == ["actuate.py"]
    assert [p.name for p in deciding if "actuate" in _names_called(p)] == ["write_dispatcher.py"]


def _names_called(path):
    calls = (n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call))
    return {node.func.id for node in calls if isinstance(node.func, ast.Name)}


def test_every_module_is_used():
    """A module that only its tests know is dead. Benchmarks, examples and documents are uses."""
    known = {".".join(p.relative_to(SOURCE.parent).with_suffix("").parts) for p in MODULES if p.stem != "__init__"}
    root = SOURCE.parents[1]
    users = [*MODULES, *(root / "benchmarks").glob("*.py"), *(root / "examples").glob("*.py")]
    programs = {"perfusio.record.verification.shape_table"}
    programs |= {"perfusio.study.scenarios.runs"}  # tasks of a study name it
    used = {"perfusio.__main__", *programs, *OLD_PATHS}
    for path in users:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                used |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    pages = "".join(page.read_text(encoding="utf-8") for page in (root / "docs").rglob("*.md"))
    known = {name for name in known if ".migrations." not in name}  # alembic runs them by their place
    dead = ", ".join(sorted(name for name in known - used if f"from {name} import" not in pages))
    assert dead == ""


def test_setpoints_are_compared_and_refused_in_one_place():
    once = {"differences", "refuse_impossible", "verified_write", "agree", "lacking"}
    found = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in once:
                found.setdefault(node.name, []).append(path.name)
    assert found == {key: ["verified_write.py"] for key in once}


def test_every_folder_with_modules_is_a_package():
    """A folder without `__init__.py` imports here, but is left out of what is installed."""
    assert not [str(folder) for folder in {path.parent for path in MODULES} if not (folder / "__init__.py").exists()]

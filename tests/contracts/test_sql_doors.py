"""Databases stay behind `connectors/sql.py` and `connectors/database/`, and load with the first one that is opened."""

import ast
import subprocess
import sys
from pathlib import Path

import perfusio

SOURCE = Path(perfusio.__file__).parent
DATABASES = {"sqlalchemy", "alembic", "psycopg", "sqlite3"}


def imported(path):
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    names = [a.name for n in tree if isinstance(n, ast.Import) for a in n.names]
    tree = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {name.split(".")[0] for name in names + [n.module or "" for n in tree if isinstance(n, ast.ImportFrom)]}


def test_databases_have_one_door():
    doors = {p.relative_to(SOURCE).as_posix() for p in SOURCE.rglob("*.py") if imported(p) & DATABASES}
    # the controller of T15 is somebody else's program: it speaks to its database by itself; users of the page are in a
    # file of their own
    others = {d for d in doors if not d.startswith(("connectors/sql", "connectors/database/"))}
    assert others == {"selftest/lives/outside.py", "dashboard/accounts/database.py", "dashboard/accounts/users.py"}


def test_nothing_else_loads_them():
    script = (
        "import sys\n"
        "import perfusio.cli.app, perfusio.connectors.filesystem, perfusio.twin.digital_twin, perfusio.record.mirror\n"
        f"assert not {DATABASES - {'sqlite3'}!r} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_migrations_are_in_the_package():
    folder = SOURCE / "connectors" / "database" / "migrations"
    names = {p.name for p in folder.rglob("*") if "__pycache__" not in p.parts}
    revisions = {"r0001_first_tables.py", "r0002_turn_and_culture_day.py", "r0003_declared_quantities.py"}
    revisions |= {"r0004_small_cells.py", "r0005_forecasts_by_key.py", "r0006_forecasts_from_lines.py"}
    assert {"__init__.py", "env.py", "script.py.mako", "versions", *revisions} <= names

"""The package of a stranger, installed as an installer would: its modules and the facts of its pyproject.toml."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).with_name("perfusio-stranger")


def install(project, target):
    """Lay a project into a folder that then stands on the path: no build tool and no network is needed."""
    about = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for package in (project / "src").iterdir():
        shutil.copytree(package, target / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    info = target / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n")
    groups = about["entry-points"]
    lines = [f"[{group}]\n" + "".join(f"{n} = {v}\n" for n, v in parts.items()) for group, parts in groups.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))
    (info / "INSTALLER").write_text("tests\n")
    return target


@pytest.fixture(scope="session")
def stranger(tmp_path_factory):
    """Folder in which the stranger's package is installed."""
    return install(PROJECT, tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def server():
    """A program that starts commands with everything imported: an import takes longer than most of them."""
    program = [sys.executable, str(Path(__file__).with_name("commands.py"))]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        yield server
        server.stdin.close()


@pytest.fixture(scope="session")
def perfusio(stranger, server, tmp_path_factory):
    """A function that runs a command of perfusio where the stranger's package is installed, and others if named."""
    printed = tmp_path_factory.mktemp("printed") / "printed.txt"

    def run(*arguments, cwd, expect=0, more=(), without=False, **environment):
        asked = {
            "argv": [*map(str, arguments)], "cwd": str(cwd), "out": str(printed),
            "env": {**os.environ, "COLUMNS": "120", **environment},
            "path": [*map(str, (*([] if without else [stranger]), *more))],
        }  # fmt: skip
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        code, told = int(server.stdout.readline()), printed.read_text(encoding="utf-8")
        assert code == expect, told
        return told

    return run

"""The client reads a page, and the notebook a record, as a user would: cell by cell, on a run that was cut off."""

import asyncio
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from perfusio.config import DesignSpace, RunConfig
from perfusio.dashboard.accounts.roles import UserRole
from perfusio.dashboard.accounts.site import Site
from perfusio.dashboard.serve import prepared
from perfusio.process import CHO_PERFUSION
from perfusio.testing import ScriptedConnector, make_state
from perfusio.testing.fakes import SteadyModel, SteppingPolicy
from perfusio.twin.digital_twin import DigitalTwin

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "mine"
    vessel = ScriptedConnector([make_state(day=day, vcd=5.0 + day) for day in range(6)])
    config = RunConfig(duration_days=20, run_dir=folder, forecast_days=5, n_paths=16)
    space = DesignSpace.of(CHO_PERFUSION)
    twin = DigitalTwin(
        connector=vessel, design_space=space, run_config=config, model=SteadyModel(), policy=SteppingPolicy()
    )
    asyncio.run(twin.run())
    return folder


@pytest.fixture(scope="module")
def page(folder, tmp_path_factory):
    """Its page, and a token of a viewer."""
    site = Site(tmp_path_factory.mktemp("accounts") / "users.sqlite")
    user = site.users.add("vera", "Vera Example", UserRole.VIEWER, "correct horse battery")
    token, _ = site.credentials.make_token(user, "a test", UserRole.VIEWER, 1)
    served = prepared([folder], port=0, accounts=site.place)
    thread = threading.Thread(target=served.run, daemon=True)
    thread.start()
    yield served.url, token
    served.server.should_exit = True
    thread.join(60.0)


def client(page, *arguments, token=None, cwd=None):
    url, its_own = page
    env = {**os.environ, "PERFUSIO_TOKEN": its_own if token is None else token}
    script = str(EXAMPLES / "10_read_a_running_twin.py")
    return subprocess.run(
        [sys.executable, script, "--url", url, *arguments], env=env, cwd=cwd, capture_output=True, text=True
    )


def test_the_client_tells_the_rig_and_takes_the_samples(page, tmp_path):
    done = client(page, "--samples", "mine.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"R1? ?\S*\s+day 5 ", done.stdout), done.stdout
    assert (tmp_path / "mine.csv").read_text(encoding="utf-8").count("\n") == 1 + 6
    refused = client(page, token="no such token")
    assert refused.returncode == 1
    assert "401" in refused.stderr


def test_each_cell_of_the_notebook_runs(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUN", str(folder))
    text = (EXAMPLES / "11_notebook_running_twin.py").read_text(encoding="utf-8")
    cells = [cell for cell in re.split(r"^# %%", text, flags=re.MULTILINE)[1:] if not cell.startswith(" [markdown]")]
    assert len(cells) == 5
    names = {}
    for cell in cells:
        exec(compile(cell, "notebook", "exec"), names)
    said = capsys.readouterr().out
    assert "intact" in said
    assert "vcd in 1e6 cells/mL, temperature in °C" in said
    assert (tmp_path / "ahead.png").read_bytes().startswith(b"\x89PNG")

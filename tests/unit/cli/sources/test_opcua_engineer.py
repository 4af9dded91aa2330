"""An engineer at a server that nobody described: from nothing to a first sample, and every mismatch of a map."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from asyncua import ua
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.connectors.opc_ua.certificates import fingerprint
from perfusio.connectors.opc_ua.node_map import read_node_map
from perfusio.errors import ConfigError, UnreadableSource
from perfusio.testing import make_state
from perfusio.testing.opcua_identity import identity
from perfusio.testing.opcua_server import FaultyOpcUaServer

LADS = {
    "Viable cell density": ("SensorValue", 20.1, "1e6 cells/mL"),
    "Viability": ("SensorValue", 97.5, "%"),
    "Glucose": ("SensorValue", 24.0, "mmol/L"),
    "Lactate": ("SensorValue", 1.2, "g/L"),
    "Stirrer": ("SensorValue", 3.0, "bar"),
}
"""Functions of a functional unit: value and unit as an analyser of its maker's own mind gives them."""
ASKED = {"Temperature": (309.85, "K"), "Agitation": (850.0, "rpm")}


class Plant(FaultyOpcUaServer):
    """One flat vessel, and a LADS device: DeviceSet, device, functional unit, functions (OPC 30500-1)."""

    async def _add_nodes(self, index):
        await super()._add_nodes(index)
        place = self._server.nodes.objects
        for name in ("DeviceSet", "Analyser 7", "FunctionalUnitSet", "BR_2", "FunctionSet"):
            place = await place.add_object(index, name)
        self.lads = []
        for name, (leaf, value, unit) in LADS.items():
            await self._function(place, index, name, {leaf: value}, unit)
        for name, (value, unit) in ASKED.items():
            await self._function(place, index, name, {"CurrentValue": value, "TargetValue": value}, unit)

    async def _function(self, place, index, name, values, unit):
        function = await place.add_object(index, name)
        for leaf, value in values.items():
            node = await function.add_variable(index, leaf, value)  # with a number for an identifier
            await node.add_property(0, "EngineeringUnits", ua.EUInformation(DisplayName=ua.LocalizedText(unit)))
            if leaf == "TargetValue":
                await node.set_writable()
            self.lads.append((node, value))

    def measure(self, at):
        """Put a sample into the functions of the device."""
        for node, value in self.lads:
            self.run(node.write_value(ua.DataValue(ua.Variant(value), SourceTimestamp=at)))


@pytest.fixture(scope="module")
def server():
    with Plant(identity=identity(), user=("engineer", "pass phrase")) as server:
        yield server


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PERFUSIO_OPCUA_PASSWORD", "pass phrase")
    return tmp_path


def perfusio(*arguments):
    result = CliRunner().invoke(app, ["opcua", *map(str, arguments)], env={"COLUMNS": "80"})
    lines = [*result.stdout.splitlines(), *result.stderr.splitlines()]
    assert all(len(line) <= 80 for line in lines if "SHA-256" not in line), "wider than a terminal"
    return result


LOGIN = ("--user", "engineer")


def test_from_an_unknown_lads_server_to_a_sample_in_five_commands(server, here):
    now = datetime.now(UTC)
    server.measure(now - timedelta(minutes=5))
    began = (now - timedelta(hours=50)).isoformat(timespec="seconds")
    shown = perfusio("trust", server.endpoint)
    assert fingerprint(server.identity.certificate) in shown.stdout
    assert perfusio("trust", server.endpoint, "--fingerprint", fingerprint(server.identity.certificate)).exit_code == 0
    told = perfusio(
        "draft", server.endpoint, *LOGIN, "--vessel", "BR_2", "--inoculated", began, "--out", "nodes.toml"
    )
    assert told.exit_code == 0, told.exception
    text = (here / "nodes.toml").read_text()
    assert '"BR_2" = ""' in text
    assert 'unit = "mmol/L"' in text
    assert "# temperature can be written: add write = true where the twin may" in text
    checked = perfusio("check", server.endpoint, "--nodes", "nodes.toml", *LOGIN)
    assert (checked.exit_code, checked.stderr) == (0, "")
    sample = perfusio("sample", server.endpoint, "--nodes", "nodes.toml", *LOGIN)
    assert sample.exit_code == 0, sample.exception
    lines = dict(line.split(maxsplit=1) for line in sample.stdout.splitlines()[1:])
    assert sample.stdout.startswith("BR_2: sample at 49.9")
    assert lines["vcd"] == "20.1 1e6 cells/mL"
    assert float(lines["glucose"].split()[0]) == pytest.approx(24.0 * 0.18016, rel=1e-3)
    assert float(lines["lactate"].split()[0]) == pytest.approx(1.2e3 / 89.07, rel=2e-2)
    assert server.witness.written == []


def test_a_question_of_a_draft_is_answered_by_an_option(server, here):
    perfusio("trust", server.endpoint, "--yes")
    two = perfusio("draft", server.endpoint, *LOGIN)
    assert isinstance(two.exception, ConfigError)
    assert "2 vessels, R01, BR_2" in str(two.exception) or "2 vessels, BR_2, R01" in str(two.exception)
    begun = perfusio("draft", server.endpoint, *LOGIN, "--vessel", "BR_2")
    assert "--inoculated 2026-11-02T09:00:00+01:00" in str(begun.exception)
    flat = perfusio("draft", server.endpoint, *LOGIN, "--vessel", "R01")
    for line in ('"R01" = "R01"', 'number = "rig:s={vessel}.number"', 'bleed_rate = "rig:s={vessel}.bleed_rate"'):
        assert line in flat.stdout
    assert "write = true\n" not in flat.stdout


def test_a_draft_takes_no_value_that_stays_for_measured_unless_it_is_critical(server, here):
    now = datetime.now(UTC)
    server.measure(now - timedelta(minutes=5))
    perfusio("trust", server.endpoint, "--yes")
    arguments = ("--vessel", "BR_2", "--inoculated", (now - timedelta(hours=50)).isoformat(timespec="seconds"))
    perfusio("draft", server.endpoint, *LOGIN, *arguments, "--out", "nodes.toml")
    text = (here / "nodes.toml").read_text()
    assert "# unchanged = \"missing\": not measured while its source time stays." in text
    (of,) = read_node_map("nodes.toml").vessels.values()
    assert {n: tag.stays_measured for n, tag in of.measured.items()} == {
        "vcd": True, "viability": True, "glucose": True, "lactate": False,
    }  # fmt: skip
    counted = perfusio("draft", server.endpoint, *LOGIN, "--vessel", "R01").stdout
    assert "unchanged" not in counted  # the number of the sample says what is new


def planted(server):
    """Eleven mistakes in one vessel, each on a node of its own, and what the check has to say of it."""
    space = server.space
    server.publish("R01", make_state(day=2, titer=400.0))
    server.set_value("R01.time", 48.0)
    for name in server.panel.setpoint_names:
        server.set_value(f"R01.{name}", getattr(space.nominal, name))
    server.describe("R01.glucose", unit="mmol/L")
    server.describe("R01.lactate", unit="bar")
    server.describe("R01.titer", span=(0.0, 1e9))
    server.describe("R01.ammonium", span=(0.0, 0.5))
    server.describe("R01.pyruvate", unit="mg/L")
    server.describe("R01.perfusion_rate", span=(0.0, 1.5))
    server.describe("R01.bleed_rate", precision=0.1)
    server.describe("R01.glucose_setpoint", precision=0.05)
    server.describe("R01.agitation", unit="1/s")
    server.set_value("R01.temperature", 309.85)
    server.set_value("R01.pyruvate_feed", 7.0)
    server.set_value("R01.viability", 97.0, at=datetime.now(UTC) + timedelta(hours=3))
    server.set_value("R01.ammonium", 1.0)
    server.faults.clock_ahead_s = 7300.0
    return {
        "unit": "glucose (s=R01.glucose): the server gives it in 'mmol/L', the map takes it as it stands for g/L",
        "unit of something else": "lactate (s=R01.lactate): the server gives it in 'bar', which is no unit of lactate",
        "mass for amount": "pyruvate (s=R01.pyruvate): the server gives it in 'mg/L'",
        "unit of a setpoint": "agitation (s=R01.agitation): the server gives it in '1/s'",
        "possible range": "titer (s=R01.titer): the server's range is 0 to 1e+09 mg/L, possible is",
        "own range": "ammonium (s=R01.ammonium): it is 1 mmol/L now, outside of the server's own range 0 to 0.5",
        "design space": "perfusion_rate (s=R01.perfusion_rate): the server's range is 0 to 1.5 1/day, the design space",
        "in force": "pyruvate_feed (s=R01.pyruvate_feed): 7 mmol/L is in force, the design space is 0 to 5",
        "offset": "temperature (s=R01.temperature): it is 309.85 °C now, possible is",
        "step": "glucose_setpoint (s=R01.glucose_setpoint): the server keeps it in steps of 0.05. Say resolution",
        "coarse": "bleed_rate (s=R01.bleed_rate): it can be set in steps of 0.1 1/day only",
        "source time": "viability (s=R01.viability): its source time",
        "clock": "The server's clock is 2.0 h ahead of ours",
    }


def test_a_check_finds_each_planted_mismatch(server, here):
    expected = planted(server)
    perfusio("trust", server.endpoint, "--yes")
    (here / "nodes.toml").write_text(server.toml())
    checked = perfusio("check", server.endpoint, "--nodes", "nodes.toml", *LOGIN)
    assert checked.exit_code == 3, checked.exception
    said = " ".join(checked.stderr.split())
    assert {name: text in said for name, text in expected.items()} == dict.fromkeys(expected, True), checked.stderr
    assert checked.stderr.count("\n- ") + 1 == len(expected) + 1  # bleed_rate lacks its resolution, too
    server.set_read_only("R01.agitation")
    refused = perfusio("check", server.endpoint, "--nodes", "nodes.toml", *LOGIN).exception
    server.set_read_only("R01.agitation", False)
    assert isinstance(refused, UnreadableSource)
    assert "agitation (s=R01.agitation): the map says write = true, but the server does not let" in str(refused)
    assert os.listdir("opcua-certificates/own")
    assert server.witness.written == []


EXPERIMENT = """
[run]
duration_days = 2
[connector]
kind = "simulated"
[design_space.perfusion_rate]
high = 1.4
[[vessel]]
name = "left"
reactor = "R01"
[vessel.design_space.temperature]
low = 36.0
"""


def test_a_check_compares_with_the_design_space_of_the_experiment(server, here):
    server.publish("R01", make_state(day=2))
    for name in server.panel.setpoint_names:
        server.set_value(f"R01.{name}", getattr(server.space.nominal, name))
    server.describe("R01.perfusion_rate", span=(0.0, 1.5))
    server.describe("R01.temperature", span=(36.0, 40.0))
    (here / "nodes.toml").write_text(server.toml())
    (here / "experiment.toml").write_text(EXPERIMENT)
    perfusio("trust", server.endpoint, "--yes")

    def out_of_range(*more):
        checked = perfusio("check", server.endpoint, "--nodes", "nodes.toml", *LOGIN, *more)
        lines = [" ".join(line.split()) for line in checked.stderr.split("\n- ")]
        return {name for name in ("perfusion_rate", "temperature") for line in lines
                if f"{name} (s=R01.{name}): the server's range is" in line}  # fmt: skip

    assert out_of_range() == {"perfusion_rate", "temperature"}
    assert out_of_range("--experiment", "experiment.toml") == set()

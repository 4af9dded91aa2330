"""Node maps: what they say, and what is wrong with them."""

import tomllib

import pytest

from perfusio.connectors.opc_ua.node_map import node_map_of, read_node_map
from perfusio.errors import ConfigError
from perfusio.process import CHO_PERFUSION, Setpoint, Species

GOOD = """
[namespaces]
rig = "urn:lab:rig"
[vessels]
R01 = "HT1"
R02 = { tag = "HT2", clone = "CloneY" }
[sample]
time = { node = "rig:s={vessel}.Age", unit = "day" }
[measured]
vcd = "rig:s={vessel}.VCD"
glucose = { node = "rig:s={vessel}.GLC", unit = "mmol/L", browse_name = "GLC" }
[setpoints]
perfusion_rate = { node = "rig:s={vessel}.Flow", factor = 0.096, write = true }
temperature = "rig:s={vessel}.Temp"
pyruvate_feed = { fixed = 1.0 }
"""


def test_a_heartbeat_is_a_node_that_is_written_and_that_vessels_may_share():
    assert all(v.heartbeat is None for v in node_map_of(tomllib.loads(GOOD)).vessels.values())
    shared = node_map_of(tomllib.loads(GOOD + '[heartbeat]\nnode = "rig:s=Alive"\n')).vessels
    assert {v.heartbeat.identifier for v in shared.values()} == {"s=Alive"}
    assert all(v.heartbeat.write and v.heartbeat in v.tags() for v in shared.values())
    with pytest.raises(ConfigError, match="named twice, as temperature and heartbeat"):
        node_map_of(tomllib.loads(GOOD + '[heartbeat]\nnode = "rig:s={vessel}.Temp"\n'))


def test_a_map_of_two_vessels():
    vessels = node_map_of(tomllib.loads(GOOD)).vessels
    first, second = vessels["R01"], vessels["R02"]
    assert (first.clone, second.clone) == ("", "CloneY")
    assert [tag.identifier for tag in second.sample_tags()] == ["s=HT2.Age", "s=HT2.VCD", "s=HT2.GLC"]
    assert first.time.factor == 24.0
    assert first.measured["glucose"].factor == pytest.approx(0.18016)
    assert first.measured["glucose"].browse_name == "GLC"
    assert first.fixed == {"pyruvate_feed": 1.0}
    assert [name for name, tag in first.setpoints.items() if tag.write] == ["perfusion_rate"]
    assert first.setpoints["perfusion_rate"].factor == 0.096


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('rig = "urn:lab:rig"', 'rgi = "urn:lab:rig"', "namespace 'rig' is not in [namespaces]. Did you mean 'rgi'?"),
        ('"rig:s={vessel}.VCD"', '"ns=2;s=VCD"', "vcd: node 'ns=2;s=VCD' is no node id: expected NAMESPACE:s=TEXT"),
        ("vcd =", "vdc =", "[measured]: 'vdc' is not known. Did you mean 'vcd'?"),
        ("temperature =", "temprature =", "[setpoints]: 'temprature' is not known. Did you mean 'temperature'?"),
        ('unit = "mmol/L"', 'unit = "furlong"', "'furlong' is not a unit of glucose"),
        ('unit = "mmol/L"', 'unit = "g/L", factor = 2', "glucose: both unit and factor are given"),
        (
            '"rig:s={vessel}.VCD"',
            '{ node = "rig:s=V", write = true }',
            "vcd: write = True: expected true or false, and",
        ),
        ('"rig:s={vessel}.Temp"', '{ node = "rig:s=T{vessel}", wirte = true }', "temperature: 'wirte' is not known"),
        ('"rig:s={vessel}.Temp"', '"rig:s={vessel}.VCD"', "named twice, as vcd and temperature"),
        ('"rig:s={vessel}.VCD"', '"rig:s=VCD"', "s=VCD of urn:lab:rig is named twice, as vcd and vcd"),
        ("factor = 0.096", "factor = 0", "perfusion_rate: factor = 0: expected a number above 0"),
        ("fixed = 1.0", 'fixed = "one"', "pyruvate_feed: fixed = 'one': expected a number of mmol/L"),
        ('time = { node = "rig:s={vessel}.Age", unit = "day" }', "", "[sample] gives no culture time for R01"),
        ('time = { node = "rig:s={vessel}.Age", unit = "day" }', "inoculated = 2026-11-02T09:00:00", "with its offset"),
        ('R01 = "HT1"', 'R01 = { tag = "HT1", clone_name = "X" }', "vessels.R01: 'clone_name' is not known"),
        ("[measured]", "[measurements]", "the map: 'measurements' is not known. Did you mean 'measured'?"),
    ],
)
def test_what_is_wrong_is_told(old, new, said):
    assert old in GOOD
    with pytest.raises(ConfigError) as refused:
        node_map_of(tomllib.loads(GOOD.replace(old, new)), source="nodes.toml")
    assert said in str(refused.value)
    assert str(refused.value).startswith("nodes.toml: ")
    assert "Mend the map" in str(refused.value)


def test_all_problems_at_once():
    bad = GOOD.replace("vcd =", "vdc =").replace("fixed = 1.0", "fixed = -1").replace('"mmol/L"', '"?"')
    with pytest.raises(ConfigError) as refused:
        node_map_of(tomllib.loads(bad))
    for word in ("'vdc'", "fixed = -1", "'?' is not a unit"):
        assert word in str(refused.value)


def test_a_map_without_vessels():
    with pytest.raises(ConfigError, match=r"\[vessels\] names no vessel"):
        node_map_of({})


def test_files(tmp_path):
    path = tmp_path / "nodes.toml"
    path.write_text(GOOD)
    assert set(read_node_map(path).vessels) == {"R01", "R02"}
    assert len(read_node_map(path).sha256) == 64
    path.write_text("[vessels\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_node_map(path)
    with pytest.raises(ConfigError, match="No such file"):
        read_node_map(tmp_path / "none.toml")


def test_a_map_of_any_process():
    panel = CHO_PERFUSION.without("pyruvate", "pyruvate_feed").with_(
        Species("asparagine", unit="mmol/L", role="solute"), Setpoint("ph", unit="pH", role="condition"),
    )  # fmt: skip
    text = GOOD.replace("vcd =", 'asparagine = "rig:s={vessel}.ASN"\nph_measured = "rig:s={vessel}.pH"\nvcd =')
    text = text.replace("pyruvate_feed = { fixed = 1.0 }", 'ph = "rig:s={vessel}.pHsp"')
    vessel = node_map_of(tomllib.loads(text), panel=panel).vessels["R01"]
    assert vessel.panel == panel
    assert list(vessel.measured) == ["asparagine", "ph_measured", "vcd", "glucose"]
    assert list(vessel.setpoints) == ["perfusion_rate", "temperature", "ph"]
    with pytest.raises(ConfigError, match="'pyruvate_feed' is not known"):
        node_map_of(tomllib.loads(GOOD), panel=panel)


def test_a_flow_of_volume_in_a_node_needs_the_volume_of_the_vessel():
    text = GOOD.replace("factor = 0.096", 'unit = "mL/h"').replace("{ fixed = 1.0 }", "{ fixed = 1.0 }\n")
    text += 'bleed_rate = { fixed = 30, unit = "mL/day" }\n'
    vessel = node_map_of(tomllib.loads(text), panel=CHO_PERFUSION.with_(working_volume="250 mL")).vessels["R01"]
    assert vessel.setpoints["perfusion_rate"].factor == pytest.approx(0.096)
    assert vessel.fixed["bleed_rate"] == pytest.approx(0.12)
    with pytest.raises(ConfigError, match=r'perfusion_rate: .*working_volume = "250 mL"'):
        node_map_of(tomllib.loads(text))

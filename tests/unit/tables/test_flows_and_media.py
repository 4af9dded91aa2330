"""Flows as volumes per time where a working volume is declared; media by name, for each run its own."""

import asyncio
import csv

import pytest

from perfusio.connectors.filesystem import FilesystemStore
from perfusio.errors import ConfigError, UnreadableSource
from perfusio.process import CHO_PERFUSION, Medium, Setpoint
from perfusio.state import Setpoints
from perfusio.tables.columns.grid import ReadOptions
from perfusio.tables.exporting import write_table
from perfusio.tables.runs_from_files import read_runs
from perfusio.tables.runs_table import runs_header, runs_rows, write_csv
from perfusio.tables.table import parse_table

VESSEL = CHO_PERFUSION.with_(working_volume="250 mL", media={"rich": Medium(glucose="45 mmol/L"), "lean": Medium()})
ASKED = Setpoints(
    perfusion_rate=1.2, bleed_rate=0.15, glucose_setpoint=4.0, temperature=36.5, agitation=850.0, pyruvate_feed=1.0
)


def read(text, panel=VESSEL):
    return parse_table(text.encode(), "my.csv", ReadOptions(panel=panel))


@pytest.mark.parametrize(
    ("header", "value", "rate"),
    [
        ("Perfusion [mL/h]", 10.42, 1.00032), ("Perfusion (mL/day)", 250, 1.0), ("Perfusion [L/day]", 0.5, 2.0),
        ("perfusion_rate [L/d]", 0.25, 1.0), ("Perfusion mL/h", 10.42, 1.00032), ("perfusion / mL/min", 0.2, 1.152),
        ("perfusion_rate [1/h]", 0.05, 1.2),
    ],
)  # fmt: skip
def test_a_flow_of_volume_is_a_rate_of_the_declared_vessel(header, value, rate):
    row = read(f"day,VCD,{header}\n0,1,{value}\n").rows[0]
    assert row.setpoints.perfusion_rate == pytest.approx(rate)


def test_without_a_working_volume_the_way_out_is_named():
    with pytest.raises(UnreadableSource, match=r"'Perfusion \[mL/h\]': .*working_volume = \"250 mL\" in process.toml"):
        read("day,VCD,Perfusion [mL/h]\n0,1,10\n", CHO_PERFUSION)


def test_a_concentration_is_no_flow():
    with pytest.raises(UnreadableSource, match="'mL/h', which is no unit of glucose"):
        read("day,VCD,Glc [mL/h]\n0,1,10\n")


def test_decisions_are_written_in_the_unit_of_the_sheet(tmp_path):
    (tmp_path / "my.csv").write_text("day,VCD,Via,Glc,Perfusion [mL/h],Bleed [mL/day]\n0,1,97,5,10,30\n")
    store = FilesystemStore(tmp_path / "my.csv", panel=VESSEL)
    assert asyncio.run(store.read_sample()).panel == VESSEL
    assert asyncio.run(store.read_setpoints()).perfusion_rate == pytest.approx(0.96)
    asyncio.run(store.write_setpoints(Setpoints.of(ASKED.vector(), VESSEL)))
    (row,) = csv.DictReader(store.setpoints_path.read_text().splitlines())
    assert float(row["perfusion_rate [mL/h]"]) == pytest.approx(12.5)
    assert float(row["bleed_rate [mL/day]"]) == pytest.approx(37.5)
    assert float(row["temperature [°C]"]) == 36.5


RUNS = "run,medium,day,VCD,Glc,perfusion_rate\na,rich,0,1,5,1\na,,1,2,4,1\nb,lean,0,1,5,1\nb,lean,1,2,4,1\n"


def test_each_run_names_its_medium(tmp_path):
    (tmp_path / "runs.csv").write_text(RUNS)
    assumed = Setpoints.of(ASKED.vector(), VESSEL)
    rich, lean = read_runs(tmp_path / "runs.csv", assumed=assumed, panel=VESSEL)
    assert rich.medium == VESSEL.medium_named("rich")
    assert rich.medium["glucose"] == pytest.approx(45 * 0.18016)
    assert (lean.medium, lean.flows_in["glucose"]) == (VESSEL.medium_named("lean"), 0.0)
    write_csv(tmp_path / "again.csv", runs_header(VESSEL), runs_rows([rich, lean]))
    assert [run.medium for run in read_runs(tmp_path / "again.csv", panel=VESSEL, assumed=assumed)] == [
        rich.medium, lean.medium,
    ]  # fmt: skip


def test_a_medium_that_nobody_declared_is_refused_with_the_nearest():
    with pytest.raises(UnreadableSource, match=r"line 2: 'rihc' is no medium of .*Did you mean 'rich'\?"):
        read(RUNS.replace("a,rich", "a,rihc"))
    with pytest.raises(UnreadableSource, match="the medium is 'lean', but earlier rows of the same run say 'rich'"):
        read(RUNS.replace("a,,1", "a,lean,1"))
    with pytest.raises(UnreadableSource, match="is no medium"):
        read(RUNS, CHO_PERFUSION)


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_an_export_keeps_the_medium(tmp_path, layout):
    write_table(tmp_path / "out.csv", read(RUNS), layout=layout)
    again = read((tmp_path / "out.csv").read_text())
    assert dict(again.media) == {("a", ""): "rich", ("b", ""): "lean"}


def test_a_run_in_another_medium_than_that_of_its_process_is_told(tmp_path):
    (tmp_path / "my.csv").write_text("medium,day,VCD,Via,Glc\nrich,0,1,97,5\n")
    (said,) = [w for w in FilesystemStore(tmp_path / "my.csv", panel=VESSEL).warnings if "medium" in w]
    assert "medium 'rich'" in said
    same = VESSEL.with_(medium=Medium(glucose="45 mmol/L"))
    assert not [w for w in FilesystemStore(tmp_path / "my.csv", panel=same).warnings if "medium" in w]


def test_what_is_assumed_must_be_of_the_process(tmp_path):
    (tmp_path / "runs.csv").write_text(RUNS)
    rich, _ = read_runs(tmp_path / "runs.csv", assumed=ASKED, panel=VESSEL)  # the same setpoints, another medium
    assert rich.setpoints[0].by_name() == {**ASKED.by_name(), "perfusion_rate": 1.0}
    with_ph = VESSEL.with_(Setpoint("ph", unit="pH", role="condition"))
    with pytest.raises(ConfigError, match=r"without ph of .*DesignSpace\.of\(panel\)"):
        read_runs(tmp_path / "runs.csv", assumed=ASKED, panel=with_ph)

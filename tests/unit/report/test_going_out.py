"""Numbers that leave: metrics that Prometheus reads, a board that Grafana knows, arrays with units, tables, charts."""

import json
import re
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from perfusio import labelled
from perfusio.connectors.database.record_index import SqlRecord
from perfusio.events import Decided
from perfusio.process import CHO_PERFUSION
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.mirror import copy_record
from perfusio.report.out.grafana_board import grafana_board
from perfusio.report.out.metrics import metrics_text
from perfusio.report.story.run_story import story_of
from perfusio.testing import ManualClock

xarray = pytest.importorskip("xarray")


@pytest.fixture(scope="module")
def record(told, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "audit.jsonl"
    with AuditLogger(path, clock=ManualClock()) as log:
        for event in told.a_run():
            log.append(replace(event, key=f"k{event.turn}") if isinstance(event, Decided) else event)
    return path


@pytest.fixture(scope="module")
def story(record):
    return story_of(record)


def test_prometheus_reads_the_metrics_and_finds_the_records_numbers(story):
    from prometheus_client.parser import text_string_to_metric_families

    families = {f.name: f for f in text_string_to_metric_families(metrics_text(story).decode("utf-8"))}
    assert all(f.documentation and f.type == "gauge" for f in families.values())
    assert all(re.fullmatch(r"perfusio_[a-z_]+", name) for name in families)
    samples = {s.labels["quantity"]: s for s in families["perfusio_sample"].samples}
    vessel = story.vessels["R01"]
    for quantity in vessel.panel.species:
        last = vessel.known.last_measured(quantity.name)
        assert (last is None) == (quantity.name not in samples)
        if last is not None:
            assert samples[quantity.name].value == getattr(last, quantity.name)
            assert samples[quantity.name].labels["unit"] == quantity.unit
    in_force = {s.labels["quantity"]: s.value for s in families["perfusio_setpoint"].samples}
    assert in_force == vessel.in_force.by_name()
    assert [s.labels["alarm"] for s in families["perfusio_alarm"].samples] == ["glucose:act"]
    assert families["perfusio_up"].samples[0].value == 0.0  # the run has ended
    assert families["perfusio_samples"].samples[0].value == len(vessel.known.states)


@pytest.fixture(scope="module", params=["postgres", "frser-sqlite-datasource"])
def board(request):
    return grafana_board(CHO_PERFUSION, kind=request.param)


def test_grafanas_own_model_takes_the_board_and_loses_nothing(board):
    """The classes are made from Grafana's schema: what it does not know would be gone on the way back."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import Dashboard

    taken = json.loads(JSONEncoder().encode(Dashboard.from_json(json.loads(json.dumps(board)))))
    missing = [key for key in board if key not in taken]
    assert not missing
    assert [v["name"] for v in taken["templating"]["list"]] == ["database", "run", "vessel"]
    assert len(taken["panels"]) == len(board["panels"])
    for ours, theirs in zip(board["panels"], taken["panels"], strict=True):
        assert set(ours) <= set(theirs)
        assert {k: theirs[k] for k in ("id", "type", "title", "gridPos")} == {
            k: ours[k] for k in ("id", "type", "title", "gridPos")
        }
        assert theirs["fieldConfig"]["defaults"].get("unit") == ours["fieldConfig"]["defaults"].get("unit")


def test_panels_of_the_board_lie_beside_one_another(board):
    places = [p["gridPos"] for p in board["panels"]]
    cells = [(x, y) for g in places for x in range(g["x"], g["x"] + g["w"]) for y in range(g["y"], g["y"] + g["h"])]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({p["id"] for p in board["panels"]}) == len(places)


@pytest.fixture(scope="module")
def mirror(record):
    place = record.with_name("lab.sqlite")
    copy_record(record, SqlRecord(str(place)))
    return place


def test_each_query_of_the_board_runs_on_a_mirror(mirror, story, board):
    with closing(sqlite3.connect(mirror)) as database:
        for panel in board["panels"]:
            for target in panel["targets"]:
                sql = target["rawSql"].replace("$run", story.run_id).replace("$vessel", "R01")
                rows = database.execute(sql).fetchall()
                if panel["title"] == "Glucose" and target["refId"] == "A":
                    assert [v for _, v in rows] == [s.glucose for s in story.vessels["R01"].known.states]
                if panel["title"] == "Glucose" and target["refId"] == "B":
                    assert len(rows) == 28
                if panel["title"] == "Alarms":
                    assert rows[0][2] == "AlarmRaised"


def test_units_and_coordinates_survive_a_netcdf_file(story, tmp_path):
    run = story.vessels["R01"].known
    data = run.to_xarray()
    path = tmp_path / "run.nc"
    path.write_bytes(labelled.netcdf_bytes(data))
    back = labelled.read_netcdf(path)
    xarray.testing.assert_identical(back, data)
    for quantity in CHO_PERFUSION.quantities:
        assert back[quantity.name].attrs == {"units": quantity.unit, "long_name": quantity.label}
    assert back["temperature"].attrs["units"] == "°C"
    assert list(back["day"].values) == [s.day for s in run.states]
    assert back["day"].attrs["units"] == "day"
    assert np.isnan(back["titer"].sel(day=1.0))  # not measured
    both = labelled.joined({"R01": data, "R02": run.until(2).to_xarray()}, "vessel")
    path.write_bytes(labelled.netcdf_bytes(both))
    back = labelled.read_netcdf(path)
    assert list(back["vessel"].values) == ["R01", "R02"]
    assert float(back["vcd"].sel(vessel="R01", day=3.0)) == run.states[-1].vcd
    assert np.isnan(back["vcd"].sel(vessel="R02", day=3.0))
    assert back["vcd"].attrs["units"] == "1e6 cells/mL"

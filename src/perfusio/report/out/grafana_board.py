"""A board for Grafana over the tables of `perfusio mirror`: samples, forecasts, setpoints, alarms of one vessel.

The axis of time of its panels is the culture day, so they are of the kind `trend` (Grafana 9.5 or newer). The queries
are plain SQL that PostgreSQL and SQLite understand alike.
"""

from __future__ import annotations

from typing import Any

from perfusio.process.panel import Panel
from perfusio.quantities import Quantity

Json = dict[str, Any]
SCHEMA_VERSION = 38
_OF_RUN = "origin = 'record' AND run = '$run' AND reactor = '$vessel'"
_SOURCE = {"uid": "${database}"}
_WIDTH, _HEIGHT = 8, 7


def grafana_board(panel: Panel, *, kind: str = "postgres") -> Json:
    """Return a board as JSON data, to be imported into Grafana.

    Args:
        panel: The process whose quantities get panels; those that are no columns of the mirror are left out.
        kind: Kind of Grafana's data source: ``"postgres"``, or ``"frser-sqlite-datasource"`` for SQLite.
    """
    from perfusio.process.cho_perfusion import CHO_PERFUSION

    known = CHO_PERFUSION.by_name
    species = [q for q in panel.species if q.name in known]
    asked = [q for q in panel.setpoints if q.name in known]
    modelled = set(panel.species_names)
    drawn = [_trend(i, q, _sample_queries(q, is_forecast=q.name in modelled)) for i, q in enumerate(species)]
    drawn += [_trend(len(species) + i, q, [_setpoints(q)]) for i, q in enumerate(asked)]
    bottom = _HEIGHT * -(-len(drawn) // 3)
    tables = [
        _table(len(drawn), "Alarms", _events("('AlarmRaised', 'AlarmChanged')"), bottom),
        _table(len(drawn) + 1, "Acts of people", _events("('OperatorActed', 'ModeChanged')"), bottom + 8),
    ]
    return {
        "title": f"perfusio: {panel.name}",
        "tags": ["perfusio"],
        "timezone": "utc",
        "editable": True,
        "schemaVersion": SCHEMA_VERSION,
        "refresh": "1m",
        "time": {"from": "now-35d", "to": "now"},
        "templating": {
            "list": [
                {"name": "database", "type": "datasource", "label": "Database", "query": kind},
                _variable("run", "Run", "SELECT DISTINCT run FROM events ORDER BY run DESC"),
                _variable(
                    "vessel", "Vessel",
                    "SELECT DISTINCT reactor FROM samples WHERE origin = 'record' AND run = '$run' ORDER BY reactor",
                ),
            ]
        },
        "panels": [*drawn, *tables],
    }  # fmt: skip


def _variable(name: str, label: str, query: str) -> Json:
    return {"name": name, "type": "query", "label": label, "datasource": _SOURCE, "query": query, "refresh": 2}


def _sample_queries(quantity: Quantity, *, is_forecast: bool) -> list[Json]:
    name = quantity.name
    samples = f"SELECT time_h / 24.0 AS day, {name} AS measured FROM samples WHERE {_OF_RUN} ORDER BY time_h"
    if not is_forecast:
        return [_target("A", samples)]
    latest = (
        "SELECT time_h / 24.0 AS day, mean AS forecast, q10 AS low_80, q90 AS high_80 FROM forecasts "
        f"WHERE run = '$run' AND reactor = '$vessel' AND quantity = '{name}' AND plan = 'hold' AND seq = "
        "(SELECT MAX(seq) FROM events WHERE run = '$run' AND reactor = '$vessel' AND event IN "
        "('Decided', 'Forecasted')) ORDER BY time_h"
    )
    return [_target("A", samples), _target("B", latest)]


def _setpoints(quantity: Quantity) -> Json:
    name = quantity.name
    return _target("A", f"SELECT time_h / 24.0 AS day, {name} AS in_force FROM samples WHERE {_OF_RUN} ORDER BY time_h")


def _events(names: str) -> str:
    return (
        "SELECT ts, culture_day, event, actor, reason FROM events WHERE run = '$run' AND "
        f"(reactor = '$vessel' OR reactor IS NULL) AND event IN {names} ORDER BY seq DESC"
    )


def _target(ref: str, sql: str) -> Json:
    return {"refId": ref, "datasource": _SOURCE, "format": "table", "rawQuery": True, "rawSql": sql}


def _trend(number: int, quantity: Quantity, targets: list[Json]) -> Json:
    return {
        "id": number + 1,
        "type": "trend",
        "title": quantity.label,
        "description": f"{quantity.axis_label} over the culture day",
        "datasource": _SOURCE,
        "gridPos": {"h": _HEIGHT, "w": _WIDTH, "x": _WIDTH * (number % 3), "y": _HEIGHT * (number // 3)},
        "targets": targets,
        "options": {"xField": "day"},
        "transformations": [{"id": "merge", "options": {}}] if len(targets) > 1 else [],
        "fieldConfig": {"defaults": {"unit": f"suffix: {quantity.unit}"}, "overrides": []},
    }


def _table(number: int, title: str, sql: str, y: int) -> Json:
    return {
        "id": number + 1,
        "type": "table",
        "title": title,
        "datasource": _SOURCE,
        "gridPos": {"h": 8, "w": 24, "x": 0, "y": y},
        "targets": [_target("A", sql)],
        "fieldConfig": {"defaults": {}, "overrides": []},
    }

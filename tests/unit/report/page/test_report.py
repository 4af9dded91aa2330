"""The report is one page that needs nothing else, and each number on it is the record's."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest

from perfusio.events import (
    AlarmChanged,
    ModeChanged,
    OperatorActed,
    SampleCorrected,
)
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.verification.verify import read_records
from perfusio.report.page.report import report_html
from perfusio.report.page.svg import panel_svg, ticks
from perfusio.report.story.curves import Panels
from perfusio.report.story.run_story import story_of
from perfusio.report.wording import number
from perfusio.testing import ManualClock, make_state

EVIL = '<script src="https://evil.example/x.js">alert(1)</script>'


class Tables(HTMLParser):
    """Cells of all tables, by the name of the table; several of one name follow one another."""

    def __init__(self, page):
        super().__init__()
        self.found, self._table, self._cell = {}, "", None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self._table = dict(attrs)["data-table"]
            self.found.setdefault(self._table, [])
        elif tag == "tr":
            self.found[self._table].append([])
        elif tag in ("td", "th"):
            self._cell = ""

    def handle_data(self, data):
        if self._cell is not None:
            self._cell += data

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.found[self._table][-1].append(self._cell)
            self._cell = None


def people(told):
    """What the short run lacks: acts of persons, a correction, an end of its alarm, a hostile text."""
    at = {"reactor": "R01", "turn": 3}
    return [
        ModeChanged(**at, before="automatic", mode="advisory", who="Ada", reason=f"A look first. {EVIL}"),
        AlarmChanged(**at, alarm="glucose:act", status="acknowledged", who="Ada", reason="Seen."),
        AlarmChanged(**at, alarm="glucose:act", status="cleared"),
        OperatorActed(**at, act="accept", who="Bo", is_done=False, answer="No such sample.", reason="I weighed it."),
        SampleCorrected(**at, state=replace(make_state(day=1), glucose=2.5), corrects=7, who="Bo", reason="Typo."),
    ]


@pytest.fixture(scope="module")
def run(told, tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "audit.jsonl"
    events = told.a_run()
    with AuditLogger(path, clock=ManualClock()) as log:
        for event in [*events[:-1], *people(told), events[-1]]:
            log.append(event)
    return path


@pytest.fixture(scope="module")
def page(run):
    return report_html(run)


def test_it_needs_nothing_from_elsewhere(page):
    assert "default-src 'none'" in page
    assert not re.findall(r"<(script|link|iframe|img|object|embed)\b|@import|url\(", page)
    assert set(re.findall(r'(?:src|href)="([^"]*)"', page)) <= {f"#v{i}" for i in range(1, 100)}
    assert EVIL not in page
    assert unescape(page).count(EVIL) == 1  # told as it was said, and no tag


def test_each_sample_and_setpoint_is_the_records(run, page):
    vessel = story_of(run).vessels["R01"]
    head, *rows = Tables(page).found["samples"]
    names = [q for q in vessel.panel.species if f"{q.label} [{q.unit}]" in head]
    assert len(rows) == len(vessel.known.states) == 3
    for row, state in zip(rows, vessel.known.states, strict=True):
        assert row[0] == f"{state.day:.4g}"
        assert row[1 : 1 + len(names)] == [number(getattr(state, q.name)) for q in names]
    assert rows[1][head.index("Glucose [g/L]")] == "2.50"  # as corrected
    for row, held in zip(rows, (*vessel.known.setpoints, vessel.in_force), strict=True):
        assert row[1 + len(names) :] == [number(v) for v in held.by_name().values()]


def test_decisions_alarms_acts_and_the_verdict_are_the_records(run, page):
    records, tables = list(read_records(run)), Tables(page).found
    decided = [r for r in records if r.event == "Decided"]
    assert len(tables["decisions"]) == 1 + len(decided)
    for row, record in zip(tables["decisions"][1:], decided, strict=True):
        assert row[2] == f"expect {record.reason.partition(': expect ')[2]}"
        assert row[3] == "written"
        assert "Bleed rate 0.150 → 0.200 1/day" in row[1] or row[1] == "as before"
    (alarm,) = tables["alarms"][1:]
    assert alarm[3:6] == ["glucose:act", "glucose measured 0.2 g/L.", "Feed."]
    assert alarm[6:] == ["day 3", "acknowledged by Ada: Seen."]
    assert [row[2] for row in tables["acts"][1:]] == ["Ada", "Ada", "Bo", "Bo"]
    assert tables["acts"][3][3] == "accept, NOT done: No such sample."
    assert records[-1].hash in page
    assert f"intact, {len(records)} records" in page
    assert tables["summary"][1][9:13] == ["3", "1", "2", "2"]  # samples, missing, decisions, written


def test_scores_are_those_of_the_recorded_forecasts(run, page):
    """Day 1 was forecast on day 0, day 3 on day 2: what the table says is counted again from the record."""
    rows = {(r[0], r[1]): r for r in Tables(page).found["forecasts"][1:]}
    forecasts = [r.payload for r in read_records(run) if r.event in ("Decided", "Forecasted")]
    means = [f.get("chosen", f["hold"])["mean"]["vcd"][0] for f in (forecasts[0], forecasts[1])]
    came = make_state(day=1).vcd
    row = rows["Viable cell density", "1"]
    assert row[2] == "1"
    assert row[3] == f"{number(abs(means[0] - came))} 1e6 cells/mL"
    assert row[4] == f"{number(abs(make_state(day=0).vcd - came))} 1e6 cells/mL"


def test_a_changed_record_is_told_up_to_there_and_says_so(run, tmp_path):
    path = tmp_path / "audit.jsonl"
    path.write_text(run.read_text(encoding="utf-8").replace("Feed.", "Fred."), encoding="utf-8")
    page = report_html(path)
    assert "BROKEN" in page
    assert 'class="verdict broken"' in page
    assert "Fred." not in page


def test_a_panel_is_drawn_where_its_numbers_are(run):
    story = story_of(run)
    curves = Panels(story).species(story.vessels["R01"], "vcd")
    drawing = ET.fromstring(panel_svg(curves, is_alone=True))
    space = "{http://www.w3.org/2000/svg}"
    dots = next(p for p in drawing.iter(f"{space}path") if p.get("class") == "d").get("d")
    places = [tuple(map(float, point.split())) for point in re.findall(r"M([\d.]+ [\d.]+)h0", dots)]
    frame = next(drawing.iter(f"{space}rect"))
    left, top, width, height = (float(frame.get(k)) for k in ("x", "y", "width", "height"))
    low, high = curves.value_ends
    first, last = curves.day_ends
    for (x, y), day, value in zip(places, curves.days, curves.values, strict=True):
        assert first + (x - left) / width * (last - first) == pytest.approx(day, abs=0.02)
        assert high - (y - top) / height * (high - low) == pytest.approx(value, abs=0.001 * (high - low))
    assert {text.text for text in drawing.iter(f"{space}text")} >= {"Viable cell density [1e6 cells/mL]", "culture day"}


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.04), (34.9, 37.6), (0.0, 2600.0), (699.0, 1051.0)])
def test_ticks_are_round_and_inside(low, high):
    found = ticks(low, high, 4)
    assert 2 <= len(found) <= 6
    assert all(low <= t <= high and len(f"{t:g}") <= 5 for t in found)

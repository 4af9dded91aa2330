"""The report of a fleet: does it fit a mail, does it need nothing else, is each number the record's, does it arrive?

    make bench-report                        6 vessels, 7 days: a minute
    make bench-report ARGS=--full            24 vessels, 28 days
    make bench-report ARGS='--run FOLDER'    a run of yours

The run is made of events, with forecasts of 28 days as a model makes them; the page, the mail and the pictures are the
real ones, and the mail goes through an SMTP server on this machine. Bars: at most 3 MB, no address in the page, no cell
that differs from the record, the mail with its pictures and the page arrives.
"""

import argparse
import email
import json
import re
import socket
import tempfile
import time
from datetime import UTC, datetime
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from aiosmtpd.controller import Controller

from machine import stamp
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE as SPACE
from perfusio.config import Mode, RunConfig
from perfusio.events import Decided, Event, RunEnded, SampleRead, SetpointsWritten, WriteIntended
from perfusio.forecast import Forecast
from perfusio.notify.channels import Email
from perfusio.notify.notifier import Notifier
from perfusio.record.audit_logger import AuditLogger
from perfusio.record.verification.verify import read_records
from perfusio.report.page.morning import morning_page
from perfusio.report.page.report import report_html
from perfusio.report.wording import number
from perfusio.state import SPECIES
from perfusio.testing import ManualClock, make_state
from perfusio.twin.loop import first_records

MOST_MB = 3.0


class Cells(HTMLParser):
    """Cells of the tables of one name, row after row."""

    def __init__(self, page: str, name: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._name, self._is_in, self._cell = name, False, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        """Begin a table, a row or a cell."""
        if tag == "table":
            self._is_in = dict(attrs).get("data-table") == self._name
        elif self._is_in and tag == "tr":
            self.rows.append([])
        elif self._is_in and tag == "td":
            self._cell = ""

    def handle_data(self, data):
        """Take in text."""
        if self._cell is not None:
            self._cell += data

    def handle_endtag(self, tag):
        """End a cell."""
        if tag == "td" and self._cell is not None:
            self.rows[-1].append(self._cell)
            self._cell = None


def events(n_vessels: int, n_days: int):
    """Yield a run in which each vessel is written to every day."""
    names = [f"R{i:02d}" for i in range(1, n_vessels + 1)]
    rng = np.random.default_rng(0)
    config = RunConfig(duration_days=n_days)
    sources = {name: {"kind": "simulated"} for name in names}
    yield first_records.started(config, SPACE, dict.fromkeys(names, Mode.AUTOMATIC), sources)
    held = dict.fromkeys(names, SPACE.nominal)
    for day in range(n_days + 1):
        for name in names:
            at = {"reactor": name, "turn": day}
            vcd = 30.0 * (1.0 - np.exp(-0.3 * (day + 1))) * (1.0 + 0.05 * rng.standard_normal())
            yield SampleRead(**at, state=make_state(day=day, vcd=vcd), in_force=held[name])
            ahead = Forecast.from_samples(
                24.0 * (day + np.arange(1, 29)), rng.lognormal(2.0, 0.2, size=(64, 28, len(SPECIES)))
            ).to_json()
            new = SPACE.nominal.with_values(bleed_rate=float(0.1 + 0.2 * rng.random()))
            key = f"k{name}{day}"
            yield Decided(
                **at, key=key, setpoints=new, chosen=ahead, hold=ahead, why={}, acquisition="LogEI", score=1.0,
                model_id="m",
                reason="bleed_rate 0.15 -> 0.2 1/day: expect vcd 29.8 1e6 cells/mL in 3 days instead of 27 (target "
                "30); tightest limit viability >= 95 (P = 0.98).",
            )  # fmt: skip
            yield WriteIntended(**at, key=key, old=held[name], new=new)
            yield SetpointsWritten(**at, key=key, asked=new, acknowledged=new)
            held[name] = new
    n = n_vessels * (n_days + 1)
    yield RunEnded(outcome="COMPLETED", n_samples=n, n_decisions=n, reason="The run reached its planned length.")


def differing(page: str, record: Path) -> tuple[int, int]:
    """Return how many cells of samples, setpoints and reasons were held against the record, and how many differ."""
    samples: dict[str, list] = {}
    held: dict[str, list] = {}
    decided: dict[str, list[Decided]] = {}
    for one in read_records(record):
        event: Event = one.to_event()
        vessel = str(event.reactor)
        if isinstance(event, SampleRead):
            samples.setdefault(vessel, []).append(event.state)
            held.setdefault(vessel, []).append(event.in_force)
        elif isinstance(event, SetpointsWritten):
            held[vessel][-1] = event.acknowledged  # in force from this sample on
        elif isinstance(event, Decided):
            decided.setdefault(vessel, []).append(event)
    known = [state for of_vessel in samples.values() for state in of_vessel]
    names = [q.name for q in known[0].panel.species if any(q.name in s.measured() for s in known)]
    expected = [
        [f"{state.day:.4g}", *(number(getattr(state, name)) for name in names), *map(number, u.by_name().values())]
        for vessel, of_vessel in samples.items()
        for state, u in zip(of_vessel, held[vessel], strict=True)
    ]
    told = [row for row in Cells(page, "samples").rows if row]
    reasons = [[e.reason.partition(": ")[2]] for vessel in samples for e in decided.get(vessel, ())]
    why = [[row[2]] for row in Cells(page, "decisions").rows if row]
    pairs = [(expected, told), (reasons, why)]
    n = sum(len(row) for right, _ in pairs for row in right)
    wrong = sum(abs(len(right) - len(found)) for right, found in pairs)
    for right, found in pairs:
        for a, b in zip(right, found, strict=False):
            wrong += abs(len(a) - len(b)) + sum(x != y.rstrip("*") for x, y in zip(a, b, strict=False))
    return n, wrong


def mailed(record: Path) -> tuple[bool, int]:
    """Send the morning's page through a local server; return whether all of it arrived, and its size [bytes]."""
    mails = []

    class Inbox:
        async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - its name there
            mails.append(envelope.content)
            return "250 taken"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(Inbox(), hostname="127.0.0.1", port=port, ready_timeout=60.0)
    server.start()
    try:
        people = Notifier([Email(host="127.0.0.1", port=port, sender="twin@lab.example", to=("boss@lab.example",))])
        people.send(morning_page(record, datetime.now(UTC)))
        people.close(600.0)
    finally:
        server.stop()
    if not mails or people.failures:
        return False, 0
    mail = email.message_from_bytes(mails[0], policy=default)
    html = mail.get_body(("html",)).get_content()
    pictures = {p["Content-ID"].strip("<>") for p in mail.walk() if p.get_content_type() == "image/png"}
    named = set(re.findall(r'src="cid:([^"]+)"', html))
    has_report = any(part.get_filename("").startswith("report-") for part in mail.iter_attachments())
    return bool(pictures) and pictures == named and has_report, len(mails[0])


def main() -> None:
    """Measure, print a table and one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="24 vessels, 28 days")
    parser.add_argument("--run", type=Path, help="folder of a run of yours")
    asked = parser.parse_args()
    n_vessels, n_days = (24, 28) if asked.full else (6, 7)
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "audit.jsonl"
        if asked.run is not None:
            record = asked.run / "audit.jsonl"
        else:
            with AuditLogger(record, clock=ManualClock()) as log:
                for event in events(n_vessels, n_days):
                    log.append(event)
        begin = time.process_time()
        page = report_html(record)
        cpu_s = time.process_time() - begin
        n_cells, n_wrong = differing(page, record)
        has_arrived, n_mail = mailed(record)
    outside = re.findall(r'(?:src|href)="(?!#)[^"]*"|url\(|@import|<script|<link', page)
    mb = len(page.encode("utf-8")) / 1e6
    rows = [
        ("page", f"{mb:.2f} MB", f"<= {MOST_MB:g} MB", mb <= MOST_MB),
        ("made in", f"{cpu_s:.1f} CPU s", "", True),
        ("addresses in it", f"{len(outside)}", "0", not outside),
        ("cells of samples, setpoints, reasons", f"{n_cells}, {n_wrong} differ", "0 differ", n_wrong == 0 < n_cells),
        ("mail", f"{n_mail / 1e6:.2f} MB, {'arrived whole' if has_arrived else 'NOT whole'}", "whole", has_arrived),
    ]
    which = str(asked.run) if asked.run is not None else f"{n_vessels} vessels, {n_days} days"
    print(f"Report of {which}; {stamp()}")
    for name, found, bar, is_good in rows:
        print(f"  {name:42} {found:28} {bar:12} {'ok' if is_good else 'MISSED'}")
    print(json.dumps({
        "bench": "report", "run": which, "page_mb": round(mb, 3), "cpu_s": round(cpu_s, 2), "addresses": len(outside),
        "cells": n_cells, "cells_differing": n_wrong, "mail_mb": round(n_mail / 1e6, 3), "mail_arrived": has_arrived,
    }))  # fmt: skip
    if not all(row[3] for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()

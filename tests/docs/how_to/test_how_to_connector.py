"""The how-to on connectors: its connector keeps every promise over a real HTTP server; broken ones are caught."""

import contextlib
import io
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE
from perfusio.errors import NotConnected, WriteRejected
from perfusio.state import SETPOINTS, Setpoints
from perfusio.testing import check_connector

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "write-a-connector.md").read_text(encoding="utf-8")
CONNECTOR, CHECK = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PRINTED, BROKEN = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
NOMINAL = {name: getattr(DEFAULT_AMBR250_DESIGN_SPACE.nominal, name) for name in SETPOINTS}
DAY = 1440


class Instrument(BaseHTTPRequestHandler):
    """Samples that come when they are asked for the second time, and setpoints; `server.fault` is its next answer."""

    def do_GET(self):
        if self.path == "/setpoints":
            return self.say(200, self.server.in_force)
        number = int(self.path.removeprefix("/samples/"))
        self.server.asked.add((number, len([a for a in self.server.asked if a[0] == number])))
        if number >= len(self.server.samples):
            return self.say(200, {"end": True})
        return self.say(404, {}) if (number, 1) not in self.server.asked else self.say(200, self.server.samples[number])

    def do_PUT(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if asked["temperature"] > 40:
            return self.say(422, {"error": "too hot"})
        if self.server.takes_writes:
            self.server.in_force = asked
        return self.say(200, asked)

    def say(self, code, answer):
        fault = self.server.fault
        body = json.dumps(answer).encode()
        self.send_response(503 if fault == "503" else code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:3] if fault == "half" else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Instrument) as server:
        server.samples = [
            {"minutes": DAY * d, "cells": 2.0e7 + d, "viab": 97.5, "glc": 61.2 - d, "igg": None if d == 1 else 0.5}
            for d in range(4)
        ]
        server.asked, server.in_force, server.takes_writes, server.fault = set(), dict(NOMINAL), True, None
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def url_of(server):
    return f"http://127.0.0.1:{server.server_port}"


def connector_class(source=CONNECTOR):
    names = {}
    exec(compile(source, "<how-to>", "exec"), names)
    return names["RestInstrument"]


def test_the_page_prints_what_it_says(server):
    names = {"url": url_of(server)}
    with contextlib.redirect_stdout(io.StringIO()) as stdout:
        exec(compile(CONNECTOR + CHECK, "<how-to>", "exec"), names)
    assert stdout.getvalue() == PRINTED
    assert server.in_force != NOMINAL


def test_it_is_as_short_as_promised():
    body = CONNECTOR.partition("class RestInstrument")[2]
    assert len([line for line in body.splitlines() if line.strip()]) <= 40


async def test_units_are_converted_and_blanks_stay_blank(server):
    store = connector_class()(url_of(server), poll_seconds=0.001)
    first, second = await store.read_sample(), await store.read_sample()
    assert (first.time_h, first.vcd, first.titer) == (0.0, pytest.approx(20.0), pytest.approx(500.0))
    assert first.glucose == pytest.approx(61.2 * 180.16 / 1000)
    assert (second.time_h, set(second.measured())) == (24.0, {"vcd", "viability", "glucose"})


MUTANTS = {
    "glucose as it comes": ('"mmol/L"', '"g/L"', BROKEN.strip()),
    "zero for missing": ("State(time_h=", "State(lactate=0.0, time_h=", "lactate was not measured and must be NaN"),
    "forgets the end": ("raise EndOfRun", "self.n_read = 0; raise EndOfRun", "after EndOfRun a sample came again"),
    "no write": ('"PUT", "/setpoints", {', '"GET", "/setpoints", {', "acknowledged"),
}


@pytest.mark.parametrize(("old", "new", "message"), MUTANTS.values(), ids=MUTANTS)
async def test_a_broken_connector_is_told_which_promise_it_breaks(server, old, new, message):
    assert old in CONNECTOR
    broken = connector_class(CONNECTOR.replace(old, new))
    with pytest.raises(AssertionError, match=re.escape(message)):
        await check_connector(lambda: broken(url_of(server), poll_seconds=0.001), unmeasured=("lactate",))


async def test_an_instrument_that_only_says_yes_is_found_out(server):
    server.takes_writes = False
    with pytest.raises(AssertionError, match="read back"):
        await check_connector(lambda: connector_class()(url_of(server), poll_seconds=0.001))


@pytest.mark.parametrize("fault", ["503", "half"])
async def test_a_link_that_fails_is_not_connected(server, fault):
    store = connector_class()(url_of(server), timeout_seconds=1.0)
    server.fault = fault
    for attempt in (store.read_setpoints, lambda: store.write_setpoints(Setpoints(**NOMINAL))):
        with pytest.raises(NotConnected, match=r"/setpoints"):
            await attempt()


async def test_nobody_there_and_a_refusal(server):
    with pytest.raises(NotConnected, match="refused"):
        await connector_class()("http://127.0.0.1:1").read_sample()
    with pytest.raises(WriteRejected, match="answered 422"):
        await connector_class()(url_of(server)).write_setpoints(Setpoints(**{**NOMINAL, "temperature": 41.0}))
    assert server.in_force == NOMINAL

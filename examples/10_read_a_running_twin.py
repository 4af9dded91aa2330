"""Read a running twin from another program, over the REST interface of `perfusio serve`. Nothing is changed.

    perfusio serve results                                      the page; make a token under your name, role viewer
    export PERFUSIO_TOKEN=...                                   the token, which is shown once
    python examples/10_read_a_running_twin.py                   the rig now
    python examples/10_read_a_running_twin.py --watch           and again whenever something new is on record

Needs the standard library only, so the class can be copied into another program. Files come the same way: samples.csv,
samples.xlsx, samples.parquet, samples.nc, charts/VESSEL/QUANTITY.svg, report.html; /metrics is for Prometheus.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

URL = "http://127.0.0.1:8765"


class RunningTwin:
    """Reads the runs of one page.

    Args:
        url: Of the page.
        token: Of a viewer; it goes into a header, never into an address.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url.rstrip("/"), token

    def get(self, path: str) -> bytes:
        """Return what the page answers.

        Raises:
            SystemExit: it refuses, or does not answer; with its reason.
        """
        asked = Request(f"{self._url}{path}", headers={"Authorization": f"Bearer {self._token}"})
        try:
            with urlopen(asked, timeout=30.0) as answer:
                return answer.read()
        except HTTPError as error:
            raise SystemExit(f"{path}: {error.code}, {json.loads(error.read() or b'{}').get('detail', '')}") from error
        except URLError as error:
            raise SystemExit(f"{self._url} does not answer ({error.reason}). Is perfusio serve running?") from error

    def runs(self) -> list[dict]:
        """Return the runs of the page, shortly."""
        return json.loads(self.get("/api/v1/runs"))

    def rig(self, run: str) -> dict:
        """Return the vessels of a run with their last samples, modes and alarms."""
        return json.loads(self.get(f"/api/v1/runs/{quote(run)}"))

    def file(self, run: str, name: str) -> bytes:
        """Return a file of a run, e.g. ``samples.csv`` or ``charts/R01/vcd.svg``."""
        return self.get(f"/api/v1/runs/{quote(run)}/{quote(name)}")


def main(arguments: argparse.Namespace) -> None:
    """Print the rig, and again when something is new."""
    token = os.environ.get("PERFUSIO_TOKEN", "")
    if not token:
        raise SystemExit("PERFUSIO_TOKEN is not set: make a token on the page (role viewer), then export it.")
    twin, seen = RunningTwin(arguments.url, token), None
    while True:
        runs = twin.runs()
        if not runs:
            raise SystemExit("The page shows no run yet.")
        name = arguments.run or runs[0]["name"]
        head = next((run for run in runs if run["name"] == name), None)
        if head is None:
            raise SystemExit(f"There is no run {name}. Runs: {', '.join(run['name'] for run in runs)}.")
        if head["last_seq"] != seen:
            seen = head["last_seq"]
            tell(head, twin.rig(name))
            if arguments.samples:
                arguments.samples.write_bytes(twin.file(name, f"samples{arguments.samples.suffix}"))
                print(arguments.samples, flush=True)
        if not arguments.watch or head["state"] == "ended":
            return
        time.sleep(arguments.every)


def tell(head: dict, rig: dict) -> None:
    """Print a line per vessel."""
    print(f"{head['name']}: {head['state']}, turn {head['turn']} of {head['n_turns']}, record {head['last_seq']}")
    for vessel in rig["vessels"]:
        day = "no sample yet" if vessel["day"] is None else f"day {vessel['day']:g}"
        print(f"  {vessel['vessel']:8} {day:14} {vessel['mode']}")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default=URL, help=f"of the page (default: {URL})")
    parser.add_argument("--run", help="name on the page (default: the first)")
    parser.add_argument("--samples", type=Path, help="also write the samples: .csv, .xlsx, .parquet or .nc")
    parser.add_argument("--watch", action="store_true", help="go on until the run ends")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two looks (default: 5)")
    main(parser.parse_args())

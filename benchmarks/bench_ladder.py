"""Is a culture safe whose twin was killed? `python benchmarks/bench_ladder.py [--full] [--out FILE]`.

A virtual vessel is run by the twin with default settings and no past runs, cold. On some day the twin is killed right
after its write, and for 14 days nobody but the fallback decides (`perfusio fallback`: counts alone, the same guard and
record). The same vessel beside it has its setpoints frozen instead. Printed is the plant's own truth: the largest and
smallest density over its target, and the lowest viability. The quick mode kills on two days, the full one on each of
days 3 to 20, for two cell lines.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from machine import stamp
from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, RunConfig
from perfusio.connectors.simulated import SimulatedAmbr250
from perfusio.events import Event, SetpointsWritten
from perfusio.state import State
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.fallback import standing_in

TARGET, AFTER_DAYS = 30.0, 14
CLONES, QUICK, FULL = ("CloneX", "CloneY"), (3, 12), tuple(range(3, 21))


class Killed(BaseException):
    """What no code of a twin catches."""


async def killed(clone: str, day: int, folder: Path, *, by_fallback: bool) -> tuple[float, list[State]]:
    """Return the density when the twin was killed over its target, and the truth on each day after it."""
    rig = SimulatedAmbr250(clone, days=day + AFTER_DAYS, seed=100 + day)
    vessel = rig.vessels()["R01"]
    truth: list[State] = []

    def kill(event: Event) -> None:
        if isinstance(event, SetpointsWritten) and event.turn == day:
            raise Killed

    def look(event: Event) -> None:
        if type(event).__name__ == "SampleRead":
            truth.append(vessel.true_state())

    config = RunConfig(duration_days=day + AFTER_DAYS, run_dir=folder, seed=day)
    with suppress(Killed):
        await DigitalTwin(rig, DEFAULT_AMBR250_DESIGN_SPACE, config, observers=(kill,)).run()
    start = vessel.true_state().vcd / TARGET
    if by_fallback:
        await standing_in(folder, connector=rig, observers=(look,)).run()
    else:
        for _ in range(AFTER_DAYS):
            await vessel.read_sample()
            truth.append(vessel.true_state())
    return start, truth


def row(clone: str, day: int) -> dict[str, float | str]:
    """Return the figures of one vessel, held by the fallback and frozen."""
    found: dict[str, float | str] = {"clone": clone, "day": day}
    for name, by_fallback in (("fallback", True), ("frozen", False)):
        with tempfile.TemporaryDirectory() as folder:
            start, truth = asyncio.run(killed(clone, day, Path(folder), by_fallback=by_fallback))
        shares = [s.vcd / TARGET for s in truth]
        found |= {
            "at_kill": round(start, 3), f"{name}_highest": round(max(shares), 3),
            f"{name}_lowest": round(min(shares), 3), f"{name}_viability": round(min(s.viability for s in truth), 1),
        }  # fmt: skip
    return found


def main() -> int:
    """Print the table, and a line of JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--full", action="store_true")
    options.add_argument("--out", type=Path)
    asked = options.parse_args()
    lines = [stamp(), "", f"Density over its target ({TARGET:g}e6 cells/mL), {AFTER_DAYS} days after a kill", ""]
    lines.append(f"{'':8} {'killed':>7} {'density':>8}   {'fallback':^24}   {'setpoints frozen':^24}")
    lines.append(f"{'clone':8} {'on day':>7} {'then':>8}   {'highest lowest viability':24}   highest lowest viability")
    rows = [row(clone, day) for clone in CLONES for day in (FULL if asked.full else QUICK)]
    for r in rows:
        told = [f"{r['clone']:8} {r['day']:>7} {r['at_kill']:>8.2f}"]
        told += [f"{r[f'{n}_highest']:>7.2f} {r[f'{n}_lowest']:>6.2f} {r[f'{n}_viability']:>9.1f}" for n in NAMES]
        lines.append("   ".join(told))
    safe = {n: sum(_is_safe(r, n) for r in rows) for n in NAMES}
    lines += ["", *(f"{n}: {safe[n]} of {len(rows)} within 25 %, viability >= 95 % throughout" for n in NAMES)]
    text = "\n".join([*lines, json.dumps({"rows": rows, "safe": safe})]) + "\n"
    sys.stdout.write(text)
    if asked.out is not None:
        asked.out.write_text(text, encoding="utf-8")
    return 0


NAMES = ("fallback", "frozen")


def _is_safe(r: dict[str, float | str], name: str) -> bool:
    highest, lowest, viability = (float(r[f"{name}_{what}"]) for what in ("highest", "lowest", "viability"))
    return highest <= 1.25 and lowest >= 0.75 and viability >= 95.0


if __name__ == "__main__":
    sys.exit(main())

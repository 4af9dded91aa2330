"""Twenty recorded runs are replayed: every decision is made again, setpoints equal within 1e-6 on any machine.

Scores are held to 1e-4: paths are in single precision, and other kernels of OpenBLAS, torch and numpy moved scores by
up to 7e-6.

The runs are small and unlike: one to three vessels, files and virtual rigs, clones, aims, acquisition functions, gaps,
late titers, lost acknowledgements, advice, holds, recipes of several pieces. Where decisions are to change:
`python tests/closed_loop/test_recorded_runs.py` records them anew, in a commit that says why.
"""

import asyncio
import io
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from perfusio.config import DEFAULT_AMBR250_DESIGN_SPACE, Mode, RunConfig, maximize, minimize, track
from perfusio.connectors.filesystem import FilesystemStore
from perfusio.connectors.simulated import Faults, SimulatedAmbr250
from perfusio.plant.sensors import SensorSettings
from perfusio.record.verification.verify import verify
from perfusio.study.closed_loop import write_synthetic_csv
from perfusio.twin.digital_twin import DigitalTwin
from perfusio.twin.replay import Replay
from perfusio.twin.vessels import Vessel, aboard

STORED = Path(__file__).parents[2] / "fixtures" / "recorded-runs"
BEFORE = STORED.with_name("recorded-before")
"""Runs with checkpoints of format 2. They are never made anew: whoever has such runs has no other ones."""
WITHIN = 1e-6
DAYS = 3


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one run is made: its source, and what is asked of it."""

    source: Callable[[Path, int], Any]
    asked: dict[str, Any] = field(default_factory=dict)
    modes: dict[str, Mode] = field(default_factory=dict)


def rig(*clones, days=DAYS, **options):
    def made(_, seed):
        names = list(clones) or ["CloneX"]
        return SimulatedAmbr250(names, n_vessels=len(names), days=days, seed=seed, **options)

    return made


def sheet(**changes):
    def made(folder, seed):
        path = folder / "my_data.csv"
        asyncio.run(write_synthetic_csv(path, days=DAYS, seed=seed))
        lines = path.read_text().splitlines()
        for row, edit in changes.get("rows", {}).items():
            lines[row] = edit(lines[row])
        path.write_text("\n".join(line for line in lines if line) + "\n")
        return FilesystemStore(path)

    return made


def blank(column):
    def edited(line):
        cells = line.split(",")
        cells[column] = ""
        return ",".join(cells)

    return edited


RECIPES = {
    "one-vessel": Recipe(source=rig()),
    "two-vessels": Recipe(source=rig("CloneX", "CloneX"), asked={"retrain_every": 2}),
    "two-clones": Recipe(source=rig("CloneX", "CloneY"), asked={"retrain_every": 2}),
    "three-clones": Recipe(source=rig("CloneX", "CloneY", "Random7")),
    "random-clone": Recipe(source=rig("Random3"), asked={"objective": track(vcd=20)}),
    "published-cells": Recipe(source=rig("Y-GS46"), asked={"objective": track(vcd=25)}),
    "other-structure": Recipe(source=rig("Monod-lit")),
    "file": Recipe(source=sheet(), asked={"retrain_every": 2}),
    "file-with-gaps": Recipe(source=sheet(rows={2: blank(3), 3: blank(4)})),
    "file-without-a-day": Recipe(source=sheet(rows={2: lambda _: ""})),
    "productivity": Recipe(source=rig(), asked={"objective": maximize("productivity")}),
    "glucose": Recipe(source=rig(), asked={"objective": track(glucose=4)}),
    "two-aims": Recipe(source=rig(), asked={"objective": (track(vcd=30), minimize("medium"))}),
    "ucb": Recipe(source=rig(), asked={"acquisition": "UCB"}),
    "ei": Recipe(source=rig("CloneY"), asked={"acquisition": "EI", "seed": 5}),
    "pi": Recipe(source=rig(), asked={"acquisition": "PI"}),
    "two-pieces": Recipe(source=rig(), asked={"plan_pieces": 2}),
    "late-titer": Recipe(source=rig(sensors=SensorSettings(titer_delay_days=1.0))),
    "lost-samples": Recipe(source=rig("CloneX", "CloneX", faults={"R01": Faults(lost_samples=frozenset({1}))})),
    "advice": Recipe(source=rig("CloneX", "CloneX"), modes={"R01": Mode.ADVISORY}),
}


def record(name: str, folder: Path) -> None:
    """Make a run in a folder."""
    recipe, seed = RECIPES[name], list(RECIPES).index(name)
    settings = {"duration_days": DAYS, "forecast_days": 2, "n_paths": 16, "retrain_every": 9, "seed": seed}
    config = RunConfig(**{**settings, **recipe.asked, "run_dir": folder / "run"})
    (folder / "run").mkdir()
    vessels = {
        reactor: Vessel(connector=one.connector, clone=one.clone, mode=recipe.modes.get(reactor))
        for reactor, one in aboard(recipe.source(folder, seed)).items()
    }
    twin = DigitalTwin(connector=vessels, design_space=DEFAULT_AMBR250_DESIGN_SPACE, run_config=config)
    asyncio.run(twin.run())


def packed(folder: Path) -> bytes:
    """Return what a replay needs of a run: its record and its models."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.name == "audit.jsonl" or p.parent.parent.name == "models"):
            archive.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix()), path.read_bytes())
    return held.getvalue()


def differences(folder: Path) -> list[str]:
    return [f"{c.reactor}, turn {c.turn}: {c.difference}"
            for c in Replay(folder, tolerance=WITHIN).compared() if c.difference]  # fmt: skip


def test_there_are_twenty_runs():
    assert len(RECIPES) == 20
    assert {p.stem for p in STORED.glob("*.zip")} == set(RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_its_decisions_are_made_again(name, tmp_path):
    with zipfile.ZipFile(STORED / f"{name}.zip") as archive:
        archive.extractall(tmp_path)
    assert verify(tmp_path / "audit.jsonl").is_intact
    assert sum(1 for _ in Replay(tmp_path, tolerance=WITHIN).compared()) >= 2
    assert differences(tmp_path) == []


@pytest.mark.parametrize("path", sorted(BEFORE.glob("*.zip")), ids=lambda path: path.stem)
def test_a_run_from_before_streams_had_names_is_made_again_as_it_was_drawn_then(path, tmp_path):
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    assert verify(tmp_path / "audit.jsonl").is_intact
    assert sum(1 for _ in Replay(tmp_path, tolerance=WITHIN).compared()) >= 2
    assert differences(tmp_path) == []


if __name__ == "__main__":
    STORED.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or RECIPES:
        with tempfile.TemporaryDirectory() as temporary:
            record(name, Path(temporary))
            wrong = differences(Path(temporary) / "run")
            if wrong:
                sys.exit(f"{name} cannot be replayed: {wrong[0]}")
            (STORED / f"{name}.zip").write_bytes(packed(Path(temporary) / "run"))
        print(f"{name}: {(STORED / f'{name}.zip').stat().st_size / 1000:.0f} kB")  # noqa: T201

"""`perfusio demo`: the main job on virtual vessels, from nothing to a verified record; one takes about a minute."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.cli.echo import echo
from perfusio.cli.runs.aim import AcquisitionOption, MaximizeOption, MinimizeOption, TrackOption, aim
from perfusio.errors import ConfigError

if TYPE_CHECKING:
    from perfusio.events import Event
    from perfusio.state import State

REPLAY_DAYS = 14
DAY_S = 120.0
"""Real time of a culture day, where a person is to approve the advice of each."""


def demo(
    days: Annotated[int, typer.Option(help="Length of the closed loop [day].", min=1, max=365)] = 28,
    out: Annotated[Path | None, typer.Option(help="Folder to make; default perfusio-demo-TIME.", metavar="DIR")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the virtual vessels and of the run.", min=0)] = 0,
    vessels: Annotated[int, typer.Option(help="Virtual vessels that one twin runs side by side.", min=1, max=99)] = 1,
    track: TrackOption = None,
    maximize: MaximizeOption = None,
    minimize: MinimizeOption = None,
    acquisition: AcquisitionOption = "LogEI",
    page: Annotated[
        bool, typer.Option("--page", help="Approve the advice yourself, in a browser; a day takes two minutes.")
    ] = False,
    port: Annotated[int, typer.Option(help="Port of the page; 0 = any free one.", min=0, max=65535)] = 8765,
) -> None:
    """Watch the twin work: a replay of a 14-day file, then 28 days in closed loop with a virtual vessel.

    The aim is a density of 30e6 cells/mL unless an option says another; a density is then held by simpler hands too.
    Each demo gets a fresh folder with the data, both records, the recommended setpoints and two figures.

    With --vessels 24 one twin runs 24 vessels that learn from each other, in closed loop from the start. With --page
    the twin only advises, and you approve in a browser.
    """
    import asyncio

    from perfusio.cli.runs.watched import run_watched
    from perfusio.config import Objective, RunConfig
    from perfusio.connectors.filesystem import FilesystemStore
    from perfusio.connectors.simulated import SimulatedAmbr250
    from perfusio.events import SampleRead
    from perfusio.process.roles import CELLS
    from perfusio.study.closed_loop import write_synthetic_csv

    objective = aim(track, maximize, minimize)
    settings: dict[str, Any] = {"objective": objective, "acquisition": acquisition, "seed": seed}
    RunConfig(duration_days=days, **settings)  # refused before a folder is made
    folder = _fresh_folder(out)
    if page:
        _run_with_page(vessels, folder, days, settings, port)
        return
    if vessels > 1:
        _run_fleet(vessels, folder, days, settings)
        _end(folder)
        return
    replay, loop = folder / "replay", folder / "closed-loop"
    data = replay / "my_data.csv"
    replay_days = min(days, REPLAY_DAYS)
    echo(f"1. A replay: {replay_days} days of synthetic measurements, read from {data}\n")
    asyncio.run(write_synthetic_csv(data, days=replay_days, seed=seed))
    run_watched(FilesystemStore(data), RunConfig(duration_days=replay_days, run_dir=replay, **settings))

    echo(f"\n2. A closed loop: {days} days of a virtual ambr 250 vessel that obeys the twin\n")
    rig, truth = SimulatedAmbr250(days=days, seed=seed), list["State"]()

    def watch(event: Event) -> None:
        if isinstance(event, SampleRead) and not event.extra:
            truth.append(rig.true_state())

    run_watched(rig, RunConfig(duration_days=days, run_dir=loop, **settings), observers=(watch,))
    target = objective.target if isinstance(objective, Objective) and objective.quantity == CELLS else None
    if target is not None:
        _compare(truth, days, seed, target)
    _end(folder)


def _end(folder: Path) -> None:
    echo(f"\nSee it in a browser: perfusio serve {folder}")
    echo("Approve the advice of a twin there yourself: perfusio demo --page")
    echo(f"All of it is in {folder}")


def _run_with_page(n_vessels: int, folder: Path, days: int, settings: dict[str, Any], port: int) -> None:
    """Run a twin that only advises, slowly, with the page beside it."""
    from perfusio.cli.page.beside import page_beside
    from perfusio.cli.runs.watched import run_watched
    from perfusio.config import Mode, RunConfig
    from perfusio.connectors.simulated import SimulatedAmbr250

    config = RunConfig(duration_days=days, run_dir=folder, mode=Mode.ADVISORY, **settings)
    rig = SimulatedAmbr250(n_vessels=n_vessels, days=days, seed=config.seed, pace_s=DAY_S)
    echo(f"Virtual vessels: {n_vessels}. A culture day takes {DAY_S:g} s. Open the address below and approve.\n")
    with page_beside(folder, port):
        run_watched(rig, config)
    _end(folder)


def _run_fleet(n_vessels: int, folder: Path, days: int, settings: dict[str, Any]) -> None:
    """Run one twin on a rig of many vessels, and say how near the truth was to the target."""
    from perfusio.cli.runs.watched import run_watched
    from perfusio.config import Objective, RunConfig
    from perfusio.connectors.simulated import SimulatedAmbr250
    from perfusio.events import ModelConditioned
    from perfusio.process.roles import CELLS
    from perfusio.report.lines import counted
    from perfusio.study.fleet import fleet_errors, fleet_summary

    config = RunConfig(duration_days=days, run_dir=folder, **settings)
    rig, truth = SimulatedAmbr250(n_vessels=n_vessels, days=days, seed=config.seed), list[dict[str, "State"]]()

    def watch(event: Event) -> None:
        if isinstance(event, ModelConditioned):
            truth.append(rig.true_states())

    echo(f"{n_vessels} virtual ambr 250 vessels, {counted(days, 'day')}, one twin and one model\n")
    run_watched(rig, config, observers=(watch,))
    aim = config.objective
    if isinstance(aim, Objective) and aim.quantity == CELLS and aim.target is not None:
        echo("\n" + fleet_summary(fleet_errors(truth, aim.target), aim.target))


def _fresh_folder(out: Path | None) -> Path:
    """Make the folder of this demo; an existing one is never written into."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    wanted = out if out is not None else Path(f"perfusio-demo-{stamp}")
    folder, n = wanted.resolve(), 2
    try:
        while folder.exists():
            folder, n = folder.with_name(f"{wanted.name}-{n}"), n + 1
        folder.mkdir(parents=True)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made: {error.strerror}. Choose a place with --out.") from error
    return folder


def _compare(truth: list[State], days: int, seed: int, target: float) -> None:
    import asyncio

    from perfusio.study.comparison import comparison

    echo("\n" + "\n".join(asyncio.run(comparison(truth, days=days, seed=seed, target=target))))

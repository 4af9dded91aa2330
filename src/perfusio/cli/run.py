"""`perfusio run`: the twin on a CSV file, one row per sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfusio.cli.aim import AcquisitionOption, MaximizeOption, MinimizeOption, TrackOption, aim, pair
from perfusio.errors import ConfigError, UnreadableSource

if TYPE_CHECKING:
    from perfusio.connectors.filesystem import FilesystemStore

OPTIONS = (
    "On the command line: --ignore HEADER, --column HEADER=QUANTITY, --decimal MARK, --encoding NAME, --run NAME or "
    "--reactor NAME."
)


def run(
    source: Annotated[
        Path, typer.Option("--csv", help="The file: one row per sample.", metavar="FILE", show_default=False)
    ],
    days: Annotated[int, typer.Option(help="Length of the run [day].", min=1, max=365, show_default=False)],
    track: TrackOption = None,
    maximize: MaximizeOption = None,
    minimize: MinimizeOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; default: here, the setpoints beside the file.")
    ] = None,
    interval_hours: Annotated[float, typer.Option(help="Time between samples [h].")] = 24.0,
    retrain_every: Annotated[int, typer.Option(help="Refit the model after this many samples.", min=1)] = 3,
    acquisition: AcquisitionOption = "LogEI",
    search: Annotated[str, typer.Option(help="cross-entropy, or gradient (slower).", metavar="NAME")] = "cross-entropy",
    plan_pieces: Annotated[int, typer.Option(help="Destinations that a plan heads for in turn.", min=1, max=4)] = 1,
    seed: Annotated[int, typer.Option(help="Seed of every random draw; recorded.", min=0)] = 0,
    run_name: Annotated[str | None, typer.Option("--run", help="Which run, if the file holds several.")] = None,
    reactor: Annotated[str | None, typer.Option(help="Which vessel, if the file holds several.")] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Header to leave unread; repeatable.", metavar="HEADER")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="What a header means, e.g. Glu=glutamate; repeatable.", metavar="HEADER=NAME"),
    ] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal mark, if the file leaves it open.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of the file, if it is not UTF-8.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for new rows of a growing file.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Move an unfinished record in the folder aside.")] = False,
) -> None:
    """Run the digital twin on a CSV file: forecast, decide, write setpoints to a file, keep a record.

    A finished file is replayed; with --follow the run waits for new rows. The folder then holds audit.jsonl (the
    record), forecast.png and FILE.setpoints.csv.
    """
    from perfusio.cli.watched import exit_code, run_watched
    from perfusio.config import RunConfig

    config = RunConfig(
        duration_days=days,
        sampling_interval_hours=interval_hours,
        retrain_every=retrain_every,
        acquisition=acquisition,
        search=search,
        plan_pieces=plan_pieces,
        objective=aim(track, maximize, minimize),
        seed=seed,
        run_dir=out or Path(),
        fresh=fresh,
    )
    try:
        store = _store(
            source,
            out,
            run=run_name,
            reactor=reactor,
            follow=follow or None,
            ignore=ignore or (),
            columns=dict(pair(text, "--column Glu=glutamate") for text in column or ()),
            decimal=decimal,
            encoding=encoding,
        )
        result = run_watched(store, config)
    except UnreadableSource as error:
        if "FilesystemStore(" in str(error):
            raise UnreadableSource((*error.problems, OPTIONS), connector=error.connector) from error
        raise
    if store.setpoints_path.exists():
        typer.echo(f"{'Advice:':8}{store.setpoints_path}")
    raise typer.Exit(exit_code(result.outcome))


def _store(source: Path, out: Path | None, **options: Any) -> FilesystemStore:
    """The connector. A file that is refused is refused before any folder is made."""
    from perfusio.connectors.filesystem import FilesystemStore

    store = FilesystemStore(source, **options)
    store.describe()
    if out is None:
        return store
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"--out {out} cannot be made: {error.strerror}. Choose a folder that you may write."
        ) from error
    return FilesystemStore(source, setpoints_path=out / store.setpoints_path.name, **options)

"""The `perfusio` command and its subcommands."""

from __future__ import annotations

from typing import Annotated

import typer

from perfusio.cli.echo import echo
from perfusio.cli.experiment_file.config_show import config
from perfusio.cli.experiment_file.process import process
from perfusio.cli.extensions import extensions
from perfusio.cli.first_hour.init import init
from perfusio.cli.models.clones import clones
from perfusio.cli.models.design import design
from perfusio.cli.models.end_values import end_values
from perfusio.cli.models.fit import fit
from perfusio.cli.models.forecast import forecast
from perfusio.cli.models.recommend import recommend
from perfusio.cli.models.score import score
from perfusio.cli.models.simulate import simulate
from perfusio.cli.operators.alarms import alarms
from perfusio.cli.operators.hold import hold, release
from perfusio.cli.operators.ladder import ladder
from perfusio.cli.operators.orders import accept, acknowledge, adopt, approve, enter, mode, note, reject
from perfusio.cli.operators.status import status
from perfusio.cli.operators.stop import stop
from perfusio.cli.page.serve import serve
from perfusio.cli.page.users import user
from perfusio.cli.record.bundle import bundle
from perfusio.cli.record.export import export
from perfusio.cli.record.mirror import mirror
from perfusio.cli.record.replay import replay
from perfusio.cli.record.report import report
from perfusio.cli.record.verify import verify
from perfusio.cli.runs.advise import advise
from perfusio.cli.runs.demo import demo
from perfusio.cli.runs.fallback import fallback
from perfusio.cli.runs.notify import notify
from perfusio.cli.runs.resume import resume
from perfusio.cli.runs.run import run
from perfusio.cli.selftest import selftest
from perfusio.cli.sources.import_ import import_
from perfusio.cli.sources.opcua import opcua
from perfusio.cli.studies.bench import bench
from perfusio.cli.studies.study import study

app = typer.Typer(
    name="perfusio",
    help="A digital twin that runs a perfusion bioreactor experiment by itself.",
    epilog=(
        "Exit codes: 0 ok, 1 failure, 2 usage, configuration or a question, 3 data refused or unreadable, "
        "4 record broken."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 100},
)
for command in (
    demo, init, advise, run, resume, fallback, stop, status, alarms, notify, hold, release, mode, ladder, approve,
    reject, note, acknowledge, adopt, accept, enter, verify, report, replay, bundle, mirror, simulate, design, fit,
    score, clones, forecast, end_values, recommend, selftest, extensions, serve,
):  # fmt: skip
    app.command()(command)
app.command("import")(import_)
app.command()(export)
app.add_typer(config, name="config")
app.add_typer(process, name="process")
app.add_typer(opcua, name="opcua")
app.add_typer(user, name="user")
app.add_typer(study, name="study")
app.add_typer(bench, name="bench")


def _tell_version(wanted: bool) -> None:
    if wanted:
        from perfusio.installed import __version__

        echo(f"perfusio {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """A digital twin that runs a perfusion bioreactor experiment by itself."""

"""What a command line asks for is answered as by the whole program, and nothing else is made."""

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.asked_for import asked_for

WHOLE = get_command(app)
COMMANDS = sorted(WHOLE.commands)


def answered(arguments):
    whole, lean = (CliRunner().invoke(one, arguments, prog_name="perfusio") for one in (app, asked_for(app, arguments)))
    assert (whole.exit_code, whole.output) == (lean.exit_code, lean.output)
    return lean


@pytest.mark.parametrize(
    "arguments",
    [[], ["--help"], ["--version"], ["rnu"], ["--helq"], ["run", "--dyas", "3"], ["opcua"], ["opcua", "chek"],
     ["study", "merge", "--help"], ["end-values", "--help"], ["import", "--help"]],
    ids=" ".join,
)  # fmt: skip
def test_it_is_answered_as_by_the_whole_program(arguments):
    assert answered(arguments).output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name):
    lean = get_command(asked_for(app, [name, "--help"]))
    assert list(lean.commands) == [name]
    assert [p.name for p in lean.commands[name].params] == [p.name for p in WHOLE.commands[name].params]


def test_the_whole_program_stays_as_it_is():
    asked_for(app, ["--help"])
    asked_for(app, ["run"])
    assert sorted(get_command(app).commands) == COMMANDS
    assert len(get_command(app).commands["run"].params) > 10

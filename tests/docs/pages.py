"""Pages as programs: their Python as one script, their commands in between, what was printed beside what is shown.

A page is right if its words are the same and each number is the same but for its last digit: seeds are fixed, and bits
differ between processors. As a script it writes the outputs of pages anew: python tests/docs/pages.py PAGE ...
"""

import contextlib
import io
import re
import shlex
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    from programs import ran
else:
    from .programs import ran

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```(python|console|text)\n(.*?)```\n", re.DOTALL)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
STDOUT = "printed.txt"
"""Where a page's script leaves what it printed, for tests that look at it."""


def executed(page):
    """Return (kind, text) of each block, with what was really printed in place of each text block."""
    names = {"__name__": "__main__"}
    blocks, printed = [], ""
    for kind, text in BLOCK.findall(page):
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as stdout:
                exec(compile(text, "<page>", "exec"), names)
            printed = stdout.getvalue()
        elif kind == "console":
            printed = "".join(_command(line) for line in re.findall(r"^\$ (.*)$", text, re.MULTILINE))
        blocks.append((kind, printed if kind == "text" else text))
    return blocks


def _command(line):
    program, *arguments = shlex.split(line)
    if program == "python":
        done = ran(ROOT / arguments[0], *arguments[1:], SOURCE_DATE_EPOCH="0")
        assert (done.returncode, done.stderr) == (0, "")
        Path(STDOUT).write_text(done.stdout, encoding="utf-8")
        return done.stdout
    assert program == "perfusio", line
    from typer.testing import CliRunner

    from perfusio.cli.app import app

    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, f"{result.output}{result.exception!r}"
    return result.stdout


def misprints(page, blocks):
    """Return what a page shows and what was printed, for each text block in which they differ."""
    shown = [text for kind, text in BLOCK.findall(page) if kind == "text"]
    printed = [text for kind, text in blocks if kind == "text"]
    assert len(shown) == len(printed)
    return [f"shown:\n{a}printed:\n{b}" for a, b in zip(shown, printed, strict=True) if not agree(a, b)]


def agree(shown, printed):
    """Whether two texts differ at most in the last digit of their numbers; columns may have moved with it."""
    if NUMBER.sub("#", shown).split() != NUMBER.sub("#", printed).split():
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=True)
    return all(a == b or _differ_in_the_last_digit_only(a, b) for a, b in pairs)


def _differ_in_the_last_digit_only(a, b):
    decimals = len(a.partition(".")[2])
    if len(b.partition(".")[2]) != decimals:
        return False
    whole = decimals == 0
    return not whole and abs(round((float(a) - float(b)) * 10**decimals)) <= 1


def rewrite(path):
    """Put into a page what it prints now."""
    page = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        blocks = iter(executed(page))
    path.write_text(BLOCK.sub(lambda _: "```{}\n{}```\n".format(*next(blocks)), page), encoding="utf-8")


if __name__ == "__main__":
    for given in sys.argv[1:]:
        rewrite(Path(given))

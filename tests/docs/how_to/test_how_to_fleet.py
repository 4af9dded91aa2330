"""The how-to on many vessels does what it says: its code in order, printed output compared."""

import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "run-many-vessels.md"
BLOCK = re.compile(r"```(python|text)\n(.*?)```\n", re.DOTALL)


def test_the_page_prints_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names, printed, n_compared = {"__name__": "__main__"}, "", 0
    for kind, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as stdout:
                exec(compile(text, "<how-to>", "exec"), names)
            printed = stdout.getvalue()
        else:
            assert printed == text
            n_compared += 1
    assert n_compared == 3
    assert names["result"].outcome.name == "COMPLETED"

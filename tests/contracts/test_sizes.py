"""A house in which strangers find their way: no file is long, no folder is full, each says what is in it."""

import ast
from collections import Counter

from .test_imports import MODULES, SOURCE

LONGEST_FILE, FULLEST_FOLDER = 350, 20


def test_no_file_is_long():
    lengths = {p.relative_to(SOURCE).as_posix(): len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}


def test_no_folder_is_full():
    files = Counter(p.parent.relative_to(SOURCE).as_posix() for p in MODULES)
    assert {name: n for name, n in files.items() if n > FULLEST_FOLDER} == {}


def test_every_folder_says_what_is_in_it():
    inits = [p for p in MODULES if p.name == "__init__.py" and "migrations" not in p.parts]
    silent = [str(p) for p in inits if not ast.get_docstring(ast.parse(p.read_text(encoding="utf-8")))]
    assert silent == []

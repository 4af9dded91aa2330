"""Docstrings name the thing: the noun, not a clause that the reader must solve for it."""

import ast
import re
from pathlib import Path

import perfusio

SOURCE = Path(perfusio.__file__).parent
MOST_PER_THOUSAND = 2.0
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def docstrings(tree):
    """Texts of modules, classes and functions, and those below attributes."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for before, statement in zip([node, *body], body, strict=False):
            value = getattr(statement, "value", None)
            is_first = before is node and isinstance(node, DOCUMENTED)
            is_of_attribute = isinstance(before, ast.Assign | ast.AnnAssign)
            if (is_first or is_of_attribute) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value.value


def share(texts):
    """Number of "what" per 1,000 words."""
    words = [word.lower() for text in texts for word in re.findall(r"[A-Za-z']+", text)]
    return 1000.0 * words.count("what") / len(words)


def test_docstrings_rarely_say_what():
    texts = [text for path in SOURCE.rglob("*.py") for text in docstrings(ast.parse(path.read_text(encoding="utf-8")))]
    assert len(texts) > 3000
    assert share(texts) <= MOST_PER_THOUSAND, "name the thing: its noun, or the term of the field"


def test_the_count_sees_every_kind_of_docstring():
    module = '"""What."""\nA = 1\n"""What."""\nclass B:\n    """What."""\n    def f(self):\n        """What."""\n'
    assert share(docstrings(ast.parse(module))) == 1000.0
    assert len(list(docstrings(ast.parse(module)))) == 4
    assert not list(docstrings(ast.parse('x = 1\nprint("what")\n')))

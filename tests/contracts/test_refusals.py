"""Every refusal of a table names the next step: a sentence that tells what to do, or readings with their options."""

import ast
import re
from pathlib import Path

import perfusio.tables

ROOT = Path(perfusio.tables.__path__[0])
REFUSES = re.compile(r"(problems\.(file|line|cell|append)|UnreadableSource|ConfigError|_refusal|_refused)$")
STEP = re.compile(
    r"\b(Add|Check|Choose|Close|Complete|Copy|Correct|Declare|Delete|Drop|Export|Fill|Give|Install|Keep|Leave|Mend|"
    r"Move|Multiply|Name|Put|Remove|Rename|Repeat|Replace|Save|Say|Sort|Take|Wait|Write|install|say so|press Enter)\b|"
    r"`perfusio|"
    r"Is it the right file"
)
OPTION = re.compile(r"[Ee]xpected|Known:|Common|not read here")
"""A wrong option or entry of a map is answered by what may stand there."""


def texts(node):
    """The constant parts of a message, and those of the variables of its function that it is built from."""
    return " ".join(n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))


def refusals():
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
            if not REFUSES.search(ast.unparse(call.func)) or any(k.arg == "readings" for k in call.keywords):
                continue
            around = [f for f in functions if f.lineno <= call.lineno <= (f.end_lineno or 0)]
            names = {n.id for n in ast.walk(call) if isinstance(n, ast.Name)}
            said = [texts(call)]
            for n in ast.walk(around[-1]) if around else ():
                if isinstance(n, ast.Assign) and names & {t.id for t in n.targets if isinstance(t, ast.Name)}:
                    said.append(texts(n.value))
            message = " ".join(said)
            is_handed_on = len(texts(call)) < 15  # a message that another function made, which is walked there
            if not is_handed_on and "_remedy(" not in ast.unparse(call):
                is_option = ast.unparse(call.func).endswith("ConfigError")
                yield f"{path.relative_to(ROOT)}:{call.lineno}", message, is_option


def test_every_refusal_of_a_table_tells_what_to_do():
    found = list(refusals())
    assert len(found) > 80
    silent = [(where, text) for where, text, is_option in found
              if not (STEP.search(text) or (is_option and OPTION.search(text)))]  # fmt: skip
    assert silent == []

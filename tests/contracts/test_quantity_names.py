"""No quantity is named outside the process: lists of the files that still do only shrink.

A name is a string literal, an attribute, a keyword or a bare variable in a tuple that is unpacked, equal to the name of
a quantity of the default panel. A file may hold as many as `quantity_names.toml` says, and no other file any.

    python tests/contracts/test_quantity_names.py       writes the list anew, if it has shrunk
"""

import ast
import tomllib
from pathlib import Path

from perfusio.process import CHO_PERFUSION

ROOT = Path(__file__).parents[2] / "src" / "perfusio"
LISTED = Path(__file__).with_name("quantity_names.toml")
FREE = ("process/", "plant/", "kinetics/", "connectors/database/migrations/")
"""The process itself, virtual cultures with kinetics of their own, and the history of a schema."""
NAMES = {q.name for q in CHO_PERFUSION.quantities}


def named(source):
    """How often a source names a quantity."""
    tree = ast.parse(source)
    count = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            count += isinstance(node.value, str) and node.value in NAMES
        elif isinstance(node, ast.Attribute):
            count += node.attr in NAMES
        elif isinstance(node, ast.keyword):
            count += node.arg in NAMES
        elif isinstance(node, ast.AnnAssign):
            count += isinstance(node.target, ast.Name) and node.target.id in NAMES
        elif isinstance(node, ast.Assign | ast.For | ast.comprehension):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            tuples = [t for t in targets if isinstance(t, ast.Tuple | ast.List)]
            count += sum(isinstance(e, ast.Name) and e.id in NAMES for t in tuples for e in t.elts)
    return count


def found():
    counts = {}
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(FREE) and (count := named(path.read_text(encoding="utf-8"))):
            counts[name] = count
    return counts


def listed():
    return tomllib.loads(LISTED.read_text(encoding="utf-8"))["names"]


def test_no_file_names_more_quantities_than_the_list_says():
    allowed = listed()
    more = {name: f"{n}, listed {allowed.get(name, 0)}" for name, n in found().items() if n > allowed.get(name, 0)}
    assert not more, f"Ask the panel by role, or derive a table from it (process/cho_perfusion.py): {more}"


def test_files_that_name_none_any_more_leave_the_list():
    gone = set(listed()) - set(found())
    assert not gone, f"python tests/contracts/test_quantity_names.py takes them off the list: {sorted(gone)}"


def test_each_way_of_naming_is_found():
    assert named('x["glucose"]; state.glucose; f(glucose=1); vcd, other = y') == 4
    assert named("for vcd, titer in y: pass\n[vcd for vcd, t in y]\nclass A:\n    vcd: float = 0.0") == 4
    assert named('"""glucose and vcd"""; glucose_rate = sugar.glucoses; glucose = 1.0') == 0


if __name__ == "__main__":
    before = listed() if LISTED.exists() else None
    now = found()
    if before is not None:
        now = {name: min(n, before[name]) for name, n in now.items() if name in before}
    lines = [f'"{name}" = {n}' for name, n in now.items()]
    head = f"""\
# Files that name quantities of the default panel, and how often: {len(now)} files, {sum(now.values())} names.
# The list only shrinks (tests/contracts/test_quantity_names.py): a file leaves it, a number gets smaller.
#
# What depends on the order of the panel's lines beside these: what a search of decisions draws (along setpoints in
# their order), and arrays in checkpoints of format 2.

"""
    LISTED.write_text(head + "[names]\n" + "\n".join(lines) + "\n", encoding="utf-8")

"""Mutation test of the guard: change its source in one small way at a time, and see whether its tests notice.

    python benchmarks/mutants.py

Each mutant runs in a child process of its own against the guard's tests. Survivors are printed with the line that was
changed: a person judges whether such a change matters. Numbers in messages, types and comments are left alone.
"""

from __future__ import annotations

import ast
import copy
import os
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import perfusio.bed.problem
import perfusio.testing
import perfusio.twin

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "perfusio" / "twin" / "guard.py"
NAME = "perfusio.twin.guard"
TESTS = (
    "tests/unit/twin/test_guard_edges.py", "tests/unit/twin/test_guard.py", "tests/unit/selftest/test_gate.py",
    "tests/properties/test_guard.py",
)  # fmt: skip
LONGEST_S = 60
"""A mutant that has not ended by then is counted as noticed: it hangs."""
SWAPS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.And: (ast.Or,), ast.Or: (ast.And,), ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
}  # fmt: skip
Change = Callable[[ast.AST], str]


def changes(node: ast.AST) -> Iterator[Change]:
    """Yield the ways to change one node in place; each returns what it did, in words."""
    if isinstance(node, ast.Compare):
        for i, op in enumerate(node.ops):
            yield from (_swap(i, other) for other in SWAPS.get(type(op), ()))
    if isinstance(node, ast.BoolOp | ast.BinOp):
        yield from (_operator(other) for other in SWAPS.get(type(node.op), ()))
    if isinstance(node, ast.UnaryOp):
        yield _without_sign
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield _other_number
    if isinstance(node, ast.If | ast.IfExp):
        yield from (_decided(value) for value in (True, False))
    if isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
        yield from (_without(i) for i, part in enumerate(node.elts) if isinstance(part, ast.Starred))
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield _not_called


def _swap(i: int, other: type) -> Change:
    def change(node: ast.AST) -> str:
        node.ops[i] = other()  # type: ignore[attr-defined]
        return f"comparison {i + 1} became {other.__name__}"

    return change


def _operator(other: type) -> Change:
    def change(node: ast.AST) -> str:
        node.op = other()  # type: ignore[attr-defined]
        return f"operator became {other.__name__}"

    return change


def _without_sign(node: ast.AST) -> str:
    node.op = ast.UAdd() if not isinstance(node.op, ast.Not) else node.op  # type: ignore[attr-defined]
    if isinstance(node.op, ast.Not):  # type: ignore[attr-defined]
        node.operand = ast.UnaryOp(ast.Not(), node.operand)  # type: ignore[attr-defined]
    return "sign or negation taken away"


def _other_number(node: ast.AST) -> str:
    node.value += 1  # type: ignore[attr-defined]
    return "number raised by 1"


def _decided(value: bool) -> Change:
    def change(node: ast.AST) -> str:
        node.test = ast.Constant(value)  # type: ignore[attr-defined]
        return f"condition always {value}"

    return change


def _without(i: int) -> Change:
    def change(node: ast.AST) -> str:
        del node.elts[i]  # type: ignore[attr-defined]
        return f"part {i + 1} left out"

    return change


def _not_called(node: ast.AST) -> str:
    node.value = ast.Constant(None)  # type: ignore[attr-defined]
    return "call left out"


def sites(tree: ast.AST) -> list[tuple[int, int]]:
    """Return (node, change) for every way to change code; not in annotations, nor in the words of a message."""
    unread: set[int] = set()
    nodes = list(ast.walk(tree))
    for node in nodes:
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            unread |= {id(n) for n in ast.walk(part)} if isinstance(part, ast.AST) else set()
        if isinstance(node, ast.JoinedStr):
            unread |= {id(n) for n in ast.walk(node)}
    return [(i, k) for i, n in enumerate(nodes) if id(n) not in unread for k, _ in enumerate(changes(n))]


def mutant(tree: ast.AST, site: tuple[int, int]) -> tuple[ast.AST, str]:
    """Return a changed copy of the tree, and the change in words."""
    other = copy.deepcopy(tree)
    node = list(ast.walk(other))[site[0]]
    line = getattr(node, "lineno", 0)
    words = list(changes(node))[site[1]](node)
    return ast.fix_missing_locations(other), f"line {line}: {words}"


def is_noticed(tree: ast.AST) -> bool:
    """Whether the tests fail in a child process in which the guard is this tree."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            module = types.ModuleType(NAME)
            module.__file__ = str(SOURCE)
            sys.modules[NAME] = module
            perfusio.twin.guard = module  # type: ignore[attr-defined]
            exec(compile(tree, str(SOURCE), "exec"), module.__dict__)
            status = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", *TESTS]))
        finally:
            os._exit(min(status, 100))
    until = time.monotonic() + LONGEST_S
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return True


def main() -> int:
    """Try the mutants, print the survivors and the share that was noticed."""
    os.chdir(ROOT)
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    if is_noticed(tree):
        print("The tests fail on the guard as it is: nothing can be said about mutants.")
        return 1
    found = sites(tree)
    n_noticed = 0
    for n_tried, site in enumerate(found, start=1):
        changed, words = mutant(tree, site)
        noticed = is_noticed(changed)
        n_noticed += noticed
        if not noticed:
            print(f"survived  {words}", flush=True)
        if n_tried % 25 == 0:
            print(f"{n_noticed} of {n_tried} noticed so far", flush=True)
    print(f"{n_noticed} of {len(found)} mutants noticed ({100.0 * n_noticed / len(found):.0f} %).")
    return 0


if __name__ == "__main__":
    assert np.__version__  # loaded here once, so that each child starts with it
    raise SystemExit(main())

"""T05, its teeth: the guard is changed in one small way at a time, and its checks must notice.

Numbers in the words of messages, types and comments are left alone. Each mutant is judged by the cases of
`guard_checks` and by vectors of `gate`; survivors are named with the line that was changed, for a person to judge.
"""

from __future__ import annotations

import ast
import copy
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from perfusio.selftest.guard.gate import Judge, escapes
from perfusio.selftest.guard.guard_checks import wrong_answers
from perfusio.selftest.promises import Tried
from perfusio.twin.writes import guard

LEAST_SHARE = 0.95
"""Of the mutants that must be noticed."""
N_VECTORS = 2_000
SWAPS: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.And: (ast.Or,), ast.Or: (ast.And,), ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
}  # fmt: skip
NAMES = {"any": "all", "all": "any", "min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum"}
Change = Callable[[ast.AST], str]


def changes(node: ast.AST) -> Iterator[Change]:
    """Yield the ways to change one node in place; each returns its change, in words."""
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
    if isinstance(node, ast.Name | ast.Attribute) and _name(node) in NAMES:
        yield _other_name
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


def _name(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _other_name(node: ast.AST) -> str:
    before = _name(node)  # type: ignore[arg-type]
    setattr(node, "id" if isinstance(node, ast.Name) else "attr", NAMES[before])
    return f"{before} became {NAMES[before]}"


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


def is_noticed(module: Any) -> bool:
    """Whether the checks find something wrong with a guard, or it fails on them."""
    try:
        if next(wrong_answers(module), None) is not None:
            return True
        written, first = escapes(Judge(module.guard), N_VECTORS)
    except Exception:  # noqa: BLE001 - whatever it fails with, it is noticed
        return True
    return bool(first) or not written


def as_module(tree: ast.AST) -> Any:
    """Return the guard that this tree is."""
    module = types.ModuleType(guard.__name__)
    exec(compile(tree, str(guard.__file__), "exec"), module.__dict__)  # type: ignore[call-overload]
    return module


def mutants(is_full: bool) -> Tried:
    """Change the guard in every small way; that takes seconds."""
    del is_full
    tree = ast.parse(Path(str(guard.__file__)).read_text(encoding="utf-8"))
    survivors = []
    chosen = sites(tree)
    with np.errstate(all="ignore"):  # mutants may compute nonsense
        is_sound = not is_noticed(as_module(tree))
        for site in chosen:
            changed, words = mutant(tree, site)
            if not is_noticed(as_module(changed)):
                survivors.append(words)
    n = len(chosen)
    too_many = len(survivors) if len(survivors) > (1.0 - LEAST_SHARE) * n else 0
    share = 100.0 * (n - len(survivors)) / n
    notes = [f"{n - len(survivors)} of {n} noticed ({share:.0f} %, at least {100 * LEAST_SHARE:.0f})", *survivors]
    return Tried(
        id="T05",
        promise="changed in any one small way, the guard fails its checks (mutants of it)",
        n_tried=n,
        n_failed=too_many if is_sound else n,
        note="; survived: ".join(notes) if is_sound else "the checks fail on the guard as it is",
    )

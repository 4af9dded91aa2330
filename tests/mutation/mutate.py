"""Mutation checks: a module is changed in one small way at a time, and its own tests must notice.

    python tests/mutation/mutate.py                 all mutants of all rooms (minutes)
    python tests/mutation/mutate.py fold --sample 20 --seed 3

The ways to change code are those of the guard's mutants (`perfusio.selftest.guard.mutants`, which has checks of its
own). Each mutant lives in a process of its own: the code of the functions of the real module is replaced, so that every
name by which a test or another module knows them leads to the mutant, and the tests of the module run. Prints a line
per room and each survivor with its line; ends with 1 if a room is below the share.
"""

import argparse
import ast
import contextlib
import importlib
import io
import os
import random
import signal
import sys
import types
from pathlib import Path

import pytest

from perfusio.selftest.guard.mutants import mutant, sites

LEAST_SHARE = 0.90
LONGEST_S = 60
"""A mutant that makes its tests run for longer is noticed, too [s]."""
TESTS = Path(__file__).parents[1]
ROOMS = {
    "admission": (["perfusio.twin.samples.admission"], ["unit/twin/samples/test_admission.py"]),
    "alarm levels": (["perfusio.twin.alarms.levels"], ["unit/twin/alarms/test_levels.py"]),
    "fold": (
        [f"perfusio.record.{name}" for name in (
            "apply_event", "changes.vessels", "changes.samples", "changes.writes", "changes.operators")],
        ["unit/record/changes/test_changes.py", "unit/record/test_apply_event.py"],
    ),
    "volume rule": (["perfusio.process.rules"], ["unit/process/test_rules.py"]),
}  # fmt: skip


def functions(space, module):
    """Return the functions that stand in a module, by the qualified name of each."""
    found = {}
    for thing in space.values():
        if isinstance(thing, types.FunctionType) and thing.__module__ == module:
            found[thing.__qualname__] = thing
        if isinstance(thing, type) and thing.__module__ == module:
            for part in vars(thing).values():
                inner = part.fget if isinstance(part, property) else getattr(part, "__func__", part)
                if isinstance(inner, types.FunctionType):
                    found[inner.__qualname__] = inner
    return found


def become(module, tree):
    """Have a module that is loaded behave as another tree of its source says.

    Tables and constants are those of the tree, too, and functions in tables lead to the real ones, which have its code.
    """
    other = types.ModuleType(module.__name__)
    other.__file__ = module.__file__
    exec(compile(tree, str(module.__file__), "exec"), other.__dict__)
    real = functions(vars(module), module.__name__)
    for name, changed in functions(vars(other), module.__name__).items():
        if name in real and len(real[name].__code__.co_freevars) == len(changed.__code__.co_freevars):
            real[name].__code__, real[name].__defaults__ = changed.__code__, changed.__defaults__
    for name, value in vars(other).items():
        if name in vars(module) and isinstance(value, bool | int | float | str | tuple | frozenset):
            setattr(module, name, value)
        elif isinstance(value, dict) and not name.startswith("__") and isinstance(vars(module).get(name), dict):
            vars(module)[name].clear()
            for key, part in value.items():
                is_function = isinstance(part, types.FunctionType)
                vars(module)[name][key] = real.get(part.__qualname__, part) if is_function else part


def run(tests):
    """Run tests in this process; return 0 if all pass."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", *tests]))


def is_noticed(module, tree, tests):
    """Whether the tests fail on a mutant, in a process of its own."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(LONGEST_S)
            become(module, tree)
            code = run(tests)
        finally:
            os._exit(1 if code else 0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0


def tried(room, n=0, seed=0):
    """Return how many mutants of a room were tried, and the survivors in words; n = 0 tries all.

    Raises:
        RuntimeError: the tests fail on the code as it is, and so prove nothing.
    """
    names, tests = ROOMS[room]
    tests = [str(TESTS / test) for test in tests]
    chosen, trees, modules = [], {}, {}
    for name in names:
        modules[name] = importlib.import_module(name)
        trees[name] = ast.parse(Path(modules[name].__file__).read_text(encoding="utf-8"))
        chosen += [(name, site) for site in sites(trees[name])]
    if run(tests):  # in this process: what is loaded now need not be loaded for each mutant
        raise RuntimeError(f"The tests of {room} fail on the code as it is.")
    if n:
        chosen = random.Random(seed).sample(chosen, min(n, len(chosen)))
    survivors = []
    for name, site in chosen:
        tree, words = mutant(trees[name], site)
        if not is_noticed(modules[name], tree, tests):
            survivors.append(f"{name}, {words}")
    return len(chosen), survivors


def main():
    """Do what the command line says."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("rooms", nargs="*", help=f"of {', '.join(ROOMS)}; all if none is named")
    ask.add_argument("--sample", type=int, default=0, help="so many mutants of each room; 0 = all")
    ask.add_argument("--seed", type=int, default=0)
    asked = ask.parse_args()
    is_good = True
    for room in asked.rooms or ROOMS:
        n, survivors = tried(room, asked.sample, asked.seed)
        share = 1.0 - len(survivors) / n
        is_good &= share >= LEAST_SHARE
        print(f"{room}: {n - len(survivors)} of {n} noticed ({100 * share:.0f} %, at least {100 * LEAST_SHARE:.0f})")
        for words in survivors:
            print(f"  survived: {words}")
    sys.exit(not is_good)


if __name__ == "__main__":
    main()

"""One name for one thing: a class has a name of its own. The list of those that share one only shrinks."""

import ast
from collections import Counter

from .test_imports import MODULES

SHARED = {
    "Case", "CellRates", "Constants", "DailyVessel", "Doubt", "Equipment", "Faults", "Frozen", "Futures", "Growing",
    "Holding", "Kind", "Layout", "Limit", "Medium", "Outlook", "Parameter", "Problem", "Reading", "Rig", "Row", "Seen",
    "Sheet", "Signal", "Table", "Trial", "Vessel", "Watch",
}  # fmt: skip
"""Names of classes that stand for two things; those of the plant are its own, as it must not know the belief's."""


def test_no_further_class_shares_its_name():
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in MODULES)
    names = Counter(n.name for tree in trees for n in tree.body if isinstance(n, ast.ClassDef) and n.name[0] != "_")
    found = {name for name, n in names.items() if n > 1}
    assert found <= SHARED, sorted(found - SHARED)
    assert found == SHARED, f"these have a name of their own now, take them off the list: {sorted(SHARED - found)}"

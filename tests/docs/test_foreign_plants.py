"""The page about foreign plants says what the code says. Run this file as a script to bring its tables up to date."""

import contextlib
import io
import re
from dataclasses import fields
from pathlib import Path

import pytest

from perfusio.plant import monod_separator, published_cho
from perfusio.plant.equations import OUR_MEDIUM
from perfusio.plant.families import DRAWN, FROM_DAY, NAMED, TO_DAY, WITHIN, _recipes

PAGE = Path(__file__).parents[2] / "docs" / "explanations" / "foreign-plants.md"


def media() -> str:
    lines = ["| plant | glucose | glutamine | glutamate | asparagine |", "|---|---|---|---|---|"]
    for name, m in (
        ("own, Own2", OUR_MEDIUM),
        ("published CHO", published_cho.MEDIUM),
        ("Monod with separator", monod_separator.MEDIUM),
    ):
        lines.append(f"| {name} | {m.glucose:.4g} | {m.glutamine:g} | {m.glutamate:g} | {m.asparagine:g} |")
    return "\n".join(lines) + "\n"


def published() -> str:
    lines = ["| constant | unit | T127 | GS46 | sd of draws | meaning | source |", "|---|---|---|---|---|---|---|"]
    for f in fields(published_cho.Constants):
        t127, gs46 = (getattr(c, f.name) for c in (published_cho.CHO_T127, published_cho.CHO_GS46))
        about = f.metadata
        lines.append(
            f"| `{f.name}` | {about['unit']} | {t127:.4g} | {gs46:.4g} | {about['sd']:.4g} | {about['meaning']} | "
            f"{about['source']} |"
        )
    return "\n".join(lines) + "\n"


def monod() -> str:
    lines = ["| constant | unit | low | high | Monod-lit | meaning | source |", "|---|---|---|---|---|---|---|"]
    for f in fields(monod_separator.Constants):
        about, value = f.metadata, getattr(monod_separator.LITERATURE, f.name)
        lines.append(
            f"| `{f.name}` | {about['unit']} | {about['low']:g} | {about['high']:g} | {value:g} | {about['meaning']} | "
            f"{about['source']} |"
        )
    return "\n".join(lines) + "\n"


TABLES = {"media": media, "published": published, "monod": monod}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_up_to_date(name):
    page = PAGE.read_text(encoding="utf-8")
    found = page.split(f"<!-- {name} -->\n")[1].split(f"<!-- /{name} -->")[0]
    assert found == TABLES[name](), f"python {Path(__file__).name} writes the tables anew"


def test_numbers_in_the_text_are_those_of_the_code():
    page = PAGE.read_text(encoding="utf-8")
    for words in (
        f"({published_cho.LAST_TRACE:g} mmol/L + c)",
        f"R = R_d = {monod_separator.RECYCLED:g}",
        f"G/({monod_separator.GLUCOSE_AFFINITY:g} + G)",
        f"Gln/({monod_separator.GLUTAMINE_AFFINITY:g} + Gln)",
        f"{len(_recipes())} constant recipes",
        f"within {100 * WITHIN:g} % of 30e6",
        f"day from {FROM_DAY} to {TO_DAY}",
    ):
        assert words in page, words


def test_every_family_and_name_is_explained():
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"`{family}-<n>`" in page for family in DRAWN)
    assert all(f"`{name}`" in page for name in NAMED if not re.search(r"-k[\d.]+$", name))


def test_the_example_prints_what_the_page_says():
    page = PAGE.read_text(encoding="utf-8")
    code, said = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", page, re.S).groups()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, str(PAGE), "exec"), {})
    assert printed.getvalue() == said


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    for label, table in TABLES.items():
        before, rest = text.split(f"<!-- {label} -->\n")
        after = rest.split(f"<!-- /{label} -->")[1]
        text = f"{before}<!-- {label} -->\n{table()}<!-- /{label} -->{after}"
    PAGE.write_text(text, encoding="utf-8")

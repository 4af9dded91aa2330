"""What tests of several folders share."""

import functools
import gc
import os
import zipfile
from datetime import datetime
from xml.sax.saxutils import escape

import pytest
import typer.testing
from postgres_server import PostgresServer, programs

# to make all commands of the program from their functions takes longer than most of them
typer.testing._get_command = functools.cache(typer.testing._get_command)


def pytest_collection_finish():
    """Leave what was imported and collected out of every later garbage collection: it stays to the end."""
    gc.collect()
    gc.freeze()


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def column_name(i):
    return (chr(64 + i // 26) if i >= 26 else "") + chr(65 + i % 26)


def cell(ref, value):
    if value is None or value == "":
        return ""
    if isinstance(value, datetime):  # days since the last day of 1899, in a format that shows a date
        return f'<c r="{ref}" s="1"><v>{(value - datetime(1899, 12, 30)).total_seconds() / 86400!r}</v></c>'
    if isinstance(value, bool):
        return f'<c r="{ref}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, (int, float)):
        return f'<c r="{ref}"><v>{float(value)!r}</v></c>'
    if value.startswith("#"):
        return f'<c r="{ref}" t="e"><v>{value}</v></c>'
    return f'<c r="{ref}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'


def sheet_xml(rows):
    lines = (
        f'<row r="{r}">{"".join(cell(f"{column_name(c)}{r}", v) for c, v in enumerate(row))}</row>'
        for r, row in enumerate(rows, 1)
    )
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


@pytest.fixture(scope="session")
def write_xlsx():
    """A function (path, {sheet name: rows of cells}) that writes a workbook, the smallest that Excel would open."""

    def write(path, sheets):
        numbers = range(1, len(sheets) + 1)
        relation = f'<Relationships xmlns="{PACKAGE}/relationships">'
        listed = "".join(f'<sheet name="{n}" sheetId="{i}" r:id="s{i}"/>' for i, n in zip(numbers, sheets, strict=True))
        targets = "".join(
            f'<Relationship Id="s{i}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>' for i in numbers
        )
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(
                "[Content_Types].xml",
                f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
                'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                '<Default Extension="xml" ContentType="application/xml"/></Types>',
            )
            archive.writestr(
                "_rels/.rels",
                f'{relation}<Relationship Id="w" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
                "</Relationships>",
            )
            archive.writestr(
                "xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>'
            )
            archive.writestr(
                "xl/_rels/workbook.xml.rels",
                f'{relation}{targets}<Relationship Id="f" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
            )
            archive.writestr(
                "xl/styles.xml",
                f'<styleSheet xmlns="{MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs>'
                "</styleSheet>",
            )
            for i, rows in zip(numbers, sheets.values(), strict=True):
                archive.writestr(f"xl/worksheets/sheet{i}.xml", sheet_xml(rows))
        return path

    return write


@pytest.fixture(scope="session", autouse=True)
def site_key(tmp_path_factory):
    """Where the site's key is while tests run, and in processes that they start: never among the user's settings."""
    place = tmp_path_factory.mktemp("site") / "site.key"
    os.environ["PERFUSIO_SITE_KEY"] = str(place)
    return place


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server; skipped where there is none, but never in CI."""
    url, found = os.environ.get("PERFUSIO_TEST_PG_URL"), programs()
    if not url and found is None:
        reason = "no PostgreSQL: set PERFUSIO_TEST_PG_URL, or install the server (apt-get install postgresql)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    server = PostgresServer(url) if url else PostgresServer(programs=found)
    yield server
    server.end()


@pytest.fixture
def postgres_url(postgres):
    """An empty database of that server."""
    name, url = postgres.new_database()
    yield url
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request, tmp_path):
    """Where an empty database is or can be made, of each kind that perfusio uses."""
    if request.param == "sqlite":
        return str(tmp_path / "lab.sqlite")
    return request.getfixturevalue("postgres_url")

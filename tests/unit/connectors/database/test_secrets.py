"""Passwords in any spelling of a URL are found, and never shown."""

import traceback

import pytest
from sqlalchemy import make_url

from perfusio.connectors.database.database import Database
from perfusio.connectors.database.secrets import cleaned, has_secret, without_secret
from perfusio.errors import ConfigError, NotConnected, UnreadableSource

CANARY = "S3cr3tC4n4ry"
SPELLINGS = (
    "postgresql://u:S3cr3tC4n4ry@h/db",
    "POSTGRESQL://u:S3cr3tC4n4ry@h/db",
    " postgresql://u:S3cr3tC4n4ry@h/db",
    "postgresql+psycopg://u:S3cr3tC4n4ry@[::1]:5432/db",
    "postgresql://u:S3%63r3tC4n4ry@h/db",
    "postgresql://:S3cr3tC4n4ry@h/db",
    "postgresql://u%3AS3cr3tC4n4ry@h/db",
    "postgresql://u:p@S3cr3tC4n4ry@h/db",
    "postgresql://u:S3cr3tC4n4ry@h:notaport/db",
    "postgresql://u:S3cr3tC4n4ry@h1:1,h2:2/db",
    "postgresql://u@h/db?password=S3cr3tC4n4ry",
    "postgresql://u@h/db?PassWord=S3cr3tC4n4ry",
    "postgresql://u@h/db?pass%77ord=S3cr3tC4n4ry",
    "postgresql://u@h/db?sslmode=require&sslpassword=S3cr3tC4n4ry",
    "postgresql:///db?host=h1&host=h2&password=S3cr3tC4n4ry",
    "postgresql://u@h/db?options=-c%20password%3DS3cr3tC4n4ry",
    "postgresql://u@h/db;password=S3cr3tC4n4ry",
    "postgresql://u@h/db#password=S3cr3tC4n4ry",
    "mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BUID%3Du%3BPWD%3DS3cr3tC4n4ry",
    "mssql+pyodbc:///?odbc_connect=DRIVER%253Dx%253BPWD%253DS3cr3tC4n4ry",
    "postgresql:/u:S3cr3tC4n4ry@h/db",
    "u:S3cr3tC4n4ry@h/db",
    "host=h user=u password=S3cr3tC4n4ry dbname=db",
    "opc.tcp://u:S3cr3tC4n4ry@h:4840/",
)
HARMLESS = (
    "postgresql://u@h/db", "postgresql://u@h/db?passfile=/home/u/.pgpass", "postgresql://u@h:5432/db?sslmode=require",
    "postgresql:///db?host=h1&host=h2", "sqlite:///lab.sqlite", "lab.sqlite", "/runs/lab 2.sqlite", "C:\\lab.sqlite",
    "postgresql://u@h/db?options=-c%20statement_timeout%3D5s", "opc.tcp://h:4840/", "a@b.sqlite",
)  # fmt: skip


@pytest.mark.parametrize("url", SPELLINGS)
def test_a_password_is_found_in_any_spelling_and_not_shown(url):
    assert has_secret(url)
    assert CANARY not in without_secret(url)
    assert CANARY not in without_secret(url).replace("%63", "c")
    assert without_secret(without_secret(url)) == without_secret(url) or "***" in without_secret(url)


@pytest.mark.parametrize("url", HARMLESS)
def test_a_url_without_a_password_is_shown_as_it_is(url):
    assert without_secret(url) == url


@pytest.mark.parametrize("url", SPELLINGS)
def test_no_error_of_a_database_says_it(url):
    """Whatever becomes of such a URL: refused as one, or not reached. Not even a traceback shows it."""
    url = url.replace("@h", "@127.0.0.1").replace("h1", "127.0.0.1")
    try:
        database = Database(url)
        database.url = database.url.set(port=1) if not database.is_sqlite else database.url
        database.open()
    except (ConfigError, NotConnected, UnreadableSource) as error:
        if "://" in url.strip():  # else it is the path of a file
            told = "".join(traceback.format_exception(error))
            assert CANARY not in "\n".join(line for line in told.splitlines() if "Database(url)" not in line)


def test_a_message_of_a_driver_is_cleaned_of_every_spelling():
    url = make_url("postgresql://u:p%40ss%20word@h/db?sslpassword=other")
    words = 'could not translate host name "ss word@h": p@ss word, p%40ss%20word, p%40ss+word, other'
    found = cleaned(words, url)
    assert "ss word" not in found
    assert "other" not in found
    assert "p%40" not in found
    assert cleaned("nothing of it", url) == "nothing of it"

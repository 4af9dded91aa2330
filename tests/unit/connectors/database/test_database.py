"""Databases are opened at the newest revision, or refused and left as they are."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import IntegrityError

from perfusio.connectors.database.database import Database
from perfusio.connectors.database.schema import VERSION_TABLE, metadata, quantities
from perfusio.errors import ConfigError, NotConnected, UnreadableSource
from perfusio.state import QUANTITIES

TABLES = {"quantities", "samples", "setpoints", "events", "decisions"}


def execute(where, *statements):
    """What any other program could do to the database."""
    url = where.replace("postgresql:", "postgresql+psycopg:") if "://" in where else f"sqlite:///{where}"
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            rows = [connection.execute(text(statement)) for statement in statements]
            found = rows[-1].all() if rows[-1].returns_rows else None
    finally:
        engine.dispose()
    return found


def described(connection):
    """Everything that a database says of its tables."""
    there = inspect(connection)
    return {
        table: {
            "columns": [{**c, "type": str(c["type"])} for c in there.get_columns(table)],
            "key": there.get_pk_constraint(table),
            "indexes": there.get_indexes(table),
            "checks": sorted((c["name"], c["sqltext"]) for c in there.get_check_constraints(table)),
        }
        for table in TABLES
    }


def test_the_migrations_make_the_tables_that_the_code_declares(where, tmp_path, request):
    database = Database(where, create=True)
    with database.reading() as connection:
        migrations = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(migrations, metadata) == []
        made = described(connection)
    declared = f"sqlite:///{tmp_path / 'declared.sqlite'}"
    if "://" in where:
        execute(where, "DROP VIEW forecasts", *(f"DROP TABLE {name}" for name in TABLES))
        declared = where.replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(declared)
    metadata.create_all(engine)
    with engine.connect() as connection:
        assert described(connection) == made
    engine.dispose()


def test_units_stand_in_a_table_and_in_comments(where):
    database = Database(where, create=True)
    with database.reading() as connection:
        rows = {row.name: row for row in connection.execute(quantities.select())}
        comments = {c["name"]: c.get("comment") for c in inspect(connection).get_columns("samples")}
    assert {n: (q.unit, q.label, q.low, q.high) for n, q in QUANTITIES.items()} == {
        n: (row.unit, row.label, row.low, row.high) for n, row in rows.items()
    }
    if not database.is_sqlite:  # SQLite keeps no comments
        assert all(f"[{q.unit}]" in comments[n] for n, q in QUANTITIES.items())


def test_two_programs_that_open_a_new_database_at_once_agree(where):
    databases = [Database(where, create=True) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda d: d.open(), databases)) == [None] * 4
    assert execute(where, f"SELECT version_num FROM {VERSION_TABLE}") == [("r0006",)]
    assert execute(where, "SELECT count(*) FROM quantities") == [(len(QUANTITIES),)]


def test_a_database_of_another_application_is_refused_and_left_alone(where):
    execute(where, "CREATE TABLE patients (name TEXT)", "CREATE TABLE samples (id INTEGER)")
    database = Database(where)
    for _ in range(2):
        with pytest.raises(UnreadableSource, match=r"belongs to another application: it holds patients, samples"):
            database.open()
    assert set(tables(where)) == {"patients", "samples"}


def test_a_database_of_a_newer_perfusio_is_refused_and_left_alone(where):
    Database(where, create=True).open()
    execute(where, f"UPDATE {VERSION_TABLE} SET version_num = 'r0099'", "DROP VIEW forecasts")
    database = Database(where)
    with pytest.raises(UnreadableSource, match=r"revision r0099; this perfusio knows up to r0006.*Install the newer"):
        database.open()
    assert set(tables(where)) == TABLES | {VERSION_TABLE}


def tables(where):
    url = where.replace("postgresql:", "postgresql+psycopg:") if "://" in where else f"sqlite:///{where}"
    engine = create_engine(url)
    names = inspect(engine).get_table_names()
    engine.dispose()
    return names


def test_a_failed_upgrade_leaves_nothing_behind(where):
    database = Database(where, create=True)
    execute(where, "CREATE TABLE decisions (id INTEGER)")  # in the way of the fifth table
    database._is_newest = lambda connection: False
    with pytest.raises((NotConnected, UnreadableSource), match="decisions"):
        database.open()
    assert tables(where) == ["decisions"]


def test_rows_of_before_small_cells_stay_and_small_cells_are_taken(where):
    row = "INSERT INTO samples (reactor, time_h, diameter) VALUES ('R01', {}, {})"
    small = "diameter BETWEEN {} AND 40"
    Database(where, create=True).open()
    execute(where, row.format(0, 17.5), "DROP VIEW forecasts", "CREATE TABLE forecasts (run TEXT PRIMARY KEY)")
    if "://" in where:  # as the revision before left it
        check = "ADD CONSTRAINT ck_samples_diameter CHECK (origin <> 'source' OR diameter BETWEEN 5 AND 40)"
        execute(where, "ALTER TABLE samples DROP CONSTRAINT ck_samples_diameter", f"ALTER TABLE samples {check}")
    else:
        made = execute(where, "SELECT sql FROM sqlite_master WHERE name = 'samples'")[0][0]
        execute(where, "DROP TABLE samples", made.replace(small.format(1), small.format(5)), row.format(0, 17.5))
    execute(where, f"UPDATE {VERSION_TABLE} SET version_num = 'r0003'")
    with pytest.raises(IntegrityError):
        execute(where, row.format(24, 4.9))
    Database(where).open()
    execute(where, row.format(24, 4.9))
    assert execute(where, "SELECT time_h, diameter FROM samples ORDER BY time_h") == [(0.0, 17.5), (24.0, 4.9)]
    with pytest.raises(IntegrityError):
        execute(where, row.format(48, 0.5))


def test_whoever_could_read_the_table_of_forecasts_can_read_the_view(postgres_url):
    Database(postgres_url).open()
    reader = f"reader_{postgres_url.partition('?')[0][-8:]}"
    before = "DROP VIEW forecasts", "CREATE TABLE forecasts (run TEXT)", f'CREATE ROLE "{reader}"'
    execute(postgres_url, *before, f'GRANT SELECT ON forecasts TO "{reader}"')
    execute(postgres_url, f"UPDATE {VERSION_TABLE} SET version_num = 'r0005'")
    try:
        Database(postgres_url).open()
        assert execute(postgres_url, f"SELECT has_table_privilege('{reader}', 'forecasts', 'SELECT')") == [(True,)]
    finally:
        execute(postgres_url, f'DROP OWNED BY "{reader}"', f'DROP ROLE "{reader}"')


def test_sqlite_files_that_cannot_be_used(tmp_path):
    with pytest.raises(UnreadableSource, match=r"typo\.sqlite does not exist.*create=True"):
        Database(tmp_path / "typo.sqlite")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "notes.txt").write_text("no database, but a text that is long enough to have a header" * 20)
    with pytest.raises(UnreadableSource, match="file is not a database"):
        Database(tmp_path / "notes.txt").open()
    with pytest.raises(NotConnected, match="unable to open database file"):
        Database(tmp_path / "no_folder" / "a.sqlite", create=True).open()


def test_a_path_may_hold_anything(tmp_path):
    path = tmp_path / "50% of #3?mode=ro &.sqlite"
    Database(path, create=True).open()
    assert path.is_file()
    assert sqlite3.connect(path).execute("SELECT count(*) FROM samples").fetchone() == (0,)
    Database(f"sqlite:///{tmp_path / 'b.sqlite'}", create=True).open()
    assert (tmp_path / "b.sqlite").is_file()


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "postgresql://u:secret@h:x/d"]
)
def test_other_databases_are_refused_without_repeating_a_password(url):
    with pytest.raises(ConfigError, match=r"postgresql://user@host/database") as refused:
        Database(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("option", ["password", "sslpassword", "PASSWORD"])
def test_a_password_among_the_options_is_refused_as_it_would_be_shown(option):
    with pytest.raises(ConfigError, match="among its options") as refused:
        Database(f"postgresql://me@host/lab?sslmode=require&{option}=secret")
    assert "secret" not in str(refused.value)


def test_a_server_that_is_not_there_is_said_in_one_sentence_without_a_password():
    database = Database("postgresql://user:canary@127.0.0.1:1/lab")
    with pytest.raises(NotConnected, match=r"127\.0\.0\.1/lab cannot be used now \(open\)") as told:
        database.open()
    assert "canary" not in str(told.value) + database.shown
    assert (told.value.connector, told.value.operation) == ("127.0.0.1/lab", "open")


def test_one_connection_to_a_server_is_kept_and_one_that_died_is_replaced(postgres_url):
    database = Database(postgres_url)

    def backend():
        with database.reading() as connection:
            return connection.execute(text("SELECT pg_backend_pid()")).scalar_one()

    first = backend()
    assert backend() == first
    execute(postgres_url, f"SELECT pg_terminate_backend({first}, 5000)")
    assert backend() != first
    database.staying("lease").close()
    with database.reading():
        (n,) = execute(postgres_url, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")[0]
    assert n == 2  # the one that is kept, and the one that asks


def test_a_lock_held_by_another_program_is_no_broken_database(tmp_path, monkeypatch):
    monkeypatch.setattr("perfusio.connectors.database.database.CONNECT_SECONDS", 0.01)
    database = Database(tmp_path / "a.sqlite", create=True)
    database.open()
    other = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(NotConnected, match="database is locked"), database.writing():
        pass
    other.execute("ROLLBACK")
    other.close()
    with database.writing() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1

"""Database: one SQLite file or PostgreSQL database of ours, opened at its newest revision or refused, never altered."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy import exc as sql
from sqlalchemy.pool import NullPool

from perfusio.connectors.database.filling import refill
from perfusio.connectors.database.moment import Moment, SqliteMoments, postgres_moment
from perfusio.connectors.database.schema import VERSION_TABLE
from perfusio.connectors.database.secrets import cleaned, secrets_behind, without_secret
from perfusio.connectors.following import told
from perfusio.errors import ConfigError, NotConnected, UnreadableSource, WriteRejected

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 60
_UPGRADE_LOCK = 0x70657266
_EXPECTED = "Expected the path of an SQLite file, or postgresql://user@host/database."


class Database:
    """A database that perfusio made, on SQLite or PostgreSQL.

    Opened at the first use: an empty one gets the tables, an older one is upgraded; one of a newer perfusio or of
    another application is refused before anything in it is changed. Nothing has to be closed. Each use of a file opens
    it, so one that was replaced is found; one connection to a server is kept, and asked before each use whether it
    lives, so a server that came back is found too.

    Attributes:
        url: Where it is.
        name: Short name for messages.
    """

    def __init__(self, where: str | Path, *, create: bool = False) -> None:
        """Refer to a database; nothing is connected to yet.

        Args:
            where: Path of an SQLite file, or a URL (``sqlite:///``, ``postgresql://``).
            create: Make the SQLite file if there is none.

        Raises:
            ConfigError: no such kind of database, or the driver for it is not installed.
            UnreadableSource: there is no such SQLite file.
        """
        self.url = _url_of(where)
        path = self.url.database or ""
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.name = Path(path).name if self.is_sqlite else f"{self.url.host or 'localhost'}/{path}"
        if self.is_sqlite and not create and not Path(path).is_file():
            found = "is not a file" if Path(path).exists() else "does not exist"
            words = f"{path} {found}. Expected a database of perfusio; give its path, or make one with create=True."
            raise UnreadableSource((words,), connector=self.name, operation="open")
        self._engine = _sqlite_engine(Path(path), create=create) if self.is_sqlite else _postgres_engine(self.url)
        weakref.finalize(self, self._engine.dispose)
        self._moments = SqliteMoments(Path(path)) if self.is_sqlite else None
        self._opening, self._is_open = Lock(), False

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return without_secret(self.url.render_as_string(hide_password=False))

    @contextmanager
    def reading(self, operation: str = "read") -> Iterator[Connection]:
        """Give a connection that sees one moment of the database.

        Raises:
            NotConnected: the database cannot be reached, or not in time.
            UnreadableSource: it is refused, or is not as it should be.
        """
        self.open()
        with told(self.name, operation), self._told(operation), self._connected(writes=False) as connection:
            yield connection

    def moment(self, connection: Connection | None = None) -> Moment | None:
        """Return a moment of the database: equal ones have equal content; None where that costs as much as reading.

        Args:
            connection: That reads now. SQLite needs none: ask before reading, so that no change slips in between.
        """
        if self._moments is not None:
            return self._moments.now()
        return None if connection is None else postgres_moment(connection)

    @contextmanager
    def writing(self, operation: str = "write") -> Iterator[Connection]:
        """Give a connection whose changes are kept together at its end, or not at all.

        Raises:
            NotConnected: the database cannot be reached, or not in time; whether the changes were kept is not known.
            WriteRejected: a rule of the tables forbids them; nothing was kept.
            UnreadableSource: the database is refused.
        """
        self.open()
        with told(self.name, operation), self._told(operation), self._connected(writes=True) as connection:
            yield connection

    def staying(self, operation: str) -> Connection:
        """Return a connection that stays open until it is closed, each statement for itself.

        Raises:
            NotConnected: the database cannot be reached.
            UnreadableSource: it is refused.
        """
        self.open()
        with self._told(operation):
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()  # to be closed for good by whoever took it: locks of a session go with it
            return connection

    def open(self) -> None:
        """Check the database and bring it to the newest revision, once.

        Raises:
            NotConnected: it cannot be reached.
            UnreadableSource: it belongs to another application, or to a newer perfusio.
        """
        with self._opening:
            if self._is_open:
                return
            with told(self.name, "open"), self._told("open"):
                with self._engine.begin() as connection:
                    is_newest = self._is_newest(connection)
                if not is_newest:
                    with self._connected(writes=True) as connection:
                        self._upgrade(connection)
            self._is_open = True

    @contextmanager
    def _connected(self, *, writes: bool) -> Iterator[Connection]:
        options: dict[str, Any] = {"perfusio_writes": writes}
        if not (writes or self.is_sqlite):  # which sees one moment in any case
            options["isolation_level"] = "REPEATABLE READ"
        with self._engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    def _upgrade(self, connection: Connection) -> None:
        """Upgrade under a lock, in one transaction: two programs that open at once do it one after the other."""
        from alembic import command

        if not self.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})"))
        if self._is_newest(connection):
            return
        config = _alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        refill(connection)

    def _is_newest(self, connection: Connection) -> bool:
        """Whether the tables are at the newest revision; False for a database that is empty or older.

        Raises:
            UnreadableSource: the database is not ours, or of a newer perfusio.
        """
        there = inspect(connection)
        names = [*there.get_table_names(), *there.get_view_names()]
        if VERSION_TABLE not in names:
            if names:
                raise self._refused(
                    f"{self.name} belongs to another application: it holds {', '.join(sorted(names)[:5])} and no "
                    f"{VERSION_TABLE}. Nothing in it was changed. Give an empty database, or one that perfusio made."
                )
            return False
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars().all()
        known = _revisions()
        if len(found) != 1 or found[0] not in known:
            raise self._refused(
                f"{self.name} has tables of revision {', '.join(found) or 'none'}; this perfusio knows up to "
                f"{known[0]}. Nothing in it was changed. Install the newer perfusio that wrote it, or give another "
                "database."
            )
        return bool(found[0] == known[0])

    def _refused(self, words: str) -> UnreadableSource:
        return UnreadableSource((words,), connector=self.name, operation="open")

    @contextmanager
    def _told(self, operation: str) -> Iterator[None]:
        """Turn errors of a driver into ours, in one line and without the statement."""
        where: dict[str, Any] = {"connector": self.name, "operation": operation}
        try:
            yield
        except sql.IntegrityError as error:
            raise WriteRejected(f"{self.name} refused a row: {self._said(error)}", **where) from self._cause(error)
        except (sql.OperationalError, sql.InterfaceError, sql.TimeoutError) as error:
            raise NotConnected(
                f"{self.name} cannot be used now ({operation}): {self._said(error)} Check that the database runs and "
                "that this machine and user may reach it.",
                **where,
            ) from self._cause(error)
        except sql.DBAPIError as error:
            if error.connection_invalidated:
                words = f"{self.name} went away ({operation}): {self._said(error)}"
                raise NotConnected(words, **where) from self._cause(error)
            words = f"{self.name} is not as perfusio made it ({operation}): {self._said(error)}"
            cause = self._cause(error)
            raise UnreadableSource((f"{words} Give a database of perfusio, or restore it.",), **where) from cause

    def _said(self, error: Exception) -> str:
        """Return the first line of a driver's message, without a password."""
        return cleaned(_first_line(error), self.url)

    def _cause(self, error: Exception) -> Exception | None:
        """Return an error as the cause of ours, None if it says a password: a traceback would show it."""
        texts = "".join(map(repr, (error, getattr(error, "orig", None))))
        return error if cleaned(texts, self.url) == texts else None


def _first_line(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    line = (str(cause).strip() or type(cause).__name__).splitlines()[0]
    return line if line.endswith(".") else f"{line}."


def _url_of(where: str | Path) -> URL:
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite", database=str(Path(where).expanduser().resolve()))
    try:
        url = make_url(where)
    except (sql.ArgumentError, ValueError):  # the text may hold a password, so it is not repeated
        raise ConfigError(f"That URL of a database cannot be understood. {_EXPECTED}") from None
    kind = url.drivername.partition("+")[0]
    if "@" in str(url.host or ""):  # its end would be taken for the host, and named
        raise ConfigError(
            "That URL of a database has more than one @. Write an @ in a password as %40 "
            "(postgresql://user:p%40ss@host/database), or put the password into ~/.pgpass."
        )
    if any(secrets_behind(url)):
        raise ConfigError(
            "That URL of a database has a password among its options, where it would be shown. Put it before the @: "
            "postgresql://user:password@host/database; or into ~/.pgpass, and leave it away."
        )
    if kind in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if kind != "sqlite":
        raise ConfigError(f"{kind!r} is no kind of database that perfusio can use. {_EXPECTED}")
    if url.database in (None, "", ":memory:"):
        raise ConfigError(f"A database in memory cannot be shared between threads. {_EXPECTED}")
    return url.set(drivername="sqlite", database=str(Path(str(url.database)).resolve()))


def _sqlite_engine(path: Path, *, create: bool) -> Engine:
    """Make an engine that begins each transaction itself: the driver would do so for some statements only."""
    mode = "rwc" if create else "rw"
    url = URL.create("sqlite", database=path.as_uri(), query={"mode": mode, "uri": "true"})
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": CONNECT_SECONDS})

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("perfusio_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres_engine(url: URL) -> Engine:
    limits = f"-c statement_timeout={STATEMENT_SECONDS}s -c lock_timeout={CONNECT_SECONDS}s"
    arguments = {
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": 1000 * CONNECT_SECONDS,
        "options": " ".join(filter(None, (str(url.query.get("options", "")), limits))),
        "prepare_threshold": None,  # a prepared statement fails once another program has upgraded the tables
    }
    try:
        return create_engine(url, pool_size=1, max_overflow=-1, pool_pre_ping=True, connect_args=arguments)
    except ImportError as error:
        words = "psycopg is not installed. Install it: pip install 'psycopg[binary]', or the extra 'postgres'."
        raise ConfigError(f"PostgreSQL cannot be used: {words}") from error


@cache
def _revisions() -> tuple[str, ...]:
    """Return the revisions of the tables, the newest first; their files are loaded once."""
    from alembic.script import ScriptDirectory

    return tuple(script.revision for script in ScriptDirectory.from_config(_alembic_config()).walk_revisions())


def _alembic_config() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config

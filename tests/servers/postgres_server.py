"""A PostgreSQL server for tests and benchmarks, of its own in a folder that is taken away at the end."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from uuid import uuid4


def programs():
    """The folder of the newest server that is installed; None without any."""
    found = [Path(p).parent for p in (shutil.which("initdb"),) if p]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "pg_ctl").exists()), None)


class PostgresServer:
    """A server on which tests may make databases: the one of PERFUSIO_TEST_PG_URL, or one of our own."""

    def __init__(self, url=None, programs=None):
        self.url, self.programs, self.folder = url, programs, None
        if url is None:
            self.folder = Path(tempfile.mkdtemp(prefix="perfusio-pg-", dir="/tmp"))  # a socket's path must be short
            self.user = None
            if os.getuid() == 0:  # the server refuses to run as root
                names = [user.pw_name for user in pwd.getpwall()]
                self.user = "postgres" if "postgres" in names else "nobody"
                shutil.chown(self.folder, self.user)
            self._program("initdb", "-D", "data", "-U", "tests", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
            self.start()
            self.url = f"postgresql://tests@/postgres?host={self.folder}"

    def _program(self, name, *arguments):
        command = [str(self.programs / name), *arguments]
        subprocess.run(command, cwd=self.folder, user=self.user, check=True, stdout=subprocess.DEVNULL)

    def start(self):
        settings = f"-k {self.folder} -c listen_addresses='' -c fsync=off -c max_connections=40 -c shared_buffers=16MB"
        self._program("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", settings, "start")

    def kill(self):
        """As a crash: nothing is flushed, nobody is told."""
        self._program("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    def end(self):
        if self.folder is not None:
            self.kill()
            shutil.rmtree(self.folder)

    def execute(self, statement):
        import psycopg

        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(statement)

    def new_database(self):
        name = f"perfusio_test_{uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}")
        head, _, query = self.url.partition("?")
        return name, f"{head.rpartition('/')[0]}/{name}{'?' * bool(query)}{query}"

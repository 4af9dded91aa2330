"""Site: all accounts of a site together, and what each user has looked at."""

from __future__ import annotations

from pathlib import Path

from perfusio.dashboard.accounts.attempts import Attempts
from perfusio.dashboard.accounts.credentials import Credentials
from perfusio.dashboard.accounts.database import AccountsFile, usual_place, written_now
from perfusio.dashboard.accounts.users import User, Users
from perfusio.errors import PerfusioError

BINDS_WHO = "who_is_a_user"


class TooManyFailures(PerfusioError):
    """Nothing is tried for a while; `wait_s` says how long [s]."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"Too many failed attempts: wait {max(1, round(wait_s / 60.0))} min.")
        self.wait_s = wait_s


class Site:
    """The accounts of a site.

    Args:
        place: File of the accounts; None = the usual one.
    """

    def __init__(self, place: Path | None = None) -> None:
        self._database = AccountsFile(place or usual_place())
        self.place = self._database.place
        self.users = Users(self._database)
        self.credentials = Credentials(self._database)
        self.attempts = Attempts(self._database)

    def log_in(self, name: str, password: str, address: str) -> User | None:
        """Return the user with this password, None if there is none; guessing is slowed.

        Raises:
            TooManyFailures: of this user or this address.
        """
        if (wait := self.attempts.wait_s(name, address)) > 0.0:
            raise TooManyFailures(wait)
        user = self.users.with_password(name, password)
        if user is None:
            self.attempts.failed(name, address)
        else:
            self.attempts.succeeded(name)
        return user

    def looked_at(self, user: User, run: str) -> tuple[int, str]:
        """Return up to which record a user has looked at a run, and when; (0, "") if never."""
        found = self._database.rows("SELECT seq, at FROM looked WHERE user = ? AND run = ?", user.name, run)
        return (int(str(found[0][0])), str(found[0][1])) if found else (0, "")

    def looks_at(self, user: User, run: str, seq: int) -> None:
        """Note up to which record a user has looked at a run."""
        with self._database.change() as db:
            db.execute("INSERT OR REPLACE INTO looked VALUES (?, ?, ?, ?)", (user.name, run, seq, written_now()))

    @property
    def binds_who(self) -> bool:
        """Whether `--who` of a command must be a user, who shows a password."""
        found = self._database.rows("SELECT value FROM settings WHERE name = ?", BINDS_WHO)
        return bool(found) and found[0][0] == "yes"

    def bind_who(self, wanted: bool) -> None:
        """Let `--who` be a user, or any name."""
        with self._database.change() as db:
            db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (BINDS_WHO, "yes" if wanted else "no"))

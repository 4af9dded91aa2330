"""Failed logins, counted by user and by address, so that guessing is slow."""

from __future__ import annotations

from perfusio.dashboard.accounts.database import AccountsFile, timestamp

WINDOW_S = 900.0
MOST_OF_A_USER, MOST_OF_AN_ADDRESS = 5, 25
"""Failures within the window, after which nothing is tried any more; many people may share one address."""


class Attempts:
    """Counts failures.

    Args:
        database: Of the site.
    """

    def __init__(self, database: AccountsFile) -> None:
        self._database = database

    def wait_s(self, user: str, address: str) -> float:
        """Return for how long nothing is tried for this user or from this address [s]; 0 = it is tried now."""
        since = timestamp() - WINDOW_S
        waits = [0.0]
        for subject, most in ((f"user:{user}", MOST_OF_A_USER), (f"address:{address}", MOST_OF_AN_ADDRESS)):
            found = self._database.rows(
                "SELECT at FROM failures WHERE subject = ? AND at > ? ORDER BY at DESC LIMIT ?", subject, since, most
            )
            if len(found) >= most:
                waits.append(float(str(found[-1][0])) + WINDOW_S - timestamp())
        return max(waits)

    def failed(self, user: str, address: str) -> None:
        """Count a failure, and forget those that count no more."""
        now = timestamp()
        with self._database.change() as db:
            db.execute("DELETE FROM failures WHERE at < ?", (now - WINDOW_S,))
            db.executemany("INSERT INTO failures VALUES (?, ?)", [(f"user:{user}", now), (f"address:{address}", now)])

    def succeeded(self, user: str) -> None:
        """Forget the failures of a user who has shown the right password; those of the address stay."""
        with self._database.change() as db:
            db.execute("DELETE FROM failures WHERE subject = ?", (f"user:{user}",))

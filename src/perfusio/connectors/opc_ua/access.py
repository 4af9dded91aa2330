"""The means to reach an OPC UA server: where, with which certificates and login, and how long things may take."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from perfusio.connectors.opc_ua.security import Certificates, Login
from perfusio.errors import ConfigError
from perfusio.process.sound_numbers import LONGEST_POLL_S, LONGEST_WAIT_S, refuse_outside


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long things may take, all in seconds.

    Attributes:
        request: An answer of the server.
        keepalive: Between two questions whether the server is still there, also while nothing else is asked.
        session: After which the server forgets a client that says nothing. A request stuck in a dead link for longer
            cannot be carried out any more; so a write is only sent when this much is left until its deadline.
        write: Deadline of a write, from its begin until it is verified or the old values are back.
        retry: Between two attempts of a write.
        backoff: Shortest and longest pause between two attempts to connect.
        poll: Between two looks for a new sample.
        away: For how long a lost link is opened anew before waiting for a sample fails; the twin says so, and tries on.
        withheld: After which readings of which no sample can come are told as a failure, with the reason.
        sample: After which a sample that did not come is overdue; None = never.
    """

    request: float = 4.0
    keepalive: float = 5.0
    session: float = 20.0
    write: float = 60.0
    retry: float = 1.0
    backoff: tuple[float, float] = (1.0, 60.0)
    poll: float = 5.0
    away: float = 30.0
    withheld: float = 45.0
    sample: float | None = 26.0 * 3600.0

    def __post_init__(self) -> None:
        """Refuse times for which nothing can be waited, and those that cannot work together."""
        for name in ("request", "keepalive", "session", "write", "retry", "poll", "away", "withheld", "sample"):
            if (seconds := getattr(self, name)) is not None:
                refuse_outside(f"Timing: {name}", seconds, 0.0, LONGEST_WAIT_S, unit="s", above=True)
        for seconds in self.backoff:
            refuse_outside("Timing: backoff", seconds, 0.0, LONGEST_POLL_S, unit="s", above=True)
        if not 0 < self.request <= self.session or not 0 < self.keepalive < self.session < self.write:
            raise ConfigError(
                f"Timing: request {self.request:g}, keepalive {self.keepalive:g}, session {self.session:g}, write "
                f"{self.write:g} s. Expected request <= session and keepalive < session < write, all above 0: a "
                "session must live on between two questions, and a write leave time for a session to end."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Settings of a connection.

    Attributes:
        endpoint: ``opc.tcp://host:port/path``.
        certificates: Ours, and those that are trusted.
        login: User and password; None = anonymous.
        allow_insecure: Accept a server that offers no encryption.
        timing: How long things may take.
    """

    endpoint: str
    certificates: Certificates
    login: Login | None = None
    allow_insecure: bool = False
    timing: Timing = Timing()

    def __post_init__(self) -> None:
        """Refuse settings that can never work, and a password that would travel in the open."""
        parts = urlsplit(self.endpoint)
        if parts.scheme != "opc.tcp" or not parts.hostname:
            raise ConfigError(f"{self.endpoint!r} is no OPC UA endpoint: expected opc.tcp://HOST:PORT/PATH.")
        if parts.username or parts.password:
            raise ConfigError(
                f"The endpoint on {parts.hostname} holds a user: expected opc.tcp://HOST:PORT/PATH. Give the user "
                "apart, and the password by environment or file."
            )

    @property
    def host(self) -> str:
        """Where the server is reached."""
        return urlsplit(self.endpoint).hostname or ""

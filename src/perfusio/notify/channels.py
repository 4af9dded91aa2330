"""Channels: a file, an e-mail, a chat's webhook. Each delivers one text or says why it could not."""

from __future__ import annotations

import json
import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from perfusio.errors import ConfigError, PerfusioError
from perfusio.notify.message import plain
from perfusio.notify.page import PageToSend, mail_of

TIMEOUT_S = 5.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class NotDelivered(PerfusioError):
    """A channel could not deliver; the text holds no secret."""


class Channel(Protocol):
    """One way to reach people."""

    name: str

    def deliver(self, subject: str, body: str) -> None:
        """Deliver, within seconds.

        Raises:
            NotDelivered: it could not.
        """
        ...


class LogFile:
    """Appends one line per message to a file.

    Args:
        path: The file; made if need be.
    """

    name = "log"

    def __init__(self, path: Path) -> None:
        self._path = path

    def deliver(self, subject: str, body: str) -> None:
        """Append."""
        lines = [plain(line, None) for line in body.split("\n\n")]
        now = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.writelines(f"{now} {plain(subject)} | {line}\n" for line in lines)
        except OSError as error:
            raise NotDelivered(f"log: {self._path} cannot be written: {error.strerror}.") from error


class Email:
    """Sends mail over SMTP with TLS; without it only to this very machine.

    Args:
        host: Of the mail server.
        port: 465 = TLS from the start; others are asked to change to it (STARTTLS).
        sender: Address.
        to: Addresses.
        user: Name, where the server wants one.
        password: Of that name.
    """

    name = "email"

    def __init__(
        self, *, host: str, sender: str, to: tuple[str, ...], port: int = 587, user: str = "", password: str = ""
    ) -> None:
        for address in (sender, *to):
            if "@" not in address or plain(address) != address:
                raise ConfigError(f"{address!r} is no e-mail address: expected name@host.")
        if not to:
            raise ConfigError("E-mail: found no addressee, expected one or more in `to`.")
        self._host, self._port, self._sender, self._to = host, port, sender, to
        self._user, self._password = user, password

    def deliver(self, subject: str, body: str) -> None:
        """Send one mail to all."""
        mail = EmailMessage()
        mail["Subject"] = plain(subject)
        mail.set_content(body)
        self._send(mail)

    def deliver_page(self, page: PageToSend) -> None:
        """Send one mail with pictures to all."""
        self._send(mail_of(page))

    def _send(self, mail: EmailMessage) -> None:
        mail["From"], mail["To"] = self._sender, ", ".join(self._to)
        try:
            with self._server() as server:
                if self._user:
                    server.login(self._user, self._password)
                if refused := server.send_message(mail):
                    raise NotDelivered(f"email: {self._host} refused {', '.join(refused)}.")
        except smtplib.SMTPAuthenticationError as error:  # its text may repeat what was sent
            raise NotDelivered(f"email: {self._host} refused the name or the password.") from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotDelivered(f"email: {self._host}:{self._port} failed: {type(error).__name__}: {error}") from error

    def _server(self) -> smtplib.SMTP:
        tls = ssl.create_default_context()
        if self._port == 465:
            return smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_S, context=tls)
        server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
        if self._host not in LOOPBACK:
            try:
                server.starttls(context=tls)
            except BaseException:
                server.close()
                raise
        return server


class Webhook:
    """Posts ``{"text": ...}`` to a chat, as Slack, Mattermost, Teams and others take it. Redirects are not followed.

    Args:
        url: https, or http to this very machine; it is a secret, since whoever knows it can post.
        hosts: The hosts that may be posted to.
    """

    name = "webhook"

    def __init__(self, url: str, *, hosts: tuple[str, ...]) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
            raise ConfigError(f"The webhook's address begins with {parts.scheme!r}: expected https.")
        if host not in hosts:
            raise ConfigError(
                f"The webhook's host {host!r} is none of those which are allowed ({', '.join(hosts)}). Add it to hosts."
            )
        self._is_safe, self._host, self._port = parts.scheme == "https", host, parts.port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def deliver(self, subject: str, body: str) -> None:
        """Post."""
        kind = HTTPSConnection if self._is_safe else HTTPConnection
        connection = kind(self._host, self._port, timeout=TIMEOUT_S)
        try:
            text = json.dumps({"text": f"{plain(subject)}\n{body}"})
            connection.request("POST", self._path, text, {"Content-Type": "application/json"})
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            raise NotDelivered(f"webhook: {self._host} failed: {type(error).__name__}.") from error
        finally:
            connection.close()
        if not 200 <= status < 300:
            what = "redirected, which is not followed" if 300 <= status < 400 else "refused"
            raise NotDelivered(f"webhook: {self._host} answered {status} ({what}).")

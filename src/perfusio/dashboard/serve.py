"""Serve: the page on an address, until the program is told to end."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perfusio.dashboard.accounts.roles import UserRole
from perfusio.dashboard.accounts.site import Site
from perfusio.dashboard.runs.shelf import Shelf
from perfusio.errors import ConfigError

if TYPE_CHECKING:
    import uvicorn

DEFAULT_PORT = 8765
LOCAL = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server that is ready to run.

    Attributes:
        server: Of uvicorn.
        url: Address of the page.
        link: Address for the first user, which works once; empty where there are users.
        socket: On which it listens already.
    """

    server: uvicorn.Server
    url: str
    link: str
    socket: socket.socket

    def run(self) -> None:
        """Serve until told to end."""
        self.server.run(sockets=[self.socket])


def prepared(
    folders: Sequence[Path],
    *,
    port: int = DEFAULT_PORT,
    host: str = LOCAL,
    certificate: Path | None = None,
    key: Path | None = None,
    accounts: Path | None = None,
) -> Served:
    """Return the server, which listens already; a port that is taken is said before anything else happens.

    Args:
        folders: Of runs.
        port: Port; 0 = any free one.
        host: Address; another one than this machine's own needs TLS and a user.
        certificate: Of TLS, PEM.
        key: Of TLS, PEM.
        accounts: File of the accounts; None = the usual one.

    Raises:
        ConfigError: no such folder, the address is not allowed like this, or the port is taken.
    """
    import uvicorn

    from perfusio.dashboard.app import LOCAL_HOSTS, create_app

    shelf, site = Shelf(folders), Site(accounts)
    is_local = _is_local(host)
    has_users = bool(site.users.all())
    if not is_local and not (certificate and key):
        raise ConfigError(
            f"{host} can be reached from other machines: that needs TLS. Give --certificate and --key, or leave --host "
            "away and reach this machine through ssh -L."
        )
    if not is_local and not has_users:
        raise ConfigError(f"{host} can be reached from other machines, and there is no user: perfusio user add NAME.")
    listening = _listening(host, port)
    port = listening.getsockname()[1]
    hosts = {*LOCAL_HOSTS, host.lower(), socket.gethostname().lower()} if not is_local else LOCAL_HOSTS
    config = uvicorn.Config(
        create_app(shelf, site, hosts), log_level="warning", access_log=False, server_header=False,
        proxy_headers=False, timeout_graceful_shutdown=2, ssl_certfile=certificate, ssl_keyfile=key,
    )  # fmt: skip
    url = f"{'https' if certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{port}/"
    link = "" if has_users else f"{url}welcome#{site.credentials.make_link(UserRole.ADMIN)}"
    return Served(server=uvicorn.Server(config), url=url, link=link, socket=listening)


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"Port {port} of {host} cannot be used: {error.strerror}. Is another page served there? Give --port."
        ) from error
    return listening

"""Calls of an ASGI application without a network, as a browser or a program would make them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from perfusio.dashboard.shield import App, Message
from perfusio.events import Json

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answer of a server."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> Json:
        """Its JSON object."""
        found: Json = json.loads(self.body)
        return found


async def call(
    app: App, method: str, path: str, *, body: object = None, headers: dict[str, str] | None = None
) -> Answer:
    """Call a route and return its answer; of one that does not end, the beginning.

    Args:
        app: The application.
        method: Of HTTP.
        path: Without a query.
        body: Sent as JSON; None = nothing is sent.
        headers: Beside Host and Content-Type, which they may replace.
    """
    sent = b"" if body is None else json.dumps(body).encode()
    given = {"host": HOST, "content-type": "application/json", "content-length": str(len(sent)), **(headers or {})}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "client": (HOST, 1),
        "server": (HOST, 80), "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in given.items()],
    }  # fmt: skip
    inbox: list[Message] = [{"type": "http.request", "body": sent, "more_body": False}]
    status, found, pieces = 0, dict[str, str](), list[bytes]()

    async def receive() -> Message:
        return inbox.pop(0) if inbox else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            found.update({k.decode().lower(): v.decode("latin-1") for k, v in message["headers"]})
        else:
            pieces.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(status=status, headers=found, body=b"".join(pieces))

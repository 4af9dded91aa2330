"""A laboratory's logbook, in which each message becomes a line."""

from pathlib import Path

from perfusio.notify.channels import NotDelivered


class Logbook:
    """The logbook.

    Args:
        book: Its file.
    """

    name = "logbook"

    def __init__(self, *, book: Path) -> None:
        self._book = book

    def deliver(self, subject: str, body: str) -> None:
        """Append a message."""
        try:
            with self._book.open("a", encoding="utf-8") as file:
                file.write(f"{subject}\n")
        except OSError as error:
            raise NotDelivered(f"logbook: {error.strerror}.") from error

"""A page for people: a longer message with pictures, for channels that can carry it; others get its text."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Protocol, runtime_checkable

from perfusio.notify.message import plain


class PageToSend(Protocol):
    """A page.

    Attributes:
        subject: One line.
        text: All that matters, as text.
        html: The same as HTML; pictures are named ``cid:NAME``.
        pictures: PNG files by name.
        attachments: HTML files by name.
    """

    @property
    def subject(self) -> str: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def html(self) -> str: ...  # noqa: D102
    @property
    def pictures(self) -> Sequence[tuple[str, bytes]]: ...  # noqa: D102
    @property
    def attachments(self) -> Sequence[tuple[str, bytes]]: ...  # noqa: D102


@runtime_checkable
class CarriesPages(Protocol):
    """A channel that can carry a page with its pictures."""

    name: str

    def deliver_page(self, page: PageToSend) -> None:
        """Deliver, within seconds.

        Raises:
            NotDelivered: it could not.
        """
        ...


def mail_of(page: PageToSend) -> EmailMessage:
    """Return a mail with text, HTML, pictures and attachments; addresses are left to the channel."""
    mail = EmailMessage()
    mail["Subject"] = plain(page.subject)
    mail.set_content(page.text)
    mail.add_alternative(page.html, subtype="html")
    html = mail.get_body(("html",))
    assert html is not None
    for name, data in page.pictures:
        html.add_related(data, "image", "png", cid=f"<{name}>", filename=name, disposition="inline")
    for name, data in page.attachments:
        mail.add_attachment(data, maintype="text", subtype="html", filename=name)
    return mail

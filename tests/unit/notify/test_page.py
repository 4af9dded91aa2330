"""A page reaches people as a mail with its pictures, over a real SMTP server; other channels get its text."""

import email
import socket
from email.policy import default
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller

from perfusio.notify.channels import Email, LogFile, NotDelivered
from perfusio.notify.notifier import Notifier

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PAGE = SimpleNamespace(
    subject="[perfusio] morning page 2026-12-01: run r\r\nBcc: evil@example.org",
    text="Run r. No active alarm.",
    html='<p>Run r</p><img src="cid:figure1.png">',
    pictures=[("figure1.png", PNG)],
    attachments=[("report-r.html", "<p>36.5 °C</p>".encode())],
)


class Inbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=default)))
        return "250 taken"


@pytest.fixture(scope="module")
def inbox():
    box = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        box.port = free.getsockname()[1]
    server = Controller(box, hostname="127.0.0.1", port=box.port, ready_timeout=60.0)
    server.start()
    yield box
    server.stop()


def mail(inbox):
    return Email(host="127.0.0.1", port=inbox.port, sender="twin@lab.example", to=("anna@lab.example",))


def test_a_page_arrives_with_its_pictures_and_the_report(inbox, tmp_path):
    log = tmp_path / "alarms.log"
    people = Notifier([mail(inbox), LogFile(log)])
    people.send(PAGE)
    people.close()
    to, got = inbox.mails[-1]
    assert to == ["anna@lab.example"]
    assert got["Subject"].startswith("[perfusio] morning page 2026-12-01: run r")
    assert got["Bcc"] is None  # a line break forges no header
    assert "No active alarm" in got.get_body(("plain",)).get_content()
    assert "cid:figure1.png" in got.get_body(("html",)).get_content()
    (picture,) = [part for part in got.walk() if part.get_content_type() == "image/png"]
    assert picture["Content-ID"] == "<figure1.png>"
    assert picture.get_content() == PNG
    (report,) = [part for part in got.iter_attachments() if part.get_filename() == "report-r.html"]
    assert "36.5 °C" in report.get_payload(decode=True).decode("utf-8")
    assert "morning page" in log.read_text(encoding="utf-8")
    assert people.failures == []
    assert [(n.channel, n.is_delivered) for n in people.news()] == [("email", True), ("log", True)]


def test_a_page_that_cannot_be_sent_is_told_and_alarmed(tmp_path):
    class Dead:
        name = "email"

        def deliver(self, subject, body):
            raise NotDelivered("email: no server.")

        def deliver_page(self, page):
            raise NotDelivered("email: no server.")

    people = Notifier([Dead()], retries_s=(), sleep=lambda _: None)
    people.send(PAGE)
    people.close()
    assert people.failures == ["email: no server."]
    assert [type(n).__name__ for n in people.news()] == ["AlarmDelivered", "AlarmRaised"]

"""Channels against real servers on this machine."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from perfusio.errors import ConfigError
from perfusio.notify.channels import Email, LogFile, NotDelivered, Webhook

SECRET = "canary-4711"


class MailServer:
    """Takes one mail after the other and keeps what was said; `answers` replaces the answer to a command."""

    def __init__(self, answers):
        self.answers, self.said, self.mails = answers, [], []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client, client.makefile("rwb") as line:
                self.talk(line)

    def talk(self, line):
        def say(text):
            line.write(text.encode() + b"\r\n")
            line.flush()

        say("220 sink")
        while heard := line.readline():
            word = heard.decode().strip()
            self.said.append(word)
            verb = word.split()[0].upper()
            if verb == "DATA":
                say("354 go on")
                mail = []
                while (part := line.readline()) != b".\r\n":
                    mail.append(part.decode())
                self.mails.append("".join(mail))
                say("250 taken")
            elif verb == "EHLO":
                say("250-sink\r\n250 AUTH PLAIN")
            else:
                say(self.answers.get(verb, "221 bye" if verb == "QUIT" else "250 ok"))


@pytest.fixture
def mail_server():
    servers = []

    def start(**answers):
        servers.append(MailServer(answers))
        return servers[-1]

    yield start
    for server in servers:
        server.socket.close()


def email(port, **more):
    to = ("anna@lab.example", "ben@lab.example")
    return Email(host="127.0.0.1", port=port, sender="twin@lab.example", to=to, **more)


def test_a_mail_arrives_at_all(mail_server):
    server = mail_server()
    email(server.port).deliver("[perfusio] R01: glucose act", "R01: feed it; 36.5 °C.")
    assert "Subject: [perfusio] R01: glucose act" in server.mails[0]
    assert sum("RCPT" in s.upper() for s in server.said) == 2


def test_a_server_that_refuses_is_named_without_the_password(mail_server):
    server = mail_server(AUTH=f"535 wrong: {SECRET}")
    with pytest.raises(NotDelivered, match="refused the name or the password") as caught:
        email(server.port, user="twin", password=SECRET).deliver("s", "b")
    assert SECRET not in str(caught.value)


def test_no_server_is_said():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NotDelivered, match=r"127\.0\.0\.1"):
        email(port).deliver("s", "b")


@pytest.mark.parametrize("address", ["anna", "anna@lab\r\nBcc: x@y"])
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ConfigError, match="no e-mail address"):
        Email(host="127.0.0.1", sender="a@b", to=(address,))


class Chat(BaseHTTPRequestHandler):
    status, heard = 200, None

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).heard.append((self.path, json.loads(text)))
        self.send_response(type(self).status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def chat():
    servers = []

    def start(status):
        handler = type("OneChat", (Chat,), {"status": status, "heard": []})
        server = HTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/{SECRET}?a=b", handler.heard

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_chat_gets_the_text(chat):
    url, heard = chat(200)
    Webhook(url, hosts=("127.0.0.1",)).deliver("subject", "body")
    assert heard == [(f"/{SECRET}?a=b", {"text": "subject\nbody"})]


@pytest.mark.parametrize("status", [302, 403, 500])
def test_a_redirect_is_not_followed_and_a_refusal_is_said_without_the_address(chat, status):
    url, heard = chat(status)
    with pytest.raises(NotDelivered, match=str(status)) as caught:
        Webhook(url, hosts=("127.0.0.1",)).deliver("s", "b")
    assert SECRET not in str(caught.value)
    assert len(heard) == 1


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://chat.example/x", "expected https"),
        ("https://chat.example/x", "which are allowed"),
        ("ftp://127.0.0.1/x", "expected https"),
        ("https://hooks.example@evil.example/x", "which are allowed"),
    ],
)
def test_only_allowed_hosts_over_tls(url, why):
    with pytest.raises(ConfigError, match=why):
        Webhook(url, hosts=("hooks.example",))


def test_a_log_keeps_one_line_per_message(tmp_path):
    log = LogFile(tmp_path / "alarms.log")
    log.deliver("subject", "one\x1b\n\ntwo")
    log.deliver("subject", "three")
    lines = (tmp_path / "alarms.log").read_text().splitlines()
    assert [line.partition(" ")[2] for line in lines] == ["subject | one ", "subject | two", "subject | three"]


def test_a_log_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(NotDelivered, match="cannot be written"):
        LogFile(tmp_path / "no" / "alarms.log").deliver("s", "b")

"""`perfusio user`, and `--who` bound to the users; `perfusio serve` refuses what it must not serve."""

import pytest
from typer.testing import CliRunner

from perfusio.cli.app import app
from perfusio.cli.operators.bound_who import bound
from perfusio.dashboard.accounts.site import Site
from perfusio.dashboard.serve import prepared
from perfusio.errors import ConfigError

PASSWORD = "a password of a test"


@pytest.fixture
def accounts(tmp_path, monkeypatch):
    place = tmp_path / "users.sqlite"
    monkeypatch.setenv("PERFUSIO_USERS", str(place))
    return place


def run(*arguments, typed=None):
    return CliRunner().invoke(app, list(arguments), input=typed)


def test_users_are_added_listed_changed_and_closed(accounts):
    assert "No users" in run("user", "list").stdout
    twice = f"{PASSWORD}\n{PASSWORD}\n"
    result = run("user", "add", "ada", "--role", "admin", "--full-name", "Ada Example", typed=twice)
    assert "Ada Example (ada) is admin now." in result.stdout
    assert PASSWORD not in result.stdout
    assert "/welcome#" in run("user", "add", "olga", "--link").stdout
    assert isinstance(run("user", "change", "ada", "--role", "viewer").exception, ConfigError), "the last admin"
    assert isinstance(run("user", "add", "ada", typed=f"{PASSWORD}\n{PASSWORD}\n").exception, ConfigError)
    assert "Ada Example" in run("user", "list").stdout
    assert accounts.stat().st_mode & 0o077 == 0


def test_who_is_a_user_with_a_password_where_it_is_bound(accounts, monkeypatch):
    assert bound("anybody") == "anybody"
    run("user", "add", "ada", "--role", "admin", "--full-name", "Ada Example", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert bound("anybody") == "anybody"
    run("user", "bind")
    monkeypatch.setenv("PERFUSIO_PASSWORD", PASSWORD)
    assert bound("ada") == "Ada Example (ada)"
    with pytest.raises(ConfigError, match="no such user, or the password is wrong"):
        bound("anybody")
    run("user", "bind", "--no-who")
    assert bound("anybody") == "anybody"


def test_another_address_needs_tls_and_a_user(accounts, tmp_path):
    with pytest.raises(ConfigError, match="needs TLS"):
        prepared([tmp_path], host="0.0.0.0", port=0)
    with pytest.raises(ConfigError, match="there is no user"):
        prepared([tmp_path], host="0.0.0.0", port=0, certificate=tmp_path, key=tmp_path)
    with pytest.raises(ConfigError, match="is no folder"):
        prepared([tmp_path / "nothing"], port=0)
    first = prepared([tmp_path], port=0)
    assert "/welcome#" in first.link
    with pytest.raises(ConfigError, match="cannot be used"):
        prepared([tmp_path], port=first.socket.getsockname()[1])
    first.socket.close()
    assert Site(accounts).users.all() == []

"""`--notify FILE`: who is told, and what is refused."""

import pytest

from perfusio.cli.experiment_file.notification import notifier
from perfusio.errors import ConfigError
from perfusio.events import AlarmRaised

ALARM = AlarmRaised(
    reactor="R01", turn=1, quantity="viability", level="act", value=90.0, limit=95.0, lead_days=0.0,
    response="Look at it.", reason="viability measured 90 %.",
)  # fmt: skip


def written(tmp_path, text):
    path = tmp_path / "notify.toml"
    path.write_text(text)
    return path


def test_an_alarm_reaches_the_file_beside_the_settings(tmp_path):
    people = notifier(written(tmp_path, '[log]\npath = "alarms.log"\n'))
    people(ALARM)
    people.close()
    assert "viability measured 90 %" in (tmp_path / "alarms.log").read_text()
    assert people.failures == []


def test_without_a_file_nobody_is_told():
    assert notifier(None) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "tells nobody"),
        ("[pager]\nnumber = 1\n", "pager"),
        ('[email]\nhost = "mail.example"\nsender = "a@b.example"\nto = []\n', "to"),
        ('[email]\nhost = "m.example"\nsender = "a@b.example"\nto = ["c@d.example"]\npassword_file = "none"\n',
         "cannot be read"),
        ('[webhook]\nurl_file = "url"\nhosts = ["chat.example"]\n', "chmod 600"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(tmp_path, text, words):
    (tmp_path / "url").write_text("https://chat.example/hook")
    (tmp_path / "url").chmod(0o644)
    with pytest.raises(ConfigError, match=words):
        notifier(written(tmp_path, text))


def test_a_webhook_goes_to_an_allowed_host_only(tmp_path):
    (tmp_path / "url").write_text("https://elsewhere.example/hook\n")
    (tmp_path / "url").chmod(0o600)
    with pytest.raises(ConfigError, match="none of those which are allowed"):
        notifier(written(tmp_path, '[webhook]\nurl_file = "url"\nhosts = ["chat.example"]\n'))


@pytest.mark.parametrize(
    ("section", "words"),
    [("06:30", "expected daily"), ({"daily": "6.30 am"}, "no hour of the day"), ({"weekly": "06:30"}, "expected daily"),
     ({"daily": "06:30+01:00"}, "names a zone")],
)  # fmt: skip
def test_an_hour_for_the_morning_page_is_an_hour_or_refused(section, words):
    from datetime import time

    from perfusio.cli.experiment_file.notification import daily_of

    assert daily_of({"daily": "06:30"}, "e.toml") == daily_of({"daily": time(6, 30)}, "e.toml") == time(6, 30)
    assert daily_of(None, "e.toml") is None
    with pytest.raises(ConfigError, match=words):
        daily_of(section, "e.toml")

"""Passwords in the name of a database: found in any spelling, never shown.

A URL can carry a password before the ``@``, in several options, escaped with ``%`` once or more, and in texts within
options (``odbc_connect``); a driver may put parts of a URL that it could not read into its messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus, unquote_plus

from sqlalchemy import URL, make_url
from sqlalchemy import exc as sql

HIDDEN = "***"
_KEY = re.compile(r"(pass(?!file)|pwd|secret|token|credential|api_?key)", re.IGNORECASE)
_SETTING = re.compile(
    r"(?:^|[?&;#\s{,:])[\w.\- ]*(?:pass(?:word|wd|phrase)?|pwd|secret|token)\s*=\s*[^&;\s]", re.IGNORECASE
)
_LOGIN = re.compile(r"[^/\s:@]+:[^/\s@]+@[^/\s@]")
_DEPTH = 4
"""How often text may be escaped within escaped text."""


def has_secret(where: str) -> bool:
    """Return whether the name of a database holds a password; an unreadable one counts as if it did."""
    return where != without_secret(where)


def without_secret(where: str) -> str:
    """Return the name of a database as it may be shown.

    >>> without_secret("postgresql://twin:p%40ss@db/lab"), without_secret("postgresql://twin@db/lab")
    ('postgresql://twin:***@db/lab', 'postgresql://twin@db/lab')
    """
    scheme = re.match(r"\s*([A-Za-z][\w+.\-]{0,40})://", where)
    if scheme is None:
        is_login = any(map(_LOGIN.search, _unescaped(where)))  # a URL with a slash too few, or none
        return HIDDEN if is_login or any(map(_SETTING.search, _unescaped(where))) else where
    try:
        url = make_url(where.strip())
    except (sql.ArgumentError, ValueError):
        return f"{scheme[1]}://{HIDDEN}" if "@" in where or any(map(_SETTING.search, _unescaped(where))) else where
    secrets = tuple(secrets_of(url))
    if not secrets and not any(map(_SETTING.search, _unescaped(where))):
        return where
    shown = _hidden(url)
    if "@" in str(url.host or ""):  # a password with an @ that was not escaped: its end is taken for the host
        return f"{scheme[1]}://{HIDDEN}"
    is_left = any(secret in text for text in _unescaped(shown) for secret in secrets if len(secret) > 1)
    return f"{scheme[1]}://{HIDDEN}" if is_left or any(map(_SETTING.search, _settings(shown))) else shown


def secrets_of(url: URL) -> Iterator[str]:
    """Yield every password in a URL."""
    if url.password:
        yield str(url.password)
    if url.username and ":" in url.username:
        yield url.username.partition(":")[2]
    yield from secrets_behind(url)


def secrets_behind(url: URL) -> Iterator[str]:
    """Yield every password behind the ``@``: among the options of a URL, or in its path."""
    if url.database and any(map(_SETTING.search, _unescaped(url.database))):
        yield url.database
    for key, value in url.query.items():
        for one in (value,) if isinstance(value, str) else value:
            if one and (_KEY.search(unquote_plus(key)) or any(map(_SETTING.search, _unescaped(one)))):
                yield one


def cleaned(text: str, url: URL) -> str:
    """Return a text, e.g. a driver's message, without the passwords of a URL, in any spelling."""
    for secret in sorted(secrets_of(url), key=len, reverse=True):
        for spelt in {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]}:
            text = text.replace(spelt, HIDDEN)
        if "@" in secret:  # a driver that splits at the first @ takes the rest for the host
            text = text.replace(secret.partition("@")[2], HIDDEN)
    return text


def _hidden(url: URL) -> str:
    name = url.username
    if name and ":" in name:
        url = url.set(username=f"{name.partition(':')[0]}")
    kept: dict[str, str | tuple[str, ...]] = {}
    for key, value in url.query.items():
        values = (value,) if isinstance(value, str) else value
        is_secret = _KEY.search(unquote_plus(key)) or any(_SETTING.search(t) for v in values for t in _unescaped(v))
        kept[key] = HIDDEN if is_secret else value
    shown = url.set(query=kept).render_as_string(hide_password=True)
    return shown.replace(quote_plus(HIDDEN), HIDDEN)


def _settings(shown: str) -> Iterator[str]:
    """Yield the text in every unescaped spelling, without hidden parts."""
    return (re.sub(r"=\s*\*\*\*", "=", text) for text in _unescaped(shown))


def _unescaped(text: str) -> Iterator[str]:
    for _ in range(_DEPTH):
        yield text
        text = unquote_plus(text)

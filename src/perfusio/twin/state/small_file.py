"""A small regular file that anybody may have made, read without ever waiting for anybody."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from perfusio.errors import ConfigError

LARGEST_BYTES = 64 * 1024


def read_small(place: Path) -> bytes:
    """Return the bytes of a small regular file, without ever waiting for anybody.

    Raises:
        OSError: it is not there, or may not be read.
        ConfigError: it is a link, a folder, a pipe, a device, or too large.
    """
    try:
        fd = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ConfigError("It is a link: expected a file of its own.") from error
        if error.errno == errno.ENXIO:
            raise ConfigError("It is no regular file.") from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ConfigError("It is no regular file.")
        data = os.read(fd, LARGEST_BYTES + 1)
    finally:
        os.close(fd)
    if len(data) > LARGEST_BYTES:
        raise ConfigError(f"It has more than {LARGEST_BYTES // 1024} KiB.")
    return data

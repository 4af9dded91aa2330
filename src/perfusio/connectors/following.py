"""Follow a source of samples: look again and again until there is news, and tell every failure in our own words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from perfusio.errors import EndOfRun, NotConnected, PerfusioError, SampleOverdue, UnreadableSource
from perfusio.process.sound_numbers import LONGEST_POLL_S, LONGEST_WAIT_S, refuse_outside

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """How often a source is looked at, and for how long.

    Attributes:
        poll_seconds: Between two looks [s].
        timeout_seconds: After which a sample is overdue; None = never [s].
        sleep: Wait between two looks.
        away_seconds: For how long a source that cannot be reached is looked at on before that fails: a server starts
            anew within that time, and nobody need hear of it [s].
    """

    poll_seconds: float
    timeout_seconds: float | None
    sleep: Callable[[float], Awaitable[object]]
    away_seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse times for which nothing can be waited.

        Raises:
            ConfigError: one is not finite, not above 0, or longer than a run makes sense of.
        """
        refuse_outside("poll_seconds", self.poll_seconds, 0.0, LONGEST_POLL_S, unit="s", above=True)
        refuse_outside("away_seconds", self.away_seconds, 0.0, LONGEST_WAIT_S, unit="s")
        if self.timeout_seconds is not None:
            refuse_outside("timeout_seconds", self.timeout_seconds, 0.0, LONGEST_WAIT_S, unit="s", above=True)

    async def until_news(self, look: Callable[[], Awaitable[T | None]], overdue: Callable[[float], SampleOverdue]) -> T:
        """Return the find of the first look that finds something.

        A look that fails ends the waiting, and loses nothing: the next call looks again.

        Args:
            look: Returns news, or None; nothing may be awaited between taking news and returning it, so that a call
                that is cancelled has handed nothing out.
            overdue: Makes the error from the time that was waited [s].

        Raises:
            SampleOverdue: nothing was found in time.
            NotConnected: the source was away for too long.
        """
        waited, away_since = 0.0, None
        while True:
            try:
                found = await look()
            except NotConnected:
                away_since = waited if away_since is None else away_since
                if waited + self.poll_seconds - away_since > self.away_seconds:
                    raise  # at once where looks are rare: a long silence would be taken for a source that is well
                found = None
            else:
                away_since = None
            if found is not None:
                return found
            if self.timeout_seconds is not None and waited >= self.timeout_seconds:
                raise overdue(waited)
            await self.sleep(self.poll_seconds)
            waited += self.poll_seconds


@contextmanager
def told(connector: str, operation: str) -> Iterator[None]:
    """Turn an error of a reader, a driver or the system into one of a connector, so that a run can wait for it.

    Args:
        connector: Name of the source.
        operation: Operation under way.

    Raises:
        NotConnected: the system refused: no such place now, no right, no file handle, no memory.
        UnreadableSource: the source cannot be read.
    """
    try:
        yield
    except (PerfusioError, EndOfRun):
        raise
    except (OSError, MemoryError) as error:
        raise NotConnected(
            f"{connector}: the system refused ({operation}): {_words(error)}. Expected a source that can be read now. "
            "Check its place, its rights, and that this machine has memory and file handles left.",
            connector=connector,
            operation=operation,
        ) from error
    except Exception as error:
        text = (
            f"{connector} cannot be read as it is now ({operation}): {_words(error)}. Expected a source like the one "
            "that was read before. Check what was saved there last; it is read again as soon as it is as before."
        )
        raise UnreadableSource((text,), connector=connector, operation=operation) from error


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    first = (str(error).strip() or "no reason given").splitlines()[0][:200].rstrip(".")
    return f"{type(error).__name__}: {first}"

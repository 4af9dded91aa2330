"""Run a coroutine to its end from ordinary code, also where an event loop runs already, as in a notebook."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from contextvars import copy_context
from threading import Thread, current_thread, main_thread
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")
LOOK_S = 0.2
"""Wait at most so long for the thread before a Ctrl-C is looked for [s]; some systems deliver none to a lock."""


def run_to_end(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `main` in an event loop of its own and return its result; Ctrl-C cancels it and waits until it is over.

    Inside a running event loop, e.g. IPython, the new loop runs in a thread: a loop cannot run within another one of
    its thread. The outer loop stands still meanwhile, as during any ordinary call.

    Raises:
        KeyboardInterrupt: Ctrl-C; `main` was cancelled and has ended.
        Exception: whatever `main` raises.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(main())
    return _OwnThread(main).result()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt here: `asyncio.run` of the outer loop would have it cancel a task instead."""
    before = signal.getsignal(signal.SIGINT)
    if current_thread() is not main_thread() or before is signal.SIG_IGN:
        yield  # signals never come here, or are to be ignored
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler if before is None else before)


class _OwnThread(Generic[T]):
    """A thread with an event loop that runs one coroutine."""

    def __init__(self, main: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._main, self._done = main, Future[T]()
        self._task: asyncio.Task[T] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = Thread(target=copy_context().run, args=(self._run,), name="perfusio run_sync")

    def result(self) -> T:
        """Start, wait, and return the result of the coroutine."""
        self._thread.start()
        with _interruptible():
            try:
                self._wait()
            except KeyboardInterrupt:
                self._cancel()
                self._wait()
                raise
        return self._done.result()

    def _run(self) -> None:
        try:
            self._done.set_result(asyncio.run(self._noted()))
        except BaseException as error:  # noqa: BLE001  it is raised again where the result is asked for
            self._done.set_exception(error)

    async def _noted(self) -> T:
        self._loop, self._task = asyncio.get_running_loop(), cast("asyncio.Task[T]", asyncio.current_task())
        return await self._main()

    def _wait(self) -> None:
        # not by `join`: one that Ctrl-C cuts short takes a running thread for a stopped one (CPython 3.11)
        while not self._done.done():
            wait([self._done], LOOK_S)

    def _cancel(self) -> None:
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):  # the loop has closed meanwhile
                self._loop.call_soon_threadsafe(self._task.cancel)

"""Tasks beside the turns of the loop, which never end by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

Sleep = Callable[[float], Awaitable[object]]
"""Lets time pass [s]; a test can bring its own."""
T = TypeVar("T")


async def meanwhile(main: Awaitable[T], beside: asyncio.Future[None]) -> T:
    """Return the result of the main work; a task beside it ends only if it fails, and then ends both."""
    task = asyncio.ensure_future(main)
    both: set[asyncio.Future[Any]] = {task, beside}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            beside.result()
        return await task
    finally:
        task.cancel()


async def together(*works: Callable[[], Awaitable[None]]) -> None:
    """Let works that never end go on side by side, until one fails or this is cancelled."""
    tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(work()) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()

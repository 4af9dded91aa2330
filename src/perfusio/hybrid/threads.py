"""One BLAS thread for the model's small matrices: on two cores, more threads make them an order of magnitude slower."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

P = ParamSpec("P")
T = TypeVar("T")


def one_thread(work: Callable[P, T]) -> Callable[P, T]:
    """Return `work` so that linear algebra inside it runs on one thread, whatever the caller's settings are."""

    @wraps(work)
    def limited(*args: P.args, **kwargs: P.kwargs) -> T:
        with threadpool_limits(limits=1):
            return work(*args, **kwargs)

    return limited

"""Growing: a sequence that never changes, of which a longer one can be made without copying it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar, overload

T = TypeVar("T")


class Growing(Sequence[T]):
    """A tuple to its readers; `and_then` makes one that is longer by one item in constant time.

    Both share one list, of which each sees the items that it was made with. A twin adds a sample every few minutes for
    weeks; copying all samples for each would make the last one dear.

    >>> short = Growing((1, 2))
    >>> long = short.and_then(3)
    >>> short, long, long[1:], short == (1, 2)
    (Growing((1, 2)), Growing((1, 2, 3)), (2, 3), True)
    """

    __slots__ = ("_items", "_n")

    def __init__(self, items: Iterable[T] = ()) -> None:
        self._items = list(items)
        self._n = len(self._items)

    def and_then(self, item: T) -> Growing[T]:
        """Return these items and one more."""
        items = self._items if len(self._items) == self._n else self._items[: self._n]  # another went on from here
        items.append(item)
        longer = object.__new__(Growing)
        longer._items, longer._n = items, self._n + 1
        return longer

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, where: int) -> T: ...
    @overload
    def __getitem__(self, where: slice) -> tuple[T, ...]: ...
    def __getitem__(self, where: int | slice) -> T | tuple[T, ...]:
        """Return an item, or a tuple of some."""
        if isinstance(where, slice):
            start, stop, step = where.indices(self._n)
            if step == 1:
                return tuple(self._items[start:stop])
            return tuple(self._items[i] for i in range(start, stop, step))
        if not -self._n <= where < self._n:
            raise IndexError(f"There is no item {where} among {self._n}.")
        return self._items[where if where >= 0 else self._n + where]

    def __iter__(self) -> Iterator[T]:
        return islice(self._items, self._n)

    def __reversed__(self) -> Iterator[T]:
        return (self._items[i] for i in range(self._n - 1, -1, -1))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Growing):
            return self[:] == other[:]
        return self[:] == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(self[:])

    def __repr__(self) -> str:
        return f"Growing({self[:]!r})"

    def __reduce__(self) -> tuple[type[Growing[T]], tuple[Any]]:
        return Growing, (self[:],)

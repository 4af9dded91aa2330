"""Problems: everything that is wrong with one source, collected so that it is all said at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from perfusio.errors import UnreadableSource

_LINES_SHOWN = 8


@dataclass(slots=True)
class _Problem:
    text: str
    further_lines: list[int] = field(default_factory=list)

    def sentence(self) -> str:
        if not self.further_lines:
            return self.text
        shown = ", ".join(str(n) for n in self.further_lines[:_LINES_SHOWN])
        more = len(self.further_lines) - _LINES_SHOWN
        rest = f" and {more} more" if more > 0 else ""
        lines = "line" if len(self.further_lines) == 1 else "lines"
        return f"{self.text}\n  The same in {lines} {shown}{rest}."


class Problems:
    """Collects the problems of one source; the same rule broken in many rows of a column becomes one sentence."""

    def __init__(self, source: str) -> None:
        """Start with nothing wrong with the file called `source`."""
        self.source = source
        self._found: dict[tuple[str, ...], _Problem] = {}

    def __bool__(self) -> bool:
        """Whether anything is wrong."""
        return bool(self._found)

    def file(self, text: str) -> None:
        """Add a problem of the file as a whole."""
        self._add((text,), f"{self.source}: {text}", 0)

    def line(self, line: int, text: str, *, rule: str = "") -> None:
        """Add a problem of one line; lines that break the same `rule` share a sentence."""
        self._add((rule or f"{line} {text}",), f"{self.source}, line {line}: {text}", line)

    def cell(self, line: int, column: str, value: str, text: str, *, rule: str = "") -> None:
        """Add a problem of one value: `text` says what was expected and what to do, `rule` names it if it varies."""
        shown = value if len(value) <= 40 else value[:37] + "..."
        self._add((column, rule or text), f"{self.source}, line {line}, column {column!r}: {shown!r} {text}", line)

    def sentences(self) -> tuple[str, ...]:
        """Return the problems in the order in which they were found."""
        return tuple(problem.sentence() for problem in self._found.values())

    def refuse_if_any(self) -> None:
        """Raise UnreadableSource with every problem found so far, if there is one."""
        if self._found:
            raise UnreadableSource(self.sentences(), connector=self.source)

    def _add(self, key: tuple[str, ...], text: str, line: int) -> None:
        known = self._found.get(key)
        if known is None:
            self._found[key] = _Problem(text)
        elif line:
            known.further_lines.append(line)

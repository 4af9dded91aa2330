"""Problems: everything that is wrong with one source, collected so that it is all said at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from perfusio.tables.columns.questions import Question, Reading, refusal

_LINES_SHOWN = 8


@dataclass(slots=True)
class _Problem:
    text: str
    further_lines: list[int] = field(default_factory=list)
    readings: tuple[Reading, ...] = ()
    remedy: str = ""

    def sentence(self) -> str:
        question = self.question()
        return self._text() if question is None else question.sentence()

    def question(self) -> Question | None:
        return Question(found=self._text(), readings=self.readings, remedy=self.remedy) if self.readings else None

    def _text(self) -> str:
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

    @property
    def questions(self) -> tuple[Question, ...]:
        """Those of the problems that an answer settles."""
        return tuple(q for problem in self._found.values() if (q := problem.question()) is not None)

    def file(self, text: str, *, readings: tuple[Reading, ...] = (), remedy: str = "") -> None:
        """Add a problem of the file as a whole; with `readings` it is a question, and `remedy` the other way."""
        self._add((text,), _Problem(f"{self.source}: {text}", readings=readings, remedy=remedy), 0)

    def line(
        self, line: int, text: str, *, rule: str = "", readings: tuple[Reading, ...] = (), remedy: str = ""
    ) -> None:
        """Add a problem, or question, of one line; lines that break the same `rule` share a sentence."""
        found = _Problem(f"{self.source}, line {line}: {text}", readings=readings, remedy=remedy)
        self._add((rule or f"{line} {text}",), found, line)

    def cell(
        self,
        line: int,
        column: str,
        value: str,
        text: str,
        *,
        rule: str = "",
        readings: tuple[Reading, ...] = (),
        remedy: str = "",
    ) -> None:
        """Add a problem of one value: `text` gives the expectation and the remedy, `rule` names it if it varies.

        With `readings` it is a question, and `remedy` gives the other way.
        """
        shown = value if len(value) <= 40 else value[:37] + "..."
        where = f"{self.source}, line {line}, column {column!r}: {shown!r} {text}"
        self._add((column, rule or text), _Problem(where, readings=readings, remedy=remedy), line)

    def sentences(self) -> tuple[str, ...]:
        """Return the problems in the order in which they were found."""
        return tuple(problem.sentence() for problem in self._found.values())

    def refuse_if_any(self) -> None:
        """Raise UnreadableSource, or QuestionOpen, with everything found so far, if there is anything."""
        if self._found:
            raise refusal(self.sentences(), self.questions, connector=self.source)

    def _add(self, key: tuple[str, ...], problem: _Problem, line: int) -> None:
        known = self._found.get(key)
        if known is None:
            self._found[key] = problem
        elif line:
            known.further_lines.append(line)

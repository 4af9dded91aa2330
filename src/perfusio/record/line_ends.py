"""Line ends that something other than perfusio changed: named, with the way back.

A mail program, an editor or git may put CR LF for LF, a byte-order mark in front, or blank lines behind. The bytes are
then not those that were written, so such a record is broken; but its content can be checked as it was before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BOM = b"\xef\xbb\xbf"
_BLANK = "is blank, and so is not JSON: a record has no blank lines"
_CR_LF = "is not in canonical form: it ends with CR LF instead of LF"
_MARKED = "is not in canonical form: it begins with a byte-order mark (BOM)"


def lines_of(data: bytes) -> list[bytes]:
    """Return the lines of a file, each with its line feed; a carriage return ends no line."""
    *whole, rest = data.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def named(line: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return a line without its foreign ends, and these in words."""
    if line.endswith(b"\n") and not line.removeprefix(BOM).strip():
        return b"", (_BLANK,)
    bare, found = line, []
    if bare.startswith(BOM):
        bare, found = bare.removeprefix(BOM), [_MARKED]
    if bare.endswith(b"\r\n"):
        bare, found = bare[:-2] + b"\n", [*found, _CR_LF]
    return bare, tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many lines of a record have which ends.

    Attributes:
        n_lines: All lines.
        n_good: Lines that are as they were written once their ends are put back.
        n_cr_lf: Lines that end with CR LF.
        n_blank: Blank lines.
        is_marked: Whether the first line begins with a byte-order mark.
    """

    n_lines: int = 0
    n_good: int = 0
    n_cr_lf: int = 0
    n_blank: int = 0
    is_marked: bool = False

    def with_line(self, found: Sequence[str], *, is_good: bool) -> Tally:
        """Return the tally with one more line; `found` as `named` says it, `is_good` if nothing else is wrong."""
        return Tally(
            n_lines=self.n_lines + 1,
            n_good=self.n_good + (is_good and _BLANK not in found),
            n_cr_lf=self.n_cr_lf + (_CR_LF in found),
            n_blank=self.n_blank + (_BLANK in found),
            is_marked=self.is_marked or _MARKED in found,
        )

    def cause(self) -> str:
        """Return the change of the line ends, its meaning for the content, and the way back; "" if there is none."""
        what = [
            *([f"{_of(self.n_cr_lf, self.n_lines - self.n_blank)} with CR LF instead of LF"] if self.n_cr_lf else []),
            *(["the file begins with a byte-order mark (BOM)"] if self.is_marked else []),
            *([f"{self.n_blank} {'line is' if self.n_blank == 1 else 'lines are'} blank"] if self.n_blank else []),
        ]
        if not what:
            return ""
        n_records, n_bad = self.n_lines - self.n_blank, self.n_lines - self.n_blank - self.n_good
        if n_bad:
            content = f"Without that, {n_bad} of {n_records} lines still differ: content was changed, too."
        else:
            content = (
                f"Without that, all {n_records} hashes are right: a mail program, an editor on Windows or git "
                "(core.autocrlf) changed the line ends and no content."
            )
        return f"{_sentence(what)} {content} {self._way_back()}"

    def _way_back(self) -> str:
        steps = [
            *(["s/^\\xef\\xbb\\xbf//"] if self.is_marked else []),
            *(["s/\\r$//"] if self.n_cr_lf else []),
            *(["/^[[:space:]]*$/d"] if self.n_blank else []),
        ]
        commands = " ".join(f"-e '{step}'" for step in steps)
        return (
            f"Put it back in a copy: LC_ALL=C sed {commands} audit.jsonl > copy.jsonl; perfusio verify copy.jsonl. "
            "Send records as a zip (perfusio bundle), and tell git: *.jsonl -text."
        )


def _of(n: int, n_all: int) -> str:
    return "every line ends" if n >= n_all else f"{n} of {n_all} lines end"


def _sentence(parts: Sequence[str]) -> str:
    text = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    return f"{text[0].upper()}{text[1:]}."

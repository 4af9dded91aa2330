"""The answer to a person who has typed a sample: what became of it, in words."""

from __future__ import annotations

from dataclasses import dataclass

from perfusio.protocols import NOT_USED
from perfusio.twin.samples.admission import Admission, Correct, Ignore, Quarantine


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredByHand:
    """Fate of a sample that was typed.

    Attributes:
        problem: Why it is not used, with the remedy; empty if it is.
        words: Its place on record.
    """

    problem: str = ""
    words: str = ""


def in_words_of_entry(ruling: Admission, *, is_due: bool) -> EnteredByHand:
    """Return the ruling on a typed sample in words.

    Args:
        ruling: Of the admission.
        is_due: Whether it was the sample of its turn.
    """
    match ruling:
        case Ignore():
            return EnteredByHand(words="These values are on record already.")
        case Quarantine():
            words = "If it is right, accept it: it waits with the refused samples."
            return EnteredByHand(problem=f"It is on record and not used. {ruling.reason} {words}")
        case Correct():
            return EnteredByHand(words=ruling.reason)
    unused = [f"{name} ({remark})" for name, remark in ruling.sample.quality.items() if NOT_USED in remark]
    words = "It is the sample of this turn." if is_due else "It is a further sample of this vessel."
    more = f" Not used: {'; '.join(unused)}." if unused else ""
    return EnteredByHand(words=f"{words}{more}{f' {ruling.why}' if ruling.why else ''}")

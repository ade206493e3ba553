"""Does what is cited say what is claimed? Numbers, names, negation; then a support score. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rag.citations.polarity import opposed
from rag.language.names import missing_names
from rag.language.quantities import missing_numbers
from rag.schema import Verdict

Support: TypeAlias = Callable[[str, Sequence[str]], Sequence[float]]
"""support(claim, source_sentences) returns how well each sentence supports the claim: one 0..1 a
sentence, where 0.5 is even odds."""

SUPPORTED = 0.6
"""Support from which a claim that passes every check counts as supported. Somewhat more than even odds: a sentence
wrongly flagged costs a glance at its quote, one wrongly passed is believed."""
WEAK = 0.3
"""Support from which the quote at least bears on the claim; below it the claim might as well not be cited."""
_BELOW_SUPPORTED = SUPPORTED - 0.01
_BELOW_WEAK = WEAK - 0.01

_FIRST_PERSON = re.compile(r"\b(?:I|[Mm]y|[Mm]e|[Mm]ine|[Ww]e|[Oo]urs?)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What the rules found; True is good."""

    numbers: bool
    names: bool
    negation: bool
    missing: tuple[str, ...]
    """Numbers and names of the claim that the quotes do not have, as the claim prints them."""

    @property
    def passed(self) -> bool:
        """Whether no rule objects."""
        return self.numbers and self.names and self.negation


def check(claim: str, quotes: Sequence[str]) -> Check:
    """Compare the numbers, names and negation of a claim with what it cites.

    A number that differs never passes. A name passes if all its words are in the quotes, as an
    acronym or in full, accents and endings aside. Negation passes unless claim and quotes say the
    opposite of one word.
    """
    numbers = missing_numbers(claim, quotes)
    names = missing_names(claim, quotes)
    return Check(
        numbers=not numbers,
        names=not names,
        negation=not opposed(claim, quotes),
        missing=numbers + names,
    )


def verdict(claim: str, quotes: Sequence[str], support: Support) -> tuple[Verdict, float]:
    """Judge a claim by what it cites.

    Words that stand in a quote as they are, white space aside, are supported with 1.0 unless a
    word before or behind them turns them round. Otherwise a wrong number or negation makes a claim
    unsupported whatever its score; a missing name, a question, or words about the speaker make it
    weak at most; and the score decides the rest.

    Returns:
        The verdict, and the support lowered to what the verdict allows.
    """
    if not quotes:
        return "unsupported", 0.0
    found = check(claim, quotes)
    if found.numbers and found.negation and any(contains(quote, claim) for quote in quotes):
        return "supported", 1.0
    texts = list(quotes) if len(quotes) == 1 else [*quotes, " ".join(quotes)]
    score = min(max(0.0, *support(claim, texts)), 1.0)
    if not (found.numbers and found.negation) or score < WEAK:
        return "unsupported", min(score, _BELOW_WEAK)
    if not found.names or not _asserts(claim, quotes) or score < SUPPORTED:
        return "weak", min(score, _BELOW_SUPPORTED)
    return "supported", score


def _asserts(claim: str, quotes: Sequence[str]) -> bool:
    """Tell whether the claim is something that sources can bear out: no question, nothing about its speaker."""
    if claim.rstrip(" \"'”’)").endswith(("?", "？")):
        return False
    return not _FIRST_PERSON.search(claim) or any(_FIRST_PERSON.search(one) for one in quotes)


def contains(quote: str, claim: str) -> bool:
    """Tell whether the claim stands in the quote word for word, white space and its own full stop aside."""
    words = re.escape(" ".join(claim.split()).rstrip(".!?。！？").strip())
    return bool(words) and bool(re.search(rf"(?<!\w){words}(?!\w)", " ".join(quote.split())))

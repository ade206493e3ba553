"""Does what is cited say what is claimed? Numbers, names, negation; then a support score. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeAlias

from rag.citations.numbers import missing_numbers, quantities
from rag.citations.polarity import opposed
from rag.citations.words import FUNCTION_WORDS, Word, fold, word_set, words_of
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

_HONORIFICS = word_set("mr mrs ms miss dr prof sir st jr sr")
_OPENERS = word_set("""absolutely additionally afterwards already although amid among another
anyone around articles aside based because besides
    despite earlier early even eventually everyone everything finally first five following four
    furthermore generally given hence historically hundreds initially instead lastly last later
    least likewise many meanwhile more moreover most much nevertheless new next none nonetheless
    notably nothing now number of oh ok okay often one overall part people perhaps previously
    recently second several similarly since six some someone sometimes somewhere soon specifically
    still subsequently ten there third thousands three throughout today together traditionally two
    unless unlike using usually various via well whenever whereas wherever while yeah yep yes
    yet""")
"""Words, besides function words, whose capital letter at the head of a sentence says nothing."""
_HEAD = re.compile(r"(?:^|[.!?:;•\n]|^\W*yes,?)[\s\"'“”‘’«»()\[\]*_\-–—]*$", re.IGNORECASE)
_FIRST_PERSON = re.compile(r"\b(?:I|[Mm]y|[Mm]e|[Mm]ine|[Ww]e|[Oo]urs?)\b")
_DEMONYM = frozenset(("n", "an", "ian", "ese", "ish", "i", "s", "ns", "ans", "ians", "ic"))
_MOST_CAPITALS = 0.7
_SHORTEST_RUN, _LONGEST_RUN = 2, 8
"""Words that an acronym may stand for."""


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


def missing_names(claim: str, quotes: Sequence[str]) -> tuple[str, ...]:
    """Return the capitalised words and acronyms of the claim, as printed, that the quotes do not have."""
    ours = list(words_of(claim))
    theirs = [word for quote in quotes for word in words_of(quote)]
    known = {word.folded for word in theirs}
    stems = {word.stem for word in theirs}
    acronyms = {word.folded for word in theirs if _is_acronym(word.text)}
    spelled = {run for quote in quotes for run in _initials(list(words_of(quote)))}
    covered = _spelled_out(ours, acronyms)
    covered.update(one.start for one in quantities(claim))
    missing = []
    for word in _names(claim, ours):
        if word.folded in known or word.stem in stems or word.start in covered:
            continue
        if _is_acronym(word.text) and word.folded in spelled:
            continue
        if not any(_same_place(word.folded, other) for other in known):
            missing.append(word.text)
    return tuple(dict.fromkeys(missing))


def _names(claim: str, words: Sequence[Word]) -> Iterator[Word]:
    """Yield the words that are likely names."""
    cased = [word for word in words if word.text[0].isalpha() and len(word.text) > 1]
    capitals = [word for word in cased if word.text[0].isupper()]
    title = len(cased) > 3 and len(capitals) > _MOST_CAPITALS * len(cased)
    for word, following in zip_longest(words, words[1:]):
        if not word.text[0].isupper() or word.folded in _HONORIFICS or len(word.text) < 2:
            continue
        if (title or _HEAD.search(claim[: word.start])) and _opens(word, following):
            continue
        if word.folded not in FUNCTION_WORDS or _is_acronym(word.text):
            yield word


def _opens(word: Word, following: Word | None) -> bool:
    """Tell whether a capital at the head of a sentence may be there for the sentence's sake."""
    if _is_acronym(word.text) or (following is not None and following.text[0].isupper()):
        return word.folded in FUNCTION_WORDS or word.folded in _OPENERS
    return (
        word.folded in FUNCTION_WORDS
        or word.folded in _OPENERS
        or word.folded.endswith(("ly", "ing", "ed"))
    )


def _is_acronym(text: str) -> bool:
    """Tell `KCNA`, `U.S.` and `A4` from other words."""
    return len(text) > 1 and text.upper() == text and text[0].isalpha() and text.lower() != text


def _initials(words: Sequence[Word]) -> Iterator[str]:
    """Yield the initials of every run of capitalised words, and of every part of it."""
    run: list[str] = []
    for word in words:
        if word.text[0].isupper():
            run = [*run[1 - _LONGEST_RUN :], word.folded[0]]
            yield from ("".join(run[i:]) for i in range(len(run) - 1))
        elif word.folded not in {"of", "and", "the", "for"}:
            run = []


def _spelled_out(words: Sequence[Word], acronyms: set[str]) -> set[int]:
    """Return the starts of the claim's words that together are an acronym of the quotes."""
    covered: set[int] = set()
    run: list[Word] = []
    for word in words:
        if word.text[0].isupper():
            run = [*run[1 - _LONGEST_RUN :], word]
            for i in range(len(run) - _SHORTEST_RUN + 1):
                if "".join(one.folded[0] for one in run[i:]) in acronyms:
                    covered.update(one.start for one in run[i:])
        elif word.folded not in {"of", "and", "the", "for"}:
            run = []
    return covered


def _same_place(one: str, other: str) -> bool:
    """Tell whether one is the other's people or language: Russia and Russian, China and Chinese."""
    short, long = sorted((fold(one), fold(other)), key=len)
    if len(short) < 4:
        return False
    bases = {short, short.rstrip("aeoy")}
    return any(
        len(base) > 2 and long.startswith(base) and long[len(base) :] in _DEMONYM for base in bases
    )

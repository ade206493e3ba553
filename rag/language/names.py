"""Which words of a text are names, and which of them another text has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import zip_longest

from rag.language.english import FUNCTION_WORDS
from rag.language.quantities import quantities
from rag.language.words import Word, fold, word_set, words_of

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
_DEMONYM = frozenset(("n", "an", "ian", "ese", "ish", "i", "s", "ns", "ans", "ians", "ic"))
_MOST_CAPITALS = 0.7
_SHORTEST_RUN, _LONGEST_RUN = 2, 8
"""Words that an acronym may stand for."""


@lru_cache(maxsize=128)
def names_of(text: str) -> tuple[Word, ...]:
    """Return the capitalised words and acronyms of a text that are likely names, in order."""
    return tuple(_names(text, words_of(text)))


def missing_names(claim: str, quotes: Sequence[str]) -> tuple[str, ...]:
    """Return the capitalised words and acronyms of the claim, as printed, that the quotes do not have."""
    ours = words_of(claim)
    theirs = [word for quote in quotes for word in words_of(quote)]
    known = {word.folded for word in theirs}
    stems = {word.stem for word in theirs}
    acronyms = {word.folded for word in theirs if is_acronym(word.text)}
    spelled = {run for quote in quotes for run in _initials(words_of(quote))}
    covered = _spelled_out(ours, acronyms)
    covered.update(
        word.start
        for word in ours
        for one in quantities(claim)
        if one.start <= word.start < one.end
    )
    missing = []
    for word in names_of(claim):
        if word.folded in known or word.stem in stems or word.start in covered:
            continue
        if is_acronym(word.text) and word.folded in spelled:
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
        if word.folded not in FUNCTION_WORDS or is_acronym(word.text):
            yield word


def _opens(word: Word, following: Word | None) -> bool:
    """Tell whether a capital at the head of a sentence may be there for the sentence's sake."""
    if is_acronym(word.text) or (following is not None and following.text[0].isupper()):
        return word.folded in FUNCTION_WORDS or word.folded in _OPENERS
    return (
        word.folded in FUNCTION_WORDS
        or word.folded in _OPENERS
        or word.folded.endswith(("ly", "ing", "ed"))
    )


def is_acronym(text: str) -> bool:
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

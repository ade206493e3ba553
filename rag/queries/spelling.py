"""Words of a question that nobody knows become the words that the documents have in their place.

A word is changed only if neither the documents nor the language know it, and only into one that stands in what a search
with the question as typed has found, or that opens a question: what is spelt like nothing there stays as it is. Numbers
and abbreviations are never changed, and a name only for one slip, since another name may be spelt much alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from rapidfuzz import process
from rapidfuzz.distance import OSA

from rag.language.languages import language_of

SHORTEST, SHORTEST_NAME = 3, 5
"""Letters of a word, and of a name, that may be misspelt."""
MOST_WORDS = 12
"""Misspelt words of a question; one with more is none."""
LONG = 8
"""Letters of a word in which two slips are let pass, if it has the same letters: `qualitive` is no `quantitative`."""

_WORD = re.compile(r"(?<!\w)[^\W\d_]++(?:['’][^\W\d_]++)*+(?!\w)")
_ASKING = frozenset(
    "who whom whose what when where which why how many much does did have were been about".split()
)
"""Words of questions, which documents need not have."""
_ENDINGS = ("'s", "’s", "s", "es", "ed", "d", "ing", "ly")


def respelled(
    question: str, *, is_known: Callable[[str], bool], found: Callable[[], Iterable[str]]
) -> str:
    """Return a question with its misspelt words as the documents spell them.

    Args:
        question: any text; one that is not in English stays as it is.
        is_known: whether a word is one, to the documents or to the language.
        found: gives the texts that a search with the question finds; called only if a word is not known.
    """
    strange = [one for one in _WORD.finditer(question) if _slips(one) and not is_known(one.group())]
    if not 0 < len(strange) <= MOST_WORDS or language_of(question) not in {"", "en"}:
        return question
    texts = [_WORD.findall(text) for text in found()]
    words = Counter(word for text in texts for word in text)
    beside = Counter(pair for text in texts for pair in pairwise(map(str.casefold, text)))
    plain = (form for word in words for form in _plain(word))
    others = sorted({*words, *_ASKING, *plain})

    def nearest(typed: re.Match[str]) -> str:
        near = {
            other: _rank(typed, other, slips, _company(typed, other, beside), words)
            for other, slips in _near(typed, others)
            if words[other] or is_known(other)
        }
        return max(near, key=near.__getitem__, default=typed.group())

    meant = {one.start(): nearest(one) for one in strange}
    return _WORD.sub(lambda one: meant.get(one.start(), one.group()), question)


def _slips(word: re.Match[str]) -> int:
    """Return how many slips of the pen are taken for one word, none where it is not to be changed."""
    text = word.group()
    named = text[0].isupper() and bool(_WORD.search(word.string[: word.start()]))
    if len(text) < (SHORTEST_NAME if named else SHORTEST) or text[1:] != text[1:].lower():
        return 0
    return 2 if len(text) >= LONG and not named else 1


def _near(typed: re.Match[str], others: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield the words that may be meant, and how many slips they are away.

    A slip is a letter too many, too few, wrong, or in its neighbour's place (Damerau 1964).
    """
    letters = set(typed.group().casefold())
    near = process.extract(
        typed.group(),
        others,
        scorer=OSA.distance,
        processor=str.casefold,
        score_cutoff=_slips(typed),
        limit=None,
    )
    for other, slips, _ in near:
        if len(other) >= SHORTEST and (slips < 2 or set(other.casefold()) == letters):
            yield other, slips


def _company(typed: re.Match[str], other: str, beside: Counter[tuple[str, str]]) -> int:
    """Return how often the documents have a word beside one that the question has there."""
    before = _WORD.findall(typed.string[: typed.start()])[-1:]
    after = _WORD.findall(typed.string[typed.end() :])[:1]
    word = other.casefold()
    return sum(beside[one.casefold(), word] for one in before if len(one) > 2) + sum(
        beside[word, one.casefold()] for one in after if len(one) > 2
    )


def _rank(
    typed: re.Match[str], other: str, slips: int, company: int, words: Counter[str]
) -> tuple[int, bool, bool, bool, bool, int, bool, int]:
    """Prefer the nearest; of these one that the documents have beside the same words, as "notice period".

    Then one with the same letters, one that asks, one that begins alike, the commonest.
    """
    text, folded = typed.group().casefold(), other.casefold()
    same = sorted(folded) == sorted(text)
    alike = folded[0] == text[0]
    small = other[0].islower() == typed.group()[0].islower()
    return (-slips, company > 0, same, other in _ASKING, alike, company, small, words[other])


def _plain(word: str) -> Iterator[str]:
    """Yield what a word may be a form of."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST:
            yield word.removesuffix(ending)

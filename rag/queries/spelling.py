"""Words of a question that nobody knows become the words that the documents have in their place.

A word is changed only if neither the documents nor the language know it, and only into one that stands in what a search
with the question as typed has found, or that opens a question: what is spelt like nothing there stays as it is. Numbers
and abbreviations are never changed, and a name only for one slip, since another name may be spelt much alike.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from rapidfuzz import process
from rapidfuzz.distance import OSA

from rag.queries.words import is_foreign, read_words

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
    if not 0 < len(strange) <= MOST_WORDS or is_foreign(read_words(question)):
        return question
    words = Counter(word for text in found() for word in _WORD.findall(text))
    meant = {one.start(): _nearest(one, words, is_known) for one in strange}
    return _WORD.sub(lambda one: meant.get(one.start(), one.group()), question)


def _slips(word: re.Match[str]) -> int:
    """Return how many slips of the pen are taken for one word, none where it is not to be changed."""
    text = word.group()
    named = text[0].isupper() and bool(_WORD.search(word.string[: word.start()]))
    if len(text) < (SHORTEST_NAME if named else SHORTEST) or text[1:] != text[1:].lower():
        return 0
    return 2 if len(text) >= LONG and not named else 1


def _nearest(word: re.Match[str], words: Counter[str], is_known: Callable[[str], bool]) -> str:
    """Return the word meant, or this one where none is near enough.

    A slip is a letter too many, too few, wrong, or in its neighbour's place (Damerau 1964). Of the nearest, one with
    the same letters comes first, then one that asks, then one that begins alike, then the commonest.
    """
    typed, most = word.group().casefold(), _slips(word)
    plain = {form for one in words for form in _plain(one)} - words.keys()
    others = sorted({*words, *_ASKING, *plain})
    near = process.extract(
        typed,
        others,
        scorer=OSA.distance,
        processor=str.casefold,
        score_cutoff=most,
        limit=None,
    )
    best: tuple[float, ...] = ()
    chosen = word.group()
    for other, slips, _ in near:
        folded = other.casefold()
        alike = folded[0] == typed[0]
        rank = (-slips, sorted(folded) == sorted(typed), other in _ASKING, alike, words[other])
        fits = len(folded) >= SHORTEST and (slips < 2 or set(folded) == set(typed))
        if fits and rank > best and (other not in plain or is_known(other)):
            best, chosen = rank, other
    return chosen


def _plain(word: str) -> Iterator[str]:
    """Yield what a word may be a form of."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST:
            yield word.removesuffix(ending)

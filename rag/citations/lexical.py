"""Support by words alone: how much of a claim a sentence has. Pure, and good enough to work without a model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from rag.language.quantities import Quantity, distinct, quantities
from rag.language.words import alike, words_of

_ODDS = ((0.0, 0.0), (0.5, 0.1), (0.75, 0.5), (0.9, 0.8), (1.0, 0.97))
"""(share of the claim that the sentence has, share of such claims that people call supported); straight lines between.
Read off the dialogue replies of BEGIN (dev), the part on which nothing is reported."""


def lexical_support(claim: str, sentences: Sequence[str]) -> list[float]:
    """Return how well each sentence supports the claim by its words alone, one 0..1 a sentence.

    The `Support` for when no reader gives one.
    """
    return [_odds(coverage(claim, sentence)) for sentence in sentences]


def coverage(claim: str, sentence: str) -> float:
    """Return the share of the claim's different content words and numbers that the sentence has, 0..1."""
    words, numbers = _content(claim)
    if not words and not numbers:
        return 0.0
    known_words, known_numbers = _content(sentence)
    n_words = sum(alike(stem, known_words) for stem in words)
    n_numbers = sum(any(known.says(one) for known in known_numbers) for one in numbers)
    return (n_words + n_numbers) / (len(words) + len(numbers))


@lru_cache(maxsize=512)
def _content(text: str) -> tuple[frozenset[str], tuple[Quantity, ...]]:
    """Return the stems of the content words that are no part of a number, and the numbers."""
    numbers = quantities(text)
    taken = {at for one in numbers for at in range(one.start, one.start + len(one.printed))}
    stems = frozenset(
        word.stem for word in words_of(text) if word.content and word.start not in taken
    )
    return stems, distinct(numbers)


def _odds(share: float) -> float:
    """Return the share of claims that are supported where this share of the words is."""
    for (low, odds), (high, next_odds) in pairwise(_ODDS):
        if share <= high:
            return odds + (next_odds - odds) * (share - low) / (high - low)
    return _ODDS[-1][1]

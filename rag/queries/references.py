"""What in a question points outside it: pronouns, unless they are bound in it or stand for nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.language.english import (
    AUXILIARIES,
    BASE_VERBS,
    BE,
    CLAUSES,
    DEMONSTRATIVES,
    FUNCTION_WORDS,
    POSSESSIVES,
    PREPOSITIONS,
    PRONOUNS,
    Gender,
)
from rag.language.words import Word
from rag.queries.discourse import fits
from rag.queries.mentions import Mention

_LEAST_FIT = 0.3
"""Of what a pronoun in the same question may stand for."""
_WEATHER_AND_EFFORT = frozenset("take takes took cost costs rain rains snow snows".split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A pronoun whose antecedent is not in the question."""

    start: int
    end: int
    gender: Gender
    possessive: bool
    bare: bool
    """Whether it is a demonstrative, which may stand for anything."""


def find_references(words: Sequence[Word], mentions: Sequence[Mention]) -> Iterator[Reference]:
    """Yield the pronouns of a question that stand for something said before it, in order."""
    for i, word in enumerate(words):
        bare = word.folded in DEMONSTRATIVES
        gender = PRONOUNS.get(word.folded) or DEMONSTRATIVES.get(word.folded)
        if gender is None or (bare and not _stands_alone(words, i)):
            continue
        if word.folded == "it" and _expletive(words, i):
            continue
        possessive = not bare and _owns(words, i)
        if not bare and _bound(words, i, gender, mentions, possessive=possessive):
            continue
        yield Reference(
            start=word.start, end=word.end, gender=gender, possessive=possessive, bare=bare
        )


def _stands_alone(words: Sequence[Word], i: int) -> bool:
    """Tell whether a demonstrative is a pronoun in a question, not a determiner or conjunction."""
    before, after = _beside(words, i)
    if any(word.opens for word in words[: i + 1] if word is not words[0]) or i == 0:
        return False
    if words[i].folded == "that" and before not in AUXILIARIES | PREPOSITIONS | BASE_VERBS:
        return False
    if after == "" or after in AUXILIARIES | PREPOSITIONS | CLAUSES:
        return True
    return before in AUXILIARIES and after in BASE_VERBS


def _expletive(words: Sequence[Word], i: int) -> bool:
    """Tell whether "it" stands for nothing: "is it possible to", "how long does it take to"."""
    before, _ = _beside(words, i)
    after = [word.folded for word in words[i + 1 : i + 8]]
    if after[:1] in (["make"], ["makes"]) and after[1:2] == ["sense"]:
        return True
    clause = next((k for k, word in enumerate(after) if word in {"to", "that", "if", "for"}), None)
    if clause is None:
        return False
    if before in BE | {"isn't", "wasn't"} or after[0] in BE | {"be"}:
        between = [word for word in after[:clause] if word not in BE | {"be", "not"}]
        return 0 < len(between) <= 2 and not between[0].endswith("ed")
    return after[0] in _WEATHER_AND_EFFORT


def _owns(words: Sequence[Word], i: int) -> bool:
    if words[i].folded != "her":
        return words[i].folded in POSSESSIVES
    _, after = _beside(words, i)
    return after != "" and after not in FUNCTION_WORDS


def _bound(
    words: Sequence[Word],
    i: int,
    gender: Gender,
    mentions: Sequence[Mention],
    *,
    possessive: bool,
) -> bool:
    """Tell whether the question itself says what the pronoun at i stands for.

    A possessive may stand for anything before it; another pronoun only for what another clause
    names: in "What did Seoul say about it?" it is not Seoul.
    """
    for mention in mentions:
        if mention.end > words[i].start or fits(mention.nature, gender) < _LEAST_FIT:
            continue
        between = [word for word in words[: i + 1] if word.start >= mention.end]
        if possessive or any(word.opens for word in between):
            return True
        named = mention.kind == "name" or mention.article == "the" or gender in {"he", "she"}
        if named and any(word.folded in CLAUSES or word.apart for word in between[:-1]):
            return True
    return False


def _beside(words: Sequence[Word], i: int) -> tuple[str, str]:
    """Return the words before and after i, in lower case, "" where there is none beside it."""
    after = words[i + 1] if i + 1 < len(words) and not words[i + 1].apart else None
    return words[i - 1].folded if i else "", after.folded if after else ""

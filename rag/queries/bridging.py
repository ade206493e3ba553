"""Whether a question without a name lacks the topic of the conversation: "Who leads the band?"."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from rag.language.english import AUXILIARIES, BRIDGES, DEMONSTRATIVES, TIMES, WH
from rag.language.words import Word, stemmed
from rag.queries.discourse import Tuning
from rag.queries.mentions import Mention

_MOST_WORDS = 6
"""Content words of a question that may lack something; a longer one says what it is about."""
_MOST_LACKING = 2
"""Content words of a question that has no noun."""
_ANOTHER = frozenset("else other others same another next".split())
_BRIDGES = frozenset(stemmed(word) for word in BRIDGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A question as far as it is known what its words stand for."""

    words: Sequence[Word]
    mentions: Sequence[Mention]
    replaced: bool
    """Whether pronouns in it were replaced."""
    named: bool
    """Whether it contains a name, its own or one that was put in."""


def lacks_topic(shape: Shape, heard: Set[str], tuning: Tuning) -> bool:
    """Tell whether the topic of the conversation is to be added.

    Args:
        shape: the question.
        heard: stems of the words of the history.
        tuning: what to look at.
    """
    content = [word for word in shape.words if word.content and not word.number]
    if shape.named or len(content) > _MOST_WORDS:
        return False
    if shape.replaced:
        return tuning.beside
    if tuning.describing and (
        any(word.folded in _ANOTHER for word in shape.words)
        or any(_points(mention, heard) for mention in shape.mentions)
    ):
        return True
    own = any(_new(mention, heard) for mention in shape.mentions)
    asks = any(word.folded in WH | AUXILIARIES for word in shape.words)
    return tuning.lacking and asks and not own and len(content) <= _MOST_LACKING


def _points(mention: Mention, heard: Set[str]) -> bool:
    """Tell whether a phrase means a particular thing that the question does not tell apart."""
    if mention.kind != "phrase" or mention.head in TIMES:
        return False
    if mention.article in DEMONSTRATIVES:
        return True
    return mention.article == "the" and (bool(mention.words & heard) or mention.head in _BRIDGES)


def _new(mention: Mention, heard: Set[str]) -> bool:
    unspecific = mention.article in {"", "a", "an", "the"}
    return mention.kind == "phrase" and unspecific and mention.head not in heard

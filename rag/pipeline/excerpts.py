"""Sentences that stand for others: whole, different from each other, taken in turn. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from typing import TypeVar

from rag.language.paths import HEADS
from rag.reader.layout import announcing
from rag.schema import Candidate, Context, ScoredSentence, Span

MOST_QUOTED = 6
"""Sentences of a summary of one source, and of a survey of few."""
MOST_SOURCES = 12
"""Sources that one list quotes."""
REPEATED = 0.6
"""Share of the words of the shorter of two sentences that the other has, from which it repeats it."""
_WHOLE = re.compile(r"[.!。！…][\"'”’»)\]]*$")
WORD = re.compile(r"[^\W_]+")
_FEWEST_WORDS, _MOST_WORDS = 5, 60
"""Of a sentence that can stand by itself; fewer are a heading, more a table."""
_FEWEST_IN_ITEM = 2
_SAME = 0.9
"""Share of all words of two sentences from which they are one."""
_UNTOLD = HEADS | {"row", "cell", "table", "question", "code", "field"}
"""Kinds that are no sentences of a summary."""
_DENIES = re.compile(
    r"\b(?:not|no|never|none|nothing|without|forbidden|prohibit\w*|ban(?:ned)?|cannot|don['’]?ts?|do(?:es)?n['’]t|can['’]t|won['’]t"
    r"|exclu\w+|except\w*|unacceptable|reject\w*|drop(?:ped)?|cancel\w*|declined|withdrawn|removed|avoid|wrong|myths?"
    r"|unsupported|ineligible|void|false|proposed|proposals?|drafts?|former|obsolete|deprecated|superseded|postponed)\b",
    re.IGNORECASE,
)
"""Headings without which what is below them reads as its opposite, or as more than it is."""
Quoted = tuple[Candidate, Span]
Item = TypeVar("Item")


def different(quoted: Sequence[Quoted]) -> list[Quoted]:
    """Return the sentences that do not mostly repeat the words of one before."""
    kept: list[tuple[set[str], Quoted]] = []
    for candidate, span in quoted:
        words = set(WORD.findall(text_of(candidate, span).lower()))
        if all(len(words & held) < REPEATED * min(len(words), len(held)) for held, _ in kept):
            kept.append((words, (candidate, span)))
    return [one for _, one in kept]


def stands_alone(text: str) -> bool:
    """Tell whether a text is a whole sentence, no heading and no table."""
    words = text.split()
    return bool(_WHOLE.search(text.rstrip())) and _FEWEST_WORDS <= len(words) <= _MOST_WORDS


def is_quotable(sentence: ScoredSentence) -> bool:
    """Tell whether a unit can be said for others: a whole sentence, or an item with what announces it.

    No heading, no question, no row of a table.
    """
    text = sentence.text.rstrip()
    if sentence.kind in _UNTOLD or text.endswith("?"):
        return False
    if sentence.kind == "item" and announcing(sentence) is not None:
        return _FEWEST_IN_ITEM <= len(text.split()) <= _MOST_WORDS and not text.endswith(":")
    return stands_alone(text)


def lead_of(sentence: ScoredSentence) -> Context | None:
    """Return what a unit is not said without: what announces an item, a heading that denies what is below."""
    lead = announcing(sentence)
    if lead is not None:
        return lead
    headings = (one for one in reversed(sentence.path) if one.start < one.end)
    return next((one for one in headings if _DENIES.search(one.text)), None)


def are_one(one: Quoted, other: Quoted) -> bool:
    """Tell whether two sentences say the same in the same words and numbers."""
    mine, theirs = (
        {word.lower() for word in WORD.findall(text_of(*some))} for some in (one, other)
    )
    if {word for word in mine ^ theirs if any(map(str.isdigit, word))}:
        return False
    return len(mine & theirs) >= _SAME * len(mine | theirs)


def turns(lists: Sequence[Sequence[Item]]) -> list[Item]:
    """Return the first of each list, then the second of each, and so on."""
    return [one for row in zip_longest(*lists) for one in row if one is not None]


def text_of(candidate: Candidate, span: Span) -> str:
    """Return the words of a candidate at a span of its source."""
    passage = candidate.passage
    return passage.text[span.start - passage.start : span.end - passage.start]

"""The words that answer, cut where a person would: no part of a number, no two cells, no time of a message. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.language.quantities import NUMBER_WORDS
from rag.schema import Block, Span

_WORDED = rf"(?:{'|'.join(NUMBER_WORDS)})"
_JOINED = r"(?:[\s-]+(?:and\s+)?)"
_BEFORE = re.compile(rf"(?:(?<![^\W_]){_WORDED}{_JOINED})+\Z", re.IGNORECASE)
_BEHIND = re.compile(rf"(?:{_JOINED}{_WORDED}(?![^\W_]))+", re.IGNORECASE)
_OPENS = re.compile(rf"{_WORDED}(?![^\W_])", re.IGNORECASE)
_CLOSES = re.compile(rf"(?<![^\W_]){_WORDED}\Z", re.IGNORECASE)
_DIGITS_BEFORE = re.compile(r"(?<![\w.,:/-])\d[\d.,:/-]*\Z")
_DIGITS_BEHIND = re.compile(r"[\d.,:/-]*\d")
_WHEN = re.compile(r"\b(?:when|what (?:time|day|date)|which day)\b", re.IGNORECASE)
_LONGEST = 60
"""Characters beside the words in which the rest of a number is looked for."""


def whole_words(
    words: Span, text: str, blocks: Sequence[Block], sentence: Span, question: str
) -> Span | None:
    """Return the words that answer with the whole of the numbers at their ends; None where they are no answer alone.

    Args:
        words: in offsets of the source.
        text: of the source.
        blocks: of the source.
        sentence: in which the words stand.
        question: that they answer.
    """
    if _is_of_cells(words, blocks) or (not _WHEN.search(question) and _is_stamp(words, blocks)):
        return None
    return _whole(words, text, sentence)


def _whole(words: Span, text: str, sentence: Span) -> Span:
    said = text[words.start : words.end]
    before = text[max(sentence.start, words.start - _LONGEST) : words.start]
    behind = text[words.end : min(sentence.end, words.end + _LONGEST)]
    start, end = words.start, words.end
    opens = _DIGITS_BEFORE if said[:1].isdigit() else _BEFORE if _OPENS.match(said) else None
    closes = _DIGITS_BEHIND if said[-1:].isdigit() else _BEHIND if _CLOSES.search(said) else None
    if opens and (found := opens.search(before)):
        start -= len(found[0])
    if closes and (found := closes.match(behind)):
        end += len(found[0])
    return Span(start=start, end=end)


def _is_of_cells(words: Span, blocks: Sequence[Block]) -> bool:
    """Tell whether words stand in several cells of a row."""
    cells = (one for one in blocks if one.kind == "cell")
    return sum(one.start < words.end and words.start < one.end for one in cells) > 1


def _is_stamp(words: Span, blocks: Sequence[Block]) -> bool:
    """Tell whether words stand before the name of who speaks, in the same message."""
    return any(
        one.kind == "paragraph"
        and one.start <= words.start
        and any(by.kind == "speaker" and words.end <= by.start < one.end for by in blocks)
        for one in blocks
        if one.start <= words.start < one.end
    )

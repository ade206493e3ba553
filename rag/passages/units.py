"""What passages are packed from: sentences with their token counts, and pieces of sentences that are too long.

Tokens are counted once for each sentence, together with the space before it. Added up, they are
about what the joined text has, so packing counts only what it has packed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rag.passages.sentences import Block, evened, find_blocks, sentences_of

_CLAUSE = re.compile(r"""[,;:—–)\]”’"»](?=\s)|[、，；：。！？]|\s[-—–](?=\s)""")
_NO_HEADING = re.compile(r"""[.!?…,;。！？।؟]["'”’»)\]]*$""")
_CLINGS = re.compile(r"[\u0300-\u036f\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")
_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[^\W_]")

_HEADING_CHARS = 100
_CHARS_PER_TOKEN = 6
"""More than prose has, so that one look ahead is nearly always far enough."""
_LONGEST_RULE = 200
"""Characters up to which a row of dots or dashes belongs to the text; a longer one says nothing that could be asked."""
_LONGEST_BIT = 64
"""The same of a piece that is cut from what is too long for a sentence."""
_MOST_CLINGING = 32
"""Marks that may belong to one character; more are no writing, and are cut like anything else."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, or a piece of one that is too long."""

    start: int
    end: int
    tokens: int
    lead: int
    """Tokens of the white space between the unit before and this one, where `tokens` does not hold it."""
    opens: bool
    """The first of its block."""
    heading: bool


def find_units(text: str, max_tokens: int, count: Callable[[str], int]) -> Iterator[Unit]:
    """Yield the units of `text` in order, each of at most `max_tokens`.

    Stretches of more than 200 characters without a letter or digit are left out.
    """
    even = evened(text)
    blocks = list(find_blocks(text))
    before = 0
    for number, block in enumerate(blocks, 1):
        sentences = list(sentences_of(block, even))
        heading = number < len(blocks) and len(sentences) == 1 and _is_heading(text, block)
        for start, end in sentences:
            if end - start > _LONGEST_RULE and not _WORD.search(text, start, end):
                continue
            gap = text[before:start]
            tokens = count(text[start - 1 : end] if gap == " " else text[start:end])
            if tokens <= max_tokens:
                lead = 0 if gap in {"", " "} else count(gap)
                yield Unit(start, end, tokens, lead, start == block.start, heading)
            else:
                yield from _cut(text, start, end, max_tokens, count, opens=start == block.start)
            before = end


def halves(text: str, unit: Unit, count: Callable[[str], int]) -> list[Unit]:
    """Cut a unit in two near its middle; a unit of one character is returned as it is."""
    middle = unit.start + (unit.end - unit.start + 1) // 2
    if middle == unit.end:
        return [unit]
    stop = _best_stop(text, unit.start, middle)
    start = _past_space(text, stop)
    return [
        _piece(text, unit.start, stop, count, opens=unit.opens),
        _piece(text, start, unit.end, count, opens=False),
    ]


def _is_heading(text: str, block: Block) -> bool:
    """Tell whether a block of one sentence, set apart, reads like a heading."""
    if not block.apart or block.end - block.start > _HEADING_CHARS:
        return False
    line = text[block.start : block.end]
    return not _NO_HEADING.search(line) and any(map(str.isalpha, line))


def _cut(
    text: str, start: int, end: int, max_tokens: int, count: Callable[[str], int], *, opens: bool
) -> Iterator[Unit]:
    """Cut a sentence into pieces of at most `max_tokens`; large ones without a letter or digit are left out."""
    lead = 1
    while start < end:
        stop = _furthest(text, start, end, max_tokens, count)
        if stop < end:
            stop = _best_stop(text, start, stop)
        piece = _piece(text, start, stop, count, opens=opens)
        if stop - start <= _LONGEST_BIT or _WORD.search(text, start, stop):
            yield replace(piece, lead=lead)
            opens, lead = False, 1
        else:
            lead = max_tokens
        start = _past_space(text, stop)


def _furthest(text: str, start: int, end: int, max_tokens: int, count: Callable[[str], int]) -> int:
    """Return an end up to which the text from `start` has at most `max_tokens`, and not many fewer."""
    stop = min(end, start + max_tokens * _CHARS_PER_TOKEN)
    while stop - start > 1 and (tokens := count(text[start:stop])) > max_tokens:
        stop = start + max(1, int((stop - start) * 0.97 * max_tokens / tokens))
    return stop


def _best_stop(text: str, start: int, stop: int) -> int:
    """Return where to cut at or before `stop`: behind a clause mark, else at a space, else between characters."""
    half = start + (stop - start) // 2
    clauses = [match.end() for match in _CLAUSE.finditer(text, half, stop + 1)]
    if clauses and clauses[-1] <= stop:
        return clauses[-1]
    for at in range(stop, half, -1):
        if text[at].isspace():
            return at
    whole = stop
    while stop - start > 1 and _CLINGS.match(text, stop):
        stop -= 1
        if whole - stop > _MOST_CLINGING:
            return whole
    return stop


def _past_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _piece(text: str, start: int, stop: int, count: Callable[[str], int], *, opens: bool) -> Unit:
    body = text[start:stop].rstrip()
    return Unit(start, start + len(body), count(body), 1, opens, heading=False)

"""Where sentences begin and end.

sentencex (Wikimedia) decides inside a block of running text; this module decides what a block is,
since a line break may be the end of a paragraph, of a list item, or only where an editor wrapped
the line. It knows nothing of tokens or passages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from rag.schema import Span

_BLANK = re.compile(r"[^\S ]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ENUMERATOR = re.compile(r"\(?(?:\d{1,3}|[A-Za-z]|[ivxlcIVXLC]{1,5})[.)]")
_ABBREVIATION = re.compile(r"\b(?:et al|approx|ca|cf|[Ff]igs?|[Ee]qs?|pp|resp|incl)\.$")
_LONGEST_ABBREVIATION = 12
_HOUR = re.compile(r"\d ?[ap]\.m\.$")
_DAY = re.compile(r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b")
_BULLET = re.compile(r"(?:[-*+•‣▪●○◦–—·|>]|#{1,6})\s")
_NUMBER = re.compile(rf"(?:{_ENUMERATOR.pattern})\s")
_LABEL = re.compile(r"[^\W\d_][^\n.,;:!?]{0,30}:\s")
_COMPLETE = re.compile(r"""[.!?…:;。！？।؟]["'”’»)\]]*$""")
_STOP = re.compile(r"""[.!?…。！？।؟]["'”’»)\]]*(?:\s+|$)""")
_BRACKETS = dict.fromkeys(map(ord, '“”«»„‟"()[]「」『』'), " ")
_OPENING = "“«„‟\"([「『‘'"
_MOST_OPENING = 3

_WIDEST_WRAP = 120
"""A longer line was not wrapped by an editor: it is a paragraph of its own."""
_WINDOW = 2500
"""Characters that sentencex reads at once: its time grows with the square of the unclosed quotes it meets."""
_LONG = 300
"""A longer sentence is opened: several sentences may stand inside its quotes or parentheses."""


@dataclass(frozen=True, slots=True)
class Block:
    """Running text without a deliberate line break: a paragraph, a heading, a list item, a row."""

    start: int
    end: int
    apart: bool
    """Nothing but an empty line, or the start of the text, stands before it."""


def split_sentences(text: str) -> tuple[Span, ...]:
    """Find the sentences of `text`.

    The end of a paragraph, heading or list item always ends a sentence.

    Returns:
        Spans without outer white space, ascending and disjoint; every non-blank character is in one
        of them.
    """
    even = evened(text)
    return tuple(
        Span(start=start, end=end)
        for block in find_blocks(text)
        for start, end in sentences_of(block, even)
    )


def evened(text: str) -> str:
    """Replace every white space by a plain one, one for one, so that offsets stay.

    sentencex 1.0.32 panics at a non-ASCII space after an initial, and does not take lone surrogates.
    """
    return _SURROGATE.sub("\ufffd", _BLANK.sub(" ", text))


def find_blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of `text` in order; together they hold every non-blank character."""
    for paragraph in find_lines(text):
        yield from _blocks_of(text, paragraph)


def find_lines(text: str) -> Iterator[list[tuple[int, int]]]:
    """Yield the lines of each paragraph, without outer white space: those without an empty one between."""
    paragraph: list[tuple[int, int]] = []
    offset = 0
    for line in text.splitlines(keepends=True):
        body = line.strip()
        if body:
            start = offset + len(line) - len(line.lstrip())
            paragraph.append((start, start + len(body)))
        elif paragraph:
            yield paragraph
            paragraph = []
        offset += len(line)
    if paragraph:
        yield paragraph


def lines_of(text: str, paragraph: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield a paragraph's lines, those that an editor wrapped joined to one."""
    for block in _blocks_of(text, paragraph):
        yield block.start, block.end


def sentences_of(block: Block, even: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each sentence of a block; `even` is the whole text, `evened`."""
    for start, end in _whole(even, _segments(even, block.start, block.end)):
        if end - start > _LONG:
            yield from _whole(even, _opened(even, start, end))
        else:
            yield start, end


def _blocks_of(text: str, lines: list[tuple[int, int]]) -> Iterator[Block]:
    """Cut a paragraph (lines without an empty one between) at its deliberate line breaks."""
    width = max(end - start for start, end in lines)
    block_start, last_end = lines[0]
    last_start, apart = block_start, True
    for start, end in lines[1:]:
        if _is_deliberate(text[last_start:last_end], text[start:end], width):
            yield Block(block_start, last_end, apart)
            block_start, apart = start, False
        last_start, last_end = start, end
    yield Block(block_start, last_end, apart)


def _is_deliberate(line: str, following: str, width: int) -> bool:
    """Tell whether a person, not an editor that wraps lines at `width`, broke the line here.

    An editor wraps where the next word would not fit. A break that left room for it was made on
    purpose, unless the sentence plainly runs on.
    """
    if _BULLET.match(following) or (" | " in f" {line} " and " | " in f" {following} "):
        return True
    if _LABEL.match(line) and _LABEL.match(following) and following[0].isupper():
        return True  # "From: Ann", "To: Ben"
    complete = _COMPLETE.search(line)
    if _NUMBER.match(following) and (complete or _NUMBER.match(line)):
        return True  # else it may be a number or an initial in running text
    if following[0].islower() and not complete:
        return False
    if width > _WIDEST_WRAP:
        return True
    word = following.split(maxsplit=1)[0]
    return len(line) + 1 + len(word) <= width


def _segments(even: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield what sentencex finds in a block, a window at a time; the last find in a window may go on beyond it."""
    while end - start > _WINDOW:
        window = even[start : start + _WINDOW]
        lengths = _segment(window)
        if len(lengths) > 1:
            lengths.pop()
        elif (space := window.rfind(" ")) > 0:
            lengths = [space + 1]
        for length in lengths:
            yield start, start + length
            start += length
    for length in _segment(even[start:end]):
        yield start, start + length
        start += length


def _segment(text: str) -> list[int]:
    """Return the lengths of the sentences of `text`, their trailing white space included; they add up to its own."""
    from sentencex import segment

    try:
        lengths = [len(sentence) for sentence in segment("en", text)]
    except BaseException as exc:
        if type(exc).__name__ != "PanicException":  # a panic in Rust derives from BaseException
            raise
        lengths = []
    if sum(lengths) != len(text):
        ends = [match.end() for match in _STOP.finditer(text)]
        bounds = sorted({0, *ends, len(text)})
        lengths = [after - before for before, after in pairwise(bounds)]
    return lengths


def _opened(even: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Split a long sentence at the sentences inside its quotes and parentheses, which sentencex keeps whole."""
    bounds = [start]
    for _, stop in _segments(even[start:end].translate(_BRACKETS), 0, end - start):
        stop += start
        earliest = max(bounds[-1] + 1, stop - _MOST_OPENING)
        while earliest < stop < end and even[stop - 1] in _OPENING:
            stop -= 1  # an opening mark belongs to what it opens
        bounds.append(stop)
    return pairwise(bounds)


def _runs_on(even: str, start: int, end: int, following: int) -> bool:
    """Tell whether what sentencex took for a sentence goes on with the next."""
    tail = even[max(start, end - _LONGEST_ABBREVIATION) : end]
    return (
        bool(_ENUMERATOR.fullmatch(even, start, end))
        or bool(_ABBREVIATION.search(tail))
        or bool(_HOUR.search(tail) and _DAY.match(even, following))
    )


def _whole(even: str, segments: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Trim segments, and join to a neighbour what is no sentence: `1.` to what it counts, `”` to what it closes."""
    held: tuple[int, int] | None = None
    for start, end in segments:
        body = even[start:end]
        stripped = body.strip()
        if not stripped:
            continue
        start += len(body) - len(body.lstrip())
        end = start + len(stripped)
        if held is None:
            held = start, end
        elif _runs_on(even, *held, start) or not any(map(str.isalnum, stripped)):
            held = held[0], end
        else:
            yield held
            held = start, end
    if held is not None:
        yield held

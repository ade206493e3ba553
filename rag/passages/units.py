"""What passages are packed from: sentences with their token counts, and pieces of sentences that are too long.

Tokens are counted once for each sentence, together with the space before it. Added up, they are
about what the joined text has, so packing counts only what it has packed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rag.language.paths import HEADS
from rag.passages.structure import find_units
from rag.schema import Context, Source, Unit

_CLAUSE = re.compile(r"""[,;:—–)\]”’"»](?=\s)|[、，；：。！？]|\s[-—–](?=\s)""")
_CLINGS = re.compile(r"[\u0300-\u036f\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")
_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[^\W_]")

_ROW_MARKS = frozenset(";,")
_KEY_CHARS = 120
_CHARS_PER_TOKEN = 6
"""More than prose has, so that one look ahead is nearly always far enough."""
_LONGEST_RULE = 200
"""Characters up to which a row of dots or dashes belongs to the text; a longer one says nothing that could be asked."""
_LONGEST_BIT = 64
"""The same of a piece that is cut from what is too long for a sentence."""
_MOST_CLINGING = 32
"""Marks that may belong to one character; more are no writing, and are cut like anything else."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A unit of a source, or a part of one that is too long, and what packing must know of it."""

    unit: Unit
    tokens: int
    lead: int
    """Tokens of the white space between the piece before and this one, where `tokens` does not hold it."""
    opens: bool
    """The first of its block."""
    heading: bool
    """It heads what follows."""

    @property
    def start(self) -> int:
        """Where it starts in the source's text."""
        return self.unit.start

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.unit.end


def find_pieces(source: Source, max_tokens: int, count: Callable[[str], int]) -> Iterator[Piece]:
    """Yield the pieces of a source in order, each of at most `max_tokens`.

    Stretches of more than 200 characters without a letter or digit are left out.
    """
    text, before = source.text, 0
    for unit, opens in find_units(source):
        if unit.end - unit.start > _LONGEST_RULE and not _WORD.search(text, unit.start, unit.end):
            continue
        gap = text[before : unit.start]
        tokens = count(
            text[unit.start - 1 : unit.end] if gap == " " else text[unit.start : unit.end]
        )
        if tokens <= max_tokens:
            lead = 0 if gap in {"", " "} else count(gap)
            yield Piece(unit, tokens, lead, opens, unit.kind in HEADS)
        else:
            yield from _cut(text, unit, max_tokens, count, opens=opens)
        before = unit.end


def halves(text: str, piece: Piece, count: Callable[[str], int]) -> list[Piece]:
    """Cut a piece in two near its middle; one of a single character is returned as it is."""
    middle = piece.start + (piece.end - piece.start + 1) // 2
    if middle == piece.end:
        return [piece]
    stop = _row_stop(text, piece.unit, piece.start, middle) or _best_stop(text, piece.start, middle)
    start = _past_space(text, stop)
    return [
        _piece(text, piece.unit, piece.start, stop, count, opens=piece.opens),
        _piece(text, piece.unit, start, piece.end, count, opens=False),
    ]


def _cut(
    text: str, unit: Unit, max_tokens: int, count: Callable[[str], int], *, opens: bool
) -> Iterator[Piece]:
    """Cut a unit into pieces of at most `max_tokens`; large ones without a letter or digit are left out."""
    start, lead = unit.start, 1
    while start < unit.end:
        stop = _furthest(text, start, unit.end, max_tokens, count)
        if stop < unit.end:
            stop = _row_stop(text, unit, start, stop) or _best_stop(text, start, stop)
        piece = _piece(text, unit, start, stop, count, opens=opens)
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


def _row_stop(text: str, unit: Unit, start: int, stop: int) -> int:
    """Return where to cut a row at or before `stop`: behind a cell, with its name and value whole; else 0."""
    half = start + (stop - start) // 2
    ends = [cell.end + (text[cell.end : cell.end + 1] in _ROW_MARKS) for cell in unit.cells]
    return max((end for end in ends if half < end <= stop), default=0)


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


def _piece(
    text: str, unit: Unit, start: int, stop: int, count: Callable[[str], int], *, opens: bool
) -> Piece:
    """Return a part of a unit; the part of a row knows the row's key and keeps the cells that it holds whole."""
    body = text[start:stop].rstrip()
    end = start + len(body)
    path = unit.path
    if unit.cells and start > unit.start:
        path = (*path, _key(text, unit))
    cells = tuple(one for one in unit.cells if start <= one.start and one.end <= end)
    part = replace(unit, start=start, end=end, path=path, cells=cells)
    return Piece(part, count(body), 1, opens, heading=False)


def _key(text: str, unit: Unit) -> Context:
    """Return what tells a row: its first cells, as many as are short together."""
    end = unit.cells[0].end
    for cell in unit.cells[1:]:
        if cell.end - unit.start > _KEY_CHARS:
            break
        end = cell.end
    words = " ".join(text[unit.start : end].split())[:_KEY_CHARS]
    return Context(kind="cell", start=unit.start, end=end, text=words)

"""Where the sentences of a line are. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.citations.words import word_set
from rag.schema import Span

_SPACES = re.compile(r"[\s\ud800-\udfff]")
"""sentencex 1.0 panics, past `except Exception`, on some of these."""
_WINDOW = 1000
"""Characters that sentencex reads at once: its time grows with the square of the quotes left open. Only a sentence of
half as many or more can be cut."""
_ANSWERS = word_set("yes no yeah yep nope correct right true false indeed")
_WORDS = re.compile(r"\w+")


def split_sentences(line: str) -> tuple[Span, ...]:
    """Return the sentences of one line, ascending and disjoint, without white space around them.

    A bare "Yes." or "No." belongs to the sentence behind it: it claims nothing by itself.
    """
    spans: list[Span] = []
    pending: int | None = None
    for start, end in _boundaries(_SPACES.sub(" ", line)):
        first = start if pending is None else pending
        pending = None
        words = _WORDS.findall(line[first:end].lower())
        if len(words) == 1 and words[0] in _ANSWERS:
            pending = first
        else:
            spans.append(Span(start=first, end=end))
    if pending is not None:
        spans.append(Span(start=pending, end=len(line.rstrip())))
    return tuple(spans)


def _boundaries(even: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each sentence, read a window at a time."""
    from sentencex import segment

    at = 0
    while at < len(even):
        stop = at + _WINDOW
        if stop < len(even):
            stop = even.rfind(" ", at + 1, stop) + 1 or stop
        pieces = segment("en", even[at:stop])
        if stop < len(even) and len(pieces) > 1 and len(pieces[-1]) < _WINDOW // 2:
            stop -= len(pieces.pop())  # its end may be in the next window
        for piece in pieces:
            said = piece.strip()
            if said:
                start = at + len(piece) - len(piece.lstrip())
                yield start, start + len(said)
            at += len(piece)
        at = stop

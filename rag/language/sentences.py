"""Where sentences begin and end.

sentencex (Wikimedia) decides inside a block of running text; `lines` decides what a block is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from rag.language.abbreviations import ABBREVIATED, ALSO_WORDS
from rag.language.dates import MONTH_NAMES, WEEKDAYS
from rag.language.languages import language_of
from rag.language.lines import ENUMERATOR, Run, find_runs
from rag.schema import Span

_BLANK = re.compile(r"[^\S ]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ENDING = re.compile(r"(?<![^\W_])((?:[^\W\d_]{1,8}\.){1,3})$")
"""The abbreviation that a segment may end with."""
_GOES_ON = re.compile(r"[-–/,;:)\]%]")
"""No sentence begins with one of these right behind the full stop of another."""
_LABEL = re.compile(r"\d|[IVXLC]+\b|[A-Z]\b|[(#§]\d")
"""What is counted or named by a number or a letter."""
_SMALL = re.compile(r"[a-z\d(%]|[A-Z]{3}\b")
"""A small letter, a digit, a currency."""
_WHEN = re.compile(
    rf"(?:{'|'.join(WEEKDAYS + MONTH_NAMES)}|weekend|daily|eastern|central|mountain|pacific)s?\b",
    re.IGNORECASE,
)
_ZONE = re.compile(r"(?:[A-Z]{2,3}T|GMT|UTC)\b")
_LAST_WORD = re.compile(rf"(?<!\w)((?:{'|'.join(sorted(ALSO_WORDS))})\.) +(?=[A-Z][a-z])")
"""A word of a sentence that is taken for an abbreviation though no number follows: "The answer is no. He left."."""
_STOP = re.compile(r"""[.!?…。！？।؟]["'”’»)\]]*(?:\s+|$)""")
_BRACKETS = dict.fromkeys(map(ord, '“”«»„‟"()[]「」『』'), " ")
_OPENING = "“«„‟\"([「『‘'"
_MOST_OPENING = 3
_ANSWERS = frozenset("yes no yeah yep nope correct right true false indeed".split())
_WORDS = re.compile(r"\w+")

_LONGEST_ABBREVIATION = 12
_KNOWN = frozenset("da de es it nl pt ru".split())
"""Languages, besides English, whose abbreviations sentencex knows better than the English ones."""
_WINDOW = 2500
"""Characters that sentencex reads at once: its time grows with the square of the unclosed quotes it meets."""
_LONG = 300
"""A longer sentence is opened: several sentences may stand inside its quotes or parentheses."""


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
        for run in find_runs(text)
        for start, end in sentences_of(run, even)
    )


def split_claims(line: str) -> tuple[Span, ...]:
    """Find the sentences of one line that claim something by themselves.

    A bare "Yes." or "No." belongs to the sentence behind it.

    Returns:
        As `split_sentences`; line breaks mean nothing.
    """
    spans: list[Span] = []
    pending: int | None = None
    for start, end in sentences_of(Run(0, len(line), apart=True), evened(line)):
        first = start if pending is None else pending
        words = _WORDS.findall(line[first:end].lower())
        pending = first if len(words) == 1 and words[0] in _ANSWERS else None
        if pending is None:
            spans.append(Span(start=first, end=end))
    if pending is not None:
        spans.append(Span(start=pending, end=len(line.rstrip())))
    return tuple(spans)


def evened(text: str) -> str:
    """Replace every white space by a plain one, one for one, so that offsets stay.

    sentencex 1.0.32 panics at a non-ASCII space after an initial, and does not take lone surrogates.
    """
    return _SURROGATE.sub("\ufffd", _BLANK.sub(" ", text))


def sentences_of(run: Run, even: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each sentence of a run; `even` is the whole text, `evened`."""
    language = language_of(even)
    known = language if language in _KNOWN else "en"
    for start, end in _whole(even, _segments(even, run.start, run.end, known)):
        if end - start > _LONG:
            yield from _whole(even, _opened(even, start, end, known))
            continue
        for last in _LAST_WORD.finditer(even, start, end):
            yield start, last.end(1)
            start = last.end()
        yield start, end


def _segments(even: str, start: int, end: int, language: str) -> Iterator[tuple[int, int]]:
    """Yield what sentencex finds in a block, a window at a time; the last find in a window may go on beyond it."""
    while end - start > _WINDOW:
        window = even[start : start + _WINDOW]
        lengths = _segment(window, language)
        if len(lengths) > 1:
            lengths.pop()
        elif (space := window.rfind(" ")) > 0:
            lengths = [space + 1]
        for length in lengths:
            yield start, start + length
            start += length
    for length in _segment(even[start:end], language):
        yield start, start + length
        start += length


def _segment(text: str, language: str) -> list[int]:
    """Return the lengths of the sentences of `text`, their trailing white space included; they add up to its own."""
    from sentencex import segment

    try:
        lengths = [len(sentence) for sentence in segment(language, text)]
    except BaseException as exc:
        if type(exc).__name__ != "PanicException":  # a panic in Rust derives from BaseException
            raise
        lengths = []
    if sum(lengths) != len(text):
        ends = [match.end() for match in _STOP.finditer(text)]
        bounds = sorted({0, *ends, len(text)})
        lengths = [after - before for before, after in pairwise(bounds)]
    return lengths


def _opened(even: str, start: int, end: int, language: str) -> Iterator[tuple[int, int]]:
    """Split a long sentence at the sentences inside its quotes and parentheses, which sentencex keeps whole."""
    bounds = [start]
    for _, stop in _segments(even[start:end].translate(_BRACKETS), 0, end - start, language):
        stop += start
        earliest = max(bounds[-1] + 1, stop - _MOST_OPENING)
        while earliest < stop < end and even[stop - 1] in _OPENING:
            stop -= 1  # an opening mark belongs to what it opens
        bounds.append(stop)
    return pairwise(bounds)


def _runs_on(even: str, start: int, end: int, following: int) -> bool:
    """Tell whether what sentencex took for a sentence goes on with the next."""
    if ENUMERATOR.fullmatch(even, start, end) or (end == following and _GOES_ON.match(even, end)):
        return True
    found = _ENDING.search(even, max(start, end - _LONGEST_ABBREVIATION), end)
    if not found or even[following - 1 : following] == "\n":
        return False
    short = found[1].rstrip(".")
    kind = ABBREVIATED.get(short) or ABBREVIATED.get(short.lower())
    if kind == "hour":
        return bool(_WHEN.match(even, following) or _ZONE.match(even, following))
    if kind == "label":
        return bool(_LABEL.match(even, following))
    if kind in {"measure", "date"}:
        return bool(_SMALL.match(even, following))
    return kind == "lead"


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

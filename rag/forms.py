"""The form of an answer's text, as spans of it: paragraphs, headings, lists and tables. Pure.

Answers are written in a small part of Markdown; every interface draws it in its own way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.schema import Answer, EmphasisKind, Span, Statement

FormKind = Literal["paragraph", "heading", "bullets", "numbers", "table"]

_LINE = re.compile(r"[^\n]+")
_HEADING = re.compile(r"#{1,6} +(?=\S)")
_BULLET = re.compile(r"[-*•] +(?=\S)")
_NUMBER = re.compile(r"(\d{1,3})[.)] +(?=\S)")
_ROW = re.compile(r"\|.*\|\s*")
_RULE = re.compile(r"\|(?:\s*:?-+:?\s*\|)+\s*")
_CELL = re.compile(r"\|\s*([^|]*?)\s*(?=\|)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A part of a text that is drawn in one way."""

    kind: FormKind
    rows: tuple[tuple[Span, ...], ...]
    """Of a table, the cells of each row, its head first; of others one span a line or item, without its mark."""
    lines: tuple[Span, ...]
    """The same with their marks: a sentence that is a row begins before its first cell."""
    first: int = 1
    """Number of the first item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    kind: FormKind
    whole: Span
    span: Span
    """Without its mark."""
    number: int = 1


def forms(answer: Answer, start: int, end: int) -> Iterator[Form]:
    """Yield the parts of a stretch of an answer's text in order; the words of a source are never headings or tables.

    Args:
        answer: whose text it is.
        start: of the stretch, in `Answer.text`.
        end: behind the stretch.
    """
    written = not answer.model.startswith("extractive")
    lines = [
        _line(answer.text, start + match.start(), start + match.end(), written=written)
        for match in _LINE.finditer(answer.text[start:end])
        if match.group().strip()
    ]
    groups: list[list[_Line]] = []
    for line in lines:
        if groups and _goes_on(groups[-1][-1], line, answer.text):
            groups[-1].append(line)
        else:
            groups.append([line])
    for group in groups:
        yield _form(group, answer.text)


def emphasised(
    answer: Answer, start: int, end: int
) -> Iterator[tuple[str, EmphasisKind | Literal["plain"]]]:
    """Yield a stretch of an answer's text in pieces, each with how its model set it."""
    at = start
    for one in answer.emphases:
        low, high = max(at, one.start), min(end, one.end)
        if low < high:
            yield answer.text[at:low], "plain"
            yield answer.text[low:high], one.kind
            at = high
    yield answer.text[at:end], "plain"


def begun_in(answer: Answer, span: Span) -> list[Statement]:
    """Return the statements that begin in a stretch of an answer's text."""
    return [one for one in answer.statements if span.start <= one.start < span.end]


def _line(text: str, start: int, end: int, *, written: bool) -> _Line:
    """Return what a line is, and its words."""
    said = text[start:end]
    whole = Span(start=start, end=end)
    if number := _NUMBER.match(said):
        rest = Span(start=start + number.end(), end=end)
        return _Line(kind="numbers", whole=whole, span=rest, number=int(number[1]))
    if bullet := _BULLET.match(said):
        rest = Span(start=start + bullet.end(), end=end)
        return _Line(kind="bullets", whole=whole, span=rest)
    if written and (heading := _HEADING.match(said)):
        rest = Span(start=start + heading.end(), end=end)
        return _Line(kind="heading", whole=whole, span=rest)
    kind: FormKind = "table" if written and _ROW.fullmatch(said) else "paragraph"
    return _Line(kind=kind, whole=whole, span=whole)


def _goes_on(before: _Line, line: _Line, text: str) -> bool:
    """Tell whether a line belongs to the same part as the one before it; an empty line ends no list."""
    if line.kind != before.kind or line.kind == "heading":
        return False
    return (
        line.kind in {"bullets", "numbers"} or "\n\n" not in text[before.span.end : line.span.start]
    )


def _form(lines: Sequence[_Line], text: str) -> Form:
    """Return the part that lines of one kind make; rows without a rule under their head are a paragraph."""
    kind = lines[0].kind
    said = [text[line.span.start : line.span.end] for line in lines]
    if kind == "table" and len(lines) > 2 and _RULE.fullmatch(said[1]):
        rows = tuple(line.whole for line in (lines[0], *lines[2:]))
        return Form(kind=kind, lines=rows, rows=tuple(tuple(_cells(row, text)) for row in rows))
    if kind in {"table", "paragraph"}:
        whole = Span(start=lines[0].span.start, end=lines[-1].span.end)
        return Form(kind="paragraph", lines=(whole,), rows=((whole,),))
    return Form(
        kind=kind,
        lines=tuple(line.whole for line in lines),
        rows=tuple((line.span,) for line in lines),
        first=lines[0].number,
    )


def _cells(row: Span, text: str) -> Iterator[Span]:
    for match in _CELL.finditer(text[row.start : row.end]):
        yield Span(start=row.start + match.start(1), end=row.start + match.end(1))

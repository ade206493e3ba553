"""How answers, passages, sources and sync reports read as lines; pure, and knows no terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from rag import outcome
from rag.cli.render import Paragraph, StyledText, in_line
from rag.forms import Form, begun_in, emphasised, forms

if TYPE_CHECKING:
    from rag.schema import (
        AbsenceReason,
        Answer,
        Citation,
        Fate,
        FileReport,
        ScoredPassage,
        SourceInfo,
        Statement,
        SyncReport,
        Verdict,
    )

_MARKER = re.compile(r"\[(\d{1,4})\]")
_MARKERS = re.compile(r"(?:\s*\[\d{1,4}\])*")
_FLAGS: dict[Verdict, tuple[str, str]] = {
    "weak": ("weakly supported", "yellow"),
    "unsupported": ("not supported", "red"),
}
_FATES: dict[Fate, str] = {
    "added": "green",
    "updated": "green",
    "unchanged": "",
    "removed": "yellow",
    "excluded": "yellow",
    "failed": "red",
    "unreachable": "yellow",
    "held": "yellow",
}
_ABSENCES: dict[AbsenceReason, str] = {
    "unreachable": "out of reach at the moment",
    "held": "missing from its folder, not cited",
}
_SET = {"strong": "bold", "code": "green"}
_SNIPPET_CHARS = 300
_WIDEST = 110
"""Characters of a row up to which the columns of a table stand below each other."""


def answer_lines(answer: Answer) -> Iterator[Paragraph]:
    """Lay an answer out: the words that answer, the sentences that hold them, what else is to be said, its citations.

    A guess begins with what it is, and the reason why it is one; where nothing answers, what comes closest follows.
    """
    if answer.status == "unanswered":
        yield from _unanswered(answer)
    else:
        yield from _answered(answer)
    found = outcome.closest(answer)
    if found:
        yield Paragraph()
        yield Paragraph.of(f"{outcome.CLOSEST}:", "bold")
    for one in found:
        yield Paragraph()
        yield from _near(one)


def _unanswered(answer: Answer) -> Iterator[Paragraph]:
    message = answer.reason.message if answer.reason is not None else answer.text
    head = outcome.headline(answer)
    pieces = [StyledText(text=message, style="yellow" if head else "")]
    if head:
        pieces.insert(0, StyledText(text=f"{head}. ", style="bold yellow"))
    yield Paragraph(pieces=tuple(pieces))


def _answered(answer: Answer) -> Iterator[Paragraph]:
    label = f"{outcome.headline(answer)}: "
    guess = StyledText(text=label if answer.status == "likely" else "", style="bold yellow")
    if answer.short is not None:
        markers = "".join(f"[{marker}]" for marker in answer.short.markers)
        style = "bold yellow" if guess.text else "bold"
        words = StyledText(text=" ".join(answer.short.text.split()), style=style)
        yield Paragraph(pieces=(guess, words, StyledText(text=f" {markers}", style="bold cyan")))
        guess = StyledText(text="")
    shown: set[str] = set()
    for number, piece in enumerate(outcome.pieces(answer)):
        if number or answer.short is not None:
            yield Paragraph()
        if guess.text and piece.path:
            yield Paragraph(pieces=(replace(guess, text=label.strip()),))
            guess = StyledText(text="")
        if piece.path:
            yield Paragraph.of(in_line(piece.path), "dim")
        shown.add(piece.path)
        if outcome.says_more(answer):
            first, *others = _formed(answer, piece) or [Paragraph()]
            yield replace(first, pieces=tuple(filter(_is_seen, (guess, *first.pieces))))
            yield from others
            guess = StyledText(text="")
    if answer.reason is not None:
        yield Paragraph()
        yield Paragraph.of(answer.reason.message, "yellow")
    if answer.caveat:
        yield Paragraph()
        yield Paragraph.of(answer.caveat, "yellow")
    for citation in answer.citations:
        yield Paragraph()
        yield from _citation(citation, answer, shown)


def _formed(answer: Answer, piece: outcome.Stretch) -> list[Paragraph]:
    """Give the parts of a stretch of an answer: headings bold, the columns of tables below each other."""
    at = piece.start
    parts: list[Paragraph] = []
    for form in forms(answer, piece.start, piece.end):
        start, end = form.lines[0].start, form.lines[-1].end
        if parts and "\n\n" in answer.text[at:start]:
            parts.append(Paragraph())
        at = end
        if form.kind == "table":
            parts.extend(_table(answer, form))
        elif form.kind == "heading":
            words = form.rows[0][0]
            parts.append(Paragraph.of(answer.text[words.start : words.end], "bold"))
        else:
            seen = filter(_is_seen, _flagged(answer, start, end))
            parts.append(Paragraph(pieces=tuple(seen)))
    return parts


def _table(answer: Answer, form: Form) -> Iterator[Paragraph]:
    """Give the rows of a table, a flag behind those that its sources do not bear."""
    rows = [[answer.text[cell.start : cell.end] for cell in row] for row in form.rows]
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    if sum(widths) > _WIDEST:
        widths = [0] * len(widths)
    for row, line in zip(rows, form.lines, strict=True):
        said = " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        flags = (_flag(one) for one in begun_in(answer, line) if one.verdict in _FLAGS)
        yield Paragraph(pieces=(*_marked(said.rstrip()), *flags))


def _flagged(answer: Answer, start: int, end: int) -> Iterator[StyledText]:
    """Give a stretch of an answer's text, with a flag behind each sentence that its sources do not bear."""
    position = start
    for statement in answer.statements:
        if not start <= statement.start < end:
            continue
        # The flag goes behind the markers, also where they stand outside the sentence's span.
        markers = _MARKERS.match(answer.text, statement.end)
        behind = markers.end() if markers is not None else statement.end
        yield from _set(answer, position, behind)
        position = behind
        if statement.verdict in _FLAGS:
            yield _flag(statement)
    yield from _set(answer, position, end)


def _set(answer: Answer, start: int, end: int) -> Iterator[StyledText]:
    """Give a stretch of an answer's text, bold and code in styles of their own."""
    for text, kind in emphasised(answer, start, end):
        for piece in _marked(text):
            yield replace(piece, style=piece.style or _SET.get(kind, ""))


def _flag(statement: Statement) -> StyledText:
    text, style = _FLAGS[statement.verdict]
    why = f": {statement.why})" if statement.why else ")"
    return StyledText(text=f" ({text}{why}", style=style)


def _is_seen(piece: StyledText) -> bool:
    return bool(piece.text)


def _marked(text: str) -> Iterator[StyledText]:
    """Give text with its markers in a style of their own."""
    position = 0
    for marker in _MARKER.finditer(text):
        yield StyledText(text=text[position : marker.start()])
        yield StyledText(text=marker.group(), style="bold cyan")
        position = marker.end()
    yield StyledText(text=text[position:])


def _citation(citation: Citation, answer: Answer, shown: set[str]) -> Iterator[Paragraph]:
    """Give a quote and its place, with its path unless that stands above the answer."""
    yield Paragraph(
        pieces=(
            StyledText(text=f"[{citation.marker}]", style="bold cyan"),
            StyledText(text=f" {_name(citation.source_id, citation.title)}"),
            StyledText(
                text=_where(citation.start, citation.end, outcome.where(citation)), style="dim"
            ),
        )
    )
    path = outcome.path_of(citation, titled=False)
    if path and outcome.path_of(citation, answer.citations) not in shown:
        yield Paragraph.of(in_line(path), "dim", indent=4)
    yield _quote(citation.quote)


def _near(found: ScoredPassage) -> Iterator[Paragraph]:
    """Give a passage beside an answer: the sentence of its decisive words, which are marked, and its path."""
    passage = found.passage
    yield Paragraph(
        pieces=(
            StyledText(text=f"{found.rank}. ", style="bold"),
            StyledText(text=in_line(passage.source_id)),
            StyledText(text=_where(passage.start, passage.end), style="dim"),
        )
    )
    if path := outcome.path_to(found):
        yield Paragraph.of(in_line(path), "dim", indent=4)
    near = outcome.excerpt(found)
    words = f"»{near.words}«" if near.words else ""
    yield Paragraph(
        pieces=(
            StyledText(text=f"> {near.before}"),
            StyledText(text=words, style="bold"),
            StyledText(text=near.after),
        ),
        indent=4,
    )


def _quote(text: str) -> Paragraph:
    return Paragraph.of("\n".join(f"> {row}" for row in text.splitlines()), indent=4)


def _name(source_id: str, title: str) -> str:
    """Name a source by its title and its file, or once where the one is made from the other."""
    stem = source_id.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if _letters(title) in {"", _letters(source_id), _letters(stem)}:
        return in_line(source_id)
    return f"{in_line(title)} ({in_line(source_id)})"


def _letters(name: str) -> str:
    return "".join(char for char in name.casefold() if char.isalnum())


def _where(start: int, end: int, place: str = "") -> str:
    """Say where the words stand; offsets count characters of the source's text from 0."""
    return f"{f', {in_line(place)}' if place else ''}, characters {start}-{end}"


def found_lines(found: tuple[ScoredPassage, ...]) -> Iterator[Paragraph]:
    """Lay search results out, best first."""
    for number, passage in enumerate(found):
        if number:
            yield Paragraph()
        yield from _found(passage, passage.passage.text)


def _found(found: ScoredPassage, text: str) -> Iterator[Paragraph]:
    passage = found.passage
    where = f"{_where(passage.start, passage.end)}, score {found.score:.3f}"
    yield Paragraph(
        pieces=(
            StyledText(text=f"{found.rank}. ", style="bold"),
            StyledText(text=in_line(passage.source_id)),
            StyledText(text=where, style="dim"),
        )
    )
    yield Paragraph.of(snippet(text), indent=4)


def snippet(text: str) -> str:
    """Return the beginning of a text on one line, cut between words."""
    text = " ".join(text.split())
    if len(text) <= _SNIPPET_CHARS:
        return text
    return text[:_SNIPPET_CHARS].rsplit(" ", 1)[0] + " ..."


def source_lines(sources: tuple[SourceInfo, ...]) -> Iterator[Paragraph]:
    """Lay sources out for a person."""
    for source in sources:
        pages = f"{count(source.n_pages, 'page')}, " if source.n_pages else ""
        yield Paragraph.of(_name(source.source_id, source.title), "bold")
        yield Paragraph.of(
            f"{pages}{count(source.n_passages, 'passage')}, {count(source.n_chars, 'character')},"
            f" {source.media_type}, indexed {source.indexed_at[:16].replace('T', ' ')} UTC"
            f" from {in_line(source.origin)}"
            + (f", {_ABSENCES[source.absence]}" if source.absence else ""),
            "dim",
            indent=4,
        )


def source_rows(sources: tuple[SourceInfo, ...]) -> Iterator[Paragraph]:
    """Lay sources out for a program: one a line, fields separated by tabs, without a heading."""
    for source in sources:
        fields = (
            source.source_id,
            source.title,
            source.media_type,
            str(source.n_pages),
            str(source.n_passages),
            str(source.n_chars),
            source.indexed_at,
            source.origin,
        )
        yield Paragraph.of("\t".join(in_line(field) for field in fields))


def report_lines(report: SyncReport, *, every: bool = False) -> Iterator[Paragraph]:
    """Lay a sync out: each file's fate and reason, then the sums.

    Args:
        report: what a sync did.
        every: name also the files that are unchanged and give no cause for a word.
    """
    for file in report.files:
        if every or file.fate != "unchanged" or file.reason:
            yield _fate(file)
    sums = ", ".join(f"{len(of)} {fate}" for fate in _FATES if (of := report.of(fate)))
    yield Paragraph.of(
        f"{count(len(report.files), 'file')}: {sums or 'nothing to do'};"
        f" {count(report.n_embedded, 'passage')} embedded in {report.seconds:.1f} s.",
        "bold",
    )


def _fate(file: FileReport) -> Paragraph:
    why = file.message or file.reason.replace("_", " ")
    return Paragraph(
        pieces=(
            StyledText(text=f"{file.fate:<9} ", style=_FATES[file.fate]),
            StyledText(text=in_line(file.source_id)),
            StyledText(text=f": {in_line(why)}" if why else "", style="dim"),
        )
    )


def count(number: int, noun: str) -> str:
    """Say a number of things: `1 file`, `2,000 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"

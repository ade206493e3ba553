"""Which lines of a text belong together: a paragraph falls into stanzas where something else begins in it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.language.lines import Line, find_paragraphs
from rag.language.marks import (
    ANSWERS,
    ASKED,
    ASKS,
    HASHES,
    QUOTED,
    SAID,
    STAMP,
    is_headline,
    is_numbered_question,
    is_question,
    is_said,
    is_underlined,
)
from rag.language.tables import columned
from rag.language.talks import Talk

_LONGEST_ASKED = 400
"""Characters of the lines of a question, as they are indented."""
_FEWEST = 2
_MOSTLY = 0.6


@dataclass(frozen=True, slots=True)
class Stanza:
    """Lines that belong together."""

    lines: tuple[Line, ...]
    apart: bool = True
    """Nothing but an empty line, or the start of the text, stands before them."""
    ends: bool = True
    """Nothing but an empty line, or the end of the text, stands behind them."""


class Stanzas:
    """The stanzas of a text, in order, and what had to be known of the whole text to find them."""

    def __init__(self, text: str) -> None:
        self._text = text
        paragraphs = [*find_paragraphs(text)]
        self.lines = [line for paragraph in paragraphs for line in paragraph]
        """All lines that hold something."""
        self.talk = Talk(text, self.lines)
        """Who speaks."""
        self._asks = any(ASKS.match(self._said(line)) for line in self.lines)
        self.is_faq = not self.talk and self._count_questions(paragraphs) >= _FEWEST
        """Whether lines that are questions head their answers, wherever they stand."""
        self.found = [part for paragraph in paragraphs for part in self._parted(paragraph)]
        """The stanzas."""

    def _said(self, line: Line) -> str:
        return self._text[line[0] : line[1]]

    def _count_questions(self, paragraphs: Sequence[Sequence[Line]]) -> int:
        """Count the lines that are questions by themselves, those of speech in quotes left out."""
        return sum(
            self._is_own_question(paragraph, at)
            for paragraph in paragraphs
            for at in range(len(paragraph))
        )

    def _is_own_question(self, paragraph: Sequence[Line], at: int) -> bool:
        said = self._said(paragraph[at])
        if not is_question(said):
            return False
        before = self._said(paragraph[at - 1]) if at else ""
        return not before or bool(SAID.search(before)) or (at == 1 and is_headline(before))

    def _parted(self, paragraph: list[Line]) -> Iterator[Stanza]:
        """Part a paragraph before marked headings, questions, turns and dated lines, and behind the first two."""
        marked = {
            at: count
            for at in range(len(paragraph))
            if (count := marked_lines(self._text, paragraph, at))
        }
        stamps = sum(bool(STAMP.match(self._said(line))) for line in paragraph)
        stamped = stamps >= max(_FEWEST, _MOSTLY * len(paragraph)) and not columned(
            self._text, paragraph
        )
        first, at = 0, 0
        while at < len(paragraph):
            if at > first and (at in marked or self._begins(paragraph, at, stamped=stamped)):
                yield self._stanza(paragraph, first, at)
                first = at
            at += marked.get(at, 1)
            if first + marked.get(first, 0) == at or self._has_asked(paragraph, first, at):
                yield self._stanza(paragraph, first, at)
                first = at
        if first < len(paragraph):
            yield self._stanza(paragraph, first, len(paragraph))

    @staticmethod
    def _stanza(paragraph: list[Line], first: int, last: int) -> Stanza:
        return Stanza(tuple(paragraph[first:last]), first == 0, last == len(paragraph))

    def _begins(self, paragraph: Sequence[Line], at: int, *, stamped: bool) -> bool:
        """Tell whether a line of a paragraph begins a stanza."""
        line, before = paragraph[at], self._said(paragraph[at - 1])
        said = self._said(line)
        depth = depth_of(said)
        if depth or depth_of(before):
            return self._quote_parts(paragraph, at)
        if self.talk.turn(line) or self.talk.head(line) or (stamped and STAMP.match(said)):
            return True
        if ASKS.match(said) or (self._asks and ANSWERS.match(said)):
            return True
        if not ASKED.search(said):
            return False
        numbered = is_numbered_question(said) and is_said(before)
        return numbered or (self.is_faq and self._is_own_question(paragraph, at))

    def _has_asked(self, paragraph: Sequence[Line], first: int, last: int) -> bool:
        """Tell whether the lines so far are a question that the next ones answer."""
        if last == len(paragraph) or self.talk:
            return False
        if paragraph[last - 1][1] - paragraph[first][0] > _LONGEST_ASKED:
            return False
        said = " ".join(self._said(line) for line in paragraph[first:last])
        if "-->" in said:
            return False
        return is_question(said) and (not first or self.is_faq or is_numbered_question(said))

    def _quote_parts(self, paragraph: Sequence[Line], at: int) -> bool:
        """Tell whether a quote begins or ends before a line, or a paragraph of it: behind it an empty line stays."""
        said, before = self._said(paragraph[at]), self._said(paragraph[at - 1])
        if depth_of(said) != depth_of(before):
            return True
        goes_on = at + 1 < len(paragraph) and depth_of(self._said(paragraph[at + 1])) == depth_of(
            said
        )
        return not said.strip("> ") and bool(before.strip("> ")) and goes_on


def depth_of(said: str) -> int:
    """Return how deep a line is quoted, by the `>` before it."""
    quoted = QUOTED.match(said)
    return quoted[0].count(">") if quoted else 0


def marked_lines(text: str, lines: Sequence[Line], at: int) -> int:
    """Return how many lines the heading with a mark or a rule has that begins at a line; 0 where none does."""
    said, *following = (text[slice(*line)] for line in lines[at : at + 3])
    if HASHES.match(said):
        return 1
    if len(following) == 2 and said == following[1] and is_underlined(following[0], said):
        return 3
    return 2 if following and is_underlined(said, following[0]) else 0

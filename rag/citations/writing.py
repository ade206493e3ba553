"""Puts sentences and their citations together: text, numbered markers, statements at their offsets. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rag.citations.evidence import CitablePassage, Draft, quote
from rag.citations.plain import harmless, visible
from rag.schema import Citation, Span, Statement, Step, Verdict

Pick = tuple[CitablePassage, Span]


class Writer:
    """Grows a draft from left to right; the same words cited twice keep their marker."""

    def __init__(self) -> None:
        self._text = ""
        self._statements: list[Statement] = []
        self._citations: dict[tuple[str, int, int], Citation] = {}

    def say(self, text: str) -> None:
        """Append what is no statement: white space, a bullet."""
        self._text += text

    def state(self, sentence: str, picks: Sequence[Pick], verdict: Verdict, support: float) -> None:
        """Append a sentence, its markers behind it."""
        markers = tuple(sorted({self._marker(pick) for pick in picks}))
        if self._text and not self._text[-1].isspace():
            self._text += " "
        start = len(self._text)
        self._text += sentence
        if markers:
            self._text += " " + "".join(f"[{marker}]" for marker in markers)
        self._statements.append(
            Statement(
                start=start,
                end=len(self._text),
                markers=markers,
                verdict=verdict,
                support=support,
            )
        )

    def _marker(self, pick: Pick) -> int:
        passage, span = pick
        place = (passage.source_id, span.start, span.end)
        if place not in self._citations:
            self._citations[place] = quote(passage, span, len(self._citations) + 1)
        return self._citations[place].marker

    def draft(self, steps: Sequence[Step] = ()) -> Draft:
        """Return what was written."""
        return Draft(
            text=self._text,
            statements=tuple(self._statements),
            citations=tuple(self._citations.values()),
            steps=tuple(steps),
        )


def compose(picks: Sequence[Pick], *, as_list: bool = False) -> Draft:
    """Write an answer in the words of the sources: each pick is one sentence of it, cited.

    Quotes are exact. In the answer's text white space becomes one space, and what would be read as
    a marker, a link or HTML is made harmless: `[3]` becomes `(3)`. A span inside another of the
    same source is said once, with the longer one.

    Raises:
        ValueError: a span is empty or not inside its passage.
    """
    writer = Writer()
    said = False
    for passage, span in _different(picks):
        sentence = harmless(" ".join(visible(passage.words(span)).split())).strip()
        if not sentence:
            continue
        writer.say(("\n" if said else "") + "- " if as_list else " " if said else "")
        writer.state(sentence, [(passage, span)], "supported", 1.0)
        said = True
    return writer.draft()


def _different(picks: Sequence[Pick]) -> list[Pick]:
    """Return the picks without those that lie inside another one."""
    kept: list[Pick] = []
    for i, (passage, span) in enumerate(picks):
        if not any(
            other.source_id == passage.source_id
            and wide.start <= span.start
            and span.end <= wide.end
            and ((wide.start, wide.end) != (span.start, span.end) or j < i)
            for j, (other, wide) in enumerate(picks)
        ):
            kept.append((passage, span))
    return kept

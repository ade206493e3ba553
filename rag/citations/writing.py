"""Puts sentences and their citations together: text, numbered markers, statements at their offsets. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.citations.evidence import CitablePassage, Draft, quote
from rag.citations.plain import harmless, visible
from rag.schema import Citation, Span, Statement, StatementKind, Step, Verdict

Pick = tuple[CitablePassage, Span]

_DASH = re.compile(r"[-*+•‣▪●○◦–—·]\s+(?=\S)")
_NUMBER = re.compile(r"\(?(?:(?:\d{1,3}|[a-z])[.)]|[A-Z]\))\s+\S")
_BAR = re.compile(r"(?:^|\s)\|(?:\s|$)")


class Writer:
    """Grows a draft from left to right; the same words cited twice keep their marker."""

    def __init__(self) -> None:
        self._text = ""
        self._statements: list[Statement] = []
        self._citations: dict[tuple[str, int, int], Citation] = {}

    def say(self, text: str) -> None:
        """Append what is no statement: white space, a bullet."""
        self._text += text

    def state(
        self,
        sentence: str,
        picks: Sequence[Pick],
        verdict: Verdict,
        support: float,
        *,
        kind: StatementKind = "stated",
        why: str = "",
    ) -> tuple[int, ...]:
        """Append a sentence, its markers behind it, in a row of a table within its last cell; return the markers."""
        markers = tuple(sorted({self._marker(pick) for pick in picks}))
        if self._text and not self._text[-1].isspace():
            self._text += " "
        start = len(self._text)
        bar = " |" if markers and sentence.endswith(" |") else ""
        self._text += sentence.removesuffix(bar)
        if markers:
            self._text += " " + "".join(f"[{marker}]" for marker in markers) + bar
        if kind == "derived":
            why = f"computed from {', '.join(f'[{marker}]' for marker in markers)}"
        self._statements.append(
            Statement(
                start=start,
                end=len(self._text),
                markers=markers,
                verdict=verdict,
                support=support,
                kind=kind,
                why=why,
            )
        )
        return markers

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
    same source is said once, with the longer one. An item of a list stands on a line of its own, behind
    a dash or its number.

    Raises:
        ValueError: a span is empty or not inside its passage.
    """
    writer = Writer()
    before: Pick | None = None
    in_list = False
    for passage, whole in _different(picks):
        dash = _DASH.match(passage.words(whole))
        span = Span(start=whole.start + dash.end(), end=whole.end) if dash else whole
        sentence = harmless(" ".join(visible(passage.words(span)).split())).strip()
        if not sentence:
            continue
        pick = passage, whole
        item = as_list or bool(dash or _NUMBER.match(sentence) or _BAR.search(sentence))
        runs_on = before is not None and _on_one_line(before, pick)
        if before is not None:
            writer.say("\n" if item else "\n\n" if in_list and not runs_on else " ")
        if as_list or (item and before is not None and not _NUMBER.match(sentence)):
            writer.say("- ")
        writer.state(sentence, [(passage, span)], "supported", 1.0)
        before, in_list = pick, item or (in_list and runs_on)
    return writer.draft()


def _on_one_line(one: Pick, other: Pick) -> bool:
    """Tell whether a pick goes on in the line of its source in which another ends."""
    (passage, span), (holder, after) = one, other
    if passage.source_id != holder.source_id or not span.end <= after.start:
        return False
    between = holder.words(Span(start=span.end, end=after.start))
    return holder.start <= span.end and "\n" not in between


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

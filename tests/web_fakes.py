"""A scripted pipeline for the web chat: each question says by its words what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

from rag.errors import ChatTimeoutError, SourceNotFoundError
from rag.schema import (
    Answer,
    AnswerReady,
    Citation,
    Event,
    EvidenceReady,
    Passage,
    QueryReady,
    Reason,
    ScoredPassage,
    Source,
    SourceInfo,
    Statement,
    TextDelta,
    Turn,
)
from rag.web import build_app

if TYPE_CHECKING:
    from fastapi import FastAPI

HARBOUR = Source(
    source_id="town/harbour.txt",
    title="The harbour of Ostby",
    text=(
        "The harbour of Ostby was built in 1871 by the engineer Marit Dahl. "
        "Its lighthouse is 23 metres high.\n"
        + "Fishing boats leave at dawn and come back at noon. "
        * 60
    )
    + "The ferry to Lund leaves at eight every morning. In winter it does not sail on Sundays.",
    sha256="a" * 64,
    media_type="text/plain",
)
REPORT = Source(
    source_id="town/report.pdf",
    title="Annual report",
    text="First page. Nothing of note.\nSecond page. The ferry carried 41,200 people in 2023.",
    sha256="b" * 64,
    media_type="application/pdf",
    pages=(0, 29),
)
BUILT = "The harbour of Ostby was built in 1871 by the engineer Marit Dahl."
FERRY = "The ferry to Lund leaves at eight every morning."
CARRIED = "The ferry carried 41,200 people in 2023."


def cite(marker: int, source: Source, quote: str) -> Citation:
    """Cite the place where a quote stands in a source."""
    start = source.text.index(quote)
    page = sum(at <= start for at in source.pages) or None
    return Citation(
        marker=marker,
        source_id=source.source_id,
        title=source.title,
        start=start,
        end=start + len(quote),
        quote=quote,
        page=page,
        sha256=source.sha256,
    )


def passage(source: Source, quote: str, *, rank: int = 1) -> ScoredPassage:
    """Return a quote of a source as a passage that was found."""
    start = source.text.index(quote)
    return ScoredPassage(
        passage=Passage(
            passage_id=f"{source.source_id}#{start}-{start + len(quote)}",
            source_id=source.source_id,
            start=start,
            end=start + len(quote),
            text=quote,
            n_tokens=10,
        ),
        score=0.5,
        rank=rank,
        scorer="fusion",
    )


def answered(question: str, *, query: str = "") -> Answer:
    """Answer with three sentences, one of each verdict, over two sources."""
    sentences = (
        ("The harbour was built in 1871 [1].", (1,), "supported", 0.97),
        ("The ferry leaves at eight [2][3].", (2, 3), "weak", 0.5),
        ("It never sails at night [2].", (2,), "unsupported", 0.1),
    )
    statements, text = [], ""
    for sentence, markers, verdict, support in sentences:
        start = len(text) + bool(text)
        text = f"{text} {sentence}".strip()
        statements.append(
            Statement(start=start, end=len(text), markers=markers, verdict=verdict, support=support)
        )
    citations = (cite(1, HARBOUR, BUILT), cite(2, HARBOUR, FERRY), cite(3, REPORT, CARRIED))
    return Answer(
        question=question,
        query=query or question,
        status="answered",
        reason=None,
        text=text,
        statements=tuple(statements),
        citations=citations,
        evidence=(passage(HARBOUR, BUILT), passage(HARBOUR, FERRY, rank=2)),
        confidence=0.9,
        model="extractive:fake",
        timings={"search": 0.01},
    )


def unanswered(question: str) -> Answer:
    """Abstain, with one near miss."""
    return Answer(
        question=question,
        query=question,
        status="unanswered",
        reason=Reason(code="not_supported", message="Nothing is said about the moon."),
        text="",
        statements=(),
        citations=(),
        evidence=(passage(HARBOUR, FERRY),),
        confidence=0.1,
        model="extractive:fake",
    )


def saying(text: str, source: Source, question: str = "q") -> Answer:
    """Answer with a text whose one sentence cites all of a source."""
    return Answer(
        question=question,
        query=text,
        status="partial",
        reason=Reason(code="partly_answered", message=text),
        text=f"{text} [1]",
        statements=(
            Statement(start=0, end=len(text) + 4, markers=(1,), verdict="weak", support=0.5),
        ),
        citations=(cite(1, source, source.text),),
        evidence=(),
        confidence=0.5,
        model=text,
    )


class ScriptedRag:
    """Answers by script, and remembers what it was asked with which history.

    Args:
        hostile: texts that an obedient model repeats when asked for `hostile N`.
    """

    def __init__(self, hostile: Sequence[str] = ()) -> None:
        self.hostile = {
            f"hostile/{text}": Source(
                source_id=f"hostile/{text}",
                title=text,
                text=f"{text}\nand {text}",
                sha256="c" * 64,
                media_type="text/plain",
            )
            for text in hostile
        }
        self.known = {source.source_id: source for source in (HARBOUR, REPORT)} | self.hostile
        self.asked: list[tuple[str, tuple[Turn, ...]]] = []
        self.go_on = Flag()
        """Lets a question with `slowly` in it go on after its first words."""
        self.closed = False
        self.streams_ended = 0

    def stream(self, question: str, history: Sequence[Turn] = ()) -> Iterator[Event]:
        """Yield the events that the question asks for."""
        self.asked.append((question, tuple(history)))
        try:
            yield from self._events(question, history)
        finally:
            self.streams_ended += 1

    def _events(self, question: str, history: Sequence[Turn]) -> Iterator[Event]:
        query = "When does the ferry sail?" if history else question
        yield QueryReady(query=query, rewritten=bool(history))
        if "fail" in question:
            raise ChatTimeoutError("The model did not answer within 60 s. Try again.")
        if "break" in question:
            raise ZeroDivisionError("a fault of ours")
        if "moon" in question:
            answer = unanswered(question)
        elif question.startswith("hostile "):
            text, source = list(self.hostile.items())[int(question.split()[1])]
            answer = saying(text.removeprefix("hostile/"), source, question)
        else:
            answer = answered(question, query=query)
        yield EvidenceReady(evidence=answer.evidence)
        for start in range(0, len(answer.text), 8):
            yield TextDelta(text=answer.text[start : start + 8])
            if "slowly" in question and start:
                self.go_on.wait(20)
        yield AnswerReady(answer=answer)

    def source(self, source_id: str) -> Source:
        """Return a source that was not removed."""
        if source_id not in self.known:
            raise SourceNotFoundError(f"No source is called {source_id!r}.")
        return self.known[source_id]

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return what is indexed."""
        return tuple(
            SourceInfo(
                source_id=source.source_id,
                title=source.title,
                sha256=source.sha256,
                media_type=source.media_type,
                n_chars=len(source.text),
                n_pages=len(source.pages),
                n_passages=1,
                indexed_at="2026-01-01T00:00:00Z",
                origin="seeds",
            )
            for source in self.known.values()
            if source.source_id not in self.hostile
        )

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


def make_app(*args: Any, **options: Any) -> FastAPI:
    """Build the application in a running event loop, as the server does."""

    async def make() -> FastAPI:
        return build_app(*args, **options)

    return asyncio.run(make())

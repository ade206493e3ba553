"""From evidence to an answer in the words of the sources, each sentence cited."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from rag.citations import CitablePassage, Draft, compose
from rag.pipeline.listing import said
from rag.pipeline.overview import Overview
from rag.queries import Query, standalone
from rag.reader import Reader, Reading, Selection, reranked, select
from rag.reader.selection import threshold_at
from rag.schema import (
    Answer,
    Candidate,
    Citation,
    EvidenceReady,
    Reason,
    ReasonCode,
    ScoredPassage,
    Source,
    Span,
    TextDelta,
    Turn,
)

MESSAGES: dict[ReasonCode, str] = {
    "no_sources": "There are no sources yet: put documents into the seeds folder, or name them to `rag sync`.",
    "nothing_retrieved": "Nothing in the sources resembles the question.",
    "not_supported": "The passages that were read do not answer this.",
    "partly_answered": "The sources answer only a part of this. Nothing was found on: {missing}",
    "incomplete": "Nothing was found in what is indexed, but that is not all of the documents.",
}
"""What a person is told for each reason; the page says "Not in your sources." before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """A question on its way to an answer."""

    question: str
    query: str
    history: tuple[Turn, ...]
    parts: tuple[tuple[str, tuple[Candidate, ...]], ...]
    """Each part of the query with its candidates, best first."""
    source: Callable[[str], Source]
    """Looks a source up in the state of the store that the candidates are from."""
    strictness: float = 0.5
    """0..1, see `rag.reader.selection.threshold_at`."""
    overview: Overview | None = None
    """Set where the query is no question; then there is one part, and its candidates keep their order."""

    @property
    def task(self) -> str:
        """What a chat model is told to do besides answering; nothing for a question."""
        return self.overview.task if self.overview else ""

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Every part's candidates once, best first."""
        if len(self.parts) == 1:
            return self.parts[0][1]
        found: dict[str, Candidate] = {}
        for _, candidates in self.parts:
            for one in candidates:
                held = found.get(one.passage.passage_id)
                if held is None or held.fused < one.fused:
                    found[one.passage.passage_id] = one
        return tuple(sorted(found.values(), key=lambda c: (-c.fused, c.passage.passage_id)))

    def citable(self, candidate: Candidate) -> CitablePassage:
        """Return the candidate as something to cite."""
        passage = candidate.passage
        source = self.source(passage.source_id)
        return CitablePassage(
            source_id=source.source_id,
            title=source.title,
            sha256=source.sha256,
            pages=source.pages,
            start=passage.start,
            text=passage.text,
            sentences=tuple(Span(start=one.start, end=one.end) for one in candidate.sentences),
        )


class Answerer(Protocol):
    """Answers an inquiry that has candidates."""

    @property
    def name(self) -> str:
        """What `Answer.model` shows."""

    def standalone(self, question: str, history: Sequence[Turn]) -> Query:
        """Return the question as one that needs no history."""

    def answer(self, inquiry: Inquiry) -> Iterator[EvidenceReady | TextDelta | Answer]:
        """Yield provisional text, then exactly one answer.

        Markers in provisional text name the evidence of the last event that carried some.
        """


def abstain(
    inquiry: Inquiry,
    code: ReasonCode,
    *,
    model: str,
    evidence: Sequence[ScoredPassage] = (),
    confidence: float = 0.0,
) -> Answer:
    """Return the answer that says why there is none, with the near misses."""
    reason = Reason(code=code, message=MESSAGES[code])
    return Answer(
        question=inquiry.question,
        query=inquiry.query,
        status="unanswered",
        reason=reason,
        text=reason.message,
        statements=(),
        citations=(),
        evidence=tuple(evidence),
        confidence=confidence,
        model=model,
    )


class ExtractiveAnswerer:
    """Answers in the words of the sources.

    Args:
        reader: says which sentences answer.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    @property
    def name(self) -> str:
        """`extractive:` and the reader's name."""
        return f"extractive:{self._reader.name}"

    def standalone(self, question: str, history: Sequence[Turn]) -> Query:
        """Return the question as one that needs no history, by the rules."""
        return standalone(question, history)

    def answer(self, inquiry: Inquiry) -> Iterator[EvidenceReady | TextDelta | Answer]:
        """Yield the answer, its text first."""
        if inquiry.overview is not None:
            yield from self._excerpts(inquiry, inquiry.overview)
            return
        readings = [
            (part, candidates, self._reader.read(part, candidates))
            for part, candidates in inquiry.parts
        ]
        threshold = threshold_at(self._reader.threshold, inquiry.strictness)
        evidence = _ranked(
            [(candidates, read) for _, candidates, read in readings], self._reader.threshold
        )
        selection = select([(part, read) for part, _, read in readings], threshold=threshold)
        if not selection.picks:
            yield abstain(
                inquiry,
                "not_supported",
                model=self.name,
                evidence=evidence,
                confidence=selection.confidence,
            )
            return
        quoted = [
            said(one, candidate, inquiry.source(candidate.passage.source_id))
            for part, one in selection.picks
            for candidate in [inquiry.parts[part][1][one.candidate]]
        ]
        draft = compose(
            [(inquiry.citable(candidate), span) for candidate, spans in quoted for span in spans],
            as_list=len(quoted) > len(readings) and all(len(spans) == 1 for _, spans in quoted),
        )
        held_by = [candidate for candidate, _ in quoted]
        yield EvidenceReady(evidence=_holding(draft.citations, held_by))
        yield TextDelta(text=draft.text)
        yield self._finish(inquiry, draft, selection, evidence)

    def _excerpts(
        self, inquiry: Inquiry, overview: Overview
    ) -> Iterator[EvidenceReady | TextDelta | Answer]:
        """Yield the sources' own sentences in place of an overview that is written."""
        evidence = scored(inquiry.candidates)
        draft = overview.draft(inquiry.citable)
        if not draft.statements:
            gone = abstain(inquiry, "not_supported", model=self.name, evidence=evidence)
            reason = Reason(code="not_supported", message=overview.nothing)
            yield replace(gone, reason=reason, text=reason.message)
            return
        yield EvidenceReady(evidence=_holding(draft.citations, inquiry.candidates))
        yield TextDelta(text=draft.text)
        yield Answer(
            question=inquiry.question,
            query=inquiry.query,
            status="answered",
            reason=None,
            text=draft.text,
            statements=draft.statements,
            citations=draft.citations,
            evidence=evidence,
            confidence=1.0,
            model=self.name,
            steps=draft.steps,
        )

    def _finish(
        self,
        inquiry: Inquiry,
        draft: Draft,
        selection: Selection,
        evidence: tuple[ScoredPassage, ...],
    ) -> Answer:
        """Return the composed answer, partial where a part of the question is left open."""
        reason = None
        if selection.missing:
            message = MESSAGES["partly_answered"].format(missing="; ".join(selection.missing))
            reason = Reason(code="partly_answered", message=message)
        return Answer(
            question=inquiry.question,
            query=inquiry.query,
            status="partial" if reason else "answered",
            reason=reason,
            text=draft.text,
            statements=draft.statements,
            citations=draft.citations,
            evidence=evidence,
            confidence=selection.confidence,
            model=self.name,
            steps=draft.steps,
        )


def _holding(
    citations: Sequence[Citation], candidates: Sequence[Candidate]
) -> tuple[ScoredPassage, ...]:
    """Return the passage that holds each citation, in order of marker."""
    holders = [
        next(
            one
            for one in candidates
            if one.passage.source_id == citation.source_id
            and one.passage.start <= citation.start
            and citation.end <= one.passage.end
        )
        for citation in citations
    ]
    return scored(holders)


def _ranked(
    parts: Sequence[tuple[Sequence[Candidate], Sequence[Reading]]], threshold: float
) -> tuple[ScoredPassage, ...]:
    """Return every passage once, those that answer first, each with the probability of its leading sentence."""
    best: dict[str, tuple[int, float, Candidate]] = {}
    for candidates, readings in parts:
        leading = {one.candidate: one.probability for one in reversed(readings)}
        for place, index in enumerate(reranked(readings, threshold=threshold)):
            candidate = candidates[index]
            held = best.get(candidate.passage.passage_id)
            if held is None or place < held[0]:
                best[candidate.passage.passage_id] = (place, leading[index], candidate)
    ranked = sorted(best.values(), key=lambda found: (found[0], found[2].passage.passage_id))
    return tuple(
        ScoredPassage(passage=candidate.passage, score=score, rank=rank, scorer="reader")
        for rank, (_, score, candidate) in enumerate(ranked, start=1)
    )


def scored(candidates: Sequence[Candidate]) -> tuple[ScoredPassage, ...]:
    """Return candidates in their order with their fused scores."""
    return tuple(
        ScoredPassage(passage=one.passage, score=one.fused, rank=rank, scorer="fusion")
        for rank, one in enumerate(candidates, start=1)
    )

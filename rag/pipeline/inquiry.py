"""A question on its way to an answer: what is searched, what was found, and who answers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rag.citations import CitablePassage
from rag.pipeline.overview import Overview
from rag.pipeline.preference import Preference
from rag.queries import Query
from rag.schema import (
    Answer,
    Candidate,
    EvidenceReady,
    Reason,
    ReasonCode,
    ScoredPassage,
    Source,
    SourceInfo,
    TextDelta,
    Turn,
    Unit,
)

MESSAGES: dict[ReasonCode, str] = {
    "no_sources": "There are no sources yet: put documents into the seeds folder, or name them to `rag sync`.",
    "nothing_retrieved": "Nothing in the sources resembles the question.",
    "not_supported": "The passages that were read do not seem to answer this.",
    "subject_missing": "{missing} is not mentioned where an answer was looked for.",
    "unsure": "This is the best that was found, and it may not answer the question.",
    "partly_answered": "The sources answer only a part of this. Nothing was found on: {missing}",
    "incomplete": "Nothing was found in what is indexed, but that is not all of the documents.",
    "small_talk": "Ask something about your documents.",
    "no_last_answer": "There is no answer before this to do that with: ask something about your documents first.",
    "needs_model": "That takes a chat model, which does not answer here. This is the answer in your documents' words.",
}
"""What a person is told for each reason; interfaces say before it in a word what it comes to, unless `NOT_SEARCHED`."""
NOT_SEARCHED: frozenset[ReasonCode] = frozenset({"small_talk", "no_last_answer"})
"""Reasons of an answer that says nothing of what the sources hold."""


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
    listed: Callable[[], Sequence[SourceInfo]] | None = None
    """Tells what may be searched; None where that is not known."""
    preference: Preference = field(default_factory=Preference)
    """What the question wants of documents."""
    compared: bool = False
    """Whether each part asks the same of another side of a comparison."""
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
            sentences=tuple(
                Unit(start=one.start, end=one.end, kind=one.kind, path=one.path, cells=one.cells)
                for one in candidate.sentences
            ),
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
    missing: Sequence[str] = (),
) -> Answer:
    """Return the answer that says why there is none."""
    reason = Reason(code=code, message=MESSAGES[code].format(missing=listed(missing or ("It",))))
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


def scored(candidates: Sequence[Candidate]) -> tuple[ScoredPassage, ...]:
    """Return candidates in their order with their fused scores."""
    return tuple(
        ScoredPassage(passage=one.passage, score=one.fused, rank=rank, scorer="fusion")
        for rank, one in enumerate(candidates, start=1)
    )


def listed(names: Sequence[str]) -> str:
    """Return names as a phrase: “Ann”, “Ben” and “2035”."""
    *others, last = [f"“{name}”" for name in names]
    return f"{', '.join(others)} and {last}" if others else last

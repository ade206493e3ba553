"""A question on its way to an answer: what is searched, what was found, and who answers. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from rag.citations import CitablePassage
from rag.pipeline.overview import Overview
from rag.pipeline.preference import Preference
from rag.pipeline.reasons import MESSAGES
from rag.queries import Query
from rag.queries.documents import Sought, held
from rag.schema import (
    Answer,
    Candidate,
    Depth,
    EvidenceReady,
    Reason,
    ReasonCode,
    ScoredPassage,
    Source,
    SourceInfo,
    TextDelta,
    Turn,
    Unit,
    Verify,
)

if TYPE_CHECKING:
    from rag.pipeline.planning import Plan


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
    verify: Verify | None = None
    """Who says whether a chat model's sentences are borne out; None for whoever the answerer was made with."""
    listed: Callable[[], Sequence[SourceInfo]] | None = None
    """Tells what may be searched; None where that is not known."""
    preference: Preference = field(default_factory=Preference)
    """What the question wants of documents."""
    sides: tuple[str, ...] = ()
    """Of a comparison: what each part is about; then each asks the same."""
    more: str = ""
    """Of a comparison: what the wanted side has or is more than the other: "cheaper", "higher"."""
    overview: Overview | None = None
    """Set where the query is no question; then there is one part, and its candidates keep their order."""
    search: Callable[[str], tuple[Candidate, ...]] | None = None
    """Searches for more than was found for the parts; None where nothing more may be searched."""
    plan: Plan | None = None
    """What a chat model would search for; None where it was not asked or did not say."""
    depth: Depth = "quick"
    """How long a chat model looks."""

    @property
    def named(self) -> frozenset[str]:
        """Ids of the sources that the question names; none where it names none."""
        found = {one.passage.source_id for one in self.candidates}
        return frozenset(found) if self.preference.is_of_one or self.overview else frozenset()

    @property
    def compared(self) -> bool:
        """Whether each part asks the same of another side of a comparison."""
        return bool(self.sides)

    @property
    def is_settled(self) -> bool:
        """Whether it is clear of which documents it is asked, so that what others say is not set beside the answer."""
        return self.compared or self.preference.is_of_one or self.held is not None

    @property
    def held(self) -> Sought | None:
        """What is looked for, where the question is which of several documents holds it."""
        alone = len(self.parts) == 1 and self.listed is not None and len(self.listed()) > 1
        return held(self.parts[0][0]) if alone else None

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
            places=source.places,
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


def listed(names: Sequence[str]) -> str:
    """Return names as a phrase: “Ann”, “Ben” and “2035”."""
    *others, last = [f"“{name}”" for name in names]
    return f"{', '.join(others)} and {last}" if others else last

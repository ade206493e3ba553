"""From evidence to a checked answer: quoted by the extractive reader, or written by a chat model.

Both ways end in `citations`, so that no sentence reaches a person unless its words in the sources are known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from rag import prompts
from rag.chat import ChatDelta, ChatModel
from rag.citations import CitablePassage, Draft, Support, compose, ground, neutralised
from rag.errors import ChatError
from rag.reader import Reader, Reading, Selection, select
from rag.reader.selection import threshold_at
from rag.schema import (
    Answer,
    Candidate,
    Reason,
    ReasonCode,
    ScoredPassage,
    Source,
    Span,
    Step,
    TextDelta,
    Turn,
)

MESSAGES: dict[ReasonCode, str] = {
    "no_sources": "There are no sources yet: put documents into the seeds folder, or name them to `rag sync`.",
    "nothing_retrieved": "Nothing in the sources resembles the question.",
    "not_supported": "The sources do not answer this.",
    "partly_answered": "The sources answer only a part of this. Nothing was found on: {missing}",
}
"""What a person is told for each reason."""


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

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Every part's candidates once, best first."""
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

    def answer(self, inquiry: Inquiry) -> Iterator[TextDelta | Answer]:
        """Yield provisional text, then exactly one answer."""


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
        strictness: 0..1, see `rag.reader.selection.threshold_at`.
    """

    def __init__(self, reader: Reader, *, strictness: float) -> None:
        self._reader = reader
        self._threshold = threshold_at(reader.threshold, strictness)

    @property
    def name(self) -> str:
        """`extractive:` and the reader's name."""
        return f"extractive:{self._reader.name}"

    def answer(self, inquiry: Inquiry) -> Iterator[TextDelta | Answer]:
        """Yield the answer, its text first."""
        readings = [
            (part, candidates, self._reader.read(part, candidates))
            for part, candidates in inquiry.parts
        ]
        evidence = _ranked([(candidates, read) for _, candidates, read in readings])
        selection = select([(part, read) for part, _, read in readings], threshold=self._threshold)
        if not selection.picks:
            yield abstain(
                inquiry,
                "not_supported",
                model=self.name,
                evidence=evidence,
                confidence=selection.confidence,
            )
            return
        draft = compose(
            [
                (
                    inquiry.citable(inquiry.parts[part][1][one.candidate]),
                    Span(start=one.start, end=one.end),
                )
                for part, one in selection.picks
            ],
            as_list=len(selection.picks) > len(readings),
        )
        yield TextDelta(text=draft.text)
        yield self._finish(inquiry, draft, selection, evidence)

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


def _ranked(
    parts: Sequence[tuple[Sequence[Candidate], Sequence[Reading]]],
) -> tuple[ScoredPassage, ...]:
    """Return every passage once, in order of its best sentence's probability."""
    best: dict[str, tuple[float, Candidate]] = {}
    for candidates, readings in parts:
        for one in readings:
            candidate = candidates[one.candidate]
            held = best.get(candidate.passage.passage_id)
            if held is None or held[0] < one.probability:
                best[candidate.passage.passage_id] = (one.probability, candidate)
    ranked = sorted(best.values(), key=lambda pair: (-pair[0], pair[1].passage.passage_id))
    return tuple(
        ScoredPassage(passage=candidate.passage, score=score, rank=rank, scorer="reader")
        for rank, (score, candidate) in enumerate(ranked, start=1)
    )


class ChatAnswerer:
    """Lets a chat model write, and holds it to the sources.

    The policy on bad citations, each step of it recorded in `Answer.steps`: check every sentence and re-point
    what another sentence supports better; ask the model once more, saying what was wrong; keep what is
    supported and flag the weak; else let the extractive reader answer; else abstain.

    Args:
        model: writes.
        support: says how well sentences of the sources support a claim.
        fallback: answers where the model cannot.
        budget: tokens that the passages of a prompt may have.
        count_tokens: counts them.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        support: Support,
        fallback: Answerer,
        budget: int,
        count_tokens: Callable[[str], int],
    ) -> None:
        self._model = model
        self._support = support
        self._fallback = fallback
        self._budget = budget
        self._count = count_tokens

    @property
    def name(self) -> str:
        """The chat model's name."""
        return self._model.name

    def answer(self, inquiry: Inquiry) -> Iterator[TextDelta | Answer]:
        """Yield the model's text as it comes, made harmless, then the checked answer."""
        candidates = inquiry.candidates
        passages = prompts.pack(
            [inquiry.citable(one) for one in candidates], self._budget, self._count
        )
        if not passages:
            yield from self._fall_back(inquiry, "no passage fits the model's prompt", ())
            return
        evidence = scored(candidates[: len(passages)])
        messages = prompts.answer_messages(
            inquiry.query, passages, inquiry.history, delimiter=_delimiter(inquiry.query, passages)
        )
        reply = _Reply()
        try:
            for text in neutralised(reply.read(self._model.stream(messages)), len(passages)):
                yield TextDelta(text=text)
            if prompts.is_abstention(reply.text):
                yield abstain(inquiry, "not_supported", model=self.name, evidence=evidence)
                return
            draft = self._checked(messages, reply, passages)
        except ChatError as exc:
            yield from self._fall_back(inquiry, str(exc), ())
            return
        if not any(one.verdict != "unsupported" for one in draft.statements):
            why = "no sentence of the model's answer is supported by the sources"
            yield from self._fall_back(inquiry, why, draft.steps)
            return
        yield Answer(
            question=inquiry.question,
            query=inquiry.query,
            status="answered",
            reason=None,
            text=draft.text,
            statements=draft.statements,
            citations=draft.citations,
            evidence=evidence,
            confidence=sum(one.support for one in draft.statements) / len(draft.statements),
            model=self.name,
            usage=reply.usage,
            steps=draft.steps,
        )

    def _checked(
        self, messages: Sequence[prompts.Message], reply: _Reply, passages: Sequence[CitablePassage]
    ) -> Draft:
        """Return the reply held to the passages, or the better of two where the first has faults."""
        draft = ground(reply.text, passages, self._support)
        faults = [
            draft.text[one.start : one.end]
            for one in draft.statements
            if one.verdict == "unsupported"
        ]
        if draft.statements and not faults:
            return draft
        again = prompts.repair_messages(
            messages, reply.text, faults or ["no sentence with the number of a passage"]
        )
        second = _Reply()
        for _ in second.read(self._model.stream(again)):
            pass
        reply.add_usage(second.usage)
        step = Step(code="asked_again", detail="; ".join(faults) or "nothing was cited")
        redraft = ground(second.text, passages, self._support)
        better = redraft if _share_supported(redraft) > _share_supported(draft) else draft
        return replace(
            better, steps=(*draft.steps, step, *(redraft.steps if better is redraft else ()))
        )

    def _fall_back(
        self, inquiry: Inquiry, why: str, steps: tuple[Step, ...]
    ) -> Iterator[TextDelta | Answer]:
        """Let the extractive reader answer, and say so."""
        step = Step(code="fell_back", detail=f"{self.name}: {why}")
        for event in self._fallback.answer(inquiry):
            if isinstance(event, Answer):
                yield replace(event, steps=(*steps, step, *event.steps))
            else:
                yield event


class _Reply:
    """A model's reply while it comes, and what it cost."""

    def __init__(self) -> None:
        self.text = ""
        self.usage: dict[str, int] = {}

    def read(self, deltas: Iterator[ChatDelta]) -> Iterator[str]:
        """Yield the texts of the deltas and keep them."""
        for delta in deltas:
            self.text += delta.text
            self.usage.update(delta.usage)
            yield delta.text

    def add_usage(self, usage: Mapping[str, int]) -> None:
        """Add the tokens of another reply."""
        for kind, tokens in usage.items():
            self.usage[kind] = self.usage.get(kind, 0) + tokens


def _share_supported(draft: Draft) -> float:
    """Return the share of statements that are not unsupported; -1 where there is none."""
    if not draft.statements:
        return -1.0
    held = sum(one.verdict != "unsupported" for one in draft.statements)
    return held / len(draft.statements)


def _delimiter(query: str, passages: Sequence[CitablePassage]) -> str:
    """Return a line mark that no passage can contain, since it is a hash of them all and the query.

    It is the same for the same request, so that a model at temperature 0 says the same.
    """
    digest = hashlib.sha256(query.encode("utf-8", "surrogatepass"))
    for passage in passages:
        digest.update(passage.text.encode("utf-8", "surrogatepass"))
    return f"=={digest.hexdigest()[:16]}=="


def scored(candidates: Sequence[Candidate]) -> tuple[ScoredPassage, ...]:
    """Return candidates in their order with their fused scores."""
    return tuple(
        ScoredPassage(passage=one.passage, score=one.fused, rank=rank, scorer="fusion")
        for rank, one in enumerate(candidates, start=1)
    )

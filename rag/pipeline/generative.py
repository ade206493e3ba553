"""A chat model writes the answer, and is held to the sources: the policy on bad citations.

No sentence is taken on trust. Each step that was needed is recorded in `Answer.steps`:

    check        every sentence against the words it cites                          (`citations.ground`)
    re-point     to words among the evidence that support it better                 repointed, cited
    ask again    once, saying what was wrong, where a sentence is unsupported       asked_again
                 and there is room to say it                                        not_asked_again
    keep         what is supported; the weak is flagged, not dropped
    leave out    a sentence that nothing in the sources bears on                    left_out
    fall back    to the extractive reader, where nothing is supported, or no reply  fell_back
    abstain      where the model or the reader finds no answer
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain

from rag import prompts
from rag.chat import ChatDelta, ChatModel, Document, Message
from rag.citations import (
    CitablePassage,
    Draft,
    Support,
    ground,
    join_neighbours,
    neutralised,
)
from rag.errors import ChatError
from rag.pipeline.inquiry import Answerer, Inquiry, abstain, scored
from rag.queries import Query, standalone
from rag.schema import (
    Answer,
    EvidenceReady,
    Passage,
    Reason,
    ScoredPassage,
    Step,
    TextDelta,
    Turn,
)

ANSWER_TOKENS = 1024
"""Of the model's tokens, kept for its answer; a quarter of them where they are few."""

_CUT = frozenset(("length", "max_tokens", "model_length"))
"""What providers call the end of a reply that reached a limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What a model is asked, and what its markers name."""

    messages: Sequence[Message]
    documents: tuple[Document, ...]
    markers: tuple[CitablePassage, ...]
    """Marker k names the k-th."""
    evidence: tuple[ScoredPassage, ...]
    """The candidates it was made from, best first."""
    steps: tuple[Step, ...]


class ChatAnswerer:
    """Lets a chat model write, and holds it to the sources.

    Args:
        model: writes.
        support: says how well sentences of the sources support a claim.
        fallback: answers where the model cannot.
        context: tokens that the model can take in and write together.
        count_tokens: counts them.
        rewrites: whether the model makes follow-ups stand alone, in place of the rules.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        support: Support,
        fallback: Answerer,
        context: int,
        count_tokens: Callable[[str], int],
        rewrites: bool = False,
    ) -> None:
        self._model = model
        self._support = support
        self._fallback = fallback
        self._context = context
        self._count = count_tokens
        self._rewrites = rewrites

    @property
    def name(self) -> str:
        """The chat model's name."""
        return self._model.name

    def standalone(self, question: str, history: Sequence[Turn]) -> Query:
        """Return the question as one that needs no history."""
        if self._rewrites:
            return standalone_by_model(self._model, question, history)
        return standalone(question, history)

    def answer(self, inquiry: Inquiry) -> Iterator[EvidenceReady | TextDelta | Answer]:
        """Yield what the markers will name, the model's text as it comes, made harmless, then the checked answer."""
        request = self._request(inquiry)
        if not request.markers:
            yield from self._fall_back(inquiry, "no passage fits the model's prompt", (), {})
            return
        yield EvidenceReady(evidence=self._named(request.markers))
        reply = _Reply()
        try:
            with closing(self._model.stream(request.messages, request.documents)) as deltas:
                for text in neutralised(reply.read(deltas), len(request.markers)):
                    yield TextDelta(text=text)
        except ChatError as exc:
            yield from self._fall_back(inquiry, str(exc), request.steps, reply.usage)
            return
        abstains = prompts.is_abstention(reply.text)
        draft = None if abstains else (yield from self._checked(request, reply))
        if draft is None:
            gone = abstain(inquiry, "not_supported", model=self.name, evidence=request.evidence)
            yield replace(gone, steps=(*request.steps, *reply.steps), usage=reply.usage)
            return
        steps = (*request.steps, *draft.steps)
        if not any(one.verdict != "unsupported" for one in draft.statements):
            why = "no sentence of the model's answer is supported by the sources"
            yield from self._fall_back(inquiry, why, steps, reply.usage)
            return
        yield self._finish(inquiry, request, reply, replace(draft, steps=steps))

    def _request(self, inquiry: Inquiry) -> _Request:
        """Return what to ask: the best passages that the model has room for, neighbours joined."""
        found = [(inquiry.citable(one), one) for one in inquiry.candidates]
        offered = [passage for passage, _ in found]
        delimiter = _delimiter(inquiry.query, offered)
        inquiry = self._beside(offered, inquiry, delimiter)
        room = self._room(self._frame(inquiry, delimiter))
        packed = prompts.pack(offered, room, self._count, delimiter=delimiter)
        passages = join_neighbours(packed, lambda source_id: inquiry.source(source_id).text)
        shown = {(one.source_id, one.start) for one in packed}
        n_harmless = prompts.count_neutralised(passages)
        told = f"{n_harmless} things in the passages that could steer a model were made harmless."
        cites = self._model.cites
        return _Request(
            messages=_messages(inquiry, passages, delimiter, cites=cites),
            documents=tuple(map(_document, passages)) if cites else (),
            markers=tuple(chain.from_iterable(map(_sentences, passages))) if cites else passages,
            evidence=scored(
                [one for passage, one in found if (passage.source_id, passage.start) in shown]
            ),
            steps=(Step(code="neutralised", detail=told),) if n_harmless else (),
        )

    def _beside(
        self, passages: Sequence[CitablePassage], inquiry: Inquiry, delimiter: str
    ) -> Inquiry:
        """Return the inquiry with the latest turns that leave room for the passages: history goes before they do."""
        wanted = sum(
            self._count(prompts.show_passage(number, passage, delimiter))
            for number, passage in enumerate(passages, start=1)
        )
        beside = replace(inquiry, history=inquiry.history[-prompts.MOST_TURNS :])
        while beside.history and self._room(self._frame(beside, delimiter)) < wanted:
            beside = replace(beside, history=beside.history[1:])
        return beside

    def _frame(self, inquiry: Inquiry, delimiter: str) -> Sequence[Message]:
        """Return what this model is told around the passages."""
        if self._model.cites:
            return prompts.native_messages(inquiry.query, inquiry.history, task=inquiry.task)
        return prompts.frame_messages(
            inquiry.query, inquiry.history, delimiter=delimiter, task=inquiry.task
        )

    def _room(self, messages: Sequence[Message], documents: Sequence[Document] = ()) -> int:
        """Return how many tokens are left beside messages, documents and an answer; below 0 where they do not fit."""
        said = (message["content"] for message in messages)
        shown = (text for one in documents for text in (one.title, *one.blocks))
        asked = sum(map(self._count, chain(said, shown)))
        return self._context - min(ANSWER_TOKENS, self._context // 4) - asked

    def _checked(
        self, request: _Request, reply: _Reply
    ) -> Generator[TextDelta, None, Draft | None]:
        """Return the reply held to the passages; None where the model, asked once more, takes it back.

        Yields nothing but signs of life.
        """
        draft = ground(reply.text, request.markers, self._support)
        faults = [
            draft.text[one.start : one.end]
            for one in draft.statements
            if one.verdict == "unsupported"
        ]
        if draft.statements and not faults:
            return draft
        second, asked = yield from self._again(request, reply, faults)
        if prompts.is_abstention(second.text) and not _share_held(draft) > 0:
            reply.steps = (*draft.steps, asked)
            return None
        redraft = ground(second.text, request.markers, self._support, keep_uncited=False)
        if _share_held(redraft) > _share_held(draft):
            reply.finish = second.finish
            return replace(redraft, steps=(*draft.steps, asked, *redraft.steps))
        kept = ground(reply.text, request.markers, self._support, keep_uncited=False)
        left_out = [step for step in kept.steps if step.code == "left_out"]
        return replace(kept, steps=(*draft.steps, asked, *left_out))

    def _again(
        self, request: _Request, reply: _Reply, faults: Sequence[str]
    ) -> Generator[TextDelta, None, tuple[_Reply, Step]]:
        """Ask once more, where there is room; a second reply that fails is empty, and takes nothing from the first."""
        why = f"{len(faults)} of its sentences are unsupported" if faults else "it cites nothing"
        again = prompts.repair_messages(
            request.messages, reply.text, faults or ["no sentence with the number of a passage"]
        )
        second, trouble = _Reply(), ""
        if self._room(again, request.documents) < 0:
            told = f"The model could not be told that {why}: its prompt has no room for it."
            return second, Step(code="not_asked_again", detail=told)
        try:
            with closing(self._model.stream(again, request.documents)) as deltas:
                for _ in second.read(deltas):
                    yield TextDelta(text="")
        except ChatError as exc:
            second.text, trouble = "", f" {exc}"
        reply.add_usage(second.usage)
        return second, Step(code="asked_again", detail=f"The model was told that {why}.{trouble}")

    def _finish(self, inquiry: Inquiry, request: _Request, reply: _Reply, draft: Draft) -> Answer:
        """Return the checked answer, partial where the model was cut off."""
        steps, reason = draft.steps, None
        if reply.finish.lower() in _CUT:
            message = "The model reached its length limit before its answer was complete."
            reason = Reason(code="partly_answered", message=message)
            steps = (*steps, Step(code="cut_off", detail=message))
        return Answer(
            question=inquiry.question,
            query=inquiry.query,
            status="partial" if reason else "answered",
            reason=reason,
            text=draft.text,
            statements=draft.statements,
            citations=draft.citations,
            evidence=request.evidence,
            confidence=sum(one.support for one in draft.statements) / len(draft.statements),
            model=self.name,
            usage=reply.usage,
            steps=steps,
        )

    def _named(self, markers: Sequence[CitablePassage]) -> tuple[ScoredPassage, ...]:
        """Return what the markers of the provisional text name, in their order."""
        return tuple(
            ScoredPassage(
                passage=Passage(
                    passage_id=f"{one.source_id}#{one.start}-{one.end}",
                    source_id=one.source_id,
                    start=one.start,
                    end=one.end,
                    text=one.text,
                    n_tokens=self._count(one.text),
                ),
                score=1 / rank,
                rank=rank,
                scorer="fusion",
            )
            for rank, one in enumerate(markers, start=1)
        )

    def _fall_back(
        self, inquiry: Inquiry, why: str, steps: tuple[Step, ...], usage: Mapping[str, int]
    ) -> Iterator[EvidenceReady | TextDelta | Answer]:
        """Let the extractive reader answer, and say so, with what the model used of tokens."""
        step = Step(code="fell_back", detail=f"{self.name}: {why}")
        for event in self._fallback.answer(inquiry):
            if isinstance(event, Answer):
                yield replace(event, steps=(*steps, step, *event.steps), usage=usage)
            else:
                yield event


class _Reply:
    """A model's reply while it comes, what it cost, how it ended, and what was done about one that is taken back."""

    def __init__(self) -> None:
        self.text = ""
        self.usage: dict[str, int] = {}
        self.finish = ""
        self.steps: tuple[Step, ...] = ()

    def read(self, deltas: Iterable[ChatDelta]) -> Iterator[str]:
        """Yield the texts of the deltas and keep them."""
        for delta in deltas:
            self.text += delta.text
            self.usage.update(delta.usage)
            self.finish = delta.finish or self.finish
            yield delta.text

    def add_usage(self, usage: Mapping[str, int]) -> None:
        """Add the tokens of another reply."""
        for kind, tokens in usage.items():
            self.usage[kind] = self.usage.get(kind, 0) + tokens


def _share_held(draft: Draft) -> float:
    """Return the share of statements that are not unsupported; -1 where there is none."""
    if not draft.statements:
        return -1.0
    held = sum(one.verdict != "unsupported" for one in draft.statements)
    return held / len(draft.statements)


def _messages(
    inquiry: Inquiry, passages: Sequence[CitablePassage], delimiter: str, *, cites: bool
) -> Sequence[Message]:
    """Return what is asked: with the passages in it, unless the model takes them as documents."""
    if cites or not passages:
        return prompts.native_messages(inquiry.query, inquiry.history, task=inquiry.task)
    return prompts.answer_messages(
        inquiry.query,
        passages,
        inquiry.history,
        delimiter=delimiter,
        task=inquiry.task,
    )


def _delimiter(query: str, passages: Sequence[CitablePassage]) -> str:
    """Return a line mark that no passage can contain, since it is a hash of them all and the query.

    It is the same for the same request, so that a model at temperature 0 says the same.
    """
    digest = hashlib.sha256(query.encode("utf-8", "surrogatepass"))
    for passage in passages:
        digest.update(passage.text.encode("utf-8", "surrogatepass"))
    return f"=={digest.hexdigest()[:16]}=="


def _sentences(passage: CitablePassage) -> Iterator[CitablePassage]:
    """Yield each sentence of a passage as what can be cited by itself."""
    for span in passage.sentences:
        if passage.words(span).strip():
            yield replace(passage, start=span.start, text=passage.words(span), sentences=(span,))


def _document(passage: CitablePassage) -> Document:
    """Return a passage for a model that cites by itself: a block a sentence, as data."""
    blocks = [prompts.neutralise_passage(one.text)[0] for one in _sentences(passage)]
    title, _ = prompts.neutralise_passage(" ".join(passage.title.split()))
    # An empty block would shift the numbers of those behind it.
    return Document(title=title, blocks=tuple(block.strip() or "…" for block in blocks))


def standalone_by_model(model: ChatModel, question: str, history: Sequence[Turn]) -> Query:
    """Return the question as one that needs no history, in the model's words.

    What the model says is searched and shown, never believed: the answer is held to the sources as ever.
    By the rules where there is no history, no reply, or one that is no rewriting (`prompts.read_rewrite`).
    """
    by_rules = standalone(question, history)
    if not history:
        return by_rules
    try:
        reply = _rewrite(model, prompts.rewrite_messages(question, history), question)
    except ChatError:
        return by_rules
    text = prompts.read_rewrite(reply, question)
    if not text:
        return by_rules
    said = set(question.lower().split())
    added = tuple(word for word in text.split() if word.lower() not in said)
    return Query(text=text, rewritten=text != question, added=added)


def _rewrite(model: ChatModel, messages: Sequence[Message], question: str) -> str:
    """Return what the model says, of a long reply no more than shows that it is no rewriting."""
    reply = ""
    with closing(model.stream(messages)) as deltas:
        for delta in deltas:
            reply += delta.text
            if not prompts.may_be_rewrite(reply, question):
                break
    return reply

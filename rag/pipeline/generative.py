"""A chat model writes the answer, and is held to the sources: the policy on bad citations.

No sentence is taken on trust, and none is lost for being flagged. Each step that was needed is in `Answer.steps`:

    check        every sentence against the words it cites                          (`citations.ground`)
    re-point     to words among the evidence that support it better                 repointed, cited
    compute      a number that follows in one step from numbers of the evidence     computed
    flag         what the sources do not bear out, with a phrase why; it stays
    ask again    once, saying what was wrong, for hard faults only                  asked_again
                 (`citations.faults`), where there is room to say it                not_asked_again
    leave out    a sentence with a hard fault that nothing in the sources bears on  left_out
    verify       the model, as judge, names the words that bear each sentence out;   verified
                 code looks them up and lowers what its own checks refuse           not_verified
    fall back    to the extractive reader, where nothing else is left, or no reply  fell_back
    abstain      where the model or the reader finds no answer
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date

from rag import prompts
from rag.chat import ChatDelta, ChatModel, Message, asked_at_once
from rag.citations import (
    CitablePassage,
    Draft,
    HardFault,
    Support,
    abstains,
    claims_of,
    emphases,
    ground,
    hear,
    lexical_support,
    neutralised,
    unchecked,
    weighed,
)
from rag.errors import ChatError
from rag.pipeline.briefing import Briefer, Briefing
from rag.pipeline.inquiry import Answerer, Inquiry, abstain
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
    Verify,
)

_CUT = frozenset(("length", "max_tokens", "model_length"))
"""What providers call the end of a reply that reached a limit."""


_CITED = re.compile(r"[\[【［]\s*\d")


class ChatAnswerer:
    """Lets a chat model write, and holds it to the sources.

    Args:
        model: writes.
        support: says how well sentences of the sources support a claim.
        fallback: answers where the model cannot.
        context: tokens that the model can take in and write together; 0 for what its provider tells.
        count_tokens: counts them.
        rewrites: whether the model makes follow-ups stand alone, in place of the rules.
        verify: who says whether sentences are borne out, where a question does not: the `model` and the checks, the
            checks alone (`builtin`), or nobody (`off`).
        today: the date that it is told; None for that of the clock.
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
        verify: Verify = "builtin",
        today: date | None = None,
    ) -> None:
        self._model = model
        self._support = support
        self._fallback = fallback
        self.briefer = Briefer(model, context=context, count_tokens=count_tokens, today=today)
        self._count = count_tokens
        self._rewrites = rewrites
        self._verify = verify

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
        request, spent = yield from self.briefer.brief(inquiry)
        if not request.markers:
            yield from self._fall_back(inquiry, "no passage fits the model's prompt", (), spent)
            return
        yield EvidenceReady(evidence=self._named(request.markers))
        reply = _Reply()
        try:
            with closing(self._model.stream(request.messages, request.documents)) as deltas:
                for text in neutralised(reply.read(deltas), len(request.markers)):
                    yield TextDelta(text=text)
        except ChatError as exc:
            reply.add_usage(spent, "plan_")
            yield from self._fall_back(inquiry, str(exc), request.steps, reply.usage)
            return
        reply.add_usage(spent, "plan_")
        gives_up = _abstains(reply.text)
        draft = None if gives_up else (yield from self._verified(inquiry, request, reply))
        if draft is None:
            gone = abstain(inquiry, "not_supported", model=self.name, evidence=request.evidence)
            yield replace(gone, steps=(*request.steps, *reply.steps), usage=reply.usage)
            return
        steps = (*request.steps, *draft.steps)
        if not _says_something(draft):
            why = "no sentence of the model's answer rests on the sources"
            yield from self._fall_back(inquiry, why, steps, reply.usage)
            return
        yield self._finish(inquiry, request, reply, replace(draft, steps=steps))

    def _checked(
        self, inquiry: Inquiry, request: Briefing, reply: _Reply
    ) -> Generator[TextDelta, None, Draft | None]:
        """Return the reply held to the passages; None where the model, asked once more, takes it back.

        Asked once more for hard faults only, or where nothing was said; the second reply is taken where it has fewer of
        them and loses nothing that holds. Yields nothing but signs of life.
        """
        draft = self._ground(inquiry, request, reply)
        if draft.statements and not draft.faults:
            return draft
        second, asked = yield from self._again(request, reply, draft.faults)
        kept = self._ground(inquiry, request, reply, leave_out=True)
        if _abstains(second.text) and not _held(kept):
            reply.steps = (*draft.steps, asked)
            return None
        redraft = self._ground(inquiry, request, second, leave_out=True)
        better = len(redraft.faults) < len(draft.faults) or not draft.statements
        if redraft.statements and better and _held(redraft) >= _held(kept):
            reply.finish = second.finish
            return replace(redraft, steps=(*draft.steps, asked, *redraft.steps))
        left_out = [step for step in kept.steps if step.code == "left_out"]
        return replace(kept, steps=(*draft.steps, asked, *left_out))

    def _verified(
        self, inquiry: Inquiry, request: Briefing, reply: _Reply
    ) -> Generator[TextDelta, None, Draft | None]:
        """Return the reply, checked as is wanted; None as `_checked` does. Yields nothing but signs of life."""
        verify = inquiry.verify or self._verify
        if verify == "off":
            return unchecked(ground(reply.text, request.markers, lexical_support))
        draft = yield from self._checked(inquiry, request, reply)
        if draft is None or not draft.statements or verify != "model":
            return draft
        started = time.perf_counter()
        draft = yield from self._judged(inquiry, request, reply, draft)
        reply.timings["verify"] = round(time.perf_counter() - started, 6)
        return draft

    def _judged(
        self, inquiry: Inquiry, request: Briefing, reply: _Reply, draft: Draft
    ) -> Generator[TextDelta, None, Draft]:
        """Return the draft as the model judges it, asked once; as it is, with a step, where that cannot be used."""
        hearing = hear(claims_of(draft), request.markers)
        messages = prompts.further_messages(request.messages, reply.text, hearing.request())
        said, trouble = _Reply(), ""
        if self.briefer.room(messages, request.documents) < 0:
            return _not_verified(draft, "its prompt has no room for the sentences")
        try:
            with closing(asked_at_once(self._model, messages, request.documents)) as deltas:
                for _ in said.read(deltas):
                    yield TextDelta(text="")
        except ChatError as exc:
            trouble = str(exc)
        reply.add_usage(said.usage, "verify_")
        rulings = None if trouble else hearing.rulings(said.text)
        if rulings is None:
            why = "its reply cannot be used: no verdicts, or one for a sentence made false"
            return _not_verified(draft, trouble or why)
        told = f"The model named the words that bear out each of {len(draft.statements)} sentences."
        judged = weighed(draft, rulings, request.markers, inquiry.query)
        return replace(judged, steps=(*draft.steps, Step(code="verified", detail=told)))

    def _ground(
        self, inquiry: Inquiry, request: Briefing, reply: _Reply, *, leave_out: bool = False
    ) -> Draft:
        """Return a reply held to the passages, and to what was asked and told."""
        told = request.messages[0]["content"] if request.messages else ""
        return ground(
            reply.text,
            request.markers,
            self._support,
            question=inquiry.query,
            said=(inquiry.question, *(turn.text for turn in inquiry.history)),
            instructions=told.replace(prompts.ABSTAIN, ""),
            leave_out=leave_out,
        )

    def _again(
        self, request: Briefing, reply: _Reply, faults: Sequence[tuple[str, HardFault]]
    ) -> Generator[TextDelta, None, tuple[_Reply, Step]]:
        """Ask once more, where there is room; a second reply that fails is empty, and takes nothing from the first."""
        told_of = [f"{sentence} ({fault.why})" for sentence, fault in faults]
        why = _counted(faults) or "it says nothing"
        again = prompts.repair_messages(
            request.messages, reply.text, told_of or ["no sentence with the number of a passage"]
        )
        second, trouble = _Reply(), ""
        if self.briefer.room(again, request.documents) < 0:
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

    def _finish(self, inquiry: Inquiry, request: Briefing, reply: _Reply, draft: Draft) -> Answer:
        """Return the checked answer, partial where the model was cut off."""
        steps, reason = draft.steps, None
        claims = [one for one in draft.statements if one.kind != "connective"]
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
            emphases=emphases(reply.text, draft.text),
            statements=draft.statements,
            citations=draft.citations,
            evidence=request.evidence,
            confidence=sum(one.support for one in claims) / max(len(claims), 1),
            model=self.name,
            usage=reply.usage,
            timings=reply.timings,
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
        self.timings: dict[str, float] = {}
        self.finish = ""
        self.steps: tuple[Step, ...] = ()

    def read(self, deltas: Iterable[ChatDelta]) -> Iterator[str]:
        """Yield the texts of the deltas and keep them."""
        for delta in deltas:
            self.text = delta.text if delta.anew else self.text + delta.text
            self.usage.update(delta.usage)
            self.finish = delta.finish or self.finish
            yield delta.text

    def add_usage(self, usage: Mapping[str, int], apart: str = "") -> None:
        """Add the tokens of another reply, and say them apart too under a prefix."""
        for kind, tokens in usage.items():
            self.usage[kind] = self.usage.get(kind, 0) + tokens
            if apart:
                self.usage[apart + kind] = tokens


def _not_verified(draft: Draft, why: str) -> Draft:
    """Return the draft as code checked it, with a step that says why the model did not."""
    told = f"The model did not judge its sentences: {why}"
    return replace(draft, steps=(*draft.steps, Step(code="not_verified", detail=told)))


def _held(draft: Draft) -> int:
    """Return how many claims of a draft are not unsupported."""
    return sum(
        one.kind != "connective" and one.verdict != "unsupported" for one in draft.statements
    )


def _says_something(draft: Draft) -> bool:
    """Tell whether a draft claims anything that has no hard fault; a flag is none."""
    faulty = {fault.why for _, fault in draft.faults}
    return any(one.kind != "connective" and one.why not in faulty for one in draft.statements)


def _abstains(text: str) -> bool:
    """Tell whether a reply says that the sources do not answer, and cites nothing that they do say."""
    if prompts.is_abstention(text):
        return not _CITED.search(text)
    return len(text.split("\n")) == 1 and abstains(text.strip())


_FAULTS = {
    "number": "number{s} that stand{no_s} nowhere",
    "name": "name{s} that stand{no_s} nowhere",
    "link": "address{es} of its own",
    "order": "sentence{s} on something else than the documents",
}


def _counted(faults: Sequence[tuple[str, HardFault]]) -> str:
    """Return how many hard faults of each kind there are, in words."""
    counts = Counter(fault.kind for _, fault in faults)
    said = [
        f"{n} {_FAULTS[kind].format(s='s'[n == 1 :], es='es' * (n > 1), no_s='s' * (n == 1))}"
        for kind, n in counts.items()
    ]
    return f"it has {', '.join(said)}" if said else ""


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
            reply = delta.text if delta.anew else reply + delta.text
            if not prompts.may_be_rewrite(reply, question):
                break
    return reply

"""What a chat model is told before it answers: as much of the sources as it has room for and pays, searched as it says.

plan     what the model would search for, where asking it pays           (`planning`)
found    for each part of the question, each query, and what the last answer said
shown    portions of the sources that bear on it, numbered              (`evidence`)
again    searched, sections opened and sums reckoned for what the model misses, where it is to be thorough
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import chain

from rag import prompts
from rag.chat import ChatModel, Document, Message, window_of
from rag.citations import CitablePassage
from rag.pipeline import evidence
from rag.pipeline.arithmetic import reckoned
from rag.pipeline.evidence import Numbered, Portion
from rag.pipeline.inquiry import Inquiry
from rag.pipeline.planning import Plan, asked, is_on_answer, pays, planned
from rag.queries import is_follow_up, request_of
from rag.retrieval import scored
from rag.schema import (
    Candidate,
    Depth,
    ScoredPassage,
    SourceInfo,
    Step,
    TextDelta,
    Turn,
)

ANSWER_TOKENS = 1024
"""Of the model's tokens, kept for its answer; a quarter of them where they are few."""
USUAL_WINDOW = 8192
"""Tokens of a model whose provider does not tell its window."""
MOST_ROUNDS = 5
"""Searches that a model may ask for, one after the other, before it answers."""
MOST_SECONDS = 60.0
"""That they may take."""
MOST_RECALLED = 6
"""Sentences of the last answer that are searched for where it is what is talked of."""
_CHARS_A_TOKEN = 3.5
"""Of sources, at the least, as a rule."""

_SENTENCE = re.compile(r"(?<=[.!?\]])\s+|\n+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Briefing:
    """What a model is asked, and what its markers name."""

    messages: Sequence[Message]
    documents: tuple[Document, ...]
    markers: tuple[CitablePassage, ...]
    """Marker k names the k-th."""
    evidence: tuple[ScoredPassage, ...]
    """The candidates it was made from, best first."""
    steps: tuple[Step, ...]
    shown: tuple[Numbered, ...]
    """The passages, as they are numbered for a model that does not cite by itself."""
    delimiter: str


@dataclass(slots=True)
class _Told:
    """What a model had opened and reckoned before it answers."""

    opened: list[Portion] = field(default_factory=list)
    sums: list[str] = field(default_factory=list)
    """With what they come to."""
    steps: list[Step] = field(default_factory=list)

    def learn(self, plan: Plan, shown: Sequence[Numbered], searched: Sequence[str]) -> Plan | None:
        """Do what a plan says; return what of it is to be searched, None where nothing of it is new.

        Args:
            plan: what the model said.
            shown: the passages that it numbers.
            searched: what was searched before.
        """
        sums = [f"Reckoned: {one} = {value}." for one in plan.sums if (value := reckoned(one))]
        wanted = [shown[number - 1] for number in plan.opened if 0 < number <= len(shown)]
        portions = {_section(one): one for one in wanted}
        new = [one for one in sums if one not in self.sums]
        unread = [one for one in portions if one not in self.opened]
        queries = tuple(one for one in plan.queries if one not in searched)
        self.sums += new
        self.opened += unread
        self.steps += [Step(code="computed", detail=one) for one in new]
        titles = (portions[one].title for one in unread)
        self.steps += [Step(code="opened", detail=f"Opened: {one}.") for one in titles]
        return replace(plan, queries=queries) if new or unread or queries else None


class Briefer:
    """Finds and words what a chat model is told.

    Args:
        model: is told.
        context: tokens that it can take in and write together; 0 for what its provider tells.
        count_tokens: counts them.
        today: the date that it is told; None for that of the clock.
    """

    def __init__(
        self,
        model: ChatModel,
        *,
        context: int,
        count_tokens: Callable[[str], int],
        today: date | None = None,
    ) -> None:
        self._model = model
        self._chosen = context
        self._count = count_tokens
        self._today = today

    @property
    def _context(self) -> int:
        """Tokens that the model can take in and write together."""
        return self._chosen or window_of(self._model) or USUAL_WINDOW

    def plan(
        self,
        question: str,
        history: Sequence[Turn],
        *,
        sources: Sequence[SourceInfo],
        found: Sequence[str],
        depth: Depth,
    ) -> Generator[TextDelta, None, Plan | None]:
        """Yield signs of life; return what the model would search for, where asking it pays.

        Args:
            question: as typed.
            history: earlier turns.
            sources: what may be searched; no plan is made where all of it is shown.
            found: texts that come near the question.
            depth: "thorough" asks for a plan of every question.
        """
        if not found or self._fit(sources, depth):
            return None
        if depth == "quick" and not pays(question, history, found):
            return None
        return (yield from planned(self._model, question, history, sources, found))

    def brief(
        self, inquiry: Inquiry
    ) -> Generator[TextDelta, None, tuple[Briefing, Mapping[str, int]]]:
        """Yield signs of life; return what to ask, and the tokens that were used to find it.

        A thorough model says what is missing, is shown what is found for it, and so on while there is something new,
        time, and no more read than a few answers would cost.
        """
        first = inquiry.plan
        plans = [first] if first is not None and first.queries else []
        usage = dict(first.usage) if first is not None else {}
        told = _Told()
        request = self._request(inquiry, plans, told)
        ends, left = time.monotonic() + MOST_SECONDS, 4 * self._context
        while (
            inquiry.depth == "thorough"
            and inquiry.search is not None
            and request.markers
            and len(plans) < MOST_ROUNDS
            and not self._fit((inquiry.listed or list)(), inquiry.depth)
        ):
            searched = [one for plan in plans for one in plan.queries] or [inquiry.query]
            messages = prompts.missing_messages(
                inquiry.query, request.shown, searched, delimiter=request.delimiter
            )
            left -= sum(self._count(message["content"]) for message in messages)
            if left < 0 or self.room(messages) < 0 or time.monotonic() > ends:
                break
            plan = yield from asked(self._model, messages)
            for kind, tokens in plan.usage.items() if plan else ():
                usage[kind] = usage.get(kind, 0) + tokens
            new = plan and told.learn(plan, request.shown, searched)
            if not new:
                break
            plans.append(new)
            request = self._request(inquiry, plans, told)
        return request, usage

    def _request(self, inquiry: Inquiry, plans: Sequence[Plan], told: _Told) -> Briefing:
        """Return what to ask: what bears on it of the sources, as much as the model has room for and pays."""
        offered = [inquiry.citable(one) for one in inquiry.candidates]
        inquiry = self._beside(offered, inquiry, _delimiter(inquiry.query, offered))
        room = self.room(self._frame(inquiry, _delimiter(inquiry.query, offered)))
        found = self._found(inquiry, plans)
        shown = evidence.taken(
            chain(told.opened, self._wanted(inquiry, found, room)),
            inquiry.source,
            budget=self._budget(inquiry, offered, room),
            count=self._count,
        )
        delimiter = _delimiter(inquiry.query, [one.passage for one in shown])
        shown = prompts.pack(shown, room, self._count, delimiter=delimiter)
        n_harmless = prompts.count_neutralised(shown)
        warned = f"{n_harmless} things in the passages that could steer a model were made harmless."
        harmless = (Step(code="neutralised", detail=warned),) if n_harmless else ()
        passages = tuple(one.passage for one in shown)
        cites = self._model.cites
        return Briefing(
            messages=self._messages(inquiry, shown, delimiter, told.sums),
            documents=tuple(map(_document, shown)) if cites else (),
            markers=tuple(chain.from_iterable(map(_sentences, passages))) if cites else passages,
            evidence=scored(_read_of(chain(inquiry.candidates, *found), passages)),
            steps=(*(plan.step for plan in plans if plan.queries), *told.steps, *harmless),
            shown=shown,
            delimiter=delimiter,
        )

    def _found(self, inquiry: Inquiry, plans: Sequence[Plan]) -> Sequence[Sequence[Candidate]]:
        """Return what is found for each part of the question, each query of the plans, and what is talked of."""
        parts = [candidates for _, candidates in inquiry.parts]
        if inquiry.search is None or inquiry.overview is not None:
            return parts
        queries = [part for part, _ in inquiry.parts]
        queries += [one for plan in plans for one in plan.queries]
        queries += _recalled(inquiry)
        named = inquiry.named
        wide = [
            [one for one in inquiry.search(query) if not named or one.passage.source_id in named]
            for query in dict.fromkeys(queries)
        ]
        return [inquiry.candidates, *wide]

    def _wanted(
        self, inquiry: Inquiry, found: Sequence[Sequence[Candidate]], room: int
    ) -> Iterator[Portion]:
        """Yield what to show, most wanted first."""
        last = _last_answer(inquiry)
        for one in last.citations if last is not None else ():
            if _is_there(inquiry, one.source_id):
                yield Portion(source_id=one.source_id, start=one.start, end=one.end)
        around = 0 if inquiry.overview is not None else evidence.AROUND
        portions = evidence.portions_of(found, around=around, wide=evidence.WIDE[inquiry.depth])
        most = min(evidence.MOST_TOKENS[inquiry.depth], room) * _CHARS_A_TOKEN
        listed = {one.source_id: one.n_chars for one in (inquiry.listed or list)()}
        named = inquiry.named or (inquiry.plan.documents if inquiry.plan else ())
        whole = [
            name
            for name in dict.fromkeys(chain((one.source_id for one in portions), listed))
            if name in listed and (not named or name in named)
        ]
        if whole and sum(listed[name] for name in whole) <= most:
            for name in whole:
                yield Portion(source_id=name, start=0, end=listed[name] + 1, around=0)
        yield from portions

    def _fit(self, sources: Sequence[SourceInfo], depth: Depth) -> bool:
        """Tell whether some sources can be shown whole, beside rules, history and an answer."""
        room = evidence.PART[depth] * (self._context - 2 * ANSWER_TOKENS)
        most = min(evidence.MOST_TOKENS[depth], room)
        return bool(sources) and sum(one.n_chars for one in sources) <= most * _CHARS_A_TOKEN

    def _budget(self, inquiry: Inquiry, offered: Sequence[CitablePassage], room: int) -> int:
        """Return the tokens of evidence: a part of the room, but no less than what was found, and no more than pays."""
        found = sum(self._count(one.text) for one in offered)
        most = max(int(evidence.PART[inquiry.depth] * room), found)
        return min(room, most, evidence.MOST_TOKENS[inquiry.depth])

    def _messages(
        self, inquiry: Inquiry, shown: Sequence[Numbered], delimiter: str, sums: Sequence[str]
    ) -> Sequence[Message]:
        """Return what is asked: with the passages in it, unless the model takes them as documents."""
        if self._model.cites or not shown:
            return self._frame(inquiry, delimiter)
        return prompts.answer_messages(
            _told(inquiry),
            shown,
            inquiry.history,
            delimiter=delimiter,
            task="\n".join((inquiry.task, *sums)).strip(),
            today=self._date,
            numbers=_numbers(inquiry, [one.passage for one in shown]),
        )

    @property
    def _date(self) -> str:
        """Today, as a model is told it."""
        day = self._today or datetime.now(UTC).astimezone().date()
        return f"{day:%A}, {day.day} {day:%B} {day.year}"

    def _beside(
        self, passages: Sequence[CitablePassage], inquiry: Inquiry, delimiter: str
    ) -> Inquiry:
        """Return the inquiry with the latest turns that leave room for the passages: history goes before they do."""
        wanted = sum(
            self._count(prompts.show_passage(number, passage, delimiter))
            for number, passage in enumerate(passages, start=1)
        )
        beside = replace(inquiry, history=inquiry.history[-prompts.MOST_TURNS :])
        while beside.history and self.room(self._frame(beside, delimiter)) < wanted:
            beside = replace(beside, history=beside.history[1:])
        return beside

    def _frame(self, inquiry: Inquiry, delimiter: str) -> Sequence[Message]:
        """Return what this model is told around the passages."""
        if self._model.cites:
            return prompts.native_messages(
                _told(inquiry), inquiry.history, task=inquiry.task, today=self._date
            )
        return prompts.frame_messages(
            _told(inquiry),
            inquiry.history,
            delimiter=delimiter,
            task=inquiry.task,
            today=self._date,
        )

    def room(self, messages: Sequence[Message], documents: Sequence[Document] = ()) -> int:
        """Return how many tokens are left beside messages, documents and an answer; below 0 where they do not fit."""
        said = (message["content"] for message in messages)
        shown = (text for one in documents for text in (one.title, *one.blocks))
        asked = sum(map(self._count, chain(said, shown)))
        return self._context - min(ANSWER_TOKENS, self._context // 4) - asked


def _section(shown: Numbered) -> Portion:
    """Return the section that a passage stands in, whole."""
    one = shown.passage
    return Portion(source_id=one.source_id, start=one.start, end=one.end, around=evidence.OPENED)


def _told(inquiry: Inquiry) -> str:
    """Return the question as it was typed; what it means by a plan, or without the talk that it is part of, besides."""
    if inquiry.query.startswith(inquiry.question.strip()):  # a request, with the question before
        return inquiry.query
    alone = not inquiry.history or (inquiry.plan is not None and inquiry.plan.question)
    if not alone:
        return inquiry.question
    return f"{inquiry.question}\n(In full: {inquiry.query})"


def _last_turn(inquiry: Inquiry) -> Turn | None:
    """Return the last answer."""
    return next((one for one in reversed(inquiry.history) if one.role == "assistant"), None)


def _last_answer(inquiry: Inquiry) -> Turn | None:
    """Return the last answer where the question is about it or needs it; None for any other question."""
    last = _last_turn(inquiry)
    if last is None:
        return None
    follows = (
        inquiry.query != inquiry.question
        or request_of(inquiry.question) is not None
        or is_follow_up(inquiry.question, last.text)
        or is_on_answer(inquiry.question)
    )
    return last if follows else None


def _recalled(inquiry: Inquiry) -> list[str]:
    """Return the sentences of the last answer where it is talked of, to find again what they rest on."""
    last = _last_answer(inquiry)
    said = _SENTENCE.split(re.sub(r"\[\d{1,4}\]", "", last.text)) if last is not None else []
    return [one.strip(" -*•") for one in said if len(one) > 12][:MOST_RECALLED]


def _numbers(inquiry: Inquiry, passages: Sequence[CitablePassage]) -> dict[int, int]:
    """Return of each marker of the last answer the number of the passage that now shows what it named."""
    last = _last_turn(inquiry)
    return {
        citation.marker: number
        for citation in (last.citations if last is not None else ())
        for number, one in enumerate(passages, start=1)
        if one.source_id == citation.source_id and one.start <= citation.start < one.end
    }


def _is_there(inquiry: Inquiry, source_id: str) -> bool:
    """Tell whether a source may be shown."""
    return any(one.source_id == source_id for one in (inquiry.listed or list)())


def _read_of(
    candidates: Iterable[Candidate], passages: Sequence[CitablePassage]
) -> list[Candidate]:
    """Return the candidates that are shown, each once."""
    shown = {one.passage.passage_id: one for one in reversed([*candidates])}
    return [
        one
        for one in reversed(shown.values())
        if any(
            passage.source_id == one.passage.source_id
            and passage.start < one.passage.end
            and one.passage.start < passage.end
            for passage in passages
        )
    ]


def _delimiter(query: str, passages: Sequence[CitablePassage]) -> str:
    """Return a line mark that no passage can contain, since it is a hash of them all and the query.

    It is the same for the same request, so that a model at temperature 0 says the same.
    """
    digest = hashlib.sha256(query.encode("utf-8", "surrogatepass"))
    for passage in passages:
        digest.update(passage.text.encode("utf-8", "surrogatepass"))
    return f"=={digest.hexdigest()[:10]}=="


def _sentences(passage: CitablePassage) -> Iterator[CitablePassage]:
    """Yield each sentence of a passage as what can be cited by itself."""
    for span in passage.sentences:
        if passage.words(span).strip():
            yield replace(passage, start=span.start, text=passage.words(span), sentences=(span,))


def _document(shown: Numbered) -> Document:
    """Return a passage for a model that cites by itself: a block a sentence, as data."""
    blocks = [prompts.neutralise_passage(one.text)[0] for one in _sentences(shown.passage)]
    title, _ = prompts.neutralise_passage(" ".join(shown.title.split()))
    # An empty block would shift the numbers of those behind it.
    return Document(title=title, blocks=tuple(block.strip() or "…" for block in blocks))

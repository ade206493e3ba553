"""One question: understood, searched, answered, and said of what it lacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from rag.embedding import Encoder
from rag.errors import SourceNotFoundError
from rag.pipeline.comparison import Side, asked_of, is_on_a_point, named_together, sides_of
from rag.pipeline.completeness import qualified
from rag.pipeline.dialogue import (
    by_program,
    done,
    last_answer,
    nothing_before,
    reading,
    small_talk,
)
from rag.pipeline.disagreement import set_beside
from rag.pipeline.extractive import ExtractiveAnswerer
from rag.pipeline.inquiry import Answerer, Inquiry, abstain
from rag.pipeline.library import Library
from rag.pipeline.overview import Overview, gather, names_any, understood
from rag.pipeline.preference import Preference, find_preferred, preference_of
from rag.queries import Intent, Query, intent_of, recent, request_of, respelled, standalone
from rag.queries.documents import Named
from rag.reader.parts import split_parts
from rag.retrieval import POOL, Retriever, scored
from rag.schema import (
    Answer,
    AnswerReady,
    AskOptions,
    Candidate,
    Depth,
    Event,
    EvidenceReady,
    QueryReady,
    ReasonCode,
    Source,
    SourceInfo,
    TextDelta,
    Turn,
    Verify,
)
from rag.settings import Settings
from rag.store import Coverage, Snapshot, Store
from rag.tokens import TokenCounter

if TYPE_CHECKING:
    from rag.pipeline.planning import Plan

_WHOLE = 5
"""Letters from which a token is a word; shorter ones are as often a part of some, or a slip that many make."""


class Asker:
    """Takes one question from its words to an answer.

    Args:
        settings: what is not chosen for the question.
        index: the open store.
        library: says what may be searched, and what is missing.
        retriever: finds candidates.
        answerers: by name, the preferred one first, the one that says the sources' own words last.
        encoder: its vocabulary tells words.
        tokens: as does this one's.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        index: Store,
        library: Library,
        retriever: Retriever,
        answerers: Mapping[str, Answerer],
        encoder: Encoder,
        tokens: TokenCounter,
    ) -> None:
        self._settings = settings
        self._index = index
        self._library = library
        self.retriever = retriever
        self.answerers = answerers
        self._encoder = encoder
        self._tokens = tokens

    @cached_property
    def _one_word(self) -> int:
        """Word pieces of one word, with those that frame a text."""
        return self._encoder.count_tokens("a")

    @property
    def _reader(self) -> Answerer:
        """The one that says the sources' own words; there is none where nothing but searching is wanted."""
        return [*self.answerers.values()][-1]

    def stream(
        self, question: str, history: Sequence[Turn], options: AskOptions
    ) -> Iterator[Event]:
        """Yield what happens on the way to an answer; see `Rag.stream`, which checks the arguments."""
        watch = _Watch()
        with self._index.snapshot() as snapshot:
            coverage = snapshot.coverage()
            turn = self._turn(question, history, options, snapshot, coverage)
            replied = self._replied(turn)
            if replied is not None:
                yield QueryReady(query=replied.query, rewritten=replied.query != question)
                yield EvidenceReady(evidence=replied.evidence)
                watch.lap("answer")
                yield AnswerReady(answer=replace(replied, timings=watch.timings()))
                return
            plan = yield from self._planned(turn)
            intent, query, searched = self._understood(turn, plan)
            yield QueryReady(query=query, rewritten=query != question)
            watch.lap("query")
            wanted = preference_of(searched, turn.sources)
            overview, parts, sides = self._found(turn, searched, intent, wanted)
            watch.lap("search")
            inquiry = turn.inquiry(query, parts, overview, intent, wanted, sides)
            inquiry = replace(inquiry, plan=plan)
            yield EvidenceReady(evidence=scored(inquiry.candidates))
            if not inquiry.candidates:
                code: ReasonCode = "nothing_retrieved" if self._index.hashes() else "no_sources"
                answers: Iterator[EvidenceReady | TextDelta | Answer] = iter(
                    [abstain(inquiry, code, model=turn.answerer.name)]
                )
            else:
                answers = turn.answerer.answer(inquiry)
            for event in answers:
                if isinstance(event, Answer):
                    answer = event
                    if not inquiry.is_settled:
                        answer = set_beside(event, inquiry.candidates, inquiry.citable)
                    away = () if coverage.is_everything_there() else snapshot.sources()
                    answer = qualified(answer, self._library.gaps(coverage), away)
                    watch.lap("answer")
                    yield AnswerReady(answer=replace(answer, timings=watch.timings(answer.timings)))
                else:
                    yield event

    def _turn(
        self,
        question: str,
        history: Sequence[Turn],
        options: AskOptions,
        snapshot: Snapshot,
        coverage: Coverage,
    ) -> _Turn:
        """Return a question with how it is to be answered: by its options, else by the settings."""
        only = self._library.searchable(options.sources, coverage)
        given, usual = options.strictness, self._settings
        known = self.answerers  # others may take their place meanwhile
        return _Turn(
            question=question,
            history=tuple(history),
            answerer=known[options.model or next(iter(known))],
            snapshot=snapshot,
            only=only,
            top_k=options.top_k or usual.top_k,
            strictness=usual.strictness if given is None else given,
            verify=options.verify,
            depth=options.depth or usual.depth,
            search=lambda query: self.retriever.retrieve(snapshot, query, k=POOL, sources=only),
        )

    def _replied(self, turn: _Turn) -> Answer | None:
        """Return the answer to small talk, or to a request that the program does; None for a question."""
        name = turn.answerer.name
        talk = small_talk(turn.question, n_sources=len(turn.snapshot.sources()), model=name)
        request = request_of(turn.question)
        if talk is not None or request is None:
            return talk
        last = last_answer(request, turn.history)
        if last is None:
            return nothing_before(turn.question, model=name)
        if turn.answerer is not self._reader and not by_program(request):
            return None
        query = self._respelled(turn.snapshot, last.query, turn.only)
        return done(
            replace(last, query=query),
            question=turn.question,
            model=name,
            source=turn.source,
            ask_again=lambda: self._read_again(turn, query),
        )

    def _read_again(self, turn: _Turn, query: str) -> Answer:
        """Return the answer to a question in the words of the sources."""
        intent, wanted = Intent(kind="question"), preference_of(query, turn.sources)
        _, parts, _ = self._found(turn, query, intent, wanted)
        inquiry = turn.inquiry(query, parts, None, intent, wanted)
        if not inquiry.candidates:
            return abstain(inquiry, "nothing_retrieved", model=self._reader.name)
        answers = [one for one in self._reader.answer(inquiry) if isinstance(one, Answer)]
        return answers[-1]

    def _planned(self, turn: _Turn) -> Generator[TextDelta, None, Plan | None]:
        """Yield signs of life; return what a chat model would search for, where asking it pays."""
        answerer = turn.answerer
        if isinstance(answerer, ExtractiveAnswerer) or request_of(turn.question) is not None:
            return None
        from rag.pipeline.generative import ChatAnswerer

        if not isinstance(answerer, ChatAnswerer):
            return None
        found = self.retriever.retrieve(
            turn.snapshot, turn.question, k=turn.top_k, sources=turn.only
        )
        return (
            yield from answerer.briefer.plan(
                turn.question,
                turn.history,
                sources=turn.sources,
                found=[one.passage.text for one in found],
                depth=turn.depth,
            )
        )

    def _understood(self, turn: _Turn, plan: Plan | None = None) -> tuple[Intent, str, str]:
        """Return what a question wants, the query for it, and what is searched.

        A request that a chat model does is asked with the question that its last answer was to, and that is searched.
        """
        request = request_of(turn.question)
        last = last_answer(request, turn.history) if request is not None else None
        if last is not None and turn.answerer is not self._reader:
            asked = f"{turn.question.strip()} (of the answer to: {last.query})"
            return Intent(kind="question"), asked, last.query
        meant = self._respelled(turn.snapshot, turn.question, turn.only)
        before = recent(turn.history)
        if plan is not None and plan.question and turn.history:
            query = Query(text=plan.question, rewritten=plan.question != meant, added=())
            intent, query = understood(meant, query)
            return intent, query.text, query.text
        intent, query = understood(meant, turn.answerer.standalone(meant, before))
        if intent.kind == "question" and isinstance(self._reader, ExtractiveAnswerer):
            query = reading(meant, query, before, lambda text: self._grade(turn, text))
        if intent.kind == "question":
            intent = named_together(query.text, turn.sources) or intent
        return intent, query.text, query.text

    def _grade(self, turn: _Turn, query: str) -> int:
        """Return what of an answer the reader finds for a query."""
        assert isinstance(self._reader, ExtractiveAnswerer)
        found = self.retriever.retrieve(turn.snapshot, query, k=turn.top_k, sources=turn.only)
        return self._reader.grade(query, found, strictness=turn.strictness)

    def _respelled(self, snapshot: Snapshot, question: str, only: frozenset[str] | None) -> str:
        """Return a question with its misspelt words as the sources to search spell them."""
        return respelled(
            question,
            is_known=lambda word: bool(snapshot.lexical(word, 1)) or self._is_word(word),
            found=lambda: [
                one.passage.text
                for one in self.retriever.retrieve(snapshot, question, k=POOL, sources=only)
            ],
        )

    def _is_word(self, word: str) -> bool:
        """Tell whether the language has a word: the vocabularies of encoder and tokens were counted off much text."""
        if self._encoder.count_tokens(word) <= self._one_word:
            return True  # the ranks of tokens take long to load
        return len(word) >= _WHOLE and self._tokens.count(f" {word.lower()}") == 1

    def _found(
        self, turn: _Turn, query: str, intent: Intent, wanted: Preference
    ) -> tuple[Overview | None, tuple[tuple[str, tuple[Candidate, ...]], ...], tuple[Side, ...]]:
        """Return what an overview is made of, each part of a query with its candidates, and the sides they are of."""
        snapshot, only, top_k = turn.snapshot, turn.only, turn.top_k

        def retrieve(
            part: str, k: int, sources: frozenset[str] | None = only
        ) -> tuple[Candidate, ...]:
            return self.retriever.retrieve(snapshot, part, k=k, sources=sources)

        sources = turn.sources
        sides: tuple[Side, ...] = ()
        if intent.kind == "comparison":
            sides = sides_of(intent, sources, lambda: retrieve(query, POOL, only))
            if len(sides) > 1 and is_on_a_point(intent, sides, sources):
                return None, asked_of(sides, intent.asked, retrieve, top_k, only), sides
            if len(sides) < 2 or not all(one.sources for one in sides):
                intent, sides = intent_of(query, sides=False), ()
        if intent.kind == "summary" and intent.asked and not names_any(intent.source_hint, sources):
            intent = Intent(kind="question")
        if intent.kind == "question":
            parts = _standalone_parts(query)
            return (
                None,
                tuple(
                    (part, find_preferred(retrieve, part, top_k, only, wanted)) for part in parts
                ),
                (),
            )
        overview = gather(
            intent,
            store=snapshot,
            retrieve=retrieve,
            sources=sources,
            most_tokens=self._settings.window or self._settings.llm_tokens,
            sides=sides,
        )
        return overview, ((query, overview.candidates),), ()


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """A question with how it is to be answered."""

    question: str
    history: tuple[Turn, ...]
    answerer: Answerer
    snapshot: Snapshot
    only: frozenset[str] | None
    """Ids of the sources that may be searched and shown; None for all."""
    top_k: int
    strictness: float
    verify: Verify | None
    depth: Depth
    search: Callable[[str], tuple[Candidate, ...]]
    """Finds more than is read without a chat model."""

    def inquiry(
        self,
        query: str,
        parts: tuple[tuple[str, tuple[Candidate, ...]], ...],
        overview: Overview | None,
        intent: Intent,
        wanted: Preference,
        sides: Sequence[Side] = (),
    ) -> Inquiry:
        """Return the question with what was found for it."""
        compares = intent.kind == "comparison"
        return Inquiry(
            question=self.question,
            query=query,
            history=self.history,
            parts=parts,
            source=self.snapshot.source,
            listed=lambda: self.sources,
            preference=replace(wanted, named=Named(), topic=intent.topic) if compares else wanted,
            sides=tuple(one.name for one in sides),
            more=intent.more,
            overview=overview,
            strictness=self.strictness,
            verify=self.verify,
            search=self.search,
            depth=self.depth,
        )

    @cached_property
    def sources(self) -> list[SourceInfo]:
        """What may be searched."""
        return [
            one
            for one in self.snapshot.sources()
            if self.only is None or one.source_id in self.only
        ]

    def source(self, source_id: str) -> Source | None:
        """Return a source; None where it is gone, or may not be shown."""
        if self.only is not None and source_id not in self.only:
            return None
        try:
            return self.snapshot.source(source_id)
        except SourceNotFoundError:
            return None


class _Watch:
    """Seconds by stage."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """Note the time since the last lap as this stage's."""
        now = time.perf_counter()
        self._laps[stage] = round(now - self._last, 6)
        self._last = now

    def timings(self, within: Mapping[str, float] = {}) -> dict[str, float]:
        """Return every stage's seconds, those of parts of a stage too, and their total."""
        return {**self._laps, **within} | {"total": round(self._last - self._start, 6)}


def _standalone_parts(query: str) -> tuple[str, ...]:
    """Return the questions that a query consists of, later ones with what they refer to."""
    first, *others = split_parts(query)
    said = [Turn(role="user", text=first)]
    return (first, *(standalone(part, said).text for part in others))

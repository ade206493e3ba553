"""One question: understood, searched, answered, and said of what it lacks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rag.embedding import Encoder
from rag.index import Index
from rag.pipeline.comparison import Side, asked_of, is_on_a_point, sides_of
from rag.pipeline.completeness import qualified
from rag.pipeline.disagreement import set_beside
from rag.pipeline.inquiry import Answerer, Inquiry, abstain, scored
from rag.pipeline.library import Library
from rag.pipeline.overview import Overview, gather, names_any, understood
from rag.pipeline.preference import Preference, preference_of, searched
from rag.queries import Intent, intent_of, respelled, standalone
from rag.queries.documents import Named
from rag.reader.parts import split_parts
from rag.retrieval import POOL, Retriever
from rag.schema import (
    Answer,
    AnswerReady,
    AskOptions,
    Candidate,
    Event,
    EvidenceReady,
    QueryReady,
    ReasonCode,
    SourceInfo,
    TextDelta,
    Turn,
)
from rag.settings import Settings
from rag.store import Snapshot
from rag.tokens import TokenCounter

_WHOLE = 5
"""Letters from which a token is a word; shorter ones are as often a part of some, or a slip that many make."""


class Asker:
    """Takes one question from its words to an answer.

    Args:
        settings: what is not chosen for the question.
        index: the open store.
        library: says what may be searched, and what is missing.
        retriever: finds candidates.
        answerers: by name, the preferred one first.
        encoder: its vocabulary tells words.
        tokens: as does this one's.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        index: Index,
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
        self._answerers = answerers
        self._encoder = encoder
        self._tokens = tokens
        self._one_word = encoder.count_tokens("a")

    def stream(
        self, question: str, history: Sequence[Turn], options: AskOptions
    ) -> Iterator[Event]:
        """Yield what happens on the way to an answer; see `Rag.stream`, which checks the arguments."""
        watch = _Watch()
        answerer = self._answerers[options.model or next(iter(self._answerers))]
        with self._index.snapshot() as snapshot:
            coverage = snapshot.coverage()
            only = self._library.searchable(options.sources, coverage)
            meant = self._respelled(snapshot, question, only)
            intent, query = understood(meant, answerer.standalone(meant, history))
            yield QueryReady(query=query.text, rewritten=query.rewritten or meant != question)
            watch.lap("query")
            wanted = preference_of(query.text, _of(snapshot.sources(), only))
            if intent.kind == "comparison":
                wanted = replace(wanted, named=Named(), topic=intent.topic)
            overview, parts = self._found(
                snapshot, query.text, intent, only, options.top_k or self._settings.top_k, wanted
            )
            watch.lap("search")
            inquiry = Inquiry(
                question=question,
                query=query.text,
                history=tuple(history),
                parts=parts,
                source=snapshot.source,
                overview=overview,
                preference=wanted,
                compared=intent.kind == "comparison" and overview is None and len(parts) > 1,
                strictness=self._settings.strictness
                if options.strictness is None
                else options.strictness,
            )
            yield EvidenceReady(evidence=scored(inquiry.candidates))
            if not inquiry.candidates:
                code: ReasonCode = "nothing_retrieved" if self._index.hashes() else "no_sources"
                answers: Iterator[EvidenceReady | TextDelta | Answer] = iter(
                    [abstain(inquiry, code, model=answerer.name)]
                )
            else:
                answers = answerer.answer(inquiry)
            for event in answers:
                if isinstance(event, Answer):
                    answer = event
                    if not inquiry.compared and not wanted.is_of_one:
                        answer = set_beside(event, inquiry.candidates, inquiry.citable)
                    away = () if coverage.is_everything_there() else snapshot.sources()
                    answer = qualified(answer, self._library.gaps(coverage), away)
                    watch.lap("answer")
                    yield AnswerReady(answer=replace(answer, timings=watch.timings()))
                else:
                    yield event

    def _respelled(self, snapshot: Snapshot, question: str, only: frozenset[str] | None) -> str:
        """Return a question with its misspelt words as the sources to search spell them."""
        return respelled(
            question,
            is_known=lambda word: self._is_word(word) or bool(snapshot.lexical(word, 1)),
            found=lambda: [
                one.passage.text
                for one in self.retriever.retrieve(snapshot, question, k=POOL, sources=only)
            ],
        )

    def _is_word(self, word: str) -> bool:
        """Tell whether the language has a word: the vocabularies of encoder and tokens were counted off much text."""
        whole = len(word) >= _WHOLE and self._tokens.count(f" {word.lower()}") == 1
        return whole or self._encoder.count_tokens(word) <= self._one_word

    def _found(
        self,
        snapshot: Snapshot,
        query: str,
        intent: Intent,
        only: frozenset[str] | None,
        top_k: int,
        wanted: Preference,
    ) -> tuple[Overview | None, tuple[tuple[str, tuple[Candidate, ...]], ...]]:
        """Return the candidates of each part of a query; of an overview's only part, and what was gathered for it."""

        def retrieve(
            part: str, k: int, sources: frozenset[str] | None = only
        ) -> tuple[Candidate, ...]:
            return self.retriever.retrieve(snapshot, part, k=k, sources=sources)

        sources = _of(snapshot.sources(), only)
        sides: tuple[Side, ...] = ()
        if intent.kind == "comparison":
            sides = sides_of(intent, sources)
            if len(sides) > 1 and is_on_a_point(intent, sides, sources):
                return None, asked_of(sides, intent.asked, retrieve, top_k, only)
            if len(sides) < 2 or not all(one.sources for one in sides):
                intent, sides = intent_of(query, sides=False), ()
        if intent.kind == "summary" and intent.asked and not names_any(intent.source_hint, sources):
            intent = Intent(kind="question")
        if intent.kind == "question":
            parts = _standalone_parts(query)
            return None, tuple(
                (part, searched(retrieve, part, top_k, only, wanted)) for part in parts
            )
        overview = gather(
            intent,
            store=snapshot,
            retrieve=retrieve,
            sources=sources,
            most_tokens=self._settings.llm_tokens,
            sides=sides,
        )
        return overview, ((query, overview.candidates),)


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

    def timings(self) -> dict[str, float]:
        """Return every stage's seconds and their total."""
        return self._laps | {"total": round(self._last - self._start, 6)}


def _of(sources: Sequence[SourceInfo], only: frozenset[str] | None) -> list[SourceInfo]:
    """Return the sources that are searched."""
    return [one for one in sources if only is None or one.source_id in only]


def _standalone_parts(query: str) -> tuple[str, ...]:
    """Return the questions that a query consists of, later ones with what they refer to."""
    first, *others = split_parts(query)
    said = [Turn(role="user", text=first)]
    return (first, *(standalone(part, said).text for part in others))

"""`Rag`: sources in, cited answers out. The wiring of all rooms, and nothing else."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, get_args

from rag import index as store
from rag import passages
from rag.chat import load_chat_models
from rag.embedding import EncodedPassages, Encoder, load_encoder
from rag.errors import (
    IndexBusyError,
    IndexWriteError,
    QuestionError,
    SettingsError,
    SourceNotFoundError,
)
from rag.language.paths import led
from rag.pipeline import border
from rag.pipeline.answering import (
    Answerer,
    ExtractiveAnswerer,
    Inquiry,
    abstain,
    scored,
)
from rag.pipeline.bearing import support_of
from rag.pipeline.chatting import ChatAnswerer
from rag.pipeline.completeness import Lag, gaps, qualified
from rag.pipeline.conversation import Conversation
from rag.pipeline.overview import Overview, gather, set_beside, understood
from rag.pipeline.roots import added_roots, forget
from rag.queries import Intent, respelled, standalone
from rag.reader import load_reader
from rag.reader.parts import split_parts
from rag.retrieval import POOL, Method, Retriever
from rag.schema import (
    Answer,
    AnswerReady,
    Candidate,
    Citation,
    Event,
    EvidenceReady,
    QueryReady,
    ReasonCode,
    ScoredPassage,
    Source,
    SourceInfo,
    Span,
    SplitPassage,
    SyncReport,
    TextDelta,
    Turn,
)
from rag.settings import Settings
from rag.sources import Root, Worker, find_files, hash_file, identity
from rag.tokens import TokenCounter

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever

__all__ = ["Conversation", "Progress", "Rag"]

log = logging.getLogger(__name__)

_WHOLE = 5
"""Letters from which a token is a word; shorter ones are as often a part of some, or a slip that many make."""

_BUSY = (
    "Another process is changing the index, so that what has changed in the documents may be missing from it."
    " Ask again when that has ended."
)
_UNWRITTEN = (
    "The index could not be brought up to date: what has changed in the documents may be missing."
)

Progress = Callable[[str, int, int], None]
"""Told (stage, done, of how many) during long work."""


class Rag:
    """Questions about one's own documents, every sentence of an answer cited.

    `Rag.open` makes one from settings; the constructor takes finished parts. Safe to ask from many threads.

    Args:
        settings: folders and limits.
        index: the open store.
        encoder: makes vectors; the one that the store was built with.
        answerers: in order of preference; the first answers unless another is named; the last is the
            extractive reader.
        tokens: counts tokens for passages.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        index: store.Index,
        encoder: Encoder,
        answerers: Sequence[Answerer],
        tokens: TokenCounter,
    ) -> None:
        self.settings = settings
        self._index = index
        self._encoder = encoder
        self._answerers = {answerer.name: answerer for answerer in answerers}
        self._tokens = tokens
        self._one_word = encoder.count_tokens("a")
        self.last_sync: SyncReport | None = None
        """Report of the latest sync through this object."""
        self._lag: Lag | None = None
        self._retriever = Retriever(lambda query: encoder.encode_queries([query])[0])

    @classmethod
    def open(
        cls,
        settings: Settings | None = None,
        *,
        sync: bool = True,
        rebuild: bool = False,
        answerers: Sequence[Answerer] | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Open the index of these settings, and bring it up to date with the sources.

        Where another process is writing, or it cannot be written, what it holds is asked as it is.

        Args:
            settings: None takes them from the environment and the person's settings files.
            sync: False leaves the index as it is.
            rebuild: True empties an index first, also one of another encoder or other passage settings.
            answerers: None makes those of the settings.
            progress: told about long work.

        Raises:
            ArgumentError: `settings` is something else.
            SettingsError: a setting cannot work.
            ModelError: the encoder or the reader cannot be loaded.
            IndexStateError: the index cannot be used; the message says what to do.
        """
        settings = (
            Settings() if settings is None else border.kind_of("settings", settings, Settings)
        )
        encoder, tokens = load_encoder(settings.encoder), TokenCounter()
        stamp = store.IndexStamp(
            encoder=encoder.name,
            dimension=encoder.dimension,
            tokenizer=tokens.name,
            passage_tokens=settings.passage_tokens,
            overlap_sentences=settings.overlap_sentences,
        )
        if rebuild:
            store.discard(settings.index_dir)
        index = store.Index.open(settings.index_dir, stamp)
        rag = cls(
            settings,
            index=index,
            encoder=encoder,
            answerers=_answerers(settings, tokens) if answerers is None else answerers,
            tokens=tokens,
        )
        if sync:
            # Another process may be bringing it up to date; what is there can be asked meanwhile.
            with suppress(IndexBusyError):
                rag._sync_where_it_can(progress)
        return rag

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the index. Asking again is an error."""
        self._index.close()

    def ask(
        self,
        question: str,
        history: Sequence[Turn] = (),
        *,
        sources: Iterable[str] | None = None,
        model: str | None = None,
        top_k: int | None = None,
        strictness: float | None = None,
    ) -> Answer:
        """Return the answer to a question: the last event of `stream`."""
        events = self.stream(
            question, history, sources=sources, model=model, top_k=top_k, strictness=strictness
        )
        for event in events:
            if isinstance(event, AnswerReady):
                return event.answer
        raise AssertionError("a stream ends with an answer")

    async def aask(
        self,
        question: str,
        history: Sequence[Turn] = (),
        *,
        sources: Iterable[str] | None = None,
        model: str | None = None,
        top_k: int | None = None,
        strictness: float | None = None,
    ) -> Answer:
        """Return the answer to a question without blocking the event loop."""
        ask = partial(
            self.ask,
            question,
            history,
            sources=sources,
            model=model,
            top_k=top_k,
            strictness=strictness,
        )
        return await asyncio.to_thread(ask)

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        *,
        sources: Iterable[str] | None = None,
        model: str | None = None,
        top_k: int | None = None,
        strictness: float | None = None,
    ) -> Iterator[Event]:
        """Yield what happens on the way to an answer; the last event carries the final, verified one.

        Args:
            question: at most `settings.max_question_chars` characters; what is misspelt in it is searched as the
                sources spell it.
            history: earlier turns, oldest first; a follow-up is rewritten to stand alone.
            sources: ids of the only sources to search; None for all.
            model: one of `models`, or "extractive" for the reader; None for the first.
            top_k: passages that are read, 1 to 50; None for `settings.top_k`.
            strictness: 0..1, how sure the reader must be; None for `settings.strictness`.

        Raises:
            QuestionError: the question is no text, empty or too long, no such model is configured, or a number
                is out of its range.
            ArgumentError: another argument is of a wrong type, or a turn of an unknown role.
            SourceNotFoundError: a source to search is not indexed.
        """
        history = border.turns_of(history)
        answerer = self._answerer(model)
        settings = self._settings_for(top_k, strictness)
        watch = _Watch()
        typed = self._checked(question)
        with self._index.snapshot() as snapshot:
            coverage = snapshot.coverage()
            only = self._only(sources, coverage)
            meant = self._respelled(snapshot, typed, only)
            intent, query = understood(meant, answerer.standalone(meant, history))
            yield QueryReady(query=query.text, rewritten=query.rewritten or meant != typed)
            watch.lap("query")
            overview, parts = self._found(snapshot, query.text, intent, only, settings.top_k)
            watch.lap("search")
            inquiry = Inquiry(
                question=question,
                query=query.text,
                history=tuple(history),
                parts=parts,
                source=snapshot.source,
                listed=lambda: _allowed(snapshot, only),
                overview=overview,
                strictness=settings.strictness,
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
                    answer = set_beside(event, inquiry.candidates, inquiry.citable)
                    away = () if coverage.is_everything_there() else snapshot.sources()
                    answer = qualified(answer, self._gaps(coverage), away)
                    watch.lap("answer")
                    yield AnswerReady(answer=replace(answer, timings=watch.timings()))
                else:
                    yield event

    def _respelled(
        self, snapshot: store.Snapshot, question: str, only: frozenset[str] | None
    ) -> str:
        """Return a question with its misspelt words as the sources to search spell them."""
        return respelled(
            question,
            is_known=lambda word: self._is_word(word) or bool(snapshot.lexical(word, 1)),
            found=lambda: [
                one.passage.text
                for one in self._retriever.retrieve(snapshot, question, k=POOL, sources=only)
            ],
        )

    def _is_word(self, word: str) -> bool:
        """Tell whether the language has a word: the vocabularies of encoder and tokens were counted off much text."""
        whole = len(word) >= _WHOLE and self._tokens.count(f" {word.lower()}") == 1
        return whole or self._encoder.count_tokens(word) <= self._one_word

    def _found(
        self,
        snapshot: store.Snapshot,
        query: str,
        intent: Intent,
        only: frozenset[str] | None,
        top_k: int,
    ) -> tuple[Overview | None, tuple[tuple[str, tuple[Candidate, ...]], ...]]:
        """Return the candidates of each part of a query; of an overview's only part, and what was gathered for it."""

        def retrieve(
            part: str, k: int, sources: frozenset[str] | None = only
        ) -> tuple[Candidate, ...]:
            return self._retriever.retrieve(snapshot, part, k=k, sources=sources)

        if intent.kind == "question":
            parts = _standalone_parts(query)
            return None, tuple((part, retrieve(part, top_k)) for part in parts)
        overview = gather(
            intent,
            store=snapshot,
            retrieve=retrieve,
            sources=_allowed(snapshot, only),
            most_tokens=self.settings.llm_tokens,
        )
        return overview, ((query, overview.candidates),)

    def search(
        self,
        query: str,
        k: int | None = None,
        *,
        sources: Iterable[str] | None = None,
        diversity: float = 0.0,
    ) -> tuple[ScoredPassage, ...]:
        """Return the passages that resemble a query, best first.

        Args:
            query: words or a question.
            k: at most so many; None for `settings.top_k`.
            sources: ids of the only sources to search; None for all.
            diversity: above 0, up to 1, prefers passages unlike each other (maximal marginal relevance).

        Raises:
            QuestionError: the query is no text, empty or too long.
            ArgumentError: another argument is of a wrong type, or out of its range.
            SourceNotFoundError: a source to search is not indexed.
        """
        return scored(self.retrieve(query, k, sources=sources, diversity=diversity))

    def retrieve(
        self,
        query: str,
        k: int | None = None,
        *,
        sources: Iterable[str] | None = None,
        diversity: float = 0.0,
        method: Method = "fusion",
    ) -> tuple[Candidate, ...]:
        """Return what `search` returns with every score that ranked it, sentence by sentence.

        Args:
            query: words or a question.
            k: at most so many; None for `settings.top_k`.
            sources: ids of the only sources to search; None for all.
            diversity: as in `search`.
            method: how to rank; others than "fusion" are there to be compared with it.
        """
        query = self._checked(query)
        k = self.settings.top_k if k is None else border.count_of("k", k)
        diversity = border.share_of("diversity", diversity)
        method = border.one_of("method", method, get_args(Method))
        with self._index.snapshot() as snapshot:
            return self._retriever.retrieve(
                snapshot,
                query,
                k=k,
                sources=self._only(sources, snapshot.coverage()),
                diversity=diversity,
                method=method,
            )

    def conversation(self) -> Conversation:
        """Return a conversation that remembers its turns."""
        return Conversation(self)

    def as_retriever(self, k: int | None = None) -> BaseRetriever:
        """Return a langchain retriever, for use in any other chain."""
        from rag.pipeline.langchain import as_retriever

        return as_retriever(self.search, k=None if k is None else border.count_of("k", k))

    @property
    def models(self) -> tuple[str, ...]:
        """Names of what can answer; the extractive reader is always among them."""
        return tuple(self._answerers)

    def sync(
        self,
        paths: str | Path | Iterable[str | Path] = (),
        *,
        confirmed: bool = False,
        progress: Progress | None = None,
    ) -> SyncReport:
        """Bring the index up to date and tell every file's fate.

        Args:
            paths: files or folders to index, now and at every later sync, or one; none for the seeds folder and all
                that was ever added.
            confirmed: remove also where more than half of ten or more sources of a folder are missing; otherwise
                they are held: not cited, and not forgotten.
            progress: told about long work.

        Raises:
            ArgumentError: one is no path, or empty, or a whole disk.
            PathNotFoundError: there is nothing at one; none of them is remembered.
            IndexBusyError: another process is writing.
            IndexWriteError: the index cannot be written.
        """
        begun, named = time.time(), border.paths_of(paths)
        try:
            self.last_sync = self._synced(named, confirmed, progress)
        except IndexBusyError:
            self._lag = Lag(since=begun, why=_BUSY)
            raise
        except IndexWriteError:
            self._lag = Lag(since=begun, why=_UNWRITTEN)
            raise
        if not named:
            self._lag = None
        return self.last_sync

    def _synced(
        self, named: Sequence[Path], confirmed: bool, progress: Progress | None
    ) -> SyncReport:
        """Bring the index up to date; see `sync`."""
        roots = [self._adopt(path) for path in named] if named else [self._seeds(), *self._added()]
        with Worker() as worker:
            return store.sync(
                self._index,
                roots,
                find=find_files,
                hash_file=hash_file,
                identify=identity,
                confirmed=confirmed,
                load=partial(worker.load, max_bytes=int(self.settings.max_file_mb * 2**20)),
                split=self._split,
                encode=self._encode,
                progress=progress,
            )

    def _sync_where_it_can(self, progress: Progress | None) -> None:
        """Bring the index up to date, or say on the log why what was indexed before is asked as it is."""
        try:
            self.sync(progress=progress)
        except IndexWriteError as exc:
            if not self.sources():
                raise
            log.warning("Answers come from what was indexed before. %s", exc)

    def add(self, path: str | Path) -> SyncReport:
        """Index one more file or folder, from now on at every sync."""
        return self.sync([border.path_of("path", path)])

    def roots(self) -> tuple[Path, ...]:
        """Return the files and folders that were added, in order; every sync looks at them and at the seeds folder."""
        return tuple(Path(root.path) for root in self._index.roots())

    def forget(self, root: str | Path) -> SyncReport:
        """Look at a file or folder that was added no more, and take out every source that it brought.

        No later answer, search or page shows their text; the files stay where they are.

        Raises:
            ArgumentError: it is no path, or is the seeds folder, which a setting names.
            SourceNotFoundError: nothing of that path was added.
            IndexBusyError: another process is writing.
            IndexWriteError: no space or no permission.
        """
        return forget(self._index, border.path_of("root", root), seeds=self._seeds().path)

    def add_sources(self, made: Iterable[Source], *, progress: Progress | None = None) -> int:
        """Index sources that are already text, such as the documents of a benchmark.

        Args:
            made: each with an id of its own; one that is indexed already is replaced.
            progress: told about long work.

        Returns:
            How many passages were embedded.
        """
        made = border.each_of("made", made, Source)
        return store.put(
            self._index, made, split=self._split, encode=self._encode, progress=progress
        )

    def remove(self, source_id: str) -> SyncReport:
        """Remove a source: no later answer, search or page shows its text.

        The file itself stays where it is; a sync leaves it out until it is added again.

        Raises:
            SourceNotFoundError: no source of that name is indexed.
        """
        return store.remove(self._index, border.text_of("source_id", source_id))

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return what is indexed, in order of source_id."""
        return self._index.sources()

    def source(self, source_id: str) -> Source:
        """Return one source with its text.

        Raises:
            SourceNotFoundError: no source of that name is indexed.
        """
        return self._index.source(border.text_of("source_id", source_id))

    def statistics(self) -> dict[str, object]:
        """Return counts, sizes and settings of the index."""
        return self._index.statistics()

    def gaps(self) -> tuple[str, ...]:
        """Return what the index lacks at the moment, a sentence each; none where it holds all documents."""
        return self._gaps(self._index.coverage())

    def _gaps(self, coverage: store.Coverage) -> tuple[str, ...]:
        roots = {str(self._seeds().path), *(root.path for root in coverage.roots)}
        return gaps(coverage, roots, self._lag)

    def faults(self) -> tuple[str, ...]:
        """Read the whole index and return what is wrong with it, a sentence each."""
        return self._index.faults()

    def check(self, citation: Citation) -> Literal["current", "changed", "removed"]:
        """Say whether the source of an old citation is still what was cited."""
        citation = border.kind_of("citation", citation, Citation)
        held = self._index.hashes().get(citation.source_id)
        if held is None or citation.source_id in self._index.coverage().held():
            return "removed"
        return "current" if held == citation.sha256 else "changed"

    def _checked(self, question: str) -> str:
        """Return the question, or raise why it cannot be asked."""
        question = border.question_of(question)
        if not question.strip():
            raise QuestionError("The question is empty: ask something about your sources.")
        most = self.settings.max_question_chars
        if len(question) > most:
            raise QuestionError(
                f"The question has {len(question)} characters, and at most {most} can be asked;"
                " shorten it, or raise RAG_MAX_QUESTION_CHARS."
            )
        return question.encode("utf-8", "replace").decode("utf-8")

    def _settings_for(self, top_k: int | None, strictness: float | None) -> Settings:
        """Return the settings of one question."""
        chosen = {"top_k": top_k, "strictness": strictness}
        changes = {name: value for name, value in chosen.items() if value is not None}
        if not changes:
            return self.settings
        try:
            return Settings(**(self.settings.model_dump() | changes))
        except SettingsError as exc:
            raise QuestionError(str(exc)) from exc

    def _answerer(self, model: str | None) -> Answerer:
        """Return who answers."""
        model = border.model_of(model)
        name = self.models[0] if model is None else model
        if name == "extractive":
            name = self.models[-1]
        if name not in self._answerers:
            raise QuestionError(f"There is no model {name!r}; there are: {', '.join(self.models)}.")
        return self._answerers[name]

    def _only(
        self, chosen: Iterable[str] | None, coverage: store.Coverage
    ) -> frozenset[str] | None:
        """Return the sources to search, None for all; each must be there, and what may have been removed is not."""
        chosen = border.source_ids_of(chosen)
        held = coverage.held()
        if chosen is None:
            return frozenset(self._index.hashes()) - held if held else None
        for source_id in sorted(set(chosen) - (set(self._index.hashes()) - held)):
            raise SourceNotFoundError(
                f"No source {source_id!r} is indexed; `rag sources` lists those that are."
                if source_id not in held
                else f"The source {source_id!r} is missing from its folder, and left out until it is back."
            )
        return frozenset(chosen)

    def _seeds(self) -> Root:
        return Root(path=self.settings.seeds_dir.resolve(), prefix="")

    def _added(self) -> list[Root]:
        """Return what was ever added and is not forgotten."""
        return added_roots(self._index)

    def _adopt(self, path: Path) -> Root:
        """Return the root that a path belongs to, remembered, with what was left out below it let in again."""
        seeds = self._seeds()
        inside = path.is_relative_to(seeds.path)
        root = seeds if inside else Root(path=path, prefix=f"{path.name}/" if path.is_dir() else "")
        excluded = self._index.excluded()
        back = self._let_in(root, path) if excluded else frozenset()
        with self._index.writer() as writer:
            if not inside:
                writer.remember_root(store.KnownRoot(path=str(root.path), prefix=root.prefix))
            for source_id, sha256 in sorted(excluded.items()):
                if source_id in back or sha256 in back:
                    writer.include(source_id)
        return root

    def _let_in(self, root: Root, path: Path) -> frozenset[str]:
        """Return the names and the hashes of what lies at or below a path: a renamed file is known by its hash."""
        found = [one for one in find_files(root)[0] if one.path.is_relative_to(path)]
        names = {one.source_id for one in found}
        return frozenset(names | {hash_file(one.path) for one in found})

    def _split(self, source: Source) -> tuple[SplitPassage, ...]:
        """Split a source so that neither the token budget nor the encoder's own limit is passed."""
        limit = self._encoder.max_tokens
        return passages.split(
            source,
            max_tokens=self.settings.passage_tokens,
            overlap_sentences=self.settings.overlap_sentences,
            count_tokens=self._tokens.count,
            fits=lambda text: self._encoder.count_tokens(text) <= limit,
        )

    def _encode(
        self, splits: Sequence[SplitPassage], progress: Callable[[int], None] | None = None
    ) -> EncodedPassages:
        """Return the vectors of passages and of their sentences."""
        texts = [led(one.passage.path, one.passage.text, one.passage.start) for one in splits]
        ahead = [
            len(text) - len(one.passage.text) - one.passage.start
            for text, one in zip(texts, splits, strict=True)
        ]
        return self._encoder.encode_passages(
            texts,
            [
                [Span(start=s.start + more, end=s.end + more) for s in one.sentences]
                for one, more in zip(splits, ahead, strict=True)
            ],
            progress=progress,
        )


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


def _allowed(snapshot: store.Snapshot, only: frozenset[str] | None) -> list[SourceInfo]:
    """Return the sources that may be searched."""
    return [one for one in snapshot.sources() if only is None or one.source_id in only]


def _standalone_parts(query: str) -> tuple[str, ...]:
    """Return the questions that a query consists of, later ones with what they refer to."""
    first, *others = split_parts(query)
    said = [Turn(role="user", text=first)]
    return (first, *(standalone(part, said).text for part in others))


def _answerers(settings: Settings, tokens: TokenCounter) -> list[Answerer]:
    """Return who can answer: the configured chat models first, the extractive reader always."""
    extractive = ExtractiveAnswerer(load_reader(settings.reader))
    models = load_chat_models(
        settings.llm, base_url=settings.llm_base_url, context=settings.llm_tokens
    )
    if not models:
        return [extractive]
    support = support_of(settings.support)
    chats = [
        ChatAnswerer(
            model,
            support=support,
            fallback=extractive,
            context=settings.llm_tokens,
            count_tokens=tokens.count,
            rewrites=settings.rewriting == "llm",
        )
        for model in models
    ]
    return [*chats, extractive]

"""`Rag`: sources in, cited answers out. The face of the program; it checks what it is given and hands it on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal, Self, TypeAlias, TypedDict, Unpack, get_args

from rag import index as store
from rag.collections import DEFAULT, check_visible, stamp_of
from rag.embedding import Encoder, load_encoder
from rag.errors import IndexBusyError, QuestionError, SettingsError
from rag.pipeline import border
from rag.pipeline.build import build, held_to_sources, load_answerers
from rag.pipeline.conversation import Conversation
from rag.pipeline.library import Library
from rag.pipeline.pictures import Pictures
from rag.pipeline.tracing import traced
from rag.schema import (
    Answer,
    AnswerReady,
    AskOptions,
    Candidate,
    Citation,
    Depth,
    Event,
    ScoredPassage,
    Source,
    SourceInfo,
    SyncReport,
    Turn,
    Verify,
)
from rag.settings import Settings
from rag.store import Progress, RootState, Store
from rag.tokens import TokenCounter

if TYPE_CHECKING:
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.tools import BaseTool

    from rag.chat import ChatModel
    from rag.pipeline.ask import Asker
    from rag.pipeline.inquiry import Answerer
    from rag.pipeline.langchain import Node
    from rag.retrieval import Method, Retriever


_Key: TypeAlias = tuple[tuple[str, tuple[int, int]], ...]
"""Names of collections, each with its mark."""


class AskKeywords(TypedDict, total=False):
    """The fields of `AskOptions` as keyword arguments."""

    sources: Iterable[str] | None
    model: str | None
    top_k: int | None
    strictness: float | None
    verify: Verify | None
    depth: Depth | None
    collection: str | Sequence[str] | None


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
        index: Store,
        encoder: Encoder,
        answerers: Sequence[Answerer],
        tokens: TokenCounter,
    ) -> None:
        self.settings = settings
        self._index = index
        self._encoder = encoder
        self._tokens = tokens
        self._answerers = {answerer.name: answerer for answerer in answerers}
        self._library = Library(settings, index=index, encoder=encoder, tokens=tokens)
        self._pictures = Pictures(
            index, self._library.roots, max_bytes=int(settings.max_file_mb * 2**20)
        )
        self._asked: tuple[str, ...] = ()
        """The collections that are asked as one; none where it is that of the settings."""
        self._beside: dict[_Key, Rag] = {}
        """Pipelines of other collections, with the models of this one."""
        self._locks: dict[_Key, Lock] = {}

    @classmethod
    def open(
        cls,
        settings: Settings | None = None,
        *,
        sync: bool = True,
        rebuild: bool = False,
        answerers: Sequence[Answerer] | None = None,
        progress: Progress | None = None,
        collection: str | Sequence[str] | None = None,
    ) -> Self:
        """Open the index of these settings, and bring it up to date with the sources.

        Where another process is writing, or it cannot be written, what it holds is asked as it is.

        Args:
            settings: None takes them from the environment and the person's settings files.
            sync: False leaves the index as it is.
            rebuild: True empties an index first, also one of another encoder or other passage settings.
            answerers: None makes those of the settings.
            progress: told about long work.
            collection: the name of another than the settings', or of several, which are asked as one: ids of sources
                then begin with the name of their collection, and nothing can be changed.

        Raises:
            ArgumentError: `settings` is something else, or there is no such collection.
            SettingsError: a setting cannot work.
            ModelError: the encoder or the reader cannot be loaded.
            IndexStateError: the index cannot be used; the message says what to do.
        """
        settings = (
            Settings() if settings is None else border.kind_of("settings", settings, Settings)
        )
        names = border.collections_of(collection)
        if len(names) > 1:
            own = [settings.of_collection(name) for name in names]
            for one in own:
                check_visible(one.collections_dir, one.collection)
            encoder = load_encoder(settings.encoder)
            members = {
                one.collection or DEFAULT: cls._open_one(
                    one, (), sync=sync, progress=progress, encoder=encoder
                )
                for one in own
            }
            return cls._over(settings, members, answerers)
        settings = settings.of_collection(names[0]) if names else settings
        return cls._open_one(settings, answerers, sync=sync, rebuild=rebuild, progress=progress)

    @classmethod
    def _open_one(
        cls,
        settings: Settings,
        answerers: Sequence[Answerer] | None,
        *,
        sync: bool,
        rebuild: bool = False,
        progress: Progress | None,
        encoder: Encoder | None = None,
    ) -> Self:
        """Open one collection."""
        check_visible(settings.collections_dir, settings.collection)
        parts = build(settings, rebuild=rebuild, answerers=answerers, encoder=encoder)
        rag = cls(
            settings,
            index=parts.index,
            encoder=parts.encoder,
            answerers=parts.answerers,
            tokens=parts.tokens,
        )
        if sync:
            # Another process may be bringing it up to date; what is there can be asked meanwhile.
            with suppress(IndexBusyError):
                rag._library.sync_where_it_can(progress)
        return rag

    # What only questions need is loaded with the first: most commands ask none.
    @cached_property
    def _retriever(self) -> Retriever:
        from rag.retrieval import Retriever

        return Retriever(lambda query: self._encoder.encode_queries([query])[0])

    @cached_property
    def _asker(self) -> Asker:
        from rag.pipeline.ask import Asker

        return Asker(
            self.settings,
            index=self._index,
            library=self._library,
            retriever=self._retriever,
            answerers=self._answerers,
            encoder=self._encoder,
            tokens=self._tokens,
        )

    @classmethod
    def _over(
        cls, settings: Settings, members: Mapping[str, Rag], answerers: Sequence[Answerer] | None
    ) -> Self:
        """Return one pipeline over those of several collections."""
        from rag.pipeline.together import Together

        first = next(iter(members.values()))
        if answerers is None:
            answerers = load_answerers(settings, first._tokens)
        together = Together(
            {name: one._index for name, one in members.items()},
            seeds={name: one.settings.seeds_dir for name, one in members.items()},
        )
        rag = cls(
            settings,
            index=together,
            encoder=first._encoder,
            answerers=answerers,
            tokens=first._tokens,
        )
        rag._library.lags_like(one._library for one in members.values())
        rag._asked = tuple(members)
        return rag

    def in_collection(
        self,
        collection: str | Sequence[str],
        *,
        sync: bool = True,
        progress: Progress | None = None,
    ) -> Rag:
        """Return the pipeline of another collection, or of several as one, with the models of this one.

        It is opened and brought up to date when it is first wanted, and closed with this one.

        Args:
            collection: its name, or several.
            sync: False leaves the index as it is.
            progress: told about long work.

        Raises:
            ArgumentError: there is no such collection.
            IndexStateError: the index cannot be used; the message says what to do.
        """
        settings = [self.settings.of_collection(one) for one in border.collections_of(collection)]
        top = self.settings.collections_dir
        for one in settings:
            check_visible(top, one.collection)
        names = tuple(dict.fromkeys(one.collection or DEFAULT for one in settings))
        if not names or names == self._names:
            return self
        key = tuple((name, stamp_of(top, name)) for name in names)
        with self._locks.setdefault(key, Lock()):
            if key not in self._beside:
                for old in [one for one in self._beside if [*dict(one)] == [*names]]:
                    gone = self._beside.pop(old)  # of a collection that is there no more
                    if len(names) == 1:  # several share what is open of each
                        gone.close()
                self._beside[key] = self._open_beside(names, sync=sync, progress=progress)
            return self._beside[key]

    def _open_beside(self, names: Sequence[str], *, sync: bool, progress: Progress | None) -> Rag:
        answerers = tuple(self._answerers.values())
        if len(names) > 1:
            members = {
                name: self.in_collection(name, sync=sync, progress=progress) for name in names
            }
            return self._over(self.settings, members, answerers)
        own = self.settings.of_collection(names[0])
        return self._open_one(own, answerers, sync=sync, progress=progress, encoder=self._encoder)

    @property
    def _names(self) -> tuple[str, ...]:
        """The collections that are asked."""
        return self._asked or (self.settings.collection or DEFAULT,)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the index. Asking again is an error."""
        for one in self._beside.values():
            one.close()
        self._index.close()

    @property
    def last_sync(self) -> SyncReport | None:
        """Report of the latest sync through this object."""
        return self._library.last_sync

    def ask(
        self, question: str, history: Sequence[Turn] = (), **options: Unpack[AskKeywords]
    ) -> Answer:
        """Return the answer to a question: the last event of `stream`."""
        for event in self.stream(question, history, **options):
            if isinstance(event, AnswerReady):
                return event.answer
        raise AssertionError("a stream ends with an answer")

    async def aask(
        self, question: str, history: Sequence[Turn] = (), **options: Unpack[AskKeywords]
    ) -> Answer:
        """Return the answer to a question without blocking the event loop."""
        return await asyncio.to_thread(self.ask, question, history, **options)

    def stream(
        self, question: str, history: Sequence[Turn] = (), **options: Unpack[AskKeywords]
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
            verify: who checks a chat model's sentences: model, builtin or off; None for `settings.verify`.
            depth: how long a chat model looks: quick or thorough; None for `settings.depth`.
            collection: the name of another collection that is asked, or several; see `in_collection`.

        Raises:
            QuestionError: the question is no text, empty or too long, no such model is configured, or a number
                is out of its range.
            ArgumentError: another argument is of a wrong type, or a turn of an unknown role.
            SourceNotFoundError: a source to search is not indexed.
        """
        history = border.turns_of(history)
        chosen = self._options(options)
        asked = self._checked(question)
        if chosen.collection and (other := self.in_collection(chosen.collection)) is not self:
            options["collection"] = None
            return other.stream(question, history, **options)
        return traced(asked, self._named(self._asker.stream(asked, history, chosen)))

    def _named(self, events: Iterator[Event]) -> Iterator[Event]:
        """Say in the answer which collections it is from, but of the default one alone."""
        if self._names == (DEFAULT,):
            return events
        return (
            replace(event, answer=replace(event.answer, collections=self._names))
            if isinstance(event, AnswerReady)
            else event
            for event in events
        )

    def _options(self, given: AskKeywords) -> AskOptions:
        """Return the options of one question, each within its range."""
        border.known_keywords(given, AskKeywords.__annotations__)
        sources = border.source_ids_of(given.get("sources"))
        values = {
            name: value
            for name in ("top_k", "strictness", "verify", "depth")
            if (value := given.get(name)) is not None
        }
        if values:
            try:
                Settings(**(self.settings.model_dump() | values))
            except SettingsError as exc:
                raise QuestionError(str(exc)) from exc
        return AskOptions(
            sources=None if sources is None else tuple(sources),
            model=self._model(given.get("model")),
            top_k=given.get("top_k"),
            strictness=given.get("strictness"),
            verify=given.get("verify"),
            depth=given.get("depth"),
            collection=border.collections_of(given.get("collection")),
        )

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
        from rag.retrieval import scored

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
        from rag.retrieval import Method

        query = self._checked(query)
        k = self.settings.top_k if k is None else border.count_of("k", k)
        diversity = border.share_of("diversity", diversity)
        method = border.one_of("method", method, get_args(Method))
        with self._index.snapshot() as snapshot:
            return self._retriever.retrieve(
                snapshot,
                query,
                k=k,
                sources=self._library.searchable(
                    border.source_ids_of(sources), snapshot.coverage()
                ),
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

    def as_tool(self, **options: Unpack[AskKeywords]) -> BaseTool:
        """Return a langchain tool that takes a question and returns a cited answer; the options are those of `stream`.

        The text is to be read by a model; the artifact of its message is `Answer.to_dict()`.
        """
        from rag.pipeline.langchain import as_tool

        return as_tool(partial(self.ask, **asdict(self._options(options))))

    def as_node(self, **options: Unpack[AskKeywords]) -> Node:
        """Return a node for a LangGraph graph over `messages`: it appends the answer to the last of them.

        A plain callable, so that langgraph need not be installed. The options are those of `stream`.
        """
        from rag.pipeline.langchain import as_node

        return as_node(partial(self.ask, **asdict(self._options(options))))

    @property
    def models(self) -> tuple[str, ...]:
        """Names of what can answer; the extractive reader is always among them."""
        return tuple(self._answerers)

    def use(self, model: ChatModel) -> None:
        """Have a chat model answer from now on, before the others, which can still be chosen.

        It takes the place of one of its name. Questions that are being answered are answered as they began.

        Args:
            model: see `rag.chat.load_chat_model`.

        Raises:
            ModelError: what checks its answers cannot be loaded.
        """
        *_, reader = self._answerers.values()
        first, *_ = held_to_sources([model], self.settings, self._tokens, fallback=reader)
        others = {name: one for name, one in self._answerers.items() if name != first.name}
        for rag in (self, *self._beside.values()):
            rag._answerers = {first.name: first, **others}
            rag._asker.answerers = rag._answerers

    def sync(
        self,
        paths: str | Path | Iterable[str | Path] = (),
        *,
        confirmed: bool = False,
        verify: bool = False,
        progress: Progress | None = None,
    ) -> SyncReport:
        """Bring the index up to date and tell every file's fate.

        Args:
            paths: files or folders to index, now and at every later sync, or one; none for the seeds folder and all
                that was ever added.
            confirmed: remove also where more than half of ten or more sources of a folder are missing; otherwise
                they are held: not cited, and not forgotten.
            verify: read every file; otherwise one whose size, times and place on the disk are as they were is
                taken for unchanged.
            progress: told about long work.

        Raises:
            ArgumentError: one is no path, or empty, or a whole disk.
            PathNotFoundError: there is nothing at one; none of them is remembered.
            IndexBusyError: another process is writing.
            IndexWriteError: the index cannot be written.
        """
        return self._library.sync(
            border.paths_of(paths), confirmed=confirmed, verify=verify, progress=progress
        )

    def unread(
        self,
        paths: str | Path | Iterable[str | Path] = (),
        *,
        verify: bool = False,
        progress: Progress | None = None,
    ) -> store.Unread:
        """Return which files a sync would read, for whoever has others read them; the arguments are those of `sync`."""
        return self._library.unread(border.paths_of(paths), verify=verify, progress=progress)

    def note_waiting(
        self, n_waiting: Mapping[str, int], found: Mapping[str, RootState] | None = None
    ) -> None:
        """Have answers say that the index is not finished.

        Args:
            n_waiting: how many files of each root are yet to be read, by its path.
            found: the roots as `unread` found them; None for those that are known.
        """
        self._library.note_waiting(n_waiting, found)

    def sync_file(self, origin: str, source_id: str) -> SyncReport:
        """Bring the index up to date with one file, locked only for as long as it takes to put it in.

        Several processes can do so at the same time, each with another file.

        Args:
            origin: path of the root that it lies below.
            source_id: of the file; nothing is done where the root was forgotten.

        Raises:
            IndexBusyError: others were writing all the time.
            IndexWriteError: the index cannot be written.
        """
        return self._library.sync_file(
            border.text_of("origin", origin), border.text_of("source_id", source_id)
        )

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
        return self._library.forget(border.path_of("root", root))

    def add_sources(self, made: Iterable[Source], *, progress: Progress | None = None) -> int:
        """Index sources that are already text, such as the documents of a benchmark.

        Args:
            made: each with an id of its own; one that is indexed already is replaced.
            progress: told about long work.

        Returns:
            How many passages were embedded.
        """
        made = border.each_of("made", made, Source)
        return self._library.put(made, progress=progress)

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
        source = self._index.source(border.text_of("source_id", source_id))
        name = self.settings.collection
        return replace(source, collection=name) if name and not source.collection else source

    def picture(self, source_id: str, page: int) -> bytes:
        """Return the picture of a page that was read from an image, as a JPEG file at most 1,200 pixels wide.

        It is drawn from the file itself, in the process that parses files.

        Args:
            source_id: the source.
            page: its number, from 1; 1 of an image.

        Raises:
            SourceNotFoundError: no source of that name is indexed, or that page is none, or was not read from an image.
            SourceError: the file is `gone`, or is another than was indexed; or it cannot be drawn.
        """
        return self._pictures.draw(
            border.text_of("source_id", source_id), border.count_of("page", page)
        )

    def can_picture(self, source_id: str) -> bool:
        """Tell whether a source was read from images, and its file is there as it was indexed.

        Raises:
            SourceNotFoundError: no source of that name is indexed.
        """
        return self._pictures.can_draw(border.text_of("source_id", source_id))

    def statistics(self) -> dict[str, object]:
        """Return counts, sizes and settings of the index."""
        return self._index.statistics()

    def gaps(self) -> tuple[str, ...]:
        """Return what the index lacks at the moment, a sentence each; none where it holds all documents."""
        return self._library.gaps(self._index.coverage())

    def faults(self) -> tuple[str, ...]:
        """Read the whole index and return what is wrong with it, a sentence each."""
        return self._index.faults()

    def check(self, citation: Citation) -> Literal["current", "changed", "removed"]:
        """Say whether the source of an old citation is still what was cited."""
        return self._library.check(border.kind_of("citation", citation, Citation))

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

    def _model(self, model: str | None) -> str:
        """Return the name of who answers."""
        model = border.model_of(model)
        name = self.models[0] if model is None else model
        if name == "extractive":
            name = self.models[-1]
        if name not in self._answerers:
            raise QuestionError(f"There is no model {name!r}; there are: {', '.join(self.models)}.")
        return name

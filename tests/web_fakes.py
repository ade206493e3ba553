"""A scripted pipeline for the web chat: each question says by its words what becomes of it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

import uvicorn

from rag.errors import ChatTimeoutError, QuestionError, SourceNotFoundError
from rag.schema import (
    Answer,
    AnswerReady,
    Candidate,
    Citation,
    Context,
    Depth,
    Event,
    EvidenceReady,
    FileReport,
    Passage,
    QueryReady,
    Reason,
    ScoredPassage,
    ShortAnswer,
    Source,
    SourceInfo,
    Span,
    Statement,
    Step,
    SyncReport,
    TextDelta,
    Turn,
    Verify,
)
from rag.web import build_app

if TYPE_CHECKING:
    from fastapi import FastAPI

    from rag.chat import ChatModel
    from rag.settings import Settings
    from rag.web.opening import OnProgress

HARBOUR = Source(
    source_id="town/harbour.txt",
    title="The harbour of Ostby",
    text=(
        "The harbour of Ostby was built in 1871 by the engineer Marit Dahl. "
        "Its lighthouse is 23 metres high.\n"
        + "Fishing boats leave at dawn and come back at noon. "
        * 60
    )
    + "The ferry to Lund leaves at eight every morning. In winter it does not sail on Sundays.",
    sha256="a" * 64,
    media_type="text/plain",
)
REPORT = Source(
    source_id="town/report.pdf",
    title="Annual report",
    text="First page. Nothing of note.\nSecond page. The ferry carried 41,200 people in 2023.",
    sha256="b" * 64,
    media_type="application/pdf",
    pages=(0, 29),
)
BUILT = "The harbour of Ostby was built in 1871 by the engineer Marit Dahl."
FERRY = "The ferry to Lund leaves at eight every morning."
CARRIED = "The ferry carried 41,200 people in 2023."


def cite(marker: int, source: Source, quote: str) -> Citation:
    """Cite the place where a quote stands in a source."""
    start = source.text.index(quote)
    page = sum(at <= start for at in source.pages) or None
    return Citation(
        marker=marker,
        source_id=source.source_id,
        title=source.title,
        start=start,
        end=start + len(quote),
        quote=quote,
        page=page,
        sha256=source.sha256,
    )


def passage(source: Source, quote: str, *, rank: int = 1) -> ScoredPassage:
    """Return a quote of a source as a passage that was found."""
    start = source.text.index(quote)
    return ScoredPassage(
        passage=Passage(
            passage_id=f"{source.source_id}#{start}-{start + len(quote)}",
            source_id=source.source_id,
            start=start,
            end=start + len(quote),
            text=quote,
            n_tokens=10,
        ),
        score=0.5,
        rank=rank,
        scorer="fusion",
    )


def answered(question: str, *, query: str = "") -> Answer:
    """Answer with three sentences, one of each verdict, over two sources."""
    sentences = (
        ("The harbour was built in 1871 [1].", (1,), "supported", 0.97),
        ("The ferry leaves at eight [2][3].", (2, 3), "weak", 0.5),
        ("It never sails at night [2].", (2,), "unsupported", 0.1),
    )
    statements, text = [], ""
    for sentence, markers, verdict, support in sentences:
        start = len(text) + bool(text)
        text = f"{text} {sentence}".strip()
        statements.append(
            Statement(start=start, end=len(text), markers=markers, verdict=verdict, support=support)
        )
    citations = (cite(1, HARBOUR, BUILT), cite(2, HARBOUR, FERRY), cite(3, REPORT, CARRIED))
    return Answer(
        question=question,
        query=query or question,
        status="answered",
        reason=None,
        text=text,
        statements=tuple(statements),
        citations=citations,
        evidence=(passage(HARBOUR, BUILT), passage(HARBOUR, FERRY, rank=2)),
        confidence=0.9,
        model="extractive:fake",
        timings={"search": 0.01},
    )


def mended(question: str) -> Answer:
    """Answer as a model's reply that needed every kind of help."""
    told = {
        "repointed": "a marker was moved from passage 2 to passage 1",
        "cited": "sentence 2 was given a marker",
        "asked_again": "The model was told that 1 of its sentences is unsupported.",
        "fell_back": "openai:gpt-5 did not answer in time.",
    }
    steps = tuple(Step(code=code, detail=detail) for code, detail in told.items())
    return replace(answered(question), steps=steps)


def unanswered(question: str) -> Answer:
    """Abstain, with one near miss."""
    return Answer(
        question=question,
        query=question,
        status="unanswered",
        reason=Reason(code="not_supported", message="Nothing is said about the moon."),
        text="",
        statements=(),
        citations=(),
        evidence=(passage(HARBOUR, FERRY),),
        confidence=0.1,
        model="extractive:fake",
    )


def guessed(question: str, *, words: str = "1871", source: Source = HARBOUR) -> Answer:
    """Answer with a guess: its words, the sentence that holds them below a path, and what else comes close."""
    quote = BUILT if source is HARBOUR else source.text
    path = (
        Context(kind="title", start=0, end=0, text="harbour"),
        Context(
            kind="heading", start=0, end=0, text="Not yet built" if source is HARBOUR else quote
        ),
    )
    text = f"{quote} [1]"
    near = passage(source, FERRY if source is HARBOUR else source.text)
    begin, end = near.passage.start, near.passage.end
    return Answer(
        question=question,
        query=question,
        status="likely",
        reason=Reason(code="unsure", message="This may not answer the question."),
        text=text,
        statements=(
            Statement(start=0, end=len(text), markers=(1,), verdict="supported", support=1.0),
        ),
        citations=(replace(cite(1, source, quote), context=path),),
        evidence=(passage(source, quote),),
        confidence=0.3,
        model="extractive:fake",
        short=ShortAnswer(text=words, markers=(1,)),
        closest=(
            replace(
                near,
                decisive=Span(start=min(begin + 4, end), end=min(begin + 9, end)),
                context=path[1:],
            ),
        ),
    )


def saying(text: str, source: Source, question: str = "q") -> Answer:
    """Answer with a text whose one sentence cites all of a source."""
    return Answer(
        question=question,
        query=text,
        status="partial",
        reason=Reason(code="partly_answered", message=text),
        text=f"{text} [1]",
        statements=(
            Statement(start=0, end=len(text) + 4, markers=(1,), verdict="weak", support=0.5),
        ),
        citations=(cite(1, source, source.text),),
        evidence=(),
        confidence=0.5,
        model=text,
    )


class ScriptedRag:
    """Answers by script, and remembers what it was asked with which history.

    Args:
        hostile: texts that an obedient model repeats when asked for `hostile N`.
        models: who can answer.
    """

    def __init__(
        self, hostile: Sequence[str] = (), models: Sequence[str] = ("extractive:fake",)
    ) -> None:
        self.models = tuple(models)
        self.hostile = {
            f"hostile/{text}": Source(
                source_id=f"hostile/{text}",
                title=text,
                text=f"{text}\nand {text}",
                sha256="c" * 64,
                media_type="text/plain",
            )
            for text in hostile
        }
        self.known = {source.source_id: source for source in (HARBOUR, REPORT)} | self.hostile
        self.asked: list[tuple[str, tuple[Turn, ...]]] = []
        self.chosen: list[tuple[str | None, tuple[str, ...] | None]] = []
        """Model and sources of each question."""
        self.retrieved: list[tuple[str, tuple[str, ...]]] = []
        """Query and sources of each search for an explanation."""
        self.ways: list[tuple[int | None, float | None]] = []
        """Passages to read and strictness of each question."""
        self.looks: list[tuple[Verify | None, Depth | None]] = []
        """Who checks, and how long it looks, of each question."""
        self.used: list[ChatModel] = []
        """Chat models that were connected."""
        self.go_on = Flag()
        """Lets a question go on: with `slowly` in it after its first words, `halfway` in the middle."""
        self.last_sync: SyncReport | None = None
        self.origins: dict[str, str] = {}
        """Folder of each source that a sync has found."""
        self.lacking: tuple[str, ...] = ()
        """What the index lacks."""
        self.may_sync = Flag()
        """Lets a sync go on from file to file."""
        self.may_sync.set()
        self.pictures: dict[tuple[str, int], bytes] = {}
        """Of pages, by source and number."""
        self.closed = False
        self.streams_ended = 0

    def stream(
        self,
        question: str,
        history: Sequence[Turn] = (),
        *,
        sources: Sequence[str] | None = None,
        model: str | None = None,
        top_k: int | None = None,
        strictness: float | None = None,
        verify: Verify | None = None,
        depth: Depth | None = None,
    ) -> Iterator[Event]:
        """Yield the events that the question asks for."""
        self.ways.append((top_k, strictness))
        self.looks.append((verify, depth))
        self.asked.append((question, tuple(history)))
        self.chosen.append((model, None if sources is None else tuple(sources)))
        if model is not None and model not in self.models:
            raise QuestionError(
                f"There is no model {model!r}; there are: {', '.join(self.models)}."
            )
        try:
            for event in self._events(question, history):
                if isinstance(event, AnswerReady) and "hostile" not in question:
                    name = model or self.models[0]
                    yield AnswerReady(answer=replace(event.answer, model=name))
                else:
                    yield event
        finally:
            self.streams_ended += 1

    def use(self, model: ChatModel) -> None:
        """Let a chat model be chosen, before the others."""
        self.used.append(model)
        self.models = (model.name, *(name for name in self.models if name != model.name))

    def ask(
        self, question: str, history: Sequence[Turn] = (), *, model: str | None = None
    ) -> Answer:
        """Return the last event's answer; a question with `slowly` in it waits.

        The reader answers all that it is asked for itself, and nothing of it is remembered.
        """
        if model == "extractive":
            return answered(question)
        *_, last = self.stream(question, history, model=model)
        assert isinstance(last, AnswerReady)
        return last.answer

    def search(self, query: str, k: int | None = None) -> tuple[ScoredPassage, ...]:
        """Return two passages, whatever is looked for."""
        return answered(query).evidence[:k]

    def retrieve(
        self, query: str, k: int | None = None, *, sources: Sequence[str] | None = None
    ) -> tuple[Candidate, ...]:
        """Return those two passages and one that is not read, with scores."""
        self.retrieved.append((query, tuple(sources or ())))
        texts = (BUILT, FERRY, "Its lighthouse is 23 metres high.")
        found = [passage(HARBOUR, text).passage for text in texts]
        scores = zip(found, (0.81, 0.42, 0.11), strict=True)
        return tuple(
            Candidate(passage=one, dense=score, lexical=10 * score, fused=score, sentences=())
            for one, score in scores
        )[:k]

    def check(self, citation: Citation) -> Literal["current", "changed", "removed"]:
        """Say whether a source is still what was cited."""
        source = self.known.get(citation.source_id)
        if source is None:
            return "removed"
        return "current" if source.sha256 == citation.sha256 else "changed"

    def _events(self, question: str, history: Sequence[Turn]) -> Iterator[Event]:
        query = "When does the ferry sail?" if history else question
        yield QueryReady(query=query, rewritten=bool(history))
        if "fail" in question:
            raise ChatTimeoutError("The model did not answer within 60 s. Try again.")
        if "break" in question:
            raise ZeroDivisionError("a fault of ours")
        if "moon" in question:
            answer = unanswered(question)
        elif question.startswith("hostile "):
            text, source = list(self.hostile.items())[int(question.split()[1])]
            answer = saying(text.removeprefix("hostile/"), source, question)
        elif "perhaps" in question:
            answer = guessed(question)
        elif "mended" in question:
            answer = mended(question)
        else:
            answer = answered(question, query=query)
        yield EvidenceReady(evidence=answer.evidence)
        for start in range(0, len(answer.text), 8):
            yield TextDelta(text=answer.text[start : start + 8])
            if ("slowly" in question and start) or ("halfway" in question and start == 40):
                self.go_on.wait(100)
        yield AnswerReady(answer=answer)

    def source(self, source_id: str) -> Source:
        """Return a source that was not removed."""
        if source_id not in self.known:
            raise SourceNotFoundError(f"No source is called {source_id!r}.")
        return self.known[source_id]

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return what is indexed."""
        return tuple(
            SourceInfo(
                source_id=source.source_id,
                title=source.title,
                sha256=source.sha256,
                media_type=source.media_type,
                n_chars=len(source.text),
                n_pages=len(source.pages),
                n_passages=1,
                indexed_at="2026-01-01T00:00:00Z",
                origin=self.origins.get(source.source_id, "seeds"),
            )
            for source in self.known.values()
            if source.source_id not in self.hostile
        )

    def gaps(self) -> tuple[str, ...]:
        """Say that nothing is lacking, unless told otherwise."""
        return self.lacking

    def sync(
        self, paths: Sequence[str | Path] = (), *, progress: OnProgress | None = None
    ) -> SyncReport:
        """Index the text files below some folders, one by one, as long as `may_sync` says so."""
        reports = []
        below = [path for folder in paths for path in sorted(Path(folder).rglob("[!.]*.*"))]
        found = [path for path in below if path.is_file()]
        for done, path in enumerate(found):
            if progress is not None:
                progress("read", done, len(found))
            self.may_sync.wait(100)
            if progress is not None:
                progress("read", done + 1, len(found))
            reports.append(self._indexed(path, Path(paths[0])))
        gone = self._gone({report.source_id for report in reports}) if paths else []
        files = tuple(sorted([*reports, *gone], key=lambda report: report.source_id))
        self.last_sync = SyncReport(files=files, n_embedded=len(files), seconds=0.1)
        return self.last_sync

    def _indexed(self, path: Path, folder: Path) -> FileReport:
        name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
        data = path.read_bytes()
        if b"scanned" in data:
            message = f"{name!r} holds no text; run OCR on it."
            return FileReport(
                source_id=name, fate="failed", reason="no_text_layer", message=message
            )
        before = self.known.get(name)
        self.known[name] = Source(
            source_id=name,
            title=path.stem,
            text=data.decode("utf-8", "replace"),
            sha256=hashlib.sha256(data).hexdigest(),
            media_type="text/plain",
        )
        self.origins[name] = str(folder)
        same = before is not None and before.sha256 == self.known[name].sha256
        return FileReport(
            source_id=name, fate="unchanged" if same else "updated" if before else "added"
        )

    def _gone(self, there: set[str]) -> list[FileReport]:
        gone = sorted(self.origins.keys() - there)
        for name in gone:
            del self.origins[name], self.known[name]
        return [FileReport(source_id=name, fate="removed", reason="gone") for name in gone]

    def remove(self, source_id: str) -> SyncReport:
        """Forget a source."""
        self.source(source_id)
        del self.known[source_id]
        self.origins.pop(source_id, None)
        report = FileReport(source_id=source_id, fate="removed", reason="by_hand")
        return SyncReport(files=(report,), n_embedded=0, seconds=0.0)

    def picture(self, source_id: str, page: int) -> bytes:
        """Return a picture that is given, or say that there is none."""
        if (source_id, page) not in self.pictures:
            raise SourceNotFoundError(f"No page {page} of {source_id!r}.")
        return self.pictures[source_id, page]

    def can_picture(self, source_id: str) -> bool:
        """Tell whether any is given."""
        return any(name == source_id for name, _ in self.pictures)

    def statistics(self) -> dict[str, object]:
        """Return counts and settings."""
        return {
            "sources": len(self.known),
            "passages": len(self.known),
            "encoder": "fake",
            "passage_tokens": 160,
            "overlap_sentences": 1,
            "tokenizer": "cl100k_base",
        }

    def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


@contextmanager
def served(rag: Any, settings: Settings) -> Iterator[int]:
    """Serve a pipeline with all its pages on a real port of loopback, which is yielded."""

    def make() -> FastAPI:
        return build_app(lambda _: rag, settings)

    config = uvicorn.Config(
        make, factory=True, port=0, log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def make_app(*args: Any, **options: Any) -> FastAPI:
    """Build the application in a running event loop, as the server does."""

    async def make() -> FastAPI:
        return build_app(*args, **options)

    return asyncio.run(make())

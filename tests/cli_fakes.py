"""A pipeline that says what it is told to say, and a way to run the command line on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from typer.testing import CliRunner

from rag.cli import main
from rag.cli.session import Doors
from rag.schema import (
    Answer,
    AnswerReady,
    Citation,
    Event,
    Passage,
    QueryReady,
    Reason,
    ScoredPassage,
    SourceInfo,
    Statement,
    SyncReport,
    TextDelta,
)
from rag.settings import Settings

QUOTE = "Sergei Shoigu arrived in Pyongyang."
CITATION = Citation(
    marker=1,
    source_id="news/article.txt",
    title="A visit",
    start=10,
    end=10 + len(QUOTE),
    quote=QUOTE,
    page=None,
    sha256="0" * 64,
)
PASSAGE = ScoredPassage(
    passage=Passage(
        passage_id="news/article.txt#0-80",
        source_id="news/article.txt",
        start=0,
        end=80,
        text=f"Yesterday {QUOTE} Talks followed.",
        n_tokens=12,
    ),
    score=0.75,
    rank=1,
    scorer="fusion",
)
ANSWERED = Answer(
    question="Who came?",
    query="Who came?",
    status="answered",
    reason=None,
    text="Sergei Shoigu came. [1]",
    statements=(Statement(start=0, end=19, markers=(1,), verdict="supported", support=0.97),),
    citations=(CITATION,),
    evidence=(PASSAGE,),
    confidence=0.83,
    model="extractive:scripted",
    timings={"total": 0.25},
)
UNANSWERED = replace(
    ANSWERED,
    status="unanswered",
    reason=Reason(code="not_supported", message="The documents do not say who paid."),
    text="",
    statements=(),
    citations=(),
    confidence=0.1,
)
SOURCE = SourceInfo(
    source_id="news/article.txt",
    title="A visit",
    sha256="0" * 64,
    media_type="text/plain",
    n_chars=1200,
    n_pages=0,
    n_passages=1,
    indexed_at="2026-01-02T03:04:05Z",
    origin="seeds",
)

NOTHING_DONE = SyncReport(files=(), n_embedded=0, seconds=0.0)


@dataclass(kw_only=True)
class ScriptedRag:
    """The pipeline's surface as the command line uses it; keeps what it was asked."""

    answers: Sequence[Answer | BaseException] = (ANSWERED,)
    found: tuple[ScoredPassage, ...] = (PASSAGE,)
    known: tuple[SourceInfo, ...] = (SOURCE,)
    report: SyncReport = NOTHING_DONE
    settings: Settings | None = None
    calls: list[tuple[object, ...]] = field(default_factory=list)
    n_closed: int = 0
    n_answered: int = 0
    models: tuple[str, ...] = ("extractive:scripted",)
    asked_model: str | None = None
    lacking: tuple[str, ...] = ()

    def __enter__(self) -> ScriptedRag:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.n_closed += 1

    def stream(self, question: str, history=(), *, sources=None, model=None) -> Iterator[Event]:
        """Say the next answer, or fail as told."""
        self.calls.append(("stream", question, tuple(history), sources))
        self.asked_model = model
        answer = self.answers[self.n_answered % len(self.answers)]
        self.n_answered += 1
        if isinstance(answer, BaseException):
            raise answer
        yield QueryReady(query=answer.query, rewritten=answer.query != answer.question)
        yield TextDelta(text=answer.text)
        yield AnswerReady(answer=answer)

    def conversation(self) -> ScriptedRag:
        """Start anew."""
        self.calls.append(("conversation",))
        return self

    def search(self, query: str, k: int | None = None, *, sources=None):
        """Find what it was told to find."""
        self.calls.append(("search", query, k, sources))
        return self.found

    def sources(self) -> tuple[SourceInfo, ...]:
        """List what it was told to know."""
        return self.known

    def source(self, source_id: str) -> None:
        """Be read."""
        self.calls.append(("source", source_id))

    def faults(self) -> tuple[str, ...]:
        """A sound index."""
        return ()

    def statistics(self) -> dict[str, object]:
        """Count."""
        return {"passages": len(self.known), "generation": 7}

    def sync(self, paths=(), *, confirmed=False, verify=False, progress=None) -> SyncReport:
        """Report what it was told to report; what is held, only until it is confirmed."""
        told = [*(["confirmed"] if confirmed else []), *(["verify"] if verify else [])]
        self.calls.append(("sync", paths, progress, *told))
        files = self.report.files
        if confirmed:
            files = tuple(replace(f, fate="removed") if f.fate == "held" else f for f in files)
        return replace(self.report, files=files)

    def gaps(self) -> tuple[str, ...]:
        """Say what it was told that it lacks."""
        return self.lacking

    def forget(self, root: str) -> SyncReport:
        """Report what it was told to report."""
        self.calls.append(("forget", root))
        return self.report

    def remove(self, source_id: str) -> SyncReport:
        """Report what it was told to report."""
        self.calls.append(("remove", source_id))
        return self.report


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a pipeline was opened with."""

    settings: Settings
    sync: bool
    rebuild: bool


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run of the command line left."""

    code: int
    out: str
    err: str
    opened: tuple[Opening, ...]
    """How the pipeline was opened, each time."""


def run(
    *argv: str,
    rag: ScriptedRag | None = None,
    doors: Doors | None = None,
    stdin: str | bytes = "",
    env: Mapping[str, str | None] | None = None,
    fail: Callable[[], BaseException] | None = None,
    **of_main: object,
) -> Outcome:
    """Run the command line in this process, on a scripted pipeline, in pipes.

    Args:
        argv: the arguments.
        rag: the pipeline; it answers one question by default.
        doors: other doors than those to `rag`.
        stdin: what is piped in.
        env: changes of the environment.
        fail: makes what opening the pipeline raises.
        **of_main: other arguments of `rag.cli.main`.
    """
    opened = []

    def open_rag(
        settings: object, *, sync: bool, rebuild: bool, progress: object, answerers: object
    ) -> ScriptedRag:
        assert progress is None, "a pipe gets no progress"
        assert answerers in (None, ()), "none is made here"
        opened.append(Opening(settings=settings, sync=sync, rebuild=rebuild))
        if fail is not None:
            raise fail()
        return rag or ScriptedRag()

    with CliRunner().isolation(input=stdin, env=env) as (out, err, _):
        code = main(argv, doors=doors or Doors(open_rag=open_rag), **of_main)
        return Outcome(
            code=code,
            out=out.getvalue().decode(),
            err=err.getvalue().decode(),
            opened=tuple(opened),
        )

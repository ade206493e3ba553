"""`rag worker`, and `rag sync` by workers: they open what is needed, and hand it on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli.options import LogJson, settings_for
from rag.cli.session import Exit, Session
from rag.errors import SettingsError

if TYPE_CHECKING:
    from rag.pipeline import Rag
    from rag.schema import SyncReport
    from rag.settings import Settings

_NO_STORE = (
    "Workers take their jobs from the database that keeps the index, and there is none: set RAG_STORE to"
    " postgresql://USER@HOST:PORT/DATABASE (docs/postgres.md)."
)


def worker(
    ctx: typer.Context,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Files at the same time.")] = 1,
    watch: Annotated[
        float,
        typer.Option(
            min=0, help="Look at the documents every so many seconds; 0 leaves it to others."
        ),
    ] = 0,
    once: Annotated[bool, typer.Option("--once", help="Stop when the queue is empty.")] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Only say whether any worker lives; exit code 1 if none."),
    ] = False,
    log_json: LogJson = False,
) -> int:
    """Index what others put into the queue, until it is stopped.

    It takes jobs from the PostgreSQL database of RAG_STORE, on any machine that reaches the
    documents by the same paths. A job that fails, or whose worker dies, is tried again.
    """
    from rag.cli.render import Paragraph
    from rag.web import logs

    session: Session = ctx.obj
    settings = settings_for(session, log_format="json" if log_json else None)
    url = _url(settings)
    from rag.worker import Queue, Work, work

    if check:
        with Queue(url) as queue:
            n_workers = queue.n_workers()
        session.screen.show([Paragraph.of(f"Workers that live: {n_workers}.")])
        return Exit.ANSWERED if n_workers else Exit.FAILURE
    if settings.log_format == "json":
        logs.to_stderr(settings)
    how = Work(jobs=jobs, watch=watch, once=once, collections=partial(_collections, settings))
    work(url, partial(_open, session, settings), how)
    return Exit.ANSWERED


def hand_over(
    session: Session,
    settings: Settings,
    rag: Rag,
    paths: Sequence[str],
    *,
    wait: bool,
    verify: bool,
) -> SyncReport | None:
    """Have workers index what changed; wait for them where that is wanted.

    Returns:
        Every file's fate; None where nobody waits.
    """
    url = _url(settings)
    from rag import worker

    with worker.Queue(url) as queue, session.screen.progress() as bar:
        given = queue, rag, settings.collection, tuple(paths)
        if wait:
            return worker.sync_by_workers(*given, verify=verify, progress=bar)
        n_changed = len(worker.enqueue(*given, verify=verify, progress=bar).files)
    session.screen.note(f"{n_changed} changed files wait for workers.")
    return None


def _url(settings: Settings) -> str:
    """Return the address of the queue, which lies beside the index."""
    url = settings.store.get_secret_value()
    if not url:
        raise SettingsError(_NO_STORE)
    return url


def _open(session: Session, settings: Settings, collection: str) -> Rag:
    own = settings.of_collection(collection) if collection != settings.collection else settings
    return session.doors.open_rag(own, sync=False, answerers=())


def _collections(settings: Settings) -> tuple[str, ...]:
    """Return the collections to look at: the one that was named, or all."""
    from rag.collections import DEFAULT, visible_collections

    if settings.collection:
        return (settings.collection,)
    return tuple(
        "" if name == DEFAULT else name for name in visible_collections(settings.collections_dir)
    )

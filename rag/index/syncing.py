"""Files to index: what is new or changed is read, split and embedded; what is gone goes.

This module knows neither formats nor models: all of that is passed in. A file is recognised by the SHA-256 of its
content alone; sizes and times lie too often to be trusted.

The same content is indexed once. The first file that has it, in order of source_id, is searched and cited; others
are reported as its duplicates, and the next of them takes its place when it goes. What was removed by hand stays out
under any name until it is added again. A file that can no longer be read is removed: its old words are not its words.

Work is committed every few files. A sync that is killed leaves an index of whole files, and the next one goes on from
there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from rag.errors import SourceError, SourceNotFoundError
from rag.index.engine import Engine, Failure, IndexEntry, Writing
from rag.schema import (
    Fate,
    FateReason,
    FileReport,
    Source,
    SourceInfo,
    SplitPassage,
    SyncReport,
)

if TYPE_CHECKING:
    from rag.schema import Vectors

_BATCH_FILES = 64
_BATCH_PASSAGES = 2_000
"""A batch is embedded and committed together once it has so many of either."""

_LASTING = frozenset({"empty", "no_text_layer", "encrypted", "binary", "too_costly"})
"""Reasons that lie in the content: the same bytes need not be tried again."""

Progress = Callable[[str, int, int], None]
"""Told (stage, done, of how many): the stages are `read`, in files, and `embed`, in passages."""


class Root(Protocol):
    """A file or folder to look at."""

    @property
    def path(self) -> Path:
        """Where it is."""


class Found(Protocol):
    """A file that was found."""

    @property
    def source_id(self) -> str:
        """The id of the source it makes."""

    @property
    def path(self) -> Path:
        """Where it is."""


class Loaded(Protocol):
    """A file that was read."""

    @property
    def source(self) -> Source:
        """What it says."""

    @property
    def reason(self) -> FateReason:
        """A warning; empty where there is none."""

    @property
    def message(self) -> str:
        """The warning as a sentence."""


class Encoded(Protocol):
    """Vectors of n passages."""

    @property
    def passages(self) -> Vectors:
        """Shape (n, d)."""

    @property
    def sentences(self) -> Sequence[Vectors]:
        """For each passage, shape (n_sentences, d)."""


R = TypeVar("R", bound=Root)
F = TypeVar("F", bound=Found)

Split = Callable[[Source], tuple[SplitPassage, ...]]
Encode = Callable[[list[SplitPassage], Callable[[int], None]], Encoded]


def sync(
    index: Engine,
    roots: Sequence[R],
    *,
    find: Callable[[R], tuple[list[F], list[FileReport]]],
    hash_file: Callable[[Path], str],
    load: Callable[[F], Loaded],
    split: Split,
    encode: Encode,
    only: Collection[str] | None = None,
    progress: Progress | None = None,
) -> SyncReport:
    """Bring the index up to date with the files below some roots. Nothing is locked or written if nothing changed.

    Args:
        index: a store.
        roots: where to look; sources from elsewhere are left as they are.
        find: lists the files below a root, and reports what is no file to index.
        hash_file: returns the SHA-256 of a file; may raise SourceError.
        load: reads a file; may raise SourceError.
        split: makes passages.
        encode: makes vectors; tells how many passages are done so far.
        only: source_ids to look at; None for all.
        progress: told about long work.

    Raises:
        SourceNotFoundError: there is nothing at a root; one that was added by hand and is gone raises nothing, but
            its sources are removed.
        IndexBusyError: something is to be written and another process is writing.
        IndexWriteError: no space or no permission.
    """
    started = time.monotonic()
    tell: Progress = progress or _silent
    seen = _look(index, roots, find=find, hash_file=hash_file, only=only, tell=tell)
    plan = _plan(seen, index)
    n_embedded = 0
    if plan.work:
        with index.writer() as writer:
            # What is there may have changed until the lock was ours.
            plan = _plan(seen, index)
            work = _Work(plan, writer, load=load, split=split, encode=encode, tell=tell)
            n_embedded = work.run()
    files = sorted(plan.reports, key=lambda report: report.source_id)
    return SyncReport(files=tuple(files), n_embedded=n_embedded, seconds=time.monotonic() - started)


def put(
    index: Engine,
    sources: Iterable[Source],
    *,
    split: Split,
    encode: Encode,
    progress: Progress | None = None,
) -> int:
    """Index sources that are already text, each in place of one with its id; return how many passages were embedded.

    Raises:
        IndexBusyError: another process is writing.
        IndexWriteError: no space or no permission.
    """
    n_embedded = 0
    counter = _Counter(progress or _silent)
    with index.writer() as writer:
        batch: list[_Ready] = []
        for source in sources:
            batch.append(_Ready(source=source, origin=source.source_id, splits=split(source)))
            if _is_full(batch):
                n_embedded += _commit(batch, writer, encode, counter)
        n_embedded += _commit(batch, writer, encode, counter)
    return n_embedded


def remove(index: Engine, source_id: str) -> SyncReport:
    """Remove a source by hand: it stays out of every sync until it is added again.

    Raises:
        SourceNotFoundError: it is not indexed.
        IndexBusyError: another process is writing.
        IndexWriteError: no space or no permission.
    """
    started = time.monotonic()
    with index.writer() as writer:
        sha256 = index.source(source_id).sha256
        writer.remove(source_id)
        writer.exclude(source_id, sha256)
    message = f"{source_id!r} stays out of the index until it is added again."
    report = FileReport(source_id=source_id, fate="removed", reason="by_hand", message=message)
    return SyncReport(files=(report,), n_embedded=0, seconds=time.monotonic() - started)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen(Generic[F]):
    """A file and what it holds."""

    file: F
    origin: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _View(Generic[F]):
    """Everything below the roots, looked at once."""

    files: Mapping[str, _Seen[F]]
    """By source_id, ascending."""
    faults: Mapping[str, FileReport]
    """What cannot be read, by source_id."""
    clashes: Sequence[FileReport]
    """Files whose id another root's file has."""
    origins: frozenset[str]
    only: Collection[str] | None

    def covers(self, info: SourceInfo) -> bool:
        """Whether a source would have been seen if it were still there."""
        return info.origin in self.origins and (self.only is None or info.source_id in self.only)


@dataclass(slots=True, kw_only=True)
class _Plan(Generic[F]):
    """What there is to do, and what can already be told."""

    reports: list[FileReport] = field(default_factory=list)
    load: list[_Seen[F]] = field(default_factory=list)
    remove: list[str] = field(default_factory=list)
    adopt: list[tuple[str, str]] = field(default_factory=list)
    """(source_id, new origin)."""
    held: dict[str, SourceInfo] = field(default_factory=dict)
    """What is indexed."""
    keepers: dict[str, str] = field(default_factory=dict)
    """Hash to the source_id that is indexed with it, and stays."""
    failures: Mapping[str, Failure] = field(default_factory=dict)

    @property
    def work(self) -> bool:
        """Whether anything has to be written."""
        return bool(self.load or self.remove or self.adopt)

    def tell(self, source_id: str, fate: Fate, reason: FateReason = "", message: str = "") -> None:
        """Report one file."""
        self.reports.append(
            FileReport(source_id=source_id, fate=fate, reason=reason, message=message)
        )

    def tell_failure(self, report: FileReport) -> None:
        """Report a file that cannot be read; what is indexed of it is not its content any more."""
        message = report.message
        if report.source_id in self.held:
            self.remove.append(report.source_id)
            message = f"{message} What was indexed of it before has been removed.".lstrip()
        self.tell(report.source_id, report.fate, report.reason, message)


def _look(
    index: Engine,
    roots: Sequence[R],
    *,
    find: Callable[[R], tuple[list[F], list[FileReport]]],
    hash_file: Callable[[Path], str],
    only: Collection[str] | None,
    tell: Progress,
) -> _View[F]:
    """Find and hash every file; the first root that has an id keeps it."""
    by_hand = {root.path for root in index.roots()}
    found: dict[str, tuple[F, str]] = {}
    faults: dict[str, FileReport] = {}
    clashes: list[FileReport] = []
    for root in roots:
        origin = str(root.path)
        for file in _found(root, find, faults, by_hand=origin in by_hand):
            if only is not None and file.source_id not in only:
                continue
            if file.source_id in found:
                clashes.append(_clash(file, found[file.source_id][0]))
            else:
                found[file.source_id] = (file, origin)
    files: dict[str, _Seen[F]] = {}
    for done, source_id in enumerate(sorted(found), start=1):
        file, origin = found[source_id]
        try:
            files[source_id] = _Seen(file=file, origin=origin, sha256=hash_file(file.path))
        except SourceError as exc:
            faults[source_id] = _failed(source_id, exc)
        tell("read", done, len(found))
    return _View(
        files=files,
        faults={name: report for name, report in faults.items() if only is None or name in only},
        clashes=clashes,
        origins=frozenset(str(root.path) for root in roots),
        only=only,
    )


def _found(
    root: R,
    find: Callable[[R], tuple[list[F], list[FileReport]]],
    faults: dict[str, FileReport],
    *,
    by_hand: bool,
) -> list[F]:
    """Return the files below a root, and note what is none."""
    try:
        files, reports = find(root)
    except SourceNotFoundError:
        if not by_hand:
            raise
        return []
    faults.update((report.source_id, report) for report in reports)
    return files


def _plan(view: _View[F], index: Engine) -> _Plan[F]:
    """Compare what is there with what is indexed."""
    plan: _Plan[F] = _Plan(
        held={info.source_id: info for info in index.sources()}, failures=index.failures()
    )
    plan.reports.extend(view.clashes)
    excluded = index.excluded()
    for report in view.faults.values():
        if report.source_id not in view.files:
            plan.tell_failure(report)
    for info in plan.held.values():
        gone = info.source_id not in view.files and info.source_id not in view.faults
        if gone and view.covers(info):
            plan.remove.append(info.source_id)
            plan.tell(info.source_id, "removed", "gone", f"{info.source_id!r} is no longer there.")
        elif _stays(info, view, excluded):
            plan.keepers.setdefault(info.sha256, info.source_id)
    for source_id, seen in view.files.items():
        _judge(plan, source_id, seen, excluded)
    return plan


def _stays(info: SourceInfo, view: _View[F], excluded: Mapping[str, str]) -> bool:
    """Whether a source remains indexed as it is."""
    if info.source_id in excluded or info.source_id in view.faults:
        return False
    seen = view.files.get(info.source_id)
    return seen is None or seen.sha256 == info.sha256


def _judge(plan: _Plan[F], source_id: str, seen: _Seen[F], excluded: Mapping[str, str]) -> None:
    """Decide what becomes of one file."""
    held, failure = plan.held.get(source_id), plan.failures.get(source_id)
    if source_id in excluded or seen.sha256 in excluded.values():
        if held:
            plan.remove.append(source_id)
        message = f"{source_id!r} was removed by hand; add it again to index it."
        plan.tell(source_id, "excluded", "by_hand", message)
    elif held and held.sha256 == seen.sha256:
        if held.origin != seen.origin:
            plan.adopt.append((source_id, seen.origin))
        plan.tell(source_id, "unchanged")
    elif not held and seen.sha256 in plan.keepers:
        _tell_duplicate(plan, source_id, seen.sha256)
    elif failure and failure.sha256 == seen.sha256:
        plan.tell_failure(
            FileReport(
                source_id=source_id,
                fate="failed",
                reason=failure.reason,
                message=failure.message,
            )
        )
    else:
        plan.load.append(seen)


def _tell_duplicate(plan: _Plan[F], source_id: str, sha256: str) -> None:
    first = plan.keepers[sha256]
    plan.tell(
        source_id,
        "updated" if source_id in plan.held else "unchanged",
        "duplicate",
        f"{source_id!r} has the same content as {first!r}, which is searched and cited for both.",
    )


def _clash(file: Found, first: Found) -> FileReport:
    message = (
        f"{str(file.path)!r} is left out: {str(first.path)!r} has the same name"
        f" {file.source_id!r} in the index. Rename one of them."
    )
    return FileReport(source_id=file.source_id, fate="failed", reason="duplicate", message=message)


def _failed(source_id: str, exc: SourceError) -> FileReport:
    reason: FateReason = exc.reason  # type: ignore[assignment]  # a plain str in the error tree
    return FileReport(source_id=source_id, fate="failed", reason=reason, message=str(exc))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A source that only lacks its vectors."""

    source: Source
    origin: str
    splits: tuple[SplitPassage, ...]


class _Counter:
    """Tells the progress of embedding, guessing the passages of files not yet read from those that were."""

    def __init__(self, tell: Progress) -> None:
        self._tell = tell
        self._done = 0
        self.share = 1.0
        """Share of the files that have been read."""

    def batch(self, n: int) -> Callable[[int], None]:
        """Return what is told about a batch of n passages."""
        before, self._done = self._done, self._done + n
        total = max(self._done, round(self._done / self.share))
        return lambda done: self._tell("embed", min(before + done, total), total)


class _Work(Generic[F]):
    """Does what a plan says, a batch at a time."""

    def __init__(
        self,
        plan: _Plan[F],
        writer: Writing,
        *,
        load: Callable[[F], Loaded],
        split: Split,
        encode: Encode,
        tell: Progress,
    ) -> None:
        self._plan = plan
        self._writer = writer
        self._load = load
        self._split = split
        self._encode = encode
        self._counter = _Counter(tell)

    def run(self) -> int:
        """Change the index, report each file, and return how many passages were embedded."""
        for source_id in self._plan.remove:
            self._writer.remove(source_id)
        for source_id, origin in self._plan.adopt:
            self._writer.adopt(source_id, origin)
        n_embedded = 0
        batch: list[_Ready] = []
        for ready in self._ready():
            batch.append(ready)
            if _is_full(batch):
                n_embedded += _commit(batch, self._writer, self._encode, self._counter)
        return n_embedded + _commit(batch, self._writer, self._encode, self._counter)

    def _ready(self) -> Iterator[_Ready]:
        """Yield what can be indexed, and tell of everything else why not."""
        todo = self._plan.load
        for done, seen in enumerate(todo, start=1):
            self._counter.share = done / len(todo)
            source_id = seen.file.source_id
            if seen.sha256 in self._plan.keepers:
                if source_id in self._plan.held:
                    self._writer.remove(source_id)
                _tell_duplicate(self._plan, source_id, seen.sha256)
                continue
            try:
                loaded = self._load(seen.file)
                splits = self._split(loaded.source)
                if not splits:
                    raise SourceError(
                        "empty", f"{source_id!r} holds no word; put some text into it or remove it."
                    )
            except SourceError as exc:
                self._fail(seen, exc)
                continue
            # The bytes may have changed since they were hashed: what was read is what counts.
            self._plan.keepers[loaded.source.sha256] = source_id
            if source_id in self._plan.failures:
                self._writer.forget_failure(source_id)
            fate: Fate = "updated" if source_id in self._plan.held else "added"
            self._plan.tell(source_id, fate, loaded.reason, loaded.message)
            yield _Ready(source=loaded.source, origin=seen.origin, splits=splits)

    def _fail(self, seen: _Seen[F], exc: SourceError) -> None:
        """Report a file that cannot be read, and take out what was indexed of it."""
        report = _failed(seen.file.source_id, exc)
        if report.source_id in self._plan.held:
            self._writer.remove(report.source_id)
        if report.reason in _LASTING:
            failure = Failure(
                source_id=report.source_id,
                sha256=seen.sha256,
                reason=report.reason,
                message=report.message,
            )
            self._writer.remember_failure(failure)
        self._plan.tell_failure(report)


def _is_full(batch: Sequence[_Ready]) -> bool:
    passages = sum(len(ready.splits) for ready in batch)
    return len(batch) >= _BATCH_FILES or passages >= _BATCH_PASSAGES


def _commit(batch: list[_Ready], writer: Writing, encode: Encode, counter: _Counter) -> int:
    """Embed a batch across its files, commit it, empty it, and return its number of passages."""
    splits = [split for ready in batch for split in ready.splits]
    if splits:
        encoded = encode(splits, counter.batch(len(splits)))
        entries = iter(
            [
                IndexEntry(split=split, vector=vector, sentence_vectors=sentences)
                for split, vector, sentences in zip(
                    splits, encoded.passages, encoded.sentences, strict=True
                )
            ]
        )
        for ready in batch:
            writer.put(ready.source, ready.origin, [next(entries) for _ in ready.splits])
        writer.flush()
    batch.clear()
    return len(splits)


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""

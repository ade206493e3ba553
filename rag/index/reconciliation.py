"""Files to index: what is new or changed is read, split and embedded; what is gone goes.

This module knows neither formats nor models: all of that is passed in. A file is recognised by the SHA-256 of its
content alone; whether that has to be read for it, whoever hashes decides.

The same content is indexed once. The first file that has it, in order of source_id, is searched and cited; others
are reported as its duplicates, and the next of them takes its place when it goes. What was removed by hand stays out
under any name until it is added again. A file that holds something unreadable now is removed: its old words are not
its words.

What lies in a file, such as what is attached to a mail, is a source of its own below the id of that file. It comes, is
read again and goes with it, and is committed before it or together with it.

A file that is missing is removed only where its root can be listed, and is the folder that it was. What cannot be
reached stays, and is remembered as unreachable. Where more than half of a large root is missing the removals are held
until somebody says that they are meant. Of what is removed the vectors are kept for a week.

Small files are indexed before large ones, so that they can be asked about within seconds. Work is committed every few
files or seconds, at first more often and before each large file, and vectors of a large file every few passages. A
sync that is killed leaves an index of whole files that knows it is not finished, and the next one goes on from there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from rag.errors import IndexBusyError, IndexWriteError, SourceError, SourceNotFoundError
from rag.index.kept_vectors import digest_of
from rag.schema import (
    Fate,
    FateReason,
    FileReport,
    Source,
    SourceInfo,
    SplitPassage,
    SyncReport,
)
from rag.store import (
    KEPT_SECONDS,
    Absence,
    Coverage,
    Encoded,
    Failure,
    Found,
    IndexEntry,
    Loaded,
    Progress,
    Root,
    RootState,
    Store,
    Transaction,
)

if TYPE_CHECKING:
    pass

_BATCH_FILES = 64
_BATCH_PASSAGES = 1_000
_BATCH_SECONDS = 20.0
"""A batch is embedded and committed together once it has so many of either, or has taken so long to read."""

_FIRST_PASSAGES = 64
"""Passages of the first batch; each batch after it may have twice as many as the one before."""
_LARGE_BYTES = 2**18
"""Bytes of a file from which on others are committed before it is read."""

_LARGE = 10
"""Sources of a root from which on so many may be missing that it should be asked about."""
_MOST_MISSING = 0.5
"""Share of a large root's sources that may be missing without a question."""

_LASTING = frozenset({"empty", "encrypted", "binary", "too_costly"})
"""Reasons that lie in the content: the same bytes need not be tried again. Others may pass, as when a reader of scans
is installed."""

_EMPTY = (
    "there is nothing in {path!r}, and it is not the folder that it was; is its drive not there? If its documents"
    " were removed, put one into it, or take them out of the index by hand."
)

R = TypeVar("R", bound=Root)
F = TypeVar("F", bound=Found)

Split = Callable[[Source], tuple[SplitPassage, ...]]
Encode = Callable[[list[SplitPassage], Callable[[int], None]], Encoded]


def sync(
    index: Store,
    roots: Sequence[R],
    *,
    find: Callable[[R], tuple[list[F], list[FileReport]]],
    hash_file: Callable[[Path], str],
    load: Callable[[F], Loaded],
    split: Split,
    encode: Encode,
    only: Collection[str] | None = None,
    identify: Callable[[R], str] | None = None,
    confirmed: bool = False,
    wait: float = 0.0,
    progress: Progress | None = None,
) -> SyncReport:
    """Bring the index up to date with the files below some roots. Nothing is locked or written if nothing changed.

    Args:
        index: a store.
        roots: where to look; sources from elsewhere are left as they are.
        find: lists the files below a root, and reports what is no file to index; may raise SourceError where the
            root cannot be reached.
        hash_file: returns the SHA-256 of a file; may raise SourceError.
        load: reads a file; may raise SourceError.
        split: makes passages.
        encode: makes vectors; tells how many passages are done so far.
        only: source_ids to look at; None for all.
        identify: tells the folder of a root from another in its place; '' where it cannot. None trusts every root.
        confirmed: many sources of a root may be removed at once.
        wait: seconds to wait for another writer.
        progress: told about long work.

    Raises:
        SourceNotFoundError: there is nothing at a root, and nothing of it is indexed or remembered.
        IndexBusyError: something is to be written and another process is writing.
        IndexWriteError: no space or no permission.
    """
    started = time.monotonic()
    tell: Progress = progress or _silent
    begun = time.time()
    seen = _look(
        index, roots, find=find, hash_file=hash_file, only=only, identify=identify, tell=tell
    )
    plan = _plan(seen, index, confirmed=confirmed)
    n_embedded = 0
    if plan.work:
        with index.writer(wait=wait) as writer:
            # What is there may have changed until the lock was ours.
            plan = _plan(seen, index, confirmed=confirmed)
            work = _Work(plan, writer, load=load, split=split, encode=encode, tell=tell)
            n_embedded = work.run()
    elif plan.chores(begun):
        # Nothing that an answer depends on: another time if it cannot be done now.
        with suppress(IndexBusyError, IndexWriteError), index.writer() as writer:
            plan.note(writer)
    files = sorted(plan.reports, key=lambda report: report.source_id)
    return SyncReport(files=tuple(files), n_embedded=n_embedded, seconds=time.monotonic() - started)


def unread(
    index: Store,
    roots: Sequence[R],
    *,
    find: Callable[[R], tuple[list[F], list[FileReport]]],
    hash_file: Callable[[Path], str],
    identify: Callable[[R], str] | None = None,
    progress: Progress | None = None,
) -> Unread:
    """Return which files a sync of some roots would read; nothing is changed. The arguments are those of `sync`.

    Raises:
        SourceNotFoundError: there is nothing at a root, and nothing of it is indexed or remembered.
    """
    seen = _look(
        index,
        roots,
        find=find,
        hash_file=hash_file,
        only=None,
        identify=identify,
        tell=progress or _silent,
    )
    plan = _plan(seen, index, confirmed=False)
    files = tuple((one.origin, one.file.source_id) for one in plan.load)
    return Unread(files=files, places=dict(seen.places), is_changed=plan.work)


def put(
    index: Store,
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
            if _is_full(batch, _BATCH_PASSAGES):
                n_embedded += _commit(batch, writer, encode, counter)
        n_embedded += _commit(batch, writer, encode, counter)
    return n_embedded


def remove(index: Store, source_id: str) -> SyncReport:
    """Remove a source by hand: it stays out of every sync until it is added again.

    Of one that a sync has removed in the last week the vectors that were kept are forgotten.

    Raises:
        SourceNotFoundError: it is not indexed, and nothing is kept of it.
        IndexBusyError: another process is writing.
        IndexWriteError: no space or no permission.
    """
    started = time.monotonic()
    with index.writer() as writer:
        try:
            sha256 = index.source(source_id).sha256
        except SourceNotFoundError:
            if not writer.forget_vectors(source_id):
                raise
            message = f"{source_id!r} is not indexed any more; what was kept of it is forgotten."
        else:
            writer.remove(source_id)
            writer.exclude(source_id, sha256)
            writer.forget_vectors(source_id, sha256=sha256)
            for inner in index.hashes():
                if inner.startswith(f"{source_id}/"):
                    writer.remove(inner)
                    writer.forget_vectors(inner)
            message = f"{source_id!r} stays out of the index until it is added again."
    report = FileReport(source_id=source_id, fate="removed", reason="by_hand", message=message)
    return SyncReport(files=(report,), n_embedded=0, seconds=time.monotonic() - started)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """What a sync would do."""

    files: tuple[tuple[str, str], ...]
    """Path of the root and source_id of each file that it would read, in order of source_id."""
    places: Mapping[str, RootState]
    """How each root was found, by its path."""
    is_changed: bool
    """Whether there is anything to do, reading or not."""


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
    origins: Mapping[str, str]
    """The root of each file that cannot be read, by source_id."""
    places: Mapping[str, RootState]
    """How each root was found, by its path."""
    away: Mapping[str, str]
    """Why a root could not be reached, by its path."""
    only: Collection[str] | None

    def covers(self, info: SourceInfo) -> bool:
        """Whether a source would have been seen if it were still there."""
        return info.origin in self.places and (self.only is None or info.source_id in self.only)

    def holder(self, source_id: str) -> str | None:
        """Return the file that a source lies in; None for one that is a file itself, or of which no file is there."""
        if source_id in self.files:
            return None
        return next((one for one in _above(source_id) if one in self.files), None)

    def fault(self, source_id: str) -> FileReport | None:
        """Return why a file, or a folder that it lies in, could not be looked at; None where it was."""
        found = self.faults.get(source_id)
        if found is None:
            out_of_reach = (self.faults.get(folder) for folder in _above(source_id))
            found = next((one for one in out_of_reach if one and one.fate == "unreachable"), None)
        return found


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
    inner: dict[str, list[str]] = field(default_factory=dict)
    """What is indexed of what lies in each file, by the source_id of the file."""
    excluded: Mapping[str, str] = field(default_factory=dict)
    """What was removed by hand: source_id to hash."""
    outdated: frozenset[str] = frozenset()
    """What an older version read, and is to be read again."""
    failures: Mapping[str, Failure] = field(default_factory=dict)
    failures_by_hash: dict[str, list[Failure]] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=Coverage)
    """As it is remembered."""
    places: dict[str, RootState] = field(default_factory=dict)
    """As they are to be remembered, by path."""
    absent: dict[str, Absence] = field(default_factory=dict)
    """As they are to be remembered, of the roots that were looked at, by source_id."""
    only: Collection[str] | None = None

    @property
    def work(self) -> bool:
        """Whether anything has to be written."""
        return bool(self.load or self.remove or self.adopt or self._new_absent() or self._changed())

    def chores(self, now: float) -> bool:
        """Whether anything could be written, on which no answer depends."""
        since = self.coverage.kept_since
        return bool(self._changed(identity=True)) or (
            since is not None and since < now - KEPT_SECONDS
        )

    def _changed(self, *, identity: bool = False) -> list[RootState]:
        """Return the roots that are to be remembered otherwise than they are."""
        if self.only is not None:
            return []
        return [
            place
            for path, place in self.places.items()
            if _differs(self.coverage.places.get(path), place, identity=identity)
        ]

    def _new_absent(self) -> dict[str, Absence | None]:
        """Return of which sources something else is to be remembered than is."""
        told = {
            name: absence
            for name, absence in self.coverage.absent.items()
            if absence.origin in self.places and (self.only is None or name in self.only)
        }
        changed: dict[str, Absence | None] = dict.fromkeys(told.keys() - self.absent.keys())
        changed |= {name: one for name, one in self.absent.items() if told.get(name) != one}
        return changed

    def note(self, writer: Transaction, pending: Mapping[str, int] | None = None) -> None:
        """Remember how far the roots are indexed, and what could not be reached.

        Args:
            writer: changes the index.
            pending: files of each root that are yet to be indexed; None where the sync ends.
        """
        for source_id, absence in self._new_absent().items():
            writer.note_absent(source_id, absence)
        for path, place in self.places.items() if self.only is None else ():
            if pending is None:
                writer.note_place(replace(place, synced=time.time()))
            else:
                known = self.coverage.places.get(path)
                left = replace(place, pending=pending[path], synced=known.synced if known else 0.0)
                writer.note_place(left)
        if pending is None:
            writer.forget_old_vectors()

    def tell(self, source_id: str, fate: Fate, reason: FateReason = "", message: str = "") -> None:
        """Report one file."""
        self.reports.append(
            FileReport(source_id=source_id, fate=fate, reason=reason, message=message)
        )

    def tell_away(self, report: FileReport, origin: str) -> None:
        """Report a file that cannot be reached; what is indexed of it stays.

        A file that is not indexed, and that this person may not read, is simply one that cannot be read.
        """
        if report.source_id not in self.held and report.reason == "unreadable":
            self.tell(report.source_id, "failed", report.reason, report.message)
            return
        self.absent[report.source_id] = Absence(origin=origin, why="unreachable")
        kept = " What was indexed of it before stays." if report.source_id in self.held else ""
        self.tell(report.source_id, "unreachable", "unreachable", f"{report.message}{kept}")

    def tell_failure(self, report: FileReport) -> None:
        """Report a file that cannot be read; what is indexed of it is not its content any more."""
        message = report.message
        if report.source_id in self.held:
            self.remove.append(report.source_id)
            message = f"{message} What was indexed of it before has been removed.".lstrip()
        self.tell(report.source_id, report.fate, report.reason, message)


def _above(source_id: str) -> Iterator[str]:
    """Yield the folders that a file lies in, the outermost first; a file that holds others is one too."""
    return accumulate(source_id.split("/")[:-1], "{}/{}".format)


def _differs(known: RootState | None, place: RootState, *, identity: bool) -> bool:
    """Whether a root is to be remembered otherwise than it is; its identity matters to no answer."""
    if known is None:
        return identity or not place.reached
    return (known.reached, known.pending) != (place.reached, place.pending) or (
        identity and known.identity != place.identity
    )


def _look(
    index: Store,
    roots: Sequence[R],
    *,
    find: Callable[[R], tuple[list[F], list[FileReport]]],
    hash_file: Callable[[Path], str],
    only: Collection[str] | None,
    identify: Callable[[R], str] | None,
    tell: Progress,
) -> _View[F]:
    """Find and hash every file; the first root that has an id keeps it."""
    survey = _Survey(index, find=find, identify=identify)
    found: dict[str, tuple[F, str]] = {}
    faults: dict[str, FileReport] = {}
    origins: dict[str, str] = {}
    clashes: list[FileReport] = []
    for root in roots:
        origin = str(root.path)
        files_found, reports = survey.look(root)
        faults.update((report.source_id, report) for report in reports)
        origins.update((report.source_id, origin) for report in reports)
        for file in files_found:
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
            # It was there a moment ago: whether it is gone, the next look will tell.
            faults[source_id] = replace(_failed(source_id, exc), fate="unreachable")
            origins[source_id] = origin
        tell("read", done, len(found))
    return _View(
        files=files,
        faults={name: report for name, report in faults.items() if only is None or name in only},
        clashes=clashes,
        places=survey.places,
        away=survey.away,
        origins=origins,
        only=only,
    )


class _Survey(Generic[R, F]):
    """Looks at roots, and tells one that is out of reach from one whose files are gone.

    A root that cannot be listed is out of reach. So is one of which something is indexed and nothing is found, unless
    it is the folder that it was: else it may be the place where a drive is mounted at other times.
    """

    def __init__(
        self,
        index: Store,
        *,
        find: Callable[[R], tuple[list[F], list[FileReport]]],
        identify: Callable[[R], str] | None,
    ) -> None:
        self._find = find
        self._identify = identify
        self._known = index.coverage()
        self._by_hand = {root.path for root in self._known.roots}
        self._indexed = {info.origin for info in index.sources()}
        self.places: dict[str, RootState] = {}
        self.away: dict[str, str] = {}

    def look(self, root: R) -> tuple[list[F], list[FileReport]]:
        """Return the files below a root, and what is none; nothing where it cannot be reached."""
        path = str(root.path)
        known = self._known.places.get(path)
        before = known.identity if known else ""
        now = self._identify(root) if self._identify else before
        files: list[F] = []
        reports: list[FileReport] = []
        try:
            files, reports = self._find(root)
            if not (files or reports) and path in self._indexed and self._is_other(before, now):
                self.away[path] = _EMPTY.format(path=path)
        except SourceNotFoundError as exc:
            if path not in self._by_hand | self._indexed:
                raise
            # Of a root that is a file its folder was remembered, which tells whether the file is gone.
            if not now.startswith("file:") or self._is_other(before, now):
                self.away[path] = str(exc)
        except SourceError as exc:
            self.away[path] = str(exc)
        away = path in self.away
        self.places[path] = RootState(
            path=path,
            identity=before if away else now or before,
            reached=not away,
            pending=0,
            synced=0.0,
        )
        return files, reports

    def _is_other(self, before: str, now: str) -> bool:
        """Whether a folder may be another than it was."""
        return self._identify is not None and (before != now or not now)


def _plan(view: _View[F], index: Store, *, confirmed: bool) -> _Plan[F]:
    """Compare what is there with what is indexed."""
    plan: _Plan[F] = _Plan(
        held={info.source_id: info for info in index.sources()},
        failures=index.failures(),
        outdated=index.outdated(),
        coverage=index.coverage(),
        places=dict(view.places),
        only=view.only,
        excluded=index.excluded(),
    )
    plan.reports.extend(view.clashes)
    for failure in plan.failures.values():
        plan.failures_by_hash.setdefault(failure.sha256, []).append(failure)
    _tell_away(plan, view)
    missing: list[SourceInfo] = []
    for info in plan.held.values():
        fault = view.fault(info.source_id)
        if (holder := view.holder(info.source_id)) is not None:
            plan.inner.setdefault(holder, []).append(info.source_id)
        elif info.source_id not in view.files and view.covers(info):
            if info.origin in view.away:
                _tell_source_away(plan, info, view.away[info.origin])
            elif fault is None:
                missing.append(info)
                continue
            elif fault.source_id != info.source_id:
                _tell_source_away(plan, info, fault.message)
        if _stays(info, view, plan.excluded) and info.source_id not in plan.outdated:
            plan.keepers.setdefault(info.sha256, info.source_id)
    _judge_missing(plan, missing, view, confirmed=confirmed)
    for source_id, seen in view.files.items():
        _judge(plan, source_id, seen)
    return plan


def _tell_away(plan: _Plan[F], view: _View[F]) -> None:
    """Tell of files that could not be looked at, and of roots of which nothing is indexed."""
    for report in view.faults.values():
        if report.source_id in view.files:
            continue
        if report.fate == "unreachable":
            plan.tell_away(report, view.origins.get(report.source_id, ""))
        else:
            plan.tell_failure(report)
    indexed = {info.origin for info in plan.held.values()}
    for path, message in view.away.items():
        if path not in indexed:
            plan.tell(path, "unreachable", "unreachable", message)


def _tell_source_away(plan: _Plan[F], info: SourceInfo, message: str) -> None:
    """Tell of a source whose folder or root is out of reach."""
    if info.origin in plan.places and plan.places[info.origin].reached:
        plan.absent[info.source_id] = Absence(origin=info.origin, why="unreachable")
    plan.tell(
        info.source_id,
        "unreachable",
        "unreachable",
        f"{info.source_id!r} cannot be reached: {message} What was indexed of it before stays.",
    )


def _judge_missing(
    plan: _Plan[F], missing: Sequence[SourceInfo], view: _View[F], *, confirmed: bool
) -> None:
    """Remove what is missing, or hold it where that is so much of a root that it may be a mistake.

    What is found under another name is not missing.
    """
    there = {seen.sha256 for seen in view.files.values()}
    sizes = Counter(info.origin for info in plan.held.values())
    lost = Counter(info.origin for info in missing if info.sha256 not in there)
    for info in missing:
        n_lost, n_all = lost[info.origin], sizes[info.origin]
        many = n_all >= _LARGE and n_lost > _MOST_MISSING * n_all
        if many and not confirmed and info.sha256 not in there:
            plan.absent[info.source_id] = Absence(origin=info.origin, why="held")
            message = (
                f"{info.source_id!r} is missing, as are {n_lost:,} of the {n_all:,} documents of"
                f" {info.origin!r}. None of them is cited until they are there again, or `rag sync --yes` says that"
                " they were removed."
            )
            plan.tell(info.source_id, "held", "many_missing", message)
        else:
            plan.remove.append(info.source_id)
            plan.tell(info.source_id, "removed", "gone", f"{info.source_id!r} is no longer there.")


def _stays(info: SourceInfo, view: _View[F], excluded: Mapping[str, str]) -> bool:
    """Whether a source that is not missing remains indexed as it is."""
    fault = view.fault(info.source_id)
    if info.source_id in excluded or (fault is not None and fault.fate != "unreachable"):
        return False
    seen = view.files.get(info.source_id)
    return seen is None or seen.sha256 == info.sha256


def _judge(plan: _Plan[F], source_id: str, seen: _Seen[F]) -> None:
    """Decide what becomes of one file, and of what lies in it."""
    held, failure = plan.held.get(source_id), plan.failures.get(source_id)
    inner = plan.inner.get(source_id, [])
    if source_id in plan.excluded or seen.sha256 in plan.excluded.values():
        plan.remove += [*([source_id] if held else []), *inner]
        message = f"{source_id!r} was removed by hand; add it again to index it."
        plan.tell(source_id, "excluded", "by_hand", message)
    elif held and held.sha256 == seen.sha256 and source_id not in plan.outdated:
        if held.origin != seen.origin:
            plan.adopt += [(one, seen.origin) for one in (source_id, *inner)]
        for one in (source_id, *inner):
            plan.tell(one, "unchanged")
        _tell_faults_inside(plan, source_id, seen.sha256)
    elif not held and seen.sha256 in plan.keepers:
        _tell_duplicate(plan, source_id, seen.sha256)
    elif failure and failure.sha256 == seen.sha256 and failure.reason in _LASTING:
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


def _tell_faults_inside(plan: _Plan[F], source_id: str, sha256: str) -> None:
    """Tell once more what could not be read of what lies in an unchanged file."""
    for one in plan.failures_by_hash.get(sha256, ()):
        if one.source_id.startswith(f"{source_id}/"):
            plan.tell(one.source_id, "failed", one.reason, one.message)


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
    is_file: bool = True
    """False for what lies in one."""


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
        writer: Transaction,
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
        self._most_passages = min(_FIRST_PASSAGES, _BATCH_PASSAGES)
        self._pending = Counter(seen.origin for seen in plan.load)

    def run(self) -> int:
        """Change the index, report each file, and return how many passages were embedded."""
        if self._plan.load:
            # Whoever asks from now on is told that it is being built, also if this process dies.
            self._plan.note(self._writer, self._pending)
            self._writer.flush()
        for source_id in self._plan.remove:
            self._writer.remove(source_id, keep=True)
        for source_id, origin in self._plan.adopt:
            self._writer.adopt(source_id, origin)
        n_embedded = 0
        batch: list[_Ready] = []
        begun = time.monotonic()
        for ready in self._ready():
            batch += [ready] if ready else []
            enough = ready is None or _is_full(batch, self._most_passages)
            if batch and (enough or time.monotonic() - begun > _BATCH_SECONDS):
                n_embedded += self._commit(batch)
                self._most_passages = min(2 * self._most_passages, _BATCH_PASSAGES)
                begun = time.monotonic()
        n_embedded += self._commit(batch, last=True)
        self._plan.note(self._writer)
        return n_embedded

    def _commit(self, batch: list[_Ready], *, last: bool = False) -> int:
        """Index a batch, and remember how much is left unless that is nothing."""

        def note() -> None:
            self._pending.subtract(ready.origin for ready in batch if ready.is_file)
            if not last:
                self._plan.note(self._writer, self._pending)

        return _commit(batch, self._writer, self._encode, self._counter, before_flush=note)

    def _ready(self) -> Iterator[_Ready | None]:
        """Yield what can be indexed, and tell of everything else why not; None where reading the next takes long."""
        sizes = {seen.file.source_id: _bytes_of(seen.file) for seen in self._plan.load}
        # Files of the same content, of which the first by source_id is indexed, are of the same size.
        todo = sorted(self._plan.load, key=lambda seen: sizes[seen.file.source_id])
        for done, seen in enumerate(todo, start=1):
            self._counter.share = done / len(todo)
            source_id = seen.file.source_id
            if sizes[source_id] >= _LARGE_BYTES:
                yield None
            if seen.sha256 in self._plan.keepers:
                self._pending[seen.origin] -= 1
                self._take_out(source_id)
                _tell_duplicate(self._plan, source_id, seen.sha256)
                continue
            try:
                loaded = self._load(seen.file)
                splits = self._passages(loaded)
            except SourceError as exc:
                self._fail(seen, exc)
                continue
            yield from self._inside(seen, loaded)
            # The bytes may have changed since they were hashed: what was read is what counts.
            self._plan.keepers[loaded.source.sha256] = source_id
            if source_id in self._plan.failures:
                self._writer.forget_failure(source_id)
            fate: Fate = "updated" if source_id in self._plan.held else "added"
            self._plan.tell(source_id, fate, loaded.reason, loaded.message)
            yield _Ready(source=loaded.source, origin=seen.origin, splits=splits)

    def _passages(self, loaded: Loaded) -> tuple[SplitPassage, ...]:
        """Return the passages of what was read; raise SourceError where there are none."""
        if splits := self._split(loaded.source):
            return splits
        what = f"{loaded.source.source_id!r} holds no word; put some text into it or remove it."
        raise SourceError("empty", what)

    def _take_out(self, source_id: str) -> None:
        """Remove what is indexed of a file and of what lies in it."""
        for one in (source_id, *self._plan.inner.get(source_id, ())):
            if one in self._plan.held:
                self._writer.remove(one, keep=True)

    def _inside(self, seen: _Seen[F], loaded: Loaded) -> Iterator[_Ready]:
        """Yield what lies in a file that was read, and take out what does no longer."""
        faults = [*loaded.faults]
        there: set[str] = set()
        for part in loaded.parts:
            name = part.source.source_id
            if name in self._plan.excluded:
                continue
            try:
                splits = self._passages(part)
            except SourceError as exc:
                faults.append(_failed(name, exc))
                continue
            there.add(name)
            fate: Fate = "updated" if name in self._plan.held else "added"
            self._plan.tell(name, fate, part.reason, part.message)
            yield _Ready(source=part.source, origin=seen.origin, splits=splits, is_file=False)
        for name in self._plan.inner.get(seen.file.source_id, ()):
            if name not in there:
                self._writer.remove(name, keep=True)
                self._plan.tell(name, "removed", "gone", f"{name!r} is no longer there.")
        if there or faults:
            self._note_faults(seen.file.source_id, loaded.source.sha256, faults)

    def _note_faults(self, source_id: str, sha256: str, faults: Sequence[FileReport]) -> None:
        """Tell why parts of a file could not be read, and remember it until the file changes."""
        for known in self._plan.failures:
            if known.startswith(f"{source_id}/"):
                self._writer.forget_failure(known)
        for one in faults:
            self._plan.tell(one.source_id, one.fate, one.reason, one.message)
            failure = Failure(
                source_id=one.source_id, sha256=sha256, reason=one.reason, message=one.message
            )
            self._writer.remember_failure(failure)

    def _fail(self, seen: _Seen[F], exc: SourceError) -> None:
        """Report a file that cannot be read, and take out what was indexed of it unless it is only out of reach."""
        self._pending[seen.origin] -= 1
        report = _failed(seen.file.source_id, exc)
        if report.reason == "unreachable":
            self._plan.tell_away(report, seen.origin)
            return
        self._take_out(report.source_id)
        if report.reason in _LASTING:
            failure = Failure(
                source_id=report.source_id,
                sha256=seen.sha256,
                reason=report.reason,
                message=report.message,
            )
            self._writer.remember_failure(failure)
        self._plan.tell_failure(report)


def _bytes_of(file: Found) -> int:
    """Return how large a file is; 0 where nobody can say."""
    try:
        return file.path.stat().st_size
    except OSError:
        return 0


def _is_full(batch: Sequence[_Ready], most_passages: int) -> bool:
    passages = sum(len(ready.splits) for ready in batch)
    return len(batch) >= _BATCH_FILES or passages >= most_passages


def _commit(
    batch: list[_Ready],
    writer: Transaction,
    encode: Encode,
    counter: _Counter,
    *,
    before_flush: Callable[[], None] = lambda: None,
) -> int:
    """Embed a batch across its files, commit it, empty it, and return how many passages were embedded."""
    embedding = _Embedding(batch, writer, encode, counter)
    if batch:
        embedding.run()
        for ready in batch:
            writer.put(ready.source, ready.origin, embedding.entries(ready))
        before_flush()
        writer.flush()
    batch.clear()
    return embedding.n_embedded


class _Embedding:
    """The vectors of a batch: those that were kept, and those that are made.

    What stands twice in a batch is embedded once. Where there is much to do, what is done is kept meanwhile, so that
    a sync that is killed loses a few passages, however large a file is.
    """

    def __init__(
        self, batch: Sequence[_Ready], writer: Transaction, encode: Encode, counter: _Counter
    ) -> None:
        self._batch = batch
        self._writer = writer
        self._encode = encode
        self._counter = counter
        self._digests = {id(one): digest_of(one) for ready in batch for one in ready.splits}
        splits = [split for ready in batch for split in ready.splits]
        self._vectors = dict(writer.kept(splits)) if splits else {}
        missing = {self._digests[id(one)]: one for one in splits}
        self._todo = [one for name, one in missing.items() if name not in self._vectors]
        self.n_embedded = len(self._todo)

    def run(self) -> None:
        """Make what vectors are missing."""
        for start in range(0, len(self._todo), _BATCH_PASSAGES):
            if start:
                self._keep(start - _BATCH_PASSAGES, start)
            some = self._todo[start : start + _BATCH_PASSAGES]
            encoded = self._encode(some, self._counter.batch(len(some)))
            made = zip(some, encoded.passages, encoded.sentences, strict=True)
            self._vectors |= {self._digests[id(one)]: (a, b) for one, a, b in made}

    def entries(self, ready: _Ready) -> list[IndexEntry]:
        """Return the passages of a source with their vectors."""
        return [self._entry(split) for split in ready.splits]

    def _entry(self, split: SplitPassage) -> IndexEntry:
        vector, sentences = self._vectors[self._digests[id(split)]]
        return IndexEntry(split=split, vector=vector, sentence_vectors=sentences)

    def _keep(self, start: int, end: int) -> None:
        """Have vectors that were made last beyond the end of this process."""
        done = {id(one) for one in self._todo[start:end]}
        for ready in self._batch:
            entries = [self._entry(one) for one in ready.splits if id(one) in done]
            if entries:
                self._writer.keep(ready.source, ready.origin, entries)
        self._writer.flush()


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""

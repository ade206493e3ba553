"""What is to be taken in, renamed, removed or read again, one after another in a thread of its own.

The chat answers meanwhile from what is indexed. Knows nothing of the page; whoever shows it looks at
`version`, which rises with every change.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from rag.errors import RagError, SettingsError, SourceError, SourceNotFoundError
from rag.schema import Fate, FileReport, SourceInfo, SyncReport
from rag.sources.remote import MOST_LISTED, Fetched, check_address, is_map, listed_in

if TYPE_CHECKING:
    from rag.web.opening import Answering, Opening
from rag.web.escaping import counted
from rag.web.logs import trail
from rag.web.uploads import Uploads

log = logging.getLogger(__name__)

Read: TypeAlias = Callable[[str], Fetched]
"""Reads a web address; may raise SourceError."""

N_OUTCOMES = 100
"""What became of so many files is remembered; of others the list of sources tells."""

_LEAVING = 5.0  # seconds for what is under way to notice that the program ends
_OUR_FAULT = "Something went wrong here. The program's log says what."
_NO_CHANGE = "Nothing in it has changed."
_TOLD: Mapping[Fate, str] = {
    "added": "Added",
    "updated": "Updated",
    "unchanged": "Unchanged",
    "removed": "Removed",
    "failed": "Not added",
    "excluded": "Left out",
    "unreachable": "Out of reach",
    "held": "Held back",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A source, or a file that is none yet."""

    source_id: str
    title: str
    info: SourceInfo | None
    """None where it is not indexed."""
    note: str = ""
    """Why it is not indexed, or a warning; empty also for what is about to be indexed."""
    upload: str | None = None
    """Its path among the uploads; None where it lies elsewhere."""
    url: str = ""
    """Where on the web it was read."""
    left_out: bool = False
    """Whether it was removed by hand, and can be taken back."""

    @property
    def key(self) -> str:
        """A short name without anything in it that a page could mistake."""
        return key_of(self.source_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one thing."""

    name: str
    kind: Literal["good", "same", "bad"]
    said: str
    """A word or a few: `Added`."""
    message: str = ""
    """Why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """What is under way."""

    label: str
    stage: str = ""
    done: int = 0
    total: int = 0
    can_stop: bool = False
    stopping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What is done now, what waits, and what became of what was done."""

    doing: Doing | None
    waiting: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    """Latest first."""


class _StoppedError(Exception):
    """A person has stopped it."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Task:
    """Something to do, in the thread, with the pipeline."""

    label: str
    work: Callable[[Answering, list[str]], None]
    names: list[str] = field(default_factory=list)
    """Uploads that it is about, which it is given."""
    can_stop: bool = False

    @property
    def shown(self) -> str:
        """What it does, in words."""
        named = ", ".join(self.names[:3]) + "…" * (len(self.names) > 3)
        return f"{self.label} {named}".rstrip()


class TakingIn:
    """Does one thing at a time, in the order in which they were asked for.

    Args:
        opening: hands out the pipeline once it is open.
        uploads: the folder of what was taken in.
        seeds: the folder whose sources have ids without its name.
        read: reads web addresses; None where that is turned off.
    """

    def __init__(
        self, opening: Opening, uploads: Uploads, *, seeds: Path, read: Read | None = None
    ) -> None:
        self.uploads = uploads
        self._opening = opening
        self._seeds = seeds
        self._read = read
        self._changed = threading.Condition()
        self._tasks: deque[_Task] = deque()
        self._task: _Task | None = None
        """What is under way, and how far it is."""
        self._doing: Doing | None = None
        self._outcomes: deque[Outcome] = deque(maxlen=N_OUTCOMES)
        self._reports: dict[str, FileReport] | None = None
        """What the last look said of each file that is not simply indexed; None before any."""
        self._version = 0
        self._stop = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="taking in", daemon=True)

    def start(self) -> None:
        """Begin to do what is asked for."""
        self._thread.start()

    def close(self) -> None:
        """Stop, and do nothing more."""
        with self._changed:
            self._closed = True
            self._tasks.clear()
            self._stop.set()
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(_LEAVING)

    @property
    def version(self) -> int:
        """A number that rises whenever `activity` or `entries` may have changed."""
        return self._version

    @property
    def busy(self) -> bool:
        """Whether anything is under way or waits."""
        with self._changed:
            return self._doing is not None or bool(self._tasks)

    @property
    def reads_addresses(self) -> bool:
        """Whether web addresses may be read."""
        return self._read is not None

    @property
    def activity(self) -> Activity:
        """What is done, waits and was done."""
        with self._changed:
            return Activity(
                doing=self._doing,
                waiting=tuple(task.shown for task in self._tasks),
                outcomes=tuple(reversed(self._outcomes)),
            )

    def entries(self) -> tuple[Entry, ...]:
        """Return every source and every file that should be one, in order of source_id."""
        if self._opening.state.status != "ready":
            return ()
        rag = self._opening.wait()
        infos = {info.source_id: info for info in rag.sources()}
        reports = self._known_reports(rag)
        uploads = {self._id(name): name for name in self.uploads.names()}
        addresses = self.uploads.addresses()
        with self._changed:
            tasks = [*self._tasks, *([self._task] if self._task is not None else [])]
            coming = {self._id(name) for task in tasks for name in task.names}
        return tuple(
            self._entry(
                source_id,
                infos.get(source_id),
                reports.get(source_id),
                uploads.get(source_id),
                addresses,
                coming=source_id in coming,
            )
            for source_id in sorted({*infos, *reports, *uploads})
        )

    def statistics(self) -> dict[str, object]:
        """Return counts and settings of the index; nothing until it is open."""
        if self._opening.state.status != "ready":
            return {}
        return self._opening.wait().statistics()

    def twin(self, sha256: str) -> str:
        """Return the id of the source that has this content; empty where none has."""
        if self._opening.state.status != "ready":
            return ""
        sources = self._opening.wait().sources()
        return next((info.source_id for info in sources if info.sha256 == sha256), "")

    def take(self, name: str) -> None:
        """Index an upload; those that arrive while one waits are indexed with it."""
        with self._changed:
            waiting = next((task for task in self._tasks if task.names), None)
            if waiting is not None:
                waiting.names.append(name)
            else:
                self._tasks.append(
                    _Task(label="Index", work=self._index, names=[name], can_stop=True)
                )
            self._bump()

    def take_address(self, url: str) -> None:
        """Read a web address and index what stands there; of a site map, the pages that it lists.

        Raises:
            SettingsError: that is turned off.
            SourceError: it is no web address.
        """
        if self._read is None:
            raise SettingsError(
                "Reading web addresses is turned off. Start again with RAG_URLS=true, or"
                " urls = true in rag.toml, to turn it on."
            )
        check_address(url)
        read = self._read
        self._add(f"Read {url}", lambda rag, _: self._fetch(rag, url, read))

    def read_again(self, entry: Entry | None = None) -> None:
        """Look at all files anew, or at one; what has changed is indexed anew."""
        if entry is None:
            self._add("Read everything again", self._index_all, can_stop=True)
            return
        label = f"Read {entry.source_id} again"
        if entry.left_out:
            path = self._seeds / entry.source_id
            self._add(label, lambda rag, _: self._take_back(rag, path), can_stop=True)
        elif entry.upload is None:
            self._add(label, lambda rag, _: self._look(rag, entry.source_id), can_stop=True)
        elif entry.url and self._read is not None:
            read, name = self._read, entry.upload
            self._add(label, lambda rag, _: self._fetch(rag, entry.url, read, name=name))
        else:
            self.take(entry.upload)

    def remove(self, entry: Entry) -> None:
        """Take a source out, and delete the file where it is one that was taken in here."""
        self._add(f"Remove {entry.source_id}", lambda rag, _: self._remove(rag, entry))

    def rename(self, entry: Entry, name: str) -> None:
        """Give an upload another name.

        Raises:
            SourceError: the name cannot be had.
        """
        if entry.upload is None:
            raise SourceError(
                "unsupported",
                f"{entry.source_id!r} lies in a folder of yours: rename it there, and read"
                " everything again.",
            )
        old = entry.upload
        new = self.uploads.rename(old, name)
        if new != old:
            self.take(new)

    def stop(self) -> None:
        """Stop what is under way, where it can be: what is indexed by then stays."""
        with self._changed:
            if self._doing is not None and self._doing.can_stop:
                self._doing = replace(self._doing, stopping=True)
                self._stop.set()
                self._bump()

    def dismiss(self) -> None:
        """Forget what became of what was done."""
        with self._changed:
            self._outcomes.clear()
            self._bump()

    def _add(
        self, label: str, work: Callable[[Answering, list[str]], None], *, can_stop: bool = False
    ) -> None:
        with self._changed:
            self._tasks.append(_Task(label=label, work=work, can_stop=can_stop))
            self._bump()

    def _bump(self) -> None:
        """Tell that something has changed; the lock is held."""
        self._version += 1
        self._changed.notify_all()

    def _run(self) -> None:
        while (task := self._next()) is not None:
            try:
                task.work(self._opening.wait(), task.names)
            except _StoppedError:
                self._tell(
                    task.shown,
                    "same",
                    "Stopped",
                    "What is not indexed yet is when you read everything again.",
                )
            except RagError as exc:
                self._tell(task.shown, "bad", "Not done", str(exc))
            except Exception as exc:  # noqa: BLE001  (whatever it was)
                # The border to a person: no traceback reaches them, whatever it was; the log keeps where.
                log.error("Sources could not be taken in: %s", trail(exc))  # noqa: TRY400
                self._tell(task.shown, "bad", "Not done", _OUR_FAULT)
            finally:
                with self._changed:
                    self._task = self._doing = None
                    self._bump()

    def _next(self) -> _Task | None:
        """Wait for something to do; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._tasks)
            if self._closed:
                return None
            self._task = task = self._tasks.popleft()
            self._stop.clear()
            self._doing = Doing(label=task.shown, can_stop=task.can_stop)
            self._bump()
            return task

    def _progress(self, stage: str, done: int, total: int) -> None:
        """Show how far it is; raises where it is to stop, between two files or batches."""
        if self._stop.is_set():
            raise _StoppedError
        with self._changed:
            if self._doing is not None:
                self._doing = replace(self._doing, stage=stage, done=done, total=total)
                self._bump()

    def _tell(
        self, name: str, kind: Literal["good", "same", "bad"], said: str, message: str = ""
    ) -> None:
        with self._changed:
            self._outcomes.append(Outcome(name=name, kind=kind, said=said, message=message))
            self._bump()

    def _index(self, rag: Answering, names: list[str]) -> None:
        """Bring the uploads up to date, and say what became of some."""
        report = rag.sync([self.uploads.folder], progress=self._progress)
        below = self._id("")
        self._note(rag, report, covers=lambda source_id: source_id.startswith(below))
        told = {one.source_id: one for one in report.files}
        for name in names:
            if (one := told.get(self._id(name))) is not None:
                self._tell_fate(one)

    def _index_all(self, rag: Answering, _: list[str]) -> None:
        report = self._sync_all(rag)
        counts = [
            f"{len(report.of(fate)):,} {_TOLD[fate].lower()}"
            for fate in (
                "added",
                "updated",
                "removed",
                "failed",
                "unreachable",
                "held",
                "unchanged",
            )
            if report.of(fate)
        ]
        self._tell("Everything read again", "same", ", ".join(counts) or "There are no files")
        for one in (
            *report.added,
            *report.updated,
            *report.failed,
            *report.unreachable,
            *report.held,
        ):
            self._tell_fate(one)

    def _look(self, rag: Answering, source_id: str) -> None:
        """Look at all files, and say what became of one."""
        told = {one.source_id: one for one in self._sync_all(rag).files}
        if source_id in told:
            self._tell_fate(told[source_id])

    def _sync_all(self, rag: Answering) -> SyncReport:
        report = rag.sync(progress=self._progress)
        self._note(rag, report, covers=lambda _: True)
        return report

    def _take_back(self, rag: Answering, path: Path) -> None:
        """Let in a file that was removed by hand."""
        report = rag.sync([path], progress=self._progress)
        self._note(rag, report, covers=lambda _: False)
        source_id = path.relative_to(self._seeds).as_posix()
        for one in report.files:
            if one.source_id == source_id:
                self._tell_fate(one)

    def _fetch(self, rag: Answering, url: str, read: Read, *, name: str = "") -> None:
        """Read a web address into a file, and index that."""
        try:
            fetched = read(url)
            if listed := listed_in(fetched):
                self._read_listed(url, listed, read)
                return
            kept = self.uploads.add(name or fetched.name, fetched.data)
        except SourceError as exc:
            self._tell(url, "bad", _TOLD["failed"], str(exc))
            return
        self.uploads.note_address(kept.name, fetched.url)
        self._index(rag, [kept.name])

    def _read_listed(self, url: str, listed: Sequence[str], read: Read) -> None:
        """Have the pages read that a site map lists, each as if it had been given; of a map of maps theirs."""
        pages: dict[str, None] = {}
        for one in listed:
            if len(pages) < MOST_LISTED:
                pages.update(dict.fromkeys(listed_in(read(one)) if is_map(one) else (one,)))
        chosen = [one for one in pages if not is_map(one)][:MOST_LISTED]
        for one in chosen:
            self.take_address(one)
        self._tell(url, "good", "A site map", f"It lists {counted(len(chosen), 'page')}.")

    def _remove(self, rag: Answering, entry: Entry) -> None:
        try:
            rag.remove(entry.source_id)
        except SourceNotFoundError:
            # It never was indexed, or is gone already: what is left is its file.
            if entry.upload is None:
                raise
        if entry.upload is not None:
            self.uploads.delete(entry.upload)
        with self._changed:
            (self._reports or {}).pop(entry.source_id, None)
        message = (
            "The file taken in here is deleted."
            if entry.upload is not None
            else "Its file stays where it is, and is left out from now on."
        )
        self._tell(entry.source_id, "good", _TOLD["removed"], message)

    def _tell_fate(self, one: FileReport) -> None:
        if one.fate in {"failed", "excluded", "unreachable", "held"}:
            self._tell(one.source_id, "bad", _TOLD[one.fate], one.message)
        elif one.fate == "unchanged":
            said = "A duplicate" if one.reason == "duplicate" else _TOLD[one.fate]
            self._tell(one.source_id, "same", said, one.message or _NO_CHANGE)
        else:
            self._tell(one.source_id, "good", _TOLD[one.fate], one.message)

    def _known_reports(self, rag: Answering) -> Mapping[str, FileReport]:
        with self._changed:
            if self._reports is None:
                self._reports = _notable(rag.last_sync) if rag.last_sync is not None else {}
            return dict(self._reports)

    def _note(self, rag: Answering, report: SyncReport, *, covers: Callable[[str], bool]) -> None:
        """Remember what a look said, in place of what another said of what this one covers."""
        told = {one.source_id for one in report.files}
        kept = {
            name: one
            for name, one in self._known_reports(rag).items()
            if name not in told and not covers(name)
        }
        with self._changed:
            self._reports = kept | _notable(report)
            self._bump()

    def _id(self, name: str) -> str:
        """Return the source_id of an upload."""
        return f"{self.uploads.folder.name}/{name}"

    def _entry(
        self,
        source_id: str,
        info: SourceInfo | None,
        report: FileReport | None,
        upload: str | None,
        addresses: Mapping[str, str],
        *,
        coming: bool,
    ) -> Entry:
        if info is not None and info.origin != str(self.uploads.folder):
            upload = None  # another folder has a file of that name
        note = report.message if report is not None else ""
        if info is None and not note and not coming:
            note = "It is not indexed yet: read everything again."
        return Entry(
            source_id=source_id,
            title=(info.title if info is not None else "") or source_id,
            info=info,
            note=note,
            upload=upload,
            url=addresses.get(upload, "") if upload is not None else "",
            left_out=report is not None
            and report.fate == "excluded"
            and (self._seeds / source_id).is_file(),
        )


def key_of(source_id: str) -> str:
    """Return a short name of a source that is safe in any markup."""
    return hashlib.sha256(source_id.encode("utf-8", "replace")).hexdigest()[:16]


def _notable(report: SyncReport) -> dict[str, FileReport]:
    """Return the reports of files about which there is something to say."""
    return {
        one.source_id: one
        for one in report.files
        if one.fate != "removed" and (one.reason or one.fate in {"failed", "excluded"})
    }

"""One thing after another is taken in, renamed, removed and read again, and each thing's fate is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.errors import IndexBusyError, SettingsError, SourceError
from rag.pipeline import Rag
from rag.schema import AnswerReady, FileReport, SyncReport
from rag.settings import Settings
from rag.sources.remote import Fetched
from rag.web.opening import OnProgress, Opening
from rag.web.taking_in import Entry, TakingIn
from rag.web.uploads import Uploads
from tests.web_fakes import HARBOUR, REPORT, ScriptedRag

URL = "https://site.example/boats"


class Web:
    """Pages by their address; what is not there is an error."""

    def __init__(self) -> None:
        self.pages = {URL: b"The ferry leaves at eight."}

    def __call__(self, url: str) -> Fetched:
        if url not in self.pages:
            raise SourceError("unreadable", f"{url!r} answered 404 Not Found.")
        return Fetched(url=url, name="site.example/boats.html", data=self.pages[url])


class Desk:
    """What a person at the page can do, and what comes of it."""

    def __init__(self, folder: Path, rag: Any) -> None:
        self.rag = rag
        self.web = Web()
        self.uploads = Uploads(folder / "uploads", max_file=1_000_000)
        self.opening = Opening(lambda _: rag)
        self.opening.wait(60)
        self.taking_in = TakingIn(self.opening, self.uploads, seeds=folder / "seeds", read=self.web)
        self.taking_in.start()

    def add(self, name: str, data: bytes = b"text") -> None:
        """Take in a file."""
        self.taking_in.take(self.uploads.add(name, data).name)

    def settle(self) -> None:
        """Wait until nothing is under way."""
        wait_for(lambda: not self.taking_in.busy)

    def entry(self, source_id: str) -> Entry:
        """Return what is known of a source."""
        return next(one for one in self.taking_in.entries() if one.source_id == source_id)

    def told(self) -> list[tuple[str, str]]:
        """Return what became of what, oldest first."""
        return [(one.name, one.said) for one in reversed(self.taking_in.activity.outcomes)]


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A page over two sources, with a folder of its own."""
    desk = Desk(tmp_path, ScriptedRag())
    yield desk
    desk.rag.may_sync.set()
    desk.taking_in.close()


def test_a_file_is_indexed_and_its_fate_is_told(desk: Desk):
    """It is a source among the others, known as one that was taken in here."""
    desk.add("notes/may.txt", b"The ferry sails.")
    desk.settle()
    assert [("uploads/notes/may.txt", "Added")] == desk.told()
    one = desk.entry("uploads/notes/may.txt")
    assert ("may", "notes/may.txt", "") == (one.title, one.upload, one.note)
    assert desk.entry(HARBOUR.source_id).upload is None


def test_a_file_that_cannot_be_read_stays_listed_with_its_reason(desk: Desk):
    """In the list of what happened, and beside the sources until it is removed."""
    desk.add("scan.pdf", b"scanned")
    desk.settle()
    assert [("uploads/scan.pdf", "Not added")] == desk.told()
    desk.taking_in.dismiss()
    one = desk.entry("uploads/scan.pdf")
    assert (None, "'uploads/scan.pdf' holds no text; run OCR on it.") == (one.info, one.note)
    desk.taking_in.remove(one)
    desk.settle()
    assert [] == desk.uploads.names()
    assert "uploads/scan.pdf" not in {one.source_id for one in desk.taking_in.entries()}


def test_an_upload_that_no_sync_has_seen_is_listed_as_waiting(desk: Desk):
    """Such as after a restart in the middle of it."""
    desk.uploads.add("left.txt", b"text")
    assert "not indexed yet" in desk.entry("uploads/left.txt").note


def test_what_the_first_sync_said_is_listed(tmp_path: Path):
    """Failures of the start, with their reasons, until another sync says otherwise."""
    rag = ScriptedRag()
    failed = FileReport(source_id="old.pdf", fate="failed", reason="encrypted", message="Locked.")
    rag.last_sync = SyncReport(files=(failed,), n_embedded=0, seconds=0.0)
    desk = Desk(tmp_path, rag)
    assert "Locked." == desk.entry("old.pdf").note
    desk.add("a.txt")
    desk.settle()
    assert "Locked." == desk.entry("old.pdf").note
    desk.taking_in.read_again()
    desk.settle()
    assert "old.pdf" not in {one.source_id for one in desk.taking_in.entries()}
    desk.taking_in.close()


@pytest.mark.model
def test_what_was_removed_by_hand_can_be_taken_back(tmp_path: Path):
    """A file of one's own that is left out is listed with that, and let in again."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "a.txt").write_text("The ferry leaves at eight.", encoding="utf-8")
    (seeds / "b.pdf").write_bytes(b"%PDF- no more")
    settings = Settings(seeds_dir=seeds, index_dir=tmp_path / "index")
    with Rag.open(settings) as rag:
        desk = Desk(tmp_path, rag)
        desk.taking_in.remove(desk.entry("a.txt"))
        desk.taking_in.read_again()
        desk.settle()
        one = desk.entry("a.txt")
        assert (None, True) == (one.info, one.left_out)
        desk.taking_in.read_again(one)
        desk.settle()
        one = desk.entry("a.txt")
        assert (False, "") == (one.left_out, one.note)
        assert one.info is not None
        assert ("a.txt", "Added") == desk.told()[-1]
        assert "damaged" in desk.entry("b.pdf").note
        desk.taking_in.close()


def test_questions_are_answered_while_a_sync_runs(desk: Desk):
    """From what was indexed before."""
    desk.rag.may_sync.clear()
    desk.add("a.txt")
    wait_for(lambda: desk.taking_in.activity.doing)
    *_, last = desk.rag.stream("When?")
    assert isinstance(last, AnswerReady)
    assert {HARBOUR.source_id, REPORT.source_id, "uploads/a.txt"} == {
        one.source_id for one in desk.taking_in.entries()
    }
    assert desk.taking_in.busy
    desk.rag.may_sync.set()
    desk.settle()


def test_one_thing_is_done_at_a_time_and_files_that_wait_go_together(desk: Desk):
    """Whatever arrives during a sync is indexed by one more."""
    desk.rag.may_sync.clear()
    desk.add("a.txt")
    wait_for(lambda: (doing := desk.taking_in.activity.doing) and doing.stage)
    for name in ("b.txt", "c.txt", "d.txt", "e.txt"):
        desk.add(name)
    desk.taking_in.read_again()
    now = desk.taking_in.activity
    assert now.doing is not None
    assert ("Index a.txt", "read", 0, 1) == (
        now.doing.label,
        now.doing.stage,
        now.doing.done,
        now.doing.total,
    )
    assert ("Index b.txt, c.txt, d.txt…", "Read everything again") == now.waiting
    desk.rag.may_sync.set()
    desk.settle()
    assert [f"uploads/{name}.txt" for name in "abcde"] == [name for name, _ in desk.told()[:5]]


def test_a_sync_can_be_stopped_and_what_is_left_is_said(desk: Desk):
    """What is indexed by then stays, and the next thing is done."""
    desk.rag.may_sync.clear()
    for name in ("a.txt", "b.txt"):
        desk.uploads.add(name, name.encode())
    desk.taking_in.take("a.txt")
    wait_for(lambda: (doing := desk.taking_in.activity.doing) and doing.stage)
    desk.taking_in.stop()
    doing = desk.taking_in.activity.doing
    assert doing is not None
    assert doing.stopping
    desk.rag.may_sync.set()
    desk.settle()
    assert [("Index a.txt", "Stopped")] == desk.told()
    desk.taking_in.take("b.txt")
    desk.settle()
    assert ("uploads/b.txt", "Added") == desk.told()[-1]


def test_a_source_is_removed_and_a_file_of_ours_with_it(desk: Desk):
    """A file elsewhere stays where it is."""
    desk.add("a.txt")
    desk.settle()
    for source_id in ("uploads/a.txt", HARBOUR.source_id):
        desk.taking_in.remove(desk.entry(source_id))
    desk.settle()
    assert [] == desk.uploads.names()
    assert {REPORT.source_id} == {one.source_id for one in desk.taking_in.entries()}
    deleted, kept = list(desk.taking_in.activity.outcomes)[1::-1]
    assert ("deleted", "stays") == (deleted.message.split()[-1][:-1], kept.message.split()[2])


def test_removing_what_is_gone_is_a_sentence(desk: Desk):
    """Two pages may ask for the same."""
    one = desk.entry(HARBOUR.source_id)
    desk.taking_in.remove(one)
    desk.taking_in.remove(one)
    desk.settle()
    assert ["Removed", "Not done"] == [said for _, said in desk.told()]


def test_a_renamed_file_is_another_source(desk: Desk):
    """The old one is gone; what lies in a folder of one's own is renamed there."""
    desk.add("a.txt", b"words")
    desk.settle()
    desk.taking_in.rename(desk.entry("uploads/a.txt"), "b")
    desk.settle()
    assert ("uploads/b.txt", "Added") == desk.told()[-1]
    assert "uploads/a.txt" not in {one.source_id for one in desk.taking_in.entries()}
    with pytest.raises(SourceError, match="rename it there"):
        desk.taking_in.rename(desk.entry(HARBOUR.source_id), "b")


def test_a_web_address_is_read_into_a_file_that_remembers_it(desk: Desk):
    """Reading it again goes to the address again."""
    desk.taking_in.take_address(URL)
    desk.settle()
    one = desk.entry("uploads/site.example/boats.html")
    assert (URL, "Added") == (one.url, desk.told()[-1][1])
    desk.web.pages[URL] = b"The ferry leaves at nine."
    desk.taking_in.read_again(one)
    desk.settle()
    assert ("uploads/site.example/boats.html", "Updated") == desk.told()[-1]
    assert "nine" in desk.rag.known[one.source_id].text
    desk.taking_in.read_again(one)
    desk.settle()
    assert (one.source_id, "Unchanged") == desk.told()[-1]


def test_a_site_map_is_the_pages_that_it_lists(desk: Desk):
    """Of its own host, those of a map of maps too; the map itself leaves no file."""
    site = "https://site.example"
    inner = f"<urlset><url><loc>{URL}</loc></url><url><loc>https://elsewhere.example/x</loc></url></urlset>"
    outer = f"<?xml version='1.0'?><sitemapindex><sitemap><loc>{site}/a.xml</loc></sitemap></sitemapindex>"
    desk.web.pages |= {f"{site}/sitemap.xml": outer.encode(), f"{site}/a.xml": inner.encode()}
    desk.taking_in.take_address(f"{site}/sitemap.xml")
    desk.settle()
    assert ["uploads/site.example/boats.html"] == [
        one.source_id for one in desk.taking_in.entries() if one.upload
    ]
    assert (f"{site}/sitemap.xml", "A site map") in desk.told()


def test_an_address_that_is_not_there_is_a_sentence(desk: Desk):
    """And leaves no file."""
    desk.taking_in.take_address("https://site.example/nothing")
    desk.settle()
    (outcome,) = desk.taking_in.activity.outcomes
    assert ("bad", True) == (outcome.kind, "404" in outcome.message)
    assert [] == desk.uploads.names()
    with pytest.raises(SourceError, match="no web address"):
        desk.taking_in.take_address("file:///etc/passwd")


def test_addresses_are_refused_where_that_is_turned_off(tmp_path: Path):
    """With how to turn it on."""
    uploads = Uploads(tmp_path / "uploads", max_file=1000)
    taking_in = TakingIn(Opening(lambda _: ScriptedRag()), uploads, seeds=tmp_path)
    with pytest.raises(SettingsError, match="RAG_URLS=true"):
        taking_in.take_address(URL)
    assert not taking_in.busy


class Failing(ScriptedRag):
    """Its first sync fails as it is told to."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.errors = [error]

    def sync(self, paths: object = (), *, progress: OnProgress | None = None) -> SyncReport:
        """Fail once, then work."""
        if self.errors:
            raise self.errors.pop()
        return super().sync(paths, progress=progress)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (IndexBusyError("Another process (pid 7) is writing."), "pid 7"),
        (ZeroDivisionError("secret"), "The program's log says what."),
    ],
)
def test_a_failure_is_a_sentence_and_the_next_thing_is_done(
    tmp_path: Path, error: Exception, words: str
):
    """A fault of ours stays in the log."""
    desk = Desk(tmp_path, Failing(error))
    desk.add("a.txt")
    desk.settle()
    (outcome,) = desk.taking_in.activity.outcomes
    assert ("bad", True, False) == (
        outcome.kind,
        words in outcome.message,
        "secret" in outcome.message,
    )
    desk.taking_in.read_again(desk.entry("uploads/a.txt"))
    desk.settle()
    assert ("uploads/a.txt", "Added") == desk.told()[-1]
    desk.taking_in.close()


def test_every_change_is_told_by_the_version(desk: Desk):
    """Who shows it need not ask for anything else."""
    before = desk.taking_in.version
    desk.add("a.txt")
    assert before < desk.taking_in.version
    desk.settle()
    before = desk.taking_in.version
    desk.taking_in.dismiss()
    assert before < desk.taking_in.version


def test_closing_ends_a_sync_and_the_thread(tmp_path: Path):
    """The program does not wait for what can be done at the next start."""
    desk = Desk(tmp_path, ScriptedRag())
    desk.rag.may_sync.clear()
    desk.add("a.txt")
    desk.taking_in.read_again()
    wait_for(lambda: desk.taking_in.activity.doing)
    threading.Timer(0.1, desk.rag.may_sync.set).start()
    desk.taking_in.close()
    assert "taking in" not in {thread.name for thread in threading.enumerate()}
    assert HARBOUR.source_id in desk.rag.known

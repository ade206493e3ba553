"""A sync brings the index up to date with files, and tells every file's fate."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pytest

from rag.errors import SourceError, SourceNotFoundError
from rag.index import remove
from rag.schema import FileReport
from rag.sources import identity
from rag.store import KEPT_SECONDS, Coverage, KnownRoot
from tests.index_fakes import Files, found, source, vector
from tests.store_fakes import EmbeddedStores


@pytest.fixture
def index(stores):
    """An empty index, in each kind of store."""
    with stores.open() as opened:
        yield opened


@pytest.fixture
def folder(tmp_path):
    """A folder of three documents."""
    path = tmp_path / "documents"
    path.mkdir()
    for name in ("cat", "dog", "owl"):
        (path / f"{name}.txt").write_text(f"The {name} is an animal.\nIt is called {name}.")
    return path


def fates(report):
    """Return fate and reason by source_id."""
    return {file.source_id: (file.fate, file.reason) for file in report.files}


def test_a_first_sync_adds_everything(index, folder):
    """New files are added, found, and counted."""
    files = Files()

    report = files.sync(index, folder)

    assert {f"{name}.txt": ("added", "") for name in ("cat", "dog", "owl")} == fates(report)
    assert 6 == report.n_embedded == len(files.embedded)
    assert ["It is called owl.", "The owl is an animal."] == sorted(found(index, "owl"))
    assert [str(folder)] * 3 == [info.origin for info in index.sources()]
    assert [("read", 3, 3), ("embed", 6, 6)] == files.told[-2:]


def test_an_unchanged_folder_costs_hashes_only(index, folder):
    """A second sync reads, embeds, locks and writes nothing."""
    Files().sync(index, folder)
    before, again = index.statistics(), Files()

    with index.writer():
        report = again.sync(index, folder)

    assert {f"{name}.txt": ("unchanged", "") for name in ("cat", "dog", "owl")} == fates(report)
    assert ([], [], 0) == (again.loaded, again.embedded, report.n_embedded)
    assert before == index.statistics()


@pytest.mark.slow(reason="indexes a thousand files")
def test_a_thousand_files_are_embedded_once(index, tmp_path, stores):
    """Of a thousand files none is embedded twice; one that changed is; one that went leaves no word."""
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(1000):
        (folder / f"{i}.txt").write_text(f"document number{i}\nabout zebrafinch{i}")
    first = Files()
    assert 1000 == len(first.sync(index, folder).added)
    assert (2000, 17) == (len(first.embedded), first.batches)

    again = Files()
    assert 1000 == len(again.sync(index, folder).unchanged)
    assert [] == again.embedded

    (folder / "7.txt").write_text("changed")
    (folder / "500.txt").unlink()
    report = again.sync(index, folder)

    assert [["7.txt"], ["500.txt"]] == [
        [file.source_id for file in report.of(fate)] for fate in ("updated", "removed")
    ]
    assert ["7.txt"] == again.loaded
    assert ["changed"] == again.embedded
    assert [] == found(index, "zebrafinch500") == found(index, "zebrafinch7")
    assert b"zebrafinch500" not in stores.held()
    assert b"zebrafinch7\n" not in stores.held()


def test_a_changed_file_takes_its_own_place(index, folder, stores):
    """Of a changed file only the new words are found, and only it is embedded."""
    Files().sync(index, folder)
    (folder / "cat.txt").write_text("The tiger roars.")
    files = Files()

    report = files.sync(index, folder)

    assert ("updated", "") == fates(report)["cat.txt"]
    assert ["The tiger roars."] == files.embedded
    assert [] == found(index, "cat")
    assert b"called cat" not in stores.held()


def test_a_file_that_is_gone_is_removed(index, folder, stores):
    """A file that is gone leaves no word, and its fate says so."""
    Files().sync(index, folder)
    (folder / "cat.txt").unlink()

    report = Files().sync(index, folder)

    assert ("removed", "gone") == fates(report)["cat.txt"]
    assert b"called cat" not in stores.held()


def test_other_folders_are_left_alone(index, folder, tmp_path):
    """A sync of one folder removes nothing of another."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "fox.txt").write_text("A fox.")
    Files().sync(index, folder)
    Files().sync(index, other, prefix="other/")

    assert {"other/fox.txt": ("unchanged", "")} == fates(
        Files().sync(index, other, prefix="other/")
    )
    assert 4 == len(index.sources())


def test_the_same_content_is_indexed_once(index, folder):
    """A copy is named as one, and takes the first one's place when that goes or changes."""
    (folder / "a copy.txt").write_bytes((folder / "cat.txt").read_bytes())

    report = Files().sync(index, folder)
    with index.writer():
        again = Files().sync(index, folder)
    (folder / "a copy.txt").unlink()
    moved = Files().sync(index, folder)

    assert ("added", "") == fates(report)["a copy.txt"]
    assert ("unchanged", "duplicate") == fates(report)["cat.txt"] == fates(again)["cat.txt"]
    (told,) = [file.message for file in report.files if file.source_id == "cat.txt"]
    assert "'a copy.txt'" in told
    assert ("removed", "gone") == fates(moved)["a copy.txt"]
    assert ("added", "") == fates(moved)["cat.txt"]
    assert ["cat.txt", "dog.txt", "owl.txt"] == [info.source_id for info in index.sources()]


def test_a_file_that_becomes_a_copy_loses_its_old_words(index, folder):
    """A file that changes into a copy of another is not searched under its old content."""
    Files().sync(index, folder)
    (folder / "owl.txt").write_bytes((folder / "cat.txt").read_bytes())

    report = Files().sync(index, folder)

    assert ("updated", "duplicate") == fates(report)["owl.txt"]
    assert [] == found(index, "owl")
    assert ("unchanged", "duplicate") == fates(Files().sync(index, folder))["owl.txt"]


def test_two_files_that_swap_contents_keep_both(index, folder):
    """When two files trade contents, both are searched under their new names."""
    Files().sync(index, folder)
    cat, dog = (folder / "cat.txt").read_text(), (folder / "dog.txt").read_text()
    (folder / "cat.txt").write_text(dog)
    (folder / "dog.txt").write_text(cat)

    Files().sync(index, folder)

    assert (dog, cat) == (index.source("cat.txt").text, index.source("dog.txt").text)


def test_a_file_that_cannot_be_read_any_more_is_removed(index, folder):
    """Old content of a file that has become unreadable is not quoted as if it were current."""
    Files().sync(index, folder)
    (folder / "cat.txt").write_text("!encrypted")
    files = Files()

    report = files.sync(index, folder)

    assert ("failed", "encrypted") == fates(report)["cat.txt"]
    (message,) = [file.message for file in report.failed]
    assert message.startswith("'cat.txt' cannot be read.")
    assert "removed" in message
    assert [] == found(index, "cat")
    assert 2 == len(index.sources())


def test_bytes_that_hold_no_text_are_tried_once(index, folder):
    """An encrypted file is not parsed at every sync, but told of every time, and read once its content changes."""
    (folder / "cat.txt").write_text("!encrypted")
    Files().sync(index, folder)
    files = Files()

    report = files.sync(index, folder)
    (folder / "cat.txt").write_text("A cat again.")
    mended = files.sync(index, folder)

    assert ("failed", "encrypted") == fates(report)["cat.txt"]
    assert ("added", "") == fates(mended)["cat.txt"]
    assert ["cat.txt"] == files.loaded
    assert {} == index.failures()


def test_a_passing_trouble_is_tried_again(index, folder):
    """A file that could not be opened is tried at every sync."""
    (folder / "cat.txt").write_text("!unreadable")
    Files().sync(index, folder)
    files = Files()

    report = files.sync(index, folder)

    assert ("failed", "unreadable") == fates(report)["cat.txt"]
    assert ["cat.txt"] == files.loaded


def test_one_bad_file_does_not_stop_the_others(index, folder):
    """What is no document, has no text or cannot be read is told with its reason; the others are indexed."""
    (folder / "picture.bin").write_bytes(b"\x00")
    (folder / "empty.txt").write_text("")
    (folder / "scan.txt").write_text("!no_text_layer")

    report = Files().sync(index, folder)

    assert [
        ("empty.txt", "empty"),
        ("picture.bin", "unsupported"),
        ("scan.txt", "no_text_layer"),
    ] == [(file.source_id, file.reason) for file in report.failed]
    assert 3 == len(report.added)
    assert sorted(fates(report)) == [file.source_id for file in report.files]


def test_what_was_removed_by_hand_stays_out(index, folder, stores):
    """A source removed by hand is found no more, under no name, until it is let in again."""
    Files().sync(index, folder)

    report = remove(index, "cat.txt")
    (folder / "a copy.txt").write_bytes((folder / "cat.txt").read_bytes())
    synced = Files().sync(index, folder)

    assert {"cat.txt": ("removed", "by_hand")} == fates(report)
    assert ("excluded", "by_hand") == fates(synced)["cat.txt"] == fates(synced)["a copy.txt"]
    assert [] == found(index, "cat")
    assert b"called cat" not in stores.held()
    with index.writer() as writer:
        writer.include("cat.txt")
    assert ("added", "") == fates(Files().sync(index, folder))["a copy.txt"]
    with pytest.raises(SourceNotFoundError, match=r"cat\.txt"):
        remove(index, "cat.txt")


def test_a_moved_folder_keeps_its_vectors(index, folder, tmp_path):
    """The same files below another folder are recognised, and belong to it from then on."""
    Files().sync(index, folder)
    moved = folder.rename(tmp_path / "moved")
    files = Files()

    report = files.sync(index, moved)
    (moved / "cat.txt").unlink()

    assert {("unchanged", "")} == set(fates(report).values())
    assert [] == files.embedded
    assert {str(moved)} == {info.origin for info in index.sources()}
    assert ("removed", "gone") == fates(files.sync(index, moved))["cat.txt"]


def test_two_files_of_one_name_are_told(index, folder, tmp_path):
    """When two roots have a file of the same id, the first is indexed and the other named."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "cat.txt").write_text("Another cat.")

    report = Files().sync(index, folder, other)

    clash = [file for file in report.files if file.reason == "duplicate"]
    assert ["cat.txt"] == [file.source_id for file in clash]
    assert str(other) in clash[0].message
    assert [] == found(index, "another")


class Mounted(Files):
    """Files below roots that may be away, unlistable, or another folder than they were."""

    def __init__(self):
        super().__init__()
        self.broken: dict[str, str] = {}
        """Why a file cannot be read, by name."""
        self.unlistable: set[str] = set()

    def find(self, root):
        if not root.path.exists():
            raise SourceNotFoundError(f"There is nothing at {root.path}.")
        if root.path.name in self.unlistable:
            raise SourceError("unreachable", f"{str(root.path)!r} cannot be reached.")
        if root.path.is_file():
            return [SimpleNamespace(source_id=root.path.name, path=root.path)], []
        files, reports = super().find(root)
        hidden = {one.source_id for one in files if one.path.parent.name in self.unlistable}
        reports += [
            FileReport(
                source_id=root.prefix + name, fate="unreachable", reason="unreadable", message="No."
            )
            for name in self.unlistable
            if (root.path / name).is_dir()
        ]
        return [one for one in files if one.source_id not in hidden], reports

    def hash_file(self, path):
        if path.name in self.broken:
            raise SourceError(self.broken[path.name], f"{path.name!r} cannot be opened.")
        return super().hash_file(path)

    def sync(self, index, *folders, **options):
        return super().sync(index, *folders, identify=identity, **options)


@pytest.fixture
def drive(index, folder):
    """A folder of three documents that is indexed, and remembered as added by hand."""
    index.remember_root(str(folder), "")
    Mounted().sync(index, folder)
    return folder


def reach(index):
    """Return why each source is not where it was found, if it is not."""
    return {info.source_id: info.absence for info in index.sources()}


ALL = ("cat.txt", "dog.txt", "owl.txt")


def test_a_root_that_is_away_is_not_gone(index, drive, tmp_path):
    """A root that is not there keeps its sources, which are unreachable until it is back; nothing is embedded again."""
    drive.rename(tmp_path / "elsewhere")
    report = Mounted().sync(index, drive)
    away = reach(index)
    (tmp_path / "elsewhere").rename(drive)
    files = Mounted()
    back = files.sync(index, drive)

    assert dict.fromkeys(ALL, ("unreachable", "unreachable")) == fates(report)
    assert ALL == tuple(one.source_id for one in report.unreachable)
    assert dict.fromkeys(ALL, "unreachable") == away
    assert {("unchanged", "")} == set(fates(back).values())
    assert dict.fromkeys(ALL) == reach(index)
    assert [] == files.embedded
    assert (KnownRoot(path=str(drive), prefix=""),) == index.roots()


def test_a_root_of_which_nothing_is_indexed_must_be_there(index, tmp_path):
    """One that nobody remembers is an error; one that was added by hand is told as unreachable."""
    with pytest.raises(SourceNotFoundError, match="nowhere"):
        Mounted().sync(index, tmp_path / "nowhere")

    index.remember_root(str(tmp_path / "nowhere"), "nowhere/")
    report = Mounted().sync(index, tmp_path / "nowhere")

    assert {str(tmp_path / "nowhere"): ("unreachable", "unreachable")} == fates(report)
    assert [False] == [place.reached for place in index.coverage().places.values()]


def test_an_empty_folder_in_place_of_a_root_is_not_believed(index, drive, tmp_path):
    """A drive's mount point, empty while it is away, takes no source out; the same folder, emptied, does."""
    drive.rename(tmp_path / "elsewhere")
    drive.mkdir()
    report = Mounted().sync(index, drive)
    drive.rmdir()
    (tmp_path / "elsewhere").rename(drive)
    back = Mounted().sync(index, drive)
    for path in drive.iterdir():
        path.unlink()
    emptied = Mounted().sync(index, drive)

    assert dict.fromkeys(ALL, ("unreachable", "unreachable")) == fates(report)
    assert "is its drive not there?" in report.files[0].message
    assert {("unchanged", "")} == set(fates(back).values())
    assert dict.fromkeys(ALL, ("removed", "gone")) == fates(emptied)


def test_a_root_that_cannot_be_listed_keeps_its_sources(index, drive):
    """A folder without permission, or on a disk that fails, takes nothing out."""
    files = Mounted()
    files.unlistable.add("documents")

    report = files.sync(index, drive)

    assert dict.fromkeys(ALL, ("unreachable", "unreachable")) == fates(report)
    assert 3 == len(found(index, "animal"))


def test_a_folder_below_a_root_that_cannot_be_listed_keeps_its_sources(index, folder):
    """What lies in it is kept; what is missing beside it is gone."""
    (folder / "locked").mkdir()
    for name in ("hen", "pig"):
        (folder / "locked" / f"{name}.txt").write_text(f"The {name} is locked in.")
    files = Mounted()
    files.sync(index, folder)
    (folder / "cat.txt").unlink()
    files.unlistable.add("locked")

    report = files.sync(index, folder)
    again = files.sync(index, folder)

    wanted = {
        "cat.txt": ("removed", "gone"),
        "dog.txt": ("unchanged", ""),
        "locked": ("failed", "unreadable"),
        "locked/hen.txt": ("unreachable", "unreachable"),
        "locked/pig.txt": ("unreachable", "unreachable"),
        "owl.txt": ("unchanged", ""),
    }
    assert wanted == fates(report)
    assert {name: fate for name, fate in wanted.items() if name != "cat.txt"} == fates(again)
    assert {"locked/hen.txt", "locked/pig.txt"} == {
        name for name, why in reach(index).items() if why == "unreachable"
    }


@pytest.mark.parametrize("reason", ["unreadable", "unreachable"])
def test_one_read_error_takes_no_source_out(index, folder, reason):
    """A file that cannot be opened this once is kept, and told as unreachable until it can be."""
    files = Mounted()
    files.sync(index, folder)
    files.broken["cat.txt"] = reason
    report = files.sync(index, folder)
    away = reach(index)
    files.broken.clear()
    mended = files.sync(index, folder)

    assert ("unreachable", "unreachable") == fates(report)["cat.txt"]
    assert "What was indexed of it before stays." in report.unreachable[0].message
    assert "unreachable" == away["cat.txt"]
    assert ("unchanged", "") == fates(mended)["cat.txt"]
    assert dict.fromkeys(ALL) == reach(index)
    assert 6 == len(files.embedded)


def test_a_new_file_that_cannot_be_read_at_the_moment_is_told(index, folder):
    """A disk that fails leaves something out of the index; a file that nobody may read is only one that failed."""
    files = Mounted()
    files.broken |= {"cat.txt": "unreachable", "dog.txt": "unreadable"}

    report = files.sync(index, folder)
    lacking = {name: one.why for name, one in index.coverage().absent.items()}
    index.forget_root(str(folder))

    assert ("unreachable", "unreachable") == fates(report)["cat.txt"]
    assert ("failed", "unreadable") == fates(report)["dog.txt"]
    assert {"cat.txt": "unreachable"} == lacking
    assert {} == index.coverage().absent


def test_a_file_that_fails_while_it_is_read_is_kept(index, folder):
    """What could be hashed, and not be read a moment later, is not taken for changed into nothing."""
    Mounted().sync(index, folder)
    (folder / "cat.txt").write_text("!unreachable")

    report = Mounted().sync(index, folder)

    assert ("unreachable", "unreachable") == fates(report)["cat.txt"]
    assert 2 == len(found(index, "cat"))


def test_a_root_that_is_a_file_is_gone_when_its_folder_says_so(index, folder, tmp_path):
    """A file added by itself is removed where its folder is there without it, and kept where the folder is away."""
    cat = folder / "cat.txt"
    index.remember_root(str(cat), "")
    Mounted().sync(index, cat)
    folder.rename(tmp_path / "elsewhere")
    away = Mounted().sync(index, cat)
    folder.mkdir()
    other = Mounted().sync(index, cat)
    folder.rmdir()
    (tmp_path / "elsewhere").rename(folder)
    cat.unlink()
    gone = Mounted().sync(index, cat)

    assert {"cat.txt": ("unreachable", "unreachable")} == fates(away) == fates(other)
    assert {"cat.txt": ("removed", "gone")} == fates(gone)


@pytest.fixture
def many(index, tmp_path):
    """A folder of ten documents that is indexed."""
    path = tmp_path / "many"
    path.mkdir()
    for i in range(10):
        (path / f"{i}.txt").write_text(f"The gnu number{i} grazes.")
    Mounted().sync(index, path)
    return path


def test_half_of_a_large_root_may_go_unasked(index, many):
    """Five of ten that are missing are removed."""
    for i in range(5):
        (many / f"{i}.txt").unlink()

    report = Mounted().sync(index, many)

    assert 5 == len(report.removed) == len(index.sources())


def test_more_than_half_of_a_large_root_is_held(index, many):
    """Six of ten that are missing are held until they are back, or until a sync is told that it is meant."""
    before = {i: (many / f"{i}.txt").read_text() for i in range(6)}
    for i in before:
        (many / f"{i}.txt").unlink()
    report = Mounted().sync(index, many)
    still = Mounted().sync(index, many)
    held = index.coverage().held()
    (many / "0.txt").write_text(before[0])
    (many / "1.txt").write_text(before[1])
    fewer = Mounted().sync(index, many)

    assert {f"{i}.txt" for i in before} == held == {one.source_id for one in report.held}
    assert {("held", "many_missing")} == {(one.fate, one.reason) for one in still.held}
    assert "6 of the 10 documents" in report.held[0].message
    assert "`rag sync --yes`" in report.held[0].message
    assert ["2.txt", "3.txt", "4.txt", "5.txt"] == [one.source_id for one in fewer.removed]
    assert frozenset() == index.coverage().held()


def test_many_are_removed_where_it_is_meant(index, many):
    """A sync that is told so removes all that is missing at once."""
    for i in range(9):
        (many / f"{i}.txt").unlink()
    Mounted().sync(index, many)

    report = Mounted().sync(index, many, confirmed=True)

    assert 9 == len(report.removed)
    assert ["9.txt"] == [info.source_id for info in index.sources()]
    assert {} == index.coverage().absent


def test_renamed_files_are_not_missing(index, many):
    """A folder whose files all get other names loses nothing, asks nothing and embeds nothing."""
    for i in range(10):
        (many / f"{i}.txt").rename(many / f"gnu-{i}.txt")
    files = Mounted()

    report = files.sync(index, many)

    assert (10, 10, 0) == (len(report.added), len(report.removed), len(report.held))
    assert [] == files.embedded
    assert 0 == report.n_embedded


def test_what_is_removed_by_hand_is_not_held(index, many):
    """A held source can be taken out by hand, and is then remembered as absent no more."""
    for i in range(9):
        (many / f"{i}.txt").unlink()
    Mounted().sync(index, many)

    remove(index, "3.txt")

    assert "3.txt" not in index.coverage().held()
    assert 9 == len(index.sources())


def test_what_comes_back_is_not_embedded_again(index, folder, tmp_path, stores):
    """Vectors of what is gone are put aside, without text or name, and used when it is back under whatever name."""
    Files().sync(index, folder)
    (folder / "cat.txt").rename(tmp_path / "cat.txt")
    Files().sync(index, folder)
    aside, left = stores.kept(), stores.held()
    (tmp_path / "cat.txt").rename(folder / "tomcat.txt")
    files = Files()

    report = files.sync(index, folder)

    assert 2 == aside
    assert b"called cat" not in left
    assert b"cat.txt" not in left
    assert ([], 0, 0) == (files.embedded, report.n_embedded, stores.kept())
    assert ("added", "") == fates(report)["tomcat.txt"]
    with index.snapshot() as snapshot:
        keys = snapshot.keys("tomcat.txt")
        stored = snapshot.fetch(keys)
    for one in stored:
        np.testing.assert_allclose(vector(one.passage.text), one.vector, atol=1e-3)
    assert () == index.faults()


def test_vectors_are_kept_for_a_week(stores, folder):
    """After seven days they are of no use to anybody, and the next sync removes them, whatever else it has to do."""
    now = [1_000_000.0]
    with stores.open(clock=lambda: now[0]) as index:
        Files().sync(index, folder)
        text = (folder / "cat.txt").read_text()
        (folder / "cat.txt").unlink()
        Files().sync(index, folder)
        now[0] += KEPT_SECONDS + 1
        (folder / "cat.txt").write_text(text)
        files = Files()
        files.sync(index, folder)

        assert 2 == len(files.embedded)
        assert 0 == stores.kept()


def test_a_sync_without_work_removes_old_vectors(index, folder, monkeypatch, stores):
    """Where nothing has changed they go too; where another process is writing, another time."""
    Files().sync(index, folder)
    (folder / "cat.txt").unlink()
    Files().sync(index, folder)
    monkeypatch.setattr("rag.index.reconciliation.KEPT_SECONDS", -10)
    monkeypatch.setattr("rag.index.changes.KEPT_SECONDS", -10)
    with index.writer():
        Files().sync(index, folder)
    assert 2 == stores.kept()

    Files().sync(index, folder)

    assert 0 == stores.kept()


def test_what_is_removed_by_hand_leaves_no_vectors(index, folder, stores):
    """Removing a source forgets at once what was put aside of it, and of its content under any name."""
    (folder / "z copy.txt").write_bytes((folder / "cat.txt").read_bytes())
    Files().sync(index, folder)
    (folder / "cat.txt").unlink()
    Files().sync(index, folder)
    remove(index, "z copy.txt")

    assert 0 == stores.kept()


def test_what_a_sync_has_removed_can_be_removed_by_hand_as_well(index, folder, stores):
    """Of a source that is gone, removing it forgets its vectors; a second time there is nothing of it."""
    Files().sync(index, folder)
    for name in ("cat", "dog"):
        (folder / f"{name}.txt").unlink()
    Files().sync(index, folder)

    report = remove(index, "cat.txt")

    assert {"cat.txt": ("removed", "by_hand")} == fates(report)
    assert 2 == stores.kept()
    with pytest.raises(SourceNotFoundError, match=r"cat\.txt"):
        remove(index, "cat.txt")
    assert {} == index.excluded()


def test_what_was_put_aside_of_a_root_can_be_forgotten(index, folder, tmp_path, stores):
    """Forgetting a root forgets its vectors and nothing of another."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "fox.txt").write_text("A fox.")
    Files().sync(index, folder, other)
    for path in [folder / "cat.txt", other / "fox.txt"]:
        path.unlink()
    Files().sync(index, folder, other)
    before = stores.kept()

    index.forget_root(str(other))

    assert (3, 2) == (before, stores.kept())
    assert [str(folder)] == list(index.coverage().places)


def test_an_index_says_that_it_is_being_built(index, folder, monkeypatch):
    """From before the first file is read until the last is committed it tells how many files are missing."""
    monkeypatch.setattr("rag.index.reconciliation._BATCH_FILES", 1)
    seen = []

    class Watched(Files):
        def load(self, file):
            seen.append(pending(index))
            return super().load(file)

    Watched().sync(index, folder)

    assert [3, 2, 1] == seen
    assert 0 == pending(index)


def pending(index):
    """Return how many files are yet to be indexed."""
    return sum(place.pending for place in index.coverage().places.values())


def test_a_sync_that_was_broken_off_is_known(index, folder, monkeypatch):
    """After a sync that died the index tells what is missing until another has ended, which need not find it there."""
    monkeypatch.setattr("rag.index.reconciliation._BATCH_FILES", 1)

    class Broken(Files):
        def encode(self, splits, progress):
            if self.batches == 1:
                raise MemoryError
            return super().encode(splits, progress)

    with pytest.raises(MemoryError):
        Broken().sync(index, folder)
    left = pending(index)
    for name in ("dog", "owl"):
        (folder / f"{name}.txt").unlink()
    Files().sync(index, folder)

    assert (2, 0) == (left, pending(index))


def test_files_that_cannot_be_indexed_are_not_waited_for(index, folder):
    """What fails or is a copy is dealt with as well."""
    (folder / "cat.txt").write_text("!encrypted")
    (folder / "z.txt").write_bytes((folder / "dog.txt").read_bytes())

    Files().sync(index, folder)

    assert 0 == pending(index)


def test_a_first_sync_commits_as_time_goes(index, folder, monkeypatch):
    """A batch ends after some seconds, however few files were read in them."""
    monkeypatch.setattr("rag.index.reconciliation._BATCH_SECONDS", -1.0)
    files = Files()

    files.sync(index, folder)

    assert 3 == files.batches


def test_small_files_can_be_asked_about_before_a_large_one_is_read(index, tmp_path):
    """A small file is found, in an index that says that it is not complete, while a large one has yet to be read."""
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "a large one.txt").write_text("long\n" * 100_000)
    (folder / "small.txt").write_text("otter\nIt swims.")
    seen = []

    class Watched(Files):
        def load(self, file):
            seen.append((file.source_id, found(index, "otter"), pending(index)))
            return (
                SimpleNamespace(
                    source=source(file.source_id, "short"),
                    reason="",
                    message="",
                    parts=(),
                    faults=(),
                )
                if file.source_id.startswith("a")
                else super().load(file)
            )

    Watched().sync(index, folder)

    assert [("small.txt", [], 2), ("a large one.txt", ["otter"], 1)] == seen
    assert (["otter"], 0) == (found(index, "otter"), pending(index))


def test_the_first_of_many_files_can_be_asked_about_soon(index, tmp_path, monkeypatch):
    """The first batches are small, and each is twice as large as the one before, up to the usual size."""
    monkeypatch.setattr("rag.index.reconciliation._FIRST_PASSAGES", 2)
    monkeypatch.setattr("rag.index.reconciliation._BATCH_PASSAGES", 8)
    folder = tmp_path / "documents"
    folder.mkdir()
    for i in range(40):
        (folder / f"{i:02}.txt").write_text(f"number{i:02}")
    sizes = []

    class Counting(Files):
        def encode(self, splits, progress):
            sizes.append(len(splits))
            return super().encode(splits, progress)

    Counting().sync(index, folder)

    assert [2, 4, 8, 8, 8, 8, 2] == sizes


def test_a_large_file_that_is_broken_off_is_gone_on_with(index, tmp_path, monkeypatch, stores):
    """Of a file of many passages those that were embedded before a death are not embedded again."""
    monkeypatch.setattr("rag.index.reconciliation._BATCH_PASSAGES", 4)
    folder = tmp_path / "large"
    folder.mkdir()
    (folder / "large.txt").write_text("\n".join(f"Line number{i}." for i in range(18)))

    class Broken(Files):
        def encode(self, splits, progress):
            if self.batches == 3:
                raise KeyboardInterrupt
            return super().encode(splits, progress)

    with pytest.raises(KeyboardInterrupt):
        Broken().sync(index, folder)
    before = stores.kept(), index.sources()
    files = Files()
    report = files.sync(index, folder)

    assert (12, ()) == before
    assert [f"Line number{i}." for i in range(12, 18)] == files.embedded
    assert 6 == report.n_embedded
    assert (18, 0) == (index.statistics()["passages"], stores.kept())
    assert () == index.faults()


def test_what_stands_twice_is_embedded_once(index, tmp_path):
    """Passages with the same words and the same sentences in a batch share their vectors."""
    folder = tmp_path / "twice"
    folder.mkdir()
    (folder / "a.txt").write_text("All rights reserved.\nThe ant.\nAll rights reserved.")
    (folder / "b.txt").write_text("All rights reserved.\nThe bee.")
    files = Files()

    files.sync(index, folder)

    assert 3 == len(files.embedded)
    assert 3 == len(found(index, "rights"))


def test_an_index_of_an_older_version_is_read_and_written(tmp_path, folder):
    """Without the tables that came later nothing is absent; the first write makes them."""
    stores = EmbeddedStores(tmp_path)
    with stores.open() as index:
        Files().sync(index, folder)
    with closing(sqlite3.connect(index.layout.database)) as db:
        for table in ("places", "absent", "kept"):
            db.execute(f"DROP TABLE {table}")
    with stores.open() as old:
        before = old.coverage(), reach(old)
        (folder / "cat.txt").unlink()
        report = Mounted().sync(old, folder)

        assert (Coverage(), dict.fromkeys(ALL)) == before
        assert ["cat.txt"] == [one.source_id for one in report.removed]
        assert 2 == stores.kept()
        assert () == old.faults()


def test_a_sync_can_be_kept_to_some_files(index, folder):
    """With ids named, other files are neither read nor removed."""
    Files().sync(index, folder)
    for name in ("cat", "dog"):
        (folder / f"{name}.txt").unlink()

    report = Files().sync(index, folder, only={"cat.txt"})

    assert {"cat.txt": ("removed", "gone")} == fates(report)
    assert ["dog.txt", "owl.txt"] == [info.source_id for info in index.sources()]


def test_a_sync_that_breaks_keeps_what_was_committed(index, folder, monkeypatch):
    """Files of finished batches stay when a later batch fails, and the next sync embeds only the rest."""
    monkeypatch.setattr("rag.index.reconciliation._BATCH_FILES", 2)

    class Broken(Files):
        def encode(self, splits, progress):
            if self.batches == 1:
                raise MemoryError
            return super().encode(splits, progress)

    with pytest.raises(MemoryError):
        Broken().sync(index, folder)
    assert ["cat.txt", "dog.txt"] == [info.source_id for info in index.sources()]
    assert 4 == len(found(index, "cat dog"))

    files = Files()
    report = files.sync(index, folder)

    assert ["owl.txt"] == files.loaded == [file.source_id for file in report.added]
    assert () == index.faults()


def test_the_engine_behind_a_sync_can_be_another(index, folder):
    """A sync only uses what the engine protocol names."""
    allowed = {"sources", "coverage", "excluded", "failures", "outdated", "writer"}

    class Other:
        def __getattr__(self, name):
            assert name in allowed
            return getattr(index, name)

    Files().sync(Other(), folder)

    assert 3 == len(index.sources())


# Files that lie in others


@pytest.fixture
def box(folder):
    """A file that holds two documents, one of them unreadable."""
    path = folder / "mail.box"
    path.write_text("hen.txt: The hen lays.\nfox.exe: !unsupported\n")
    return path


@pytest.mark.usefixtures("box")
def test_what_lies_in_a_file_is_a_source_of_its_own(index, folder):
    """It is found, told of, and left alone while its file is as it was; what cannot be read is told each time."""
    report = Files().sync(index, folder)

    inside = {
        "mail.box": ("added", ""),
        "mail.box/hen.txt": ("added", ""),
        "mail.box/fox.exe": ("failed", "unsupported"),
    }
    assert inside == {name: fate for name, fate in fates(report).items() if "box" in name}
    assert "The hen lays." in found(index, "hen")
    again = Files()
    told = fates(again.sync(index, folder))
    assert [("unchanged", "")] * 2 == [told[name] for name in ("mail.box", "mail.box/hen.txt")]
    assert ("failed", "unsupported") == told["mail.box/fox.exe"]
    assert [] == again.loaded


def test_what_lies_in_a_file_changes_and_goes_with_it(index, folder, box):
    """What is no longer in it, or goes with it, leaves no word."""
    Files().sync(index, folder)
    box.write_text("cow.txt: The cow moos.\nfox.exe: !unsupported\n")

    report = Files().sync(index, folder)

    assert ("removed", "gone") == fates(report)["mail.box/hen.txt"]
    assert ("added", "") == fates(report)["mail.box/cow.txt"]
    assert ([], ["The cow moos."]) == (
        [one for one in found(index, "hen") if "lays" in one],
        [one for one in found(index, "cow") if one.startswith("The")],
    )
    box.unlink()
    gone = fates(Files().sync(index, folder))
    assert [("removed", "gone")] * 2 == [gone[name] for name in ("mail.box", "mail.box/cow.txt")]
    assert {"cat.txt", "dog.txt", "owl.txt"} == set(index.hashes())


def test_what_lies_in_a_file_can_be_removed_by_hand(index, folder, box):
    """Alone it stays out, however its file changes; with its file all of it does."""
    Files().sync(index, folder)
    remove(index, "mail.box/hen.txt")
    box.write_text("hen.txt: The hen sleeps.\ncow.txt: The cow moos.\n")
    Files().sync(index, folder)
    assert {"mail.box", "mail.box/cow.txt"} == {n for n in index.hashes() if "box" in n}

    remove(index, "mail.box")

    assert {"cat.txt", "dog.txt", "owl.txt"} == set(index.hashes())
    Files().sync(index, folder)
    assert {"cat.txt", "dog.txt", "owl.txt"} == set(index.hashes())


def test_a_file_that_cannot_be_read_any_more_takes_out_what_lay_in_it(index, folder, box):
    """Its old words are not its words."""
    Files().sync(index, folder)
    box.write_text("!unreadable")

    Files().sync(index, folder)

    assert {"cat.txt", "dog.txt", "owl.txt"} == set(index.hashes())


@pytest.mark.usefixtures("box")
def test_a_sync_that_is_killed_between_a_file_and_what_lies_in_it_goes_on(
    index, folder, monkeypatch
):
    """The file is committed last, so that all of it is read again."""
    monkeypatch.setattr("rag.index.reconciliation._BATCH_FILES", 1)

    class Killed(Files):
        def encode(self, splits, progress):
            if any("hen.txt:" in one.passage.text for one in splits):
                raise KeyboardInterrupt
            return super().encode(splits, progress)

    with pytest.raises(KeyboardInterrupt):
        Killed().sync(index, folder)
    assert "mail.box/hen.txt" in index.hashes()

    again = Files()
    again.sync(index, folder)

    assert "mail.box" in again.loaded
    assert {"mail.box", "mail.box/hen.txt"} <= set(index.hashes())

"""A sync brings the index up to date with files, and tells every file's fate."""

from __future__ import annotations

import pytest

from rag.errors import SourceNotFoundError
from rag.index import Index, KnownRoot, remove
from rag.index.embedded import Index as Embedded
from tests.index_fakes import STAMP, Files, bytes_of, found


@pytest.fixture
def index(tmp_path):
    """An empty index."""
    with Index.open(tmp_path / "index", STAMP) as opened:
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
def test_a_thousand_files_are_embedded_once(index, tmp_path):
    """Of a thousand files none is embedded twice; one that changed is; one that went leaves no word."""
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(1000):
        (folder / f"{i}.txt").write_text(f"document number{i}\nabout zebrafinch{i}")
    first = Files()
    assert 1000 == len(first.sync(index, folder).added)
    assert (2000, 16) == (len(first.embedded), first.batches)

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
    assert b"zebrafinch500" not in bytes_of(index.layout.folder)
    assert b"zebrafinch7\n" not in bytes_of(index.layout.folder)


def test_a_changed_file_takes_its_own_place(index, folder):
    """Of a changed file only the new words are found, and only it is embedded."""
    Files().sync(index, folder)
    (folder / "cat.txt").write_text("The tiger roars.")
    files = Files()

    report = files.sync(index, folder)

    assert ("updated", "") == fates(report)["cat.txt"]
    assert ["The tiger roars."] == files.embedded
    assert [] == found(index, "cat")
    assert b"called cat" not in bytes_of(index.layout.folder)


def test_a_file_that_is_gone_is_removed(index, folder):
    """A file that is gone leaves no word, and its fate says so."""
    Files().sync(index, folder)
    (folder / "cat.txt").unlink()

    report = Files().sync(index, folder)

    assert ("removed", "gone") == fates(report)["cat.txt"]
    assert b"called cat" not in bytes_of(index.layout.folder)


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


def test_what_was_removed_by_hand_stays_out(index, folder):
    """A source removed by hand is found no more, under no name, until it is let in again."""
    Files().sync(index, folder)

    report = remove(index, "cat.txt")
    (folder / "a copy.txt").write_bytes((folder / "cat.txt").read_bytes())
    synced = Files().sync(index, folder)

    assert {"cat.txt": ("removed", "by_hand")} == fates(report)
    assert ("excluded", "by_hand") == fates(synced)["cat.txt"] == fates(synced)["a copy.txt"]
    assert [] == found(index, "cat")
    assert b"called cat" not in bytes_of(index.layout.folder)
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


def test_a_root_that_was_added_by_hand_may_go(index, folder, tmp_path):
    """When a remembered root is gone its sources go; a root that nobody remembers must be there."""

    class Strict(Files):
        def find(self, root):
            if not root.path.exists():
                raise SourceNotFoundError(f"There is nothing at {root.path}.")
            return super().find(root)

    Strict().sync(index, folder)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(SourceNotFoundError, match="documents"):
        Strict().sync(index, folder)
    assert 3 == len(index.sources())

    index.remember_root(str(folder), "")
    report = Strict().sync(index, folder)

    assert {("removed", "gone")} == set(fates(report).values())
    assert () == index.sources()
    assert (KnownRoot(path=str(folder), prefix=""),) == index.roots()


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
    monkeypatch.setattr("rag.index.syncing._BATCH_FILES", 2)

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
    allowed = {"sources", "roots", "excluded", "failures", "writer"}

    class Other:
        def __getattr__(self, name):
            assert name in allowed
            return getattr(index, name)

    Files().sync(Other(), folder)

    assert isinstance(index, Embedded)
    assert 3 == len(index.sources())

"""What is made from documents is for its owner only, whatever the umask says."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from rag.cli.inputs import settings_from
from rag.index import Index, discard
from rag.web.uploads import Uploads
from tests.fakes import open_rag
from tests.index_fakes import STAMP, fill, found

pytestmark = pytest.mark.skipif(os.name != "posix", reason="other systems have other rights")


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=["umask 000", "umask 022", "umask 077"])
def umask(request):
    """A umask of this process."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def open_to_others(top: Path) -> list[str]:
    """Return what lies at or below a folder and others may read, write or enter."""
    return [
        str(path)
        for path in [top, *top.rglob("*")]
        if stat.S_IMODE(path.lstat().st_mode) & 0o077 and not path.is_symlink()
    ]


@pytest.mark.usefixtures("umask")
def test_an_index_is_for_its_owner_only(tmp_path):
    """Folder, database, its log, search files and lock, while it is written, afterwards and after a rebuild."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "a.txt").write_text("The key is under the mat.")
    folder = tmp_path / "index"

    with open_rag(tmp_path / "documents") as rag:
        rag.sync()
        rag.ask("Where is the key?")
        while_open = open_to_others(folder)
    discard(folder)

    assert [] == while_open == open_to_others(folder)
    assert {"index.sqlite", "index.lock"} <= {path.name for path in folder.iterdir()}


@pytest.mark.usefixtures("umask")
def test_uploads_are_for_their_owner_only(tmp_path):
    """Files taken in, the folders that they come with, and the list of addresses."""
    uploads = Uploads(tmp_path / "index" / "uploads", max_file=1000)

    uploads.note_address(uploads.add("letters/2031/april.txt", b"Dear Ann.").name, "http://a.test")

    assert [] == open_to_others(tmp_path / "index" / "uploads")
    assert ["letters/2031/april.txt"] == uploads.names()


@pytest.mark.usefixtures("umask")
def test_the_cache_of_indexes_is_for_its_owner_only(tmp_path):
    """The folder in which the indexes of --seeds lie, also where it was made with other rights."""
    (tmp_path / "footnote").mkdir(mode=0o755)
    (tmp_path / "documents").mkdir()

    made = settings_from(seeds=tmp_path / "documents", environ={"XDG_CACHE_HOME": str(tmp_path)})

    assert tmp_path / "footnote" == made.index_dir.parent
    assert [] == open_to_others(tmp_path / "footnote")


def test_what_an_older_version_left_open_is_mended(tmp_path):
    """Opening an index takes from others what they may do with it, uploads and runs below it included."""
    folder = tmp_path / "index"
    with Index.open(folder, STAMP) as index:
        fill(index, {"a.txt": "apple"})
    for name in ("uploads/letters", "runs/one"):
        (folder / name).mkdir(parents=True)
        (folder / name / "a.txt").write_text("Dear Ann.")
    (folder / "README.md").write_text("What lies here.")
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o777 if path.is_dir() else 0o666)

    with Index.open(folder, STAMP) as index:
        assert ["apple"] == found(index, "apple")

    assert [str(folder / "README.md")] == open_to_others(folder)


def test_a_folder_with_other_things_in_it_stays_open(tmp_path):
    """An index in a folder that holds more closes its own files, and not the folder, which others may need."""
    tmp_path.chmod(0o755)
    (tmp_path / "page.html").write_text("For everybody.")
    (tmp_path / "page.html").chmod(0o644)

    with Index.open(tmp_path, STAMP) as index:
        fill(index, {"a.txt": "apple"})
    with Index.open(tmp_path, STAMP):
        pass

    assert [str(tmp_path), str(tmp_path / "page.html")] == open_to_others(tmp_path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root owns nobody's files")
def test_what_belongs_to_somebody_else_is_left_alone(tmp_path):
    """Rights are taken away from files of one's own only, and no link is followed to others."""
    (tmp_path / "theirs.txt").write_text("theirs")
    (tmp_path / "theirs.txt").chmod(0o644)
    folder = tmp_path / "index"
    with Index.open(folder, STAMP):
        pass
    (folder / "words-1.tantivy").symlink_to(tmp_path / "theirs.txt")
    (folder / "vectors-1.faiss").write_text("x")
    (folder / "vectors-1.faiss").chmod(0o644)
    os.chown(folder / "vectors-1.faiss", 65534, 65534)

    with Index.open(folder, STAMP):
        pass

    assert 0o644 == stat.S_IMODE((folder / "vectors-1.faiss").stat().st_mode)
    assert 0o644 == stat.S_IMODE((tmp_path / "theirs.txt").stat().st_mode)

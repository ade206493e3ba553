"""Files that hold files: a zip archive is a folder."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from rag.errors import SourceError
from rag.sources import Root, find_files, hash_file, load
from rag.sources.containers import MOST_MEMBERS
from tests.fakes import open_rag

NOTES = b"# The allotment\n\nThe water is turned on in the second week of April."


def zipped(files: dict[str, bytes]) -> bytes:
    """An archive of some files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, held in files.items():
            archive.writestr(name, held)
    return data.getvalue()


def found(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Names of what can be loaded below a folder, and the reasons of what cannot."""
    files, reports = find_files(Root(folder, ""))
    return [one.source_id for one in files], {one.source_id: one.reason for one in reports}


def test_a_zip_archive_is_a_folder(tmp_path):
    """Its files are found by name, also those of an archive in it; what nobody put there is passed over."""
    inner = zipped({"shed.txt": b"The shed is locked."})
    files = {
        "notes.md": NOTES, "old/plan.txt": b"Beds run north.", "old/more.zip": inner, "tool.exe": b"MZ\x90",
        "__MACOSX/._notes.md": b"x", ".hidden.txt": b"x",
    }  # fmt: skip
    (tmp_path / "garden.zip").write_bytes(zipped(files))

    names, reasons = found(tmp_path)

    assert names == [
        "garden.zip/notes.md",
        "garden.zip/old/more.zip/shed.txt",
        "garden.zip/old/plan.txt",
    ]
    assert reasons == {"garden.zip/tool.exe": "unsupported"}


def test_a_member_loads_and_hashes_as_the_file_itself(tmp_path):
    """Text, title and hash are those of the file outside of the archive."""
    (tmp_path / "garden.zip").write_bytes(zipped({"in.zip": zipped({"a/notes.md": NOTES})}))
    (tmp_path / "notes.md").write_bytes(NOTES)

    (member, plain), _ = find_files(Root(tmp_path, ""))

    assert hash_file(plain.path) == hash_file(member.path)
    assert load(plain, max_bytes=1_000).source.text == load(member, max_bytes=1_000).source.text
    with pytest.raises(SourceError) as caught:
        load(member, max_bytes=10)
    assert caught.value.reason == "too_large"


def test_an_archive_that_cannot_be_told_has_its_reason(tmp_path):
    """Damaged, empty, too many or too deep: a reason for the archive, and the others are found."""
    deep = zipped({"c.zip": zipped({"x.txt": b"deep"})})
    (tmp_path / "cut.zip").write_bytes(zipped({"a.txt": b"word " * 100})[:60])
    (tmp_path / "deep.zip").write_bytes(zipped({"b.zip": deep, "a.txt": b"here"}))
    (tmp_path / "empty.zip").write_bytes(zipped({}))
    (tmp_path / "many.zip").write_bytes(
        zipped({f"{n}.txt": b"one" for n in range(MOST_MEMBERS + 1)})
    )
    (tmp_path / "out.zip").write_bytes(zipped({"../a.txt": b"out"}))

    names, reasons = found(tmp_path)

    assert names == ["deep.zip/a.txt"]
    assert reasons == {
        "cut.zip": "unreadable",
        "deep.zip/b.zip/c.zip": "too_large",
        "empty.zip": "empty",
        "many.zip": "too_large",
        "out.zip": "unreadable",
    }


def test_a_member_that_is_gone_is_unreachable_like_a_file(tmp_path):
    """A path into an archive that no longer holds it says so, as one beside it does."""
    (tmp_path / "garden.zip").write_bytes(zipped({"notes.md": NOTES}))
    for path in (tmp_path / "garden.zip" / "other.md", tmp_path / "none.zip" / "notes.md"):
        with pytest.raises(SourceError) as caught:
            hash_file(path)
        assert os.strerror(2) in str(caught.value)


def test_what_an_archive_holds_is_cited_by_its_name(tmp_path):
    """A question is answered from a member; with the archive its sources go."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "garden.zip").write_bytes(zipped({"notes.md": NOTES, "copy.md": NOTES}))
    (seeds / "other.txt").write_text("The gate is green.")
    with open_rag(seeds) as rag:
        report = rag.sync()
        answer = rag.ask("When is the water turned on?")
        (seeds / "garden.zip").unlink()
        after = rag.sync()

    assert [file.source_id for file in report.added] == ["garden.zip/copy.md", "other.txt"]
    assert answer.citations[0].source_id == "garden.zip/copy.md"
    assert [file.source_id for file in after.removed] == ["garden.zip/copy.md"]

"""What lies in a folder: which files are found, what they are called, and why others are not."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import SourceError, SourceNotFoundError
from rag.schema import FileReport
from rag.sources import FoundFile, Root, find_files, hash_file, load
from rag.sources.files import printable


def put(folder: Path, *names: str) -> None:
    """Write a small file under each name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"This is {name}.", encoding="utf-8")


def found_ids(folder: Path, prefix: str = "") -> list[str]:
    """The source_ids of what is found below a folder."""
    return [file.source_id for file in find_files(Root(folder, prefix))[0]]


def reports(folder: Path) -> dict[str, FileReport]:
    """The reports on what was not found loadable, by source_id."""
    return {report.source_id: report for report in find_files(Root(folder, ""))[1]}


def test_files_are_found_in_order_at_any_depth(tmp_path: Path) -> None:
    """Every file of a supported format is found, sorted by its posix path below the root."""
    put(tmp_path, "b.txt", "a/z.md", "a/b/c.HTML", "a.txt")

    assert found_ids(tmp_path) == ["a.txt", "a/b/c.HTML", "a/z.md", "b.txt"]


def test_a_prefix_stands_before_each_name(tmp_path: Path) -> None:
    """Files of an added folder carry its name; a single file carries the prefix and its own."""
    put(tmp_path, "a/b.txt")

    assert found_ids(tmp_path, "notes/") == ["notes/a/b.txt"]
    assert found_ids(tmp_path / "a" / "b.txt", "added/") == ["added/b.txt"]


def test_hidden_and_temporary_files_are_passed_over(tmp_path: Path) -> None:
    """Hidden files and folders, caches and office lock files are neither found nor reported."""
    put(
        tmp_path,
        "a.txt",
        ".hidden.txt",
        ".git/b.txt",
        "__pycache__/c.txt",
        "~$report.docx",
        ".~lock.d.txt",
    )

    assert found_ids(tmp_path) == ["a.txt"]
    assert reports(tmp_path) == {}


def test_unsupported_files_are_reported(tmp_path: Path) -> None:
    """A file of another format is reported with what to do, not passed over in silence."""
    put(tmp_path, "a.txt", "film.mp4", "Makefile")

    assert {name: (report.fate, report.reason) for name, report in reports(tmp_path).items()} == {
        "Makefile": ("failed", "unsupported"),
        "film.mp4": ("failed", "unsupported"),
    }
    assert "convert it" in reports(tmp_path)["film.mp4"].message


def test_a_missing_root_says_what_to_do(tmp_path: Path) -> None:
    """A folder that does not exist is an error with its path and a remedy."""
    with pytest.raises(SourceNotFoundError, match=r"nowhere.*make the folder"):
        find_files(Root(tmp_path / "nowhere", ""))


def test_an_empty_folder_is_no_error(tmp_path: Path) -> None:
    """Nothing in it: nothing found, nothing to report."""
    assert find_files(Root(tmp_path, "")) == ([], [])


def test_links_do_not_lead_out(tmp_path: Path) -> None:
    """A link inside the root is a file like any other; links that lead out, nowhere or in circles are reported."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    put(root, "a.txt", "folder/b.txt")
    put(outside, "secret.txt")
    (root / "inside.txt").symlink_to(root / "a.txt")
    (root / "out.txt").symlink_to(outside / "secret.txt")
    (root / "outfolder").symlink_to(outside)
    (root / "nowhere.txt").symlink_to(root / "missing.txt")
    (root / "loop.txt").symlink_to(root / "loop.txt")
    (root / "folder" / "up").symlink_to(root)

    assert found_ids(root) == ["a.txt", "folder/b.txt", "inside.txt"]
    assert {name: report.reason for name, report in reports(root).items()} == {
        "folder/up": "unsupported",
        "loop.txt": "unreadable",
        "nowhere.txt": "unreadable",
        "out.txt": "unsupported",
        "outfolder": "unsupported",
    }


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
@pytest.mark.timeout(60)
def test_a_pipe_is_never_opened(tmp_path: Path) -> None:
    """A FIFO, on which opening would wait for ever, is reported; hashing or loading it fails at once."""
    os.mkfifo(tmp_path / "pipe.txt")

    assert reports(tmp_path)["pipe.txt"].reason == "unsupported"
    with pytest.raises(SourceError, match="not a regular file"):
        hash_file(tmp_path / "pipe.txt")
    with pytest.raises(SourceError, match="not a regular file"):
        load(FoundFile("pipe.txt", tmp_path / "pipe.txt"), max_bytes=1000)


def test_names_are_printable(tmp_path: Path) -> None:
    """Names with invalid UTF-8, line breaks, bidi overrides, quotes and backslashes become printable and stay apart."""
    names = [
        b"bad\xff.txt",
        b"new\nline.txt",
        "rtl\u202etxt.md".encode(),
        b"qu'o\"te.txt",
        b"back\\slash.txt",
        b"bad\\xff.txt",
    ]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:  # noqa: PTH118, PTH123
            file.write(b"Text.")

    expected = [
        "back\\\\slash.txt",
        "bad\\\\xff.txt",
        "bad\\xff.txt",
        "new\\nline.txt",
        "qu'o\"te.txt",
        "rtl\\u202etxt.md",
    ]

    files, _ = find_files(Root(tmp_path, ""))
    assert [file.source_id for file in files] == expected
    assert all(load(file, max_bytes=100).source.source_id == file.source_id for file in files)


@settings(deadline=None)
@given(names=st.sets(st.text(st.characters(), max_size=8), max_size=8))
def test_printable_names_print_and_differ(names: set[str]) -> None:
    """Any name becomes printable, and no two names become the same."""
    made = [printable(name) for name in sorted(names)]

    assert all(name.isprintable() for name in made)
    assert len(set(made)) == len(names)


def test_hashes_are_sha256(tmp_path: Path) -> None:
    """A file's hash is that of its bytes, however large."""
    data = bytes(range(256)) * 10_000
    (tmp_path / "a.txt").write_bytes(data)

    assert hash_file(tmp_path / "a.txt") == hashlib.sha256(data).hexdigest()


def test_a_vanished_file_is_unreadable(tmp_path: Path) -> None:
    """A file that is gone before it is read is reported with a reason."""
    with pytest.raises(SourceError, match="cannot be opened") as caught:
        hash_file(tmp_path / "gone.txt")
    assert caught.value.reason == "unreadable"

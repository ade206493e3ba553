"""Hashes of files that look as they did: never a wrong one, and no file is read twice for nothing."""

from __future__ import annotations

import hashlib
import os
import stat
import time
import zipfile

import pytest

from rag.sources import known_files
from rag.sources.known_files import GRAIN_NS, KnownFiles

LATER = 10 * GRAIN_NS


class Reading:
    """Counts what is read, at a time well after everything was written."""

    def __init__(self, folder, monkeypatch):
        self.kept, self.n_read, self.ahead = folder / "kept.sqlite", 0, LATER
        really = known_files.hash_file

        def counted(path):
            self.n_read += 1
            return really(path)

        monkeypatch.setattr(known_files, "hash_file", counted)

    def hashes(self, *paths, **options):
        """Return the hashes of files, and how many were read for it."""
        self.n_read = 0
        with KnownFiles(self.kept, clock=lambda: time.time_ns() + self.ahead, **options) as known:
            found = [known.hash_file(path) for path in paths]
        return found, self.n_read


@pytest.fixture
def reading(tmp_path, monkeypatch):
    """Nothing is known yet."""
    return Reading(tmp_path, monkeypatch)


@pytest.fixture
def file(tmp_path):
    """A file, as its owner wrote it."""
    path = tmp_path / "a.txt"
    path.write_text("one", encoding="utf-8")
    return path


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_an_unchanged_file_is_read_once(reading, file):
    """Also by another process later; what is kept is for its owner only."""
    assert ([sha("one")], 1) == reading.hashes(file)
    assert ([sha("one")], 0) == reading.hashes(file)
    assert 0o600 == stat.S_IMODE(reading.kept.stat().st_mode)


def test_an_edit_of_the_same_length_with_its_time_put_back_is_seen(reading, file):
    """Nobody can put the time back at which a file was changed last."""
    reading.hashes(file)
    before = file.stat()
    time.sleep(0.02)
    file.write_text("two", encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert ([sha("two")], 1) == reading.hashes(file)


def test_another_file_in_its_place_is_seen(reading, file, tmp_path):
    """Of the same length, with the same time."""
    reading.hashes(file)
    other = tmp_path / "b.txt"
    other.write_text("two", encoding="utf-8")
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)

    assert ([sha("two")], 1) == reading.hashes(file)


def test_a_touched_file_is_read_once_more(reading, file):
    """And is known again after that."""
    reading.hashes(file)
    os.utime(file, ns=(1, 1))

    assert ([sha("one")], 1) == reading.hashes(file)
    assert ([sha("one")], 0) == reading.hashes(file)


def test_a_file_that_has_just_changed_is_not_kept(reading, file):
    """Within the grain of the clock it could change again and look the same."""
    reading.ahead = 0
    reading.hashes(file)
    assert ([sha("one")], 1) == reading.hashes(file)


def test_all_is_read_where_that_is_wanted(reading, file):
    """Whatever is known of it."""
    reading.hashes(file)
    assert ([sha("one")], 1) == reading.hashes(file, verify=True)


def test_what_is_gone_is_forgotten(reading, file, tmp_path):
    """Not even its name is kept; where only some files were asked for, the others stay known."""
    other = tmp_path / "secret-name.txt"
    other.write_text("two", encoding="utf-8")
    reading.hashes(file, other)

    reading.hashes(file)
    assert ([sha("two")], 0) == reading.hashes(other)
    reading.hashes(file, complete=True)
    assert b"secret-name" not in reading.kept.read_bytes()


@pytest.mark.parametrize("damage", [b"", b"no database", None])
def test_what_is_kept_may_be_damaged(reading, file, damage):
    """Then everything is read, and kept anew."""
    reading.hashes(file)
    content = bytearray(reading.kept.read_bytes())
    at = content.index(sha("one").encode())
    content[at] ^= 1
    reading.kept.write_bytes(content if damage is None else damage)

    assert ([sha("one")], 1) == reading.hashes(file)
    reading.hashes(file)
    assert ([sha("one")], 0) == reading.hashes(file)


def test_a_folder_that_may_not_be_written_costs_the_reading_only(reading, file, tmp_path):
    """Nothing fails."""
    reading.kept = tmp_path / "no folder" / "kept.sqlite"
    assert ([sha("one")], 1) == reading.hashes(file)


def test_what_lies_in_an_archive_is_known_by_the_archive(reading, tmp_path):
    """It is read anew when the archive has changed."""
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("x.txt", "one")
    assert ([sha("one")], 1) == reading.hashes(archive / "x.txt")
    assert ([sha("one")], 0) == reading.hashes(archive / "x.txt")
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("x.txt", "two")
    assert ([sha("two")], 1) == reading.hashes(archive / "x.txt")

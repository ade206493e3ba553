"""Parsing in a process of its own: the same sources, and a file that takes too much costs itself alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from rag.errors import SourceError
from rag.sources import FoundFile, Worker, load

HTML = b"<title>Notes</title><h1>The bridge</h1><p>It opened in 1932. Sheep graze on the hills.</p>"
MOST = 10_000_000


@pytest.fixture(scope="module")
def worker():
    """One child for the files that do no harm to it."""
    with Worker() as worker:
        yield worker


def put(folder: Path, name: str, data: bytes) -> FoundFile:
    """A file of a folder."""
    (folder / name).write_bytes(data)
    return FoundFile(name, folder / name)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.html", HTML),
        ("b.md", b"# The bridge\n\nIt opened in 1932."),
        ("c.csv", b"name,opened\nbridge,1932\n"),
        ("d.txt", "Größe: 12 m\u00b2.".encode("latin-1")),
        ("e.md", "Größe: 12 m\u00b2. Das ist sicher.".encode("latin-1")),
    ],
)
def test_a_file_is_the_same_source_as_without_it(worker, tmp_path, name, data):
    """Text, title, hash, pages and warnings are those of `load`."""
    file = put(tmp_path, name, data)

    assert load(file, max_bytes=MOST) == worker.load(file, max_bytes=MOST)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("broken.pdf", b"%PDF-1.7 and nothing", "unreadable"),
        ("blank.html", b"<p hidden>x</p>", "empty"),
        ("noise.csv", bytes(range(256)) * 16, "binary"),
        ("odd.xyz", b"text", "unsupported"),
    ],
)
def test_a_fault_has_its_reason(worker, tmp_path, name, data, reason):
    """What `load` says of a bad file is what the worker says."""
    file = put(tmp_path, name, data)
    with pytest.raises(SourceError) as ours:
        load(file, max_bytes=MOST)

    with pytest.raises(SourceError) as theirs:
        worker.load(file, max_bytes=MOST)

    assert (reason, str(ours.value)) == (theirs.value.reason, str(theirs.value))


def test_a_name_that_is_no_text_can_be_read(worker, tmp_path):
    """Bytes of a file name that are no UTF-8 come through to the child and back."""
    name = os.fsdecode(b"caf\xe9.md")
    (tmp_path / name).write_bytes(b"# The bridge\n\nIt opened in 1932.")
    file = FoundFile("caf\\xe9.md", tmp_path / name)

    assert "1932" in worker.load(file, max_bytes=MOST).source.text


@pytest.mark.skipif(sys.platform == "win32", reason="memory is not limited on Windows")
def test_a_file_that_takes_too_much_memory_costs_itself_alone(tmp_path):
    """A child that may have little memory refuses a page of a million words, and the next file is read.

    Without the limit the file is read, which takes several hundred MB.
    """
    big = put(tmp_path, "big.html", b"<p>" + b"word <b>x</b> " * 700_000 + b"</p>")
    with Worker(max_memory_mb=300, seconds=60) as worker:
        with pytest.raises(SourceError) as caught:
            worker.load(big, max_bytes=MOST)

        assert "unreadable" == caught.value.reason
        assert "1932" in worker.load(put(tmp_path, "a.html", HTML), max_bytes=MOST).source.text


@pytest.mark.skipif(sys.platform == "win32", reason="processor time is not limited on Windows")
def test_a_file_that_takes_too_long_costs_itself_alone(tmp_path):
    """Fifty thousand attributes on one tag take half a minute to parse; they are given a second."""
    slow = put(
        tmp_path,
        "slow.html",
        b"<p " + b" ".join(b'a%d="%d"' % (n, n) for n in range(50_000)) + b">x</p>",
    )
    with Worker(seconds=1) as worker:
        with pytest.raises(SourceError, match="takes more memory or time"):
            worker.load(slow, max_bytes=MOST)

        assert "1932" in worker.load(put(tmp_path, "a.html", HTML), max_bytes=MOST).source.text


def test_the_child_sees_no_environment(tmp_path, monkeypatch):
    """A parser that is made to run code finds no key in its environment."""
    monkeypatch.setenv("OPENAI_API_KEY", "canary-4711")
    with Worker() as worker:
        worker.load(put(tmp_path, "a.html", HTML), max_bytes=MOST)
        environ = Path(f"/proc/{worker.pid}/environ")
        if not environ.exists():
            pytest.skip("there is no /proc to look into")

        assert b"canary-4711" not in environ.read_bytes()


def test_a_large_program_keeps_its_child(tmp_path):
    """A child is not taken for grown because the program that started it is: one child reads many files."""
    ballast = bytearray(700 * 2**20)
    with Worker() as worker:
        worker.load(put(tmp_path, "a.html", HTML), max_bytes=MOST)
        first = worker.pid
        worker.load(put(tmp_path, "b.html", HTML), max_bytes=MOST)

        assert first is not None
        assert first == worker.pid
    assert ballast


def test_no_module_is_taken_from_the_current_folder(tmp_path, monkeypatch):
    """A folder of documents that holds a json.py does not have it run."""
    (tmp_path / "json.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    with Worker() as worker:
        loaded = worker.load(put(tmp_path, "a.html", HTML), max_bytes=MOST)

    assert "1932" in loaded.source.text


def test_plain_text_needs_no_child(tmp_path):
    """A folder of .txt files is read without starting a process."""
    with Worker() as worker:
        worker.load(put(tmp_path, "a.txt", b"It opened in 1932."), max_bytes=MOST)

        assert worker.pid is None

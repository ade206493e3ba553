"""Hostile and broken files: each is refused with a reason and its name, quickly, and nothing else escapes."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import SourceError
from rag.sources import SUPPORTED, FoundFile, load, loading
from rag.sources import archive as archives
from tests.hostile_letters import LETTERS
from tests.office_fakes import EXTERNAL, HOSTILE_OFFICE, LAUGHS, OLE, zipped


def word(document: bytes | str, **entries: bytes | str) -> bytes:
    """A Word file with this document part."""
    return zipped({"word/document.xml": document, **entries})


def lying(data: bytes, declared: int) -> bytes:
    """The same archive, whose directory gives its only entry another size."""
    at = data.rindex(b"PK\x01\x02") + 24
    return data[:at] + struct.pack("<I", declared) + data[at + 4 :]


def encrypted(data: bytes) -> bytes:
    """The same archive, whose directory says that its only entry is encrypted."""
    at = data.rindex(b"PK\x01\x02") + 8
    return data[:at] + b"\x01\x00" + data[at + 2 :]


HOSTILE = {
    "nothing.txt": (b"", "empty"),
    "blank.md": (b" \n\t\n", "empty"),
    "unseen.txt": ("\u200b\u202e\u2060".encode(), "empty"),
    "only_hidden.html": (b"<p hidden>x</p><script>y</script>", "empty"),
    "program.txt": (b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 8, "binary"),
    "noise.csv": (bytes((k * 97 + k // 7) % 256 for k in range(4096)), "binary"),
    "nul.txt": (b"text\x00with\x00\x00zeros and more of it" * 9, "binary"),
    "picture.md": (b"\x89PNG\r\n\x1a\n" + b"x" * 50, "binary"),
    "pdf.html": (b"%PDF-1.7\n1 0 obj", "binary"),
    "control.txt": (b"\x01\x02\x03\x04 abc " * 50, "binary"),
    "large.txt": (b"x" * 2_000_001, "too_large"),
    "figures.wk1": (b"\x00\x00\x02\x00", "unsupported"),
    "old.docx": (OLE, "unreadable"),
    "password.docx": (OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
    "text.docx": (b"only text", "unreadable"),
    "cut.docx": (word("<document/>" * 50)[:60], "unreadable"),
    "empty_zip.docx": (zipped({}), "unreadable"),
    "other_zip.docx": (zipped({"a.txt": "text"}), "unreadable"),
    "laughs.docx": (word(LAUGHS), "unreadable"),
    "external.docx": (word(EXTERNAL), "unreadable"),
    "wide_laughs.docx": (word(LAUGHS.replace("?>", ' encoding="utf-16"?>', 1).encode("utf-16")), "unreadable"),
    "bomb.docx": (word(b"<document>" + b"a" * 50_000_000), "too_large"),
    "lying_bomb.docx": (lying(word(b"<document>" + b"a" * 50_000_000), 1000), "unreadable"),
    "giant.docx": (lying(word(b"<document/>"), 2**31), "too_large"),
    "many.docx": (zipped({f"{k}": "" for k in range(5_001)}), "too_large"),
    "climbing.docx": (word("<document/>", **{"../../x.xml": "<x/>"}), "unreadable"),
    "absolute.docx": (word("<document/>", **{"/etc/x.xml": "<x/>"}), "unreadable"),
    "windows.docx": (word("<document/>", **{"..\\x.xml": "<x/>"}), "unreadable"),
    "locked.docx": (encrypted(word("<document/>")), "encrypted"),
    "no_list.epub": (zipped({"mimetype": "application/epub+zip"}), "unreadable"),
    "laughs.epub": (zipped({"book.opf": LAUGHS}), "unreadable"),
    "deep.html": (b"<div>" * 100_000 + b"x", "unreadable"),
    "deep_list.md": (b"<ul><li>" * 50_000 + b"x", "unreadable"),
    "deep.epub": (
        zipped({
            "book.opf": '<package><manifest><item id="a" href="a" media-type="text/html"/></manifest>'
            '<spine><itemref idref="a"/></spine></package>',
            "a": "<div>" * 20_000,
        }),
        "unreadable",
    ),
    "quote.csv": (b'a,"' + b"b\n" * 100_000, "unreadable"),
    "wide.csv": (b",".join(b"c%d" % k for k in range(20_000)) + b"\n1,2", "too_large"),
    **HOSTILE_OFFICE,
    **LETTERS,
}  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_its_reason(tmp_path: Path, name: str) -> None:
    """Each file has the reason a report should give, and a sentence that names it and says what to do."""
    data, reason = HOSTILE[name]
    (tmp_path / name).write_bytes(data)

    with pytest.raises(SourceError) as caught:
        load(FoundFile(name, tmp_path / name), max_bytes=2_000_000)

    assert caught.value.reason == reason
    assert str(caught.value).startswith(f"{name!r} ")
    assert str(caught.value).endswith(".")


@settings(max_examples=120, deadline=None)
@given(
    suffix=st.sampled_from(sorted(SUPPORTED)),
    start=st.sampled_from([b"", b"%PDF-1.4\n", b"PK\x03\x04", b"<html>", b"\xff\xfe", b"a,b\n"]),
    data=st.binary(max_size=400),
)
def test_any_bytes_load_or_are_refused(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, start: bytes, data: bytes
) -> None:
    """Whatever a file holds, loading gives a source whose text is clean, or a SourceError: nothing else."""
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_bytes(start + data)

    try:
        source = load(FoundFile(path.name, path), max_bytes=1_000).source
    except SourceError:
        return
    assert source.text.strip()
    source.text.encode()


@pytest.mark.parametrize("fault", [MemoryError, RecursionError, ZeroDivisionError, KeyError("x")])
def test_whatever_a_parser_raises_is_an_unreadable_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """A parser that runs out of memory or stack, or has a bug, costs one file."""

    def parse(_data: bytes) -> None:
        raise fault

    monkeypatch.setattr("rag.sources.plain_text.read", parse)
    (tmp_path / "a.txt").write_text("text", encoding="utf-8")

    with pytest.raises(SourceError, match=r"'a\.txt'") as caught:
        load(FoundFile("a.txt", tmp_path / "a.txt"), max_bytes=100)
    assert caught.value.reason == "unreadable"


def test_an_entry_longer_than_declared_is_never_read_whole() -> None:
    """A directory that lies about a size cannot make more than that size be decompressed."""
    data = lying(zipped({"a.xml": b"a" * 50_000_000}), 1000)

    tracemalloc.start()
    with archives.open_archive(data) as archive, pytest.raises(SourceError):
        archives.read_entry(archive, "a.xml")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 5_000_000


def test_a_long_document_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The character cap holds for every format."""
    monkeypatch.setattr(loading, "MAX_CHARS", 1000)
    (tmp_path / "a.txt").write_text("word " * 500, encoding="utf-8")

    with pytest.raises(SourceError, match="million characters") as caught:
        load(FoundFile("a.txt", tmp_path / "a.txt"), max_bytes=10_000)
    assert caught.value.reason == "too_large"


@pytest.mark.timeout(60)
def test_a_ten_megabyte_line_is_read(tmp_path: Path) -> None:
    """One line of 10 MB is a document like any other."""
    (tmp_path / "a.txt").write_bytes(b"word " * 2_000_000)

    source = load(FoundFile("a.txt", tmp_path / "a.txt"), max_bytes=20_000_000).source

    assert len(source.text) == 10_000_000
    assert source.title == "a"


def test_unclosed_tags_are_not_taken_for_depth(tmp_path: Path) -> None:
    """Old pages that never close a paragraph, item or font are read."""
    (tmp_path / "a.html").write_bytes(b"<p><font size=2>word <b>more" * 3000)

    assert load(FoundFile("a.html", tmp_path / "a.html"), max_bytes=10**6).source.text

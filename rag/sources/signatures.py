"""What a file is by its first bytes, against what its name says."""

from __future__ import annotations

from rag.errors import SourceError

_PDF, _ZIP, _OLE = b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF_WITHIN = 1024
"""Readers accept a PDF whose header starts this far in."""
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")

_NO_TEXT = {
    _PDF: "a PDF file",
    _ZIP: "a zip archive",
    _OLE: "an old office file",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
    b"\x89PNG\r\n": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"\x1f\x8b\x08": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf\x27": "a 7-Zip archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"SQLite format 3\x00": "a database",
    b"ID3\x03": "music",
    b"OggS\x00": "music",
}


def check_text(data: bytes) -> None:
    """Refuse as text what is something else.

    Raises:
        SourceError: `binary`.
    """
    for start, kind in _NO_TEXT.items():
        if data.startswith(start):
            raise SourceError("binary", f"is {kind}, not text; give it the right extension")


def check_pdf(data: bytes) -> None:
    """Refuse as a PDF what is none.

    Raises:
        SourceError: `unreadable`.
    """
    if _PDF not in data[:_PDF_WITHIN]:
        raise SourceError(
            "unreadable", "is no PDF file, or a damaged one; check where it comes from"
        )


def check_zip(data: bytes, kind: str) -> None:
    """Refuse as a document in a zip container what is none; `kind` names the format.

    Raises:
        SourceError: `encrypted` or `unreadable`.
    """
    if data.startswith(_ZIP):
        return
    if data.startswith(_OLE) and _ENCRYPTED_OFFICE in data:
        raise SourceError("encrypted", "needs a password; save a copy without one and add that")
    if data.startswith(_OLE):
        raise SourceError("unreadable", f"is an old office file, not {kind}; save it as {kind}")
    raise SourceError("unreadable", f"is no {kind} file, or a damaged one; save it anew")


def check_ole(data: bytes, kind: str) -> None:
    """Refuse as an old office file what is none; `kind` names the format.

    Raises:
        SourceError: `encrypted` or `unreadable`.
    """
    if data.startswith(_ZIP):
        raise SourceError(
            "unreadable", f"is a newer file than {kind}; add an x to the end of its name"
        )
    if not data.startswith(_OLE):
        raise SourceError("unreadable", f"is no {kind} file, or a damaged one; save it anew")
    if _ENCRYPTED_OFFICE in data:
        raise SourceError("encrypted", "needs a password; save a copy without one and add that")

"""Mails that Outlook saved (.msg): properties in an OLE container, read by their numbers (MS-OXMSG)."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy
from typing import TYPE_CHECKING

from rag.errors import SourceError
from rag.sources.assembly import Assembly
from rag.sources.characters import decode
from rag.sources.document import Attachment, Document
from rag.sources.mail import Letter, check_count, file_name, line_of_head, spoken_date, write

if TYPE_CHECKING:
    from olefile import OleFileIO

_SUBJECT, _TEXT, _HTML, _HEAD = 0x0037, 0x1000, 0x1013, 0x007D
_SENDER, _ADDRESS, _SMTP, _TO, _CC = 0x0C1A, 0x0C1F, 0x5D01, 0x0E04, 0x0E03
_SENT, _RECEIVED = 0x0039, 0x0E06
_NAME, _SHORT_NAME, _DATA = 0x3707, 0x3704, 0x3701
_UNICODE, _BYTES, _BINARY, _OBJECT, _TIME = 0x001F, 0x001E, 0x0102, 0x000D, 0x0040
_ATTACHED = "__attach_version1.0_#"
_PROPERTIES = "__properties_version1.0"
_ENTRY = 16
_MOST_STREAMS = 50_000


def read(data: bytes) -> Document:
    """Read one mail: its head as lines `From: ...`, its text, and what is attached to it.

    Raises:
        SourceError: `unreadable` or `too_large`.
    """
    from olefile import OleFileIO, isOleFile

    if not isOleFile(data=data):
        raise SourceError("unreadable", "is no mail of Outlook, or a damaged one; save it anew")
    with OleFileIO(io.BytesIO(data)) as ole:
        if len(ole.direntries) > _MOST_STREAMS:
            raise SourceError("too_large", "has too many parts; take some out")
        letter = _Message(ole, "").letter()
    pieces = Assembly()
    write(pieces, letter)
    return pieces.document(letter.subject, attachments=letter.attachments, headings=False)


class _Message:
    """A mail in a container, at its root or in a storage."""

    def __init__(self, ole: OleFileIO, at: str) -> None:
        self._ole = ole
        self._at = at

    def letter(self) -> Letter:
        """Return it with all that it says."""
        address = self._text(_SMTP) or self._text(_ADDRESS)
        name = self._text(_SENDER)
        mailed = f"<{address}>" if "@" in address and address != name else ""
        attachments = tuple(filter(None, map(self._attachment, self._attached())))
        check_count(attachments)
        html = self._stream(_HTML, _BINARY)
        return Letter(
            sender=f"{name} {mailed}".strip(),
            to=self._people(_TO, "to"),
            cc=self._people(_CC, "cc"),
            subject=self._text(_SUBJECT),
            date=spoken_date(self._sent()),
            text=self._text(_TEXT).replace("\r\n", "\n"),
            html=decode(html)[0] if html else self._text(_HTML),
            attachments=attachments,
        )

    def _people(self, number: int, name: str) -> str:
        """Return who it is to, by the names that are shown, else by the head it was sent with."""
        shown = self._text(number).strip("\0 ")
        return shown or str(self._head().get(name, ""))

    def _head(self) -> dict[str, str]:
        message = message_from_string(self._text(_HEAD), policy=policy.compat32)
        return {name.lower(): line_of_head(str(value)) for name, value in message.items()}

    def _sent(self) -> datetime | None:
        """Return when it was sent, in UTC, as the properties of fixed length say."""
        table = self._read(_PROPERTIES)
        times = {
            tag >> 16: value
            for start in range(len(table) % _ENTRY, len(table) - _ENTRY + 1, _ENTRY)
            for tag, value in [struct.unpack_from("<I4xQ", table, start)]
            if tag & 0xFFFF == _TIME
        }
        ticks = times.get(_SENT) or times.get(_RECEIVED)
        try:
            return (
                datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=(ticks or 0) // 10)
                if ticks
                else None
            )
        except OverflowError:
            return None

    def _attached(self) -> list[str]:
        depth = len(self._at.split("/")) if self._at else 0
        found = {
            "/".join(path[: depth + 1])
            for path in self._ole.listdir()
            if len(path) > depth
            and path[depth].startswith(_ATTACHED)
            and "/".join(path[:depth]) == self._at
        }
        return sorted(found)

    def _attachment(self, at: str) -> Attachment | None:
        """Return a file that is attached, or a mail with its text alone."""
        part = _Message(self._ole, at)
        name = part._text(_NAME) or part._text(_SHORT_NAME)
        inner = f"{at}/__substg1.0_{_DATA:04X}{_OBJECT:04X}"
        if self._ole.exists(inner):
            return _forwarded(_Message(self._ole, inner).letter())
        content = part._stream(_DATA, _BINARY)
        return Attachment(name=file_name(name, "attachment"), data=content) if content else None

    def _text(self, number: int) -> str:
        unicode = self._stream(number, _UNICODE)
        if unicode:
            return unicode.decode("utf-16-le", "replace").rstrip("\0")
        narrow = self._stream(number, _BYTES)
        return decode(narrow)[0].rstrip("\0") if narrow else ""

    def _stream(self, number: int, kind: int) -> bytes:
        return self._read(f"__substg1.0_{number:04X}{kind:04X}")

    def _read(self, name: str) -> bytes:
        path = f"{self._at}/{name}" if self._at else name
        if not self._ole.exists(path):
            return b""
        with self._ole.openstream(path) as stream:
            return bytes(stream.read())


def _forwarded(letter: Letter) -> Attachment:
    """Return a mail that lies in another as a file of its own."""
    head = {"From": letter.sender, "To": letter.to, "Cc": letter.cc, "Subject": letter.subject}
    lines = [f"{name}: {said}" for name, said in head.items() if said]
    kind = "plain" if letter.text else "html"
    lines += [f"Content-Type: text/{kind}; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
    text = "\n".join([*lines, "", letter.text or letter.html])
    return Attachment(name=f"{file_name(letter.subject, 'forwarded mail')}.eml", data=text.encode())

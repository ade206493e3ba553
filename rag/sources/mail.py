"""Mails (.eml) and mailboxes (.mbox): who wrote to whom, when and on what, and what was attached."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import cast

from rag.errors import SourceError
from rag.language.layout import find_blocks
from rag.language.nesting import MAIL, PLAIN, SUBJECT
from rag.language.outline import Outline
from rag.schema import Block
from rag.sources.assembly import Assembly
from rag.sources.characters import decode
from rag.sources.document import Attachment, Document
from rag.sources.html import parse, to_text
from rag.sources.signatures import check_text

MOST_ATTACHMENTS = 1_000
"""Of one file; more are no letters to be read."""
_MOST_PARTS = 5_000
_UNREAD = frozenset({"application/pgp-signature", "application/pkcs7-signature"})
_MAIL_BEGINS = re.compile(rb"(?:\A|(?<=\n))From [^\n]*\d\d:\d\d[^\n]*\n")
"""The line before each mail of a mailbox."""
_ESCAPED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_FEWEST = 0.3
"""Share of the words of a mail's plain text that its page must have to be read in its place."""
_LEVELS = {"From": MAIL, "Subject": SUBJECT}
"""What a mail's text hangs from."""
_HIDDEN = re.compile(r"\A[.\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail, however it was stored."""

    sender: str
    to: str
    subject: str
    date: str
    cc: str = ""
    text: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = ()


def read(data: bytes) -> Document:
    """Read one mail: its head as lines `From: ...`, its text, and what is attached to it."""
    check_text(data)
    letter = _letter(data)
    pieces = Assembly()
    write(pieces, letter)
    return pieces.document(letter.subject, attachments=letter.attachments, headings=False)


def read_mailbox(data: bytes) -> Document:
    """Read a mailbox: its mails one behind the other, each with its number as its place."""
    check_text(data)
    begins = [*_MAIL_BEGINS.finditer(data)]
    if not begins:
        raise SourceError("unreadable", "is no mailbox, or a damaged one; export it anew")
    ends = [*(one.start() for one in begins[1:]), len(data)]
    pieces = Assembly()
    attachments: list[Attachment] = []
    for number, (begin, end) in enumerate(zip(begins, ends, strict=True), start=1):
        letter = _letter(_ESCAPED_FROM.sub(rb"\1", data[begin.end() : end]))
        write(pieces, letter, place=f"mail {number}")
        attachments += [
            Attachment(name=f"{number}/{one.name}", data=one.data, held_by=letter.subject)
            for one in letter.attachments
        ]
        check_count(attachments)
    return pieces.document("", attachments=tuple(attachments), headings=False)


def write(pieces: Assembly, letter: Letter, *, place: str = "") -> None:
    """Add a mail to a document: its head, and its page where that says as much as its plain text."""
    names = ", ".join(one.name for one in letter.attachments)
    head = {
        "From": letter.sender, "To": letter.to, "Cc": letter.cc, "Date": letter.date,
        "Attachments": names, "Subject": letter.subject,
    }  # fmt: skip
    lines = [f"{name}: {said}" for name, said in head.items() if said]
    outline, at = Outline(), 0
    for line in lines:
        level = _LEVELS.get(line.partition(":")[0], 0)
        outline.add("field", at, at + len(line), level=level)
        at += len(line) + 1
    start = pieces.add("\n".join(lines), outline.blocks())
    body, blocks = to_text(parse(letter.html).body) if letter.html else ("", ())
    if len(body.split()) < max(1, _FEWEST * len(letter.text.split())):
        body = letter.text.strip()
        blocks = find_blocks(body)
    pieces.add(body, tuple(map(_below_subject, blocks)))
    pieces.name(start, pieces.length, place)


def _below_subject(block: Block) -> Block:
    """Return a heading of a mail's text as one below its subject."""
    if block.kind not in {"title", "heading"} or block.level >= PLAIN:
        return block
    return replace(block, kind="heading", level=min(block.level + SUBJECT, PLAIN))


def check_count(attachments: Sequence[Attachment]) -> None:
    """Refuse a file that holds too many others.

    Raises:
        SourceError: `too_large`.
    """
    if len(attachments) > MOST_ATTACHMENTS:
        raise SourceError(
            "too_large", f"has more than {MOST_ATTACHMENTS:,} files attached; take some out"
        )


def spoken_date(when: datetime | None) -> str:
    """Return when a mail was sent, as its sender's clock showed it: `6 May 2025, 20:15`."""
    return f"{when.day} {when:%B %Y, %H:%M}" if when else ""


def file_name(name: str, otherwise: str) -> str:
    """Return the name of an attachment without folders, and not hidden."""
    last = " ".join(name.replace("\\", "/").rpartition("/")[2].split())
    return _HIDDEN.sub("", last) or otherwise


def _letter(data: bytes) -> Letter:
    # Not `policy.default`: its parser of heads takes time that grows with the square of a long line, and fails on
    # malformed ones.
    message = message_from_bytes(data, policy=policy.compat32)
    parts = [*_outer_parts(message)]
    attachments = tuple(_attachments(parts))
    check_count(attachments)
    return Letter(
        sender=_head(message, "from"),
        to=_head(message, "to"),
        cc=_head(message, "cc"),
        subject=_head(message, "subject"),
        date=_date(message),
        text=_body(parts, "text/plain"),
        html=_body(parts, "text/html"),
        attachments=attachments,
    )


def _head(message: Message, name: str) -> str:
    """Return a line of a mail's head on one line; letters that were not encoded are read as those of a text are."""
    raw = next((str(said) for key, said in message.raw_items() if key.lower() == name), "")
    if not raw.isascii():
        raw, _ = decode(raw.encode("utf-8", "surrogateescape"))
    return line_of_head(raw)


def line_of_head(said: str) -> str:
    """Return a line of a head on one line, its words decoded where they are encoded and not malformed."""
    with suppress(ValueError, LookupError, HeaderParseError):
        said = str(make_header(decode_header(said)))
    return " ".join(said.split())


def _date(message: Message) -> str:
    said = _head(message, "date")
    try:
        return spoken_date(parsedate_to_datetime(said))
    except (ValueError, TypeError, IndexError, OverflowError):
        return said


def _body(parts: Sequence[Message], kind: str) -> str:
    """Return the first part of a kind that is no file."""
    found = (
        one
        for one in parts
        if one.get_content_type() == kind
        and one.get_content_disposition() != "attachment"
        and not one.get_filename()
    )
    part = next(found, None)
    return "" if part is None else _content(part)


def _content(part: Message) -> str:
    """Return the text of a part, in its charset or what it looks like."""
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    try:
        text = data.decode(part.get_content_charset("utf-8"))
    except (LookupError, UnicodeDecodeError):
        text = decode(data)[0]
    if part.get_param("format") == "flowed":
        text = re.sub(r"(?<! --) \r?\n(?!>)", " ", text)
    return text.replace("\r\n", "\n")


def _attachments(parts: Sequence[Message]) -> Iterator[Attachment]:
    """Yield what is attached: files, and mails that were forwarded whole; no pictures that stand in the text."""
    for number, part in enumerate(parts, start=1):
        kind, name = part.get_content_type(), part.get_filename()
        held = part.get_payload()
        if kind == "message/rfc822" and isinstance(held, list) and held:
            inner = cast("Message", held[0])
            subject = file_name(_head(inner, "subject"), "forwarded mail")
            yield Attachment(name=f"{subject}.eml", data=inner.as_bytes())
        elif name and kind not in _UNREAD and not _is_picture_in_text(part):
            content = part.get_payload(decode=True)
            yield Attachment(
                name=file_name(line_of_head(name), f"attachment {number}"),
                data=content if isinstance(content, bytes) else b"",
            )


def _outer_parts(message: Message) -> Iterator[Message]:
    """Yield the parts of a mail in order, those of forwarded mails left out.

    Raises:
        SourceError: `too_large`.
    """
    waiting, count = [message], 0
    while waiting:
        part = waiting.pop()
        held = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(held, list):
            waiting += cast("list[Message]", held[::-1])
            continue
        count += 1
        if count > _MOST_PARTS:
            raise SourceError("too_large", f"has more than {_MOST_PARTS:,} parts; take some out")
        yield part


def _is_picture_in_text(part: Message) -> bool:
    inline = part.get_content_disposition() != "attachment" or "content-id" in part
    return part.get_content_maintype() == "image" and inline

"""What a loader returns: the text of one document before it is cleaned."""

from __future__ import annotations

from dataclasses import dataclass

from rag.errors import SourceError
from rag.schema import Block, Place

MAX_CHARS = 20_000_000
"""A longer document is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that lies in another one, such as what is attached to a mail."""

    name: str
    """With its extension; may have folders before it, parted by `/`."""
    data: bytes
    held_by: str = ""
    """What it lies in, where that is not the whole file: the subject of a mail in a mailbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document as its loader read it."""

    title: str
    """What the document calls itself; empty where it does not say."""
    parts: tuple[str, ...]
    """Its text; more than one part only where `paged`. Joined without anything between."""
    paged: bool = False
    """Each part is a page."""
    blocks: tuple[Block, ...] = ()
    """Its structure, as `language.layout.nest` hung it, in offsets of the joined parts; empty without markup."""
    places: tuple[Place, ...] = ()
    """What a person calls its stretches, ascending and disjoint, in offsets of the joined parts."""
    remark: str = ""
    """A phrase behind the file's name on what is worse than it should be; empty where nothing is."""
    attachments: tuple[Attachment, ...] = ()
    """Files that lie in it, each a source of its own."""
    guessed_encoding: str = ""
    """The encoding it was read in, where nothing said which."""


def too_long() -> SourceError:
    """Return the error of a document above `MAX_CHARS`, for loaders that can tell early."""
    return SourceError(
        "too_large",
        f"holds more than {MAX_CHARS // 1_000_000} million characters; split it into smaller files",
    )

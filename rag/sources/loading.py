"""One file to a `Source`: the loader of its format, cleaned text, and any fault as a reason with a sentence.

This is the seam for a worker process: `load` takes and returns plain data and keeps no state.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import accumulate, pairwise

from rag.errors import SourceError
from rag.language.layout import find_blocks
from rag.schema import Block, FateReason, Source
from rag.sources.characters import clean
from rag.sources.document import MAX_CHARS, Document, too_long
from rag.sources.files import FoundFile, read_bytes
from rag.sources.formats import SUPPORTED

__all__ = ["SUPPORTED", "Loaded", "load"]

_LOADERS = {
    ".txt": "plain_text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "web_page",
    ".htm": "web_page",
    ".xhtml": "web_page",
    ".pdf": "pdf",
    ".docx": "word",
    ".epub": "epub",
    ".csv": "rows",
    ".tsv": "rows",
}
"""Extension to the module that reads it, imported when first needed; each has `read(data: bytes) -> Document`."""

_TITLE_CHARS = 200
_OPENING_WORDS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A source, and a warning where there is one."""

    source: Source
    reason: FateReason = ""
    """Empty, or `encoding`: it was guessed."""
    message: str = ""
    """The warning as a sentence."""


def load(file: FoundFile, *, max_bytes: int) -> Loaded:
    """Read one file. Its bytes are read once, so hash and text belong together.

    Raises:
        SourceError: `empty`, `no_text_layer`, `encrypted`, `binary`, `too_large`, `unreadable` or
            `unsupported`; nothing else escapes.
    """
    suffix = file.path.suffix.lower()
    try:
        if suffix not in SUPPORTED:
            known = " ".join(SUPPORTED)
            raise SourceError("unsupported", f"is of no supported format ({known}); convert it")
        data = read_bytes(file.path, max_bytes)
        if not data.strip():
            raise _empty()
        return _loaded(file, data, _read(suffix, data))
    except SourceError as exc:
        raise SourceError(exc.reason, f"{file.source_id!r} {exc}.") from exc


def _read(suffix: str, data: bytes) -> Document:
    """Run the loader; whatever a parser throws at hostile input is an unreadable file."""
    read: Callable[[bytes], Document] = import_module(f"rag.sources.{_LOADERS[suffix]}").read
    try:
        return read(data)
    except SourceError:
        raise
    except (MemoryError, RecursionError) as exc:
        raise SourceError(
            "unreadable", "is nested too deeply or expands too far to be read; simplify it"
        ) from exc
    except Exception as exc:
        raise SourceError(
            "unreadable", f"cannot be read ({type(exc).__name__}); save it anew"
        ) from exc


def _loaded(file: FoundFile, data: bytes, document: Document) -> Loaded:
    if sum(map(len, document.parts)) > MAX_CHARS:
        raise too_long()
    text, starts, blocks = _cleaned(document)
    if not text.strip():
        raise _empty()
    source = Source(
        source_id=file.source_id,
        title=_title(document.title) or _named(file) or _opening(text),
        text=text,
        sha256=hashlib.sha256(data).hexdigest(),
        media_type=SUPPORTED[file.path.suffix.lower()],
        pages=starts if document.paged else (),
        blocks=blocks or find_blocks(text),
    )
    if not document.guessed_encoding:
        return Loaded(source=source)
    return Loaded(
        source=source,
        reason="encoding",
        message=f"{file.source_id!r} is not UTF-8 and was read as {document.guessed_encoding};"
        " if letters look wrong, save it as UTF-8.",
    )


def _cleaned(document: Document) -> tuple[str, tuple[int, ...], tuple[Block, ...]]:
    """Return the text without what does not show, where its parts start in it, and its blocks at their new offsets."""
    raw = "".join(document.parts)
    starts = tuple(accumulate((len(part) for part in document.parts[:-1]), initial=0))
    bounds = sorted(
        {0, len(raw), *starts, *(at for b in document.blocks for at in (b.start, b.end))}
    )
    moved, pieces, length = {0: 0}, [], 0
    for start, end in pairwise(bounds):
        pieces.append(clean(raw[start:end]))
        length += len(pieces[-1])
        moved[end] = length
    blocks = tuple(replace(b, start=moved[b.start], end=moved[b.end]) for b in document.blocks)
    return "".join(pieces), tuple(moved[at] for at in starts), blocks


def _title(text: str) -> str:
    """Return a title as one line of at most 200 characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= _TITLE_CHARS else f"{line[: _TITLE_CHARS - 1].rstrip()}…"


def _named(file: FoundFile) -> str:
    """Make a title of the file's name: `annual-report_2024.pdf` is `annual report 2024`.

    A hash, with or without a number before it, makes none.
    """
    stem = re.sub(r"\.[^.]*$", "", file.source_id.rpartition("/")[2])
    title = _title(re.sub(r"[_\s]+|(?<=[^\W\d])-(?=\w)|(?<=\w)-(?=[^\W\d])", " ", stem)) or stem
    is_code = re.fullmatch(r"(?=.*\d)(?=.*[a-fA-F])[\s0-9a-fA-F-]{12,}", title)
    return "" if is_code else title


def _opening(text: str) -> str:
    """Make a title of the first words of a text."""
    words = text.split(maxsplit=_OPENING_WORDS)
    opening = " ".join(words[:_OPENING_WORDS])
    return _title(f"{opening} …" if len(words) > _OPENING_WORDS else opening)


def _empty() -> SourceError:
    return SourceError("empty", "holds no text; put some into it or remove it")

"""One file to a `Source`: the loader of its format, cleaned text, and any fault as a reason with a sentence.

This is the seam for a worker process: `load` takes and returns plain data and keeps no state.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from io import BytesIO
from itertools import accumulate, pairwise
from pathlib import PurePosixPath

from rag.errors import SourceError
from rag.language.layout import find_blocks
from rag.schema import Block, FateReason, FileReport, Place, Source
from rag.sources.characters import clean
from rag.sources.containers import container_of, members, read_member
from rag.sources.document import MAX_CHARS, Attachment, Document, too_long
from rag.sources.files import FoundFile, printable, read_bytes
from rag.sources.formats import CODE, SUPPORTED
from rag.sources.ocr import Ocr

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
    ".doc": "word_binary",
    ".odt": "open_text",
    ".rtf": "rich_text",
    ".pptx": "slides",
    ".odp": "open_slides",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel_binary",
    ".ods": "open_sheets",
    ".epub": "epub",
    ".csv": "rows",
    ".tsv": "rows",
    ".eml": "mail",
    ".mbox": "mail:read_mailbox",
    ".msg": "outlook",
    ".json": "records:read_json",
    ".jsonl": "records:read_json_lines",
    ".ndjson": "records:read_json_lines",
    ".yaml": "records:read_yaml",
    ".yml": "records:read_yaml",
    ".toml": "records:read_toml",
    ".xml": "records:read_xml",
    ".ini": "settings_files",
    ".conf": "settings_files",
    ".ics": "cards",
    ".vcf": "cards",
    ".ipynb": "notebook",
    ".srt": "subtitles",
    ".vtt": "subtitles",
    ".rst": "restructured",
    ".adoc": "asciidoc",
    ".asciidoc": "asciidoc",
    ".tex": "latex",
    ".org": "org_mode",
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"), "image"),
    **dict.fromkeys(CODE, "code"),
}
"""Extension to the module that reads it, imported when first needed, and `:` its function where that is not
`read(data: bytes) -> Document`."""
_WITH_SCANS = frozenset({"pdf", "image"})
"""Modules whose `read` is told how scans are read."""

_TITLE_CHARS = 200
_OPENING_WORDS = 9


_MOST_DEEP = 3
"""Files inside each other that are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A source, a warning where there is one, and what lies in its file."""

    source: Source
    reason: FateReason = ""
    """Empty; `encoding`: it was guessed; or `poorly_read`."""
    message: str = ""
    """The warning as a sentence."""
    parts: tuple[Loaded, ...] = ()
    """The files that lie in it, and in these."""
    faults: tuple[FileReport, ...] = ()
    """Why others that lie in it could not be read."""


def load(file: FoundFile, *, max_bytes: int, ocr: Ocr | None = None) -> Loaded:
    """Read one file. Its bytes are read once, so hash and text belong together.

    Args:
        file: what is read.
        max_bytes: a longer file is refused.
        ocr: how scans are read; None as is usual.

    Raises:
        SourceError: `empty`, `no_text_layer`, `encrypted`, `binary`, `too_large`, `unreadable` or
            `unsupported`; nothing else escapes.
    """
    suffix = file.path.suffix.lower()
    try:
        _check_known(suffix)
        data = read_bytes(file.path, max_bytes)
    except SourceError as exc:
        raise _about(file.source_id, exc) from exc
    return _Reading(max_bytes, ocr or Ocr()).load(file.source_id, suffix, data, ())


@dataclass(slots=True)
class _Inside:
    """What lies in a file."""

    parts: list[Loaded] = field(default_factory=list)
    faults: list[FileReport] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    def named(self, source_id: str) -> str:
        """Return a name that no other file in there has: `scan.pdf`, `scan (2).pdf`."""
        path = PurePosixPath(source_id)
        found, number = source_id, 1
        while found in self._names:
            number += 1
            found = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
        self._names.add(found)
        return found


class _Reading:
    """One file and those that lie in it, which share a budget of bytes and characters."""

    def __init__(self, max_bytes: int, ocr: Ocr) -> None:
        self._bytes = max_bytes
        self._ocr = ocr
        self._chars = MAX_CHARS

    def load(self, source_id: str, suffix: str, data: bytes, holders: tuple[Source, ...]) -> Loaded:
        """Read bytes that lie in these holders, the outermost first, and the files that lie in them.

        Raises:
            SourceError: as `load`.
        """
        try:
            _check_known(suffix)
            if not data.strip():
                raise _empty()
            document = _read(suffix, data, self._ocr)
            loaded = _loaded(source_id, suffix, data, document, self._chars)
        except SourceError as exc:
            raise _about(source_id, exc) from exc
        self._chars -= len(loaded.source.text)
        if holders:
            loaded = replace(loaded, source=_held(loaded.source, holders[-1]))
        inside = _Inside()
        for one in document.attachments:
            name = inside.named(f"{source_id}/{printable(one.name)}")
            try:
                for below, inner in _opened(one):
                    self._add(inside, f"{name}{below}", inner, (*holders, loaded.source))
            except SourceError as exc:
                inside.faults.append(_fault(name, _about(name, exc)))
        return replace(loaded, parts=tuple(inside.parts), faults=tuple(inside.faults))

    def _add(
        self, inside: _Inside, source_id: str, one: Attachment, holders: tuple[Source, ...]
    ) -> None:
        """Read a file that lies in another; one that cannot be read costs itself alone."""
        try:
            part = self._part(source_id, one, holders)
        except SourceError as exc:
            inside.faults.append(_fault(source_id, exc))
        else:
            inside.parts += [replace(part, parts=(), faults=()), *part.parts]
            inside.faults += part.faults

    def _part(self, source_id: str, one: Attachment, holders: tuple[Source, ...]) -> Loaded:
        """Read a file that lies in another, within what all of them may take."""
        self._bytes -= len(one.data)
        if len(holders) > _MOST_DEEP or self._bytes < 0:
            what = "lies too deep, or in a file that expands too far; take it out of there"
            raise _about(source_id, SourceError("too_large", what))
        loaded = self.load(source_id, PurePosixPath(source_id).suffix.lower(), one.data, holders)
        title = _title(f"{one.held_by or holders[-1].title} › {loaded.source.title}")
        return replace(loaded, source=replace(loaded.source, title=title))


def _opened(one: Attachment) -> Iterator[tuple[str, Attachment]]:
    """Yield a file, or in the place of an archive what it holds, each with its path below the archive."""
    if container_of(one.name) is None:
        yield "", one
        return
    for name, fault in members(one.name, BytesIO(one.data)):
        if fault is not None:
            raise fault
        data = read_member(one.name, BytesIO(one.data), name)
        yield f"/{printable(name)}", replace(one, name=name, data=data)


def _held(source: Source, holder: Source) -> Source:
    """Return a source that lies in another: it is told by where it lies, since it comes and goes with that."""
    told = f"{source.source_id}\n{source.sha256}\n{holder.sha256}"
    return replace(source, sha256=hashlib.sha256(told.encode()).hexdigest())


def _about(source_id: str, exc: SourceError) -> SourceError:
    """Return an error that names its file."""
    return SourceError(exc.reason, f"{source_id!r} {exc}.")


def _fault(source_id: str, exc: SourceError) -> FileReport:
    reason: FateReason = exc.reason  # type: ignore[assignment]  # a plain str in the error tree
    return FileReport(source_id=source_id, fate="failed", reason=reason, message=str(exc))


def _check_known(suffix: str) -> None:
    """Refuse what no loader reads."""
    if suffix not in _LOADERS:
        raise SourceError("unsupported", "is of no supported format; convert it")


def _read(suffix: str, data: bytes, ocr: Ocr) -> Document:
    """Run the loader; whatever a parser throws at hostile input is an unreadable file."""
    name, _, function = _LOADERS[suffix].partition(":")
    read: Callable[..., Document] = getattr(
        import_module(f"rag.sources.{name}"), function or "read"
    )
    try:
        return read(data, ocr.of(data)) if name in _WITH_SCANS else read(data)
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


def _loaded(source_id: str, suffix: str, data: bytes, document: Document, most: int) -> Loaded:
    if sum(map(len, document.parts)) > most:
        raise too_long()
    text, starts, blocks, places = _cleaned(document)
    if not text.strip():
        raise _empty()
    source = Source(
        source_id=source_id,
        title=_title(document.title) or _named(source_id) or _opening(text),
        text=text,
        sha256=hashlib.sha256(data).hexdigest(),
        media_type=SUPPORTED[suffix],
        pages=starts if document.paged else (),
        places=places,
        blocks=blocks or find_blocks(text),
    )
    if document.remark:
        message = f"{source_id!r} {document.remark}."
        return Loaded(source=source, reason="poorly_read", message=message)
    if not document.guessed_encoding:
        return Loaded(source=source)
    return Loaded(
        source=source,
        reason="encoding",
        message=f"{source_id!r} is not UTF-8 and was read as {document.guessed_encoding};"
        " if letters look wrong, save it as UTF-8.",
    )


def _cleaned(
    document: Document,
) -> tuple[str, tuple[int, ...], tuple[Block, ...], tuple[Place, ...]]:
    """Return the text without what does not show, where its parts start, and its blocks and places, moved with it."""
    raw = "".join(document.parts)
    starts = tuple(accumulate((len(part) for part in document.parts[:-1]), initial=0))
    if clean(raw) == raw:  # as most are, and a large sheet has a hundred thousand blocks to move
        named = (
            p if _title(p.name) == p.name else replace(p, name=_title(p.name))
            for p in document.places
        )
        return raw, starts, document.blocks, tuple(named)
    bounds = sorted(
        {0, len(raw), *starts}
        | {at for one in (*document.blocks, *document.places) for at in (one.start, one.end)}
    )
    moved, pieces, length = {0: 0}, [], 0
    for start, end in pairwise(bounds):
        pieces.append(clean(raw[start:end]))
        length += len(pieces[-1])
        moved[end] = length
    blocks = tuple(replace(b, start=moved[b.start], end=moved[b.end]) for b in document.blocks)
    places = tuple(
        replace(p, start=moved[p.start], end=moved[p.end], name=_title(p.name))
        for p in document.places
    )
    return "".join(pieces), tuple(moved[at] for at in starts), blocks, places


def _title(text: str) -> str:
    """Return a title as one line of at most 200 characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= _TITLE_CHARS else f"{line[: _TITLE_CHARS - 1].rstrip()}…"


def _named(source_id: str) -> str:
    """Make a title of the file's name: `annual-report_2024.pdf` is `annual report 2024`.

    A hash, with or without a number before it, makes none.
    """
    stem = re.sub(r"\.[^.]*$", "", source_id.rpartition("/")[2])
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

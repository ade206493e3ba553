"""A document put together of pieces, such as the mails of a mailbox or the cells of a notebook, each with its place."""

from __future__ import annotations

from rag.language.layout import refine
from rag.language.outline import shifted
from rag.schema import Block, Place
from rag.sources.document import MAX_CHARS, Attachment, Document, too_long
from rag.sources.html import parse, to_text

_BETWEEN = "\n\n"


class Assembly:
    """Pieces in their order, an empty line between them."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._places: list[Place] = []

    def add(self, text: str, blocks: tuple[Block, ...] = (), *, place: str = "") -> int:
        """Add a piece and return where it starts; one without blocks is read as it is laid out.

        Raises:
            SourceError: `too_large`.
        """
        text = text.rstrip()
        if not text.strip():
            return self._length
        if self._pieces:
            self._pieces.append(_BETWEEN)
            self._length += len(_BETWEEN)
        start, end = self._length, self._length + len(text)
        if end > MAX_CHARS:
            raise too_long()
        self._pieces.append(text)
        self._length = end
        blocks = blocks or (Block(kind="paragraph", start=0, end=len(text)),)
        self._blocks += shifted(blocks, start, len(self._blocks))
        self.name(start, end, place)
        return start

    def add_html(self, html: str, *, place: str = "") -> int:
        """Add a piece of a page and return where it starts."""
        return self.add(*to_text(parse(html).body), place=place)

    def name(self, start: int, end: int, place: str) -> None:
        """Say what a person calls a stretch; nothing where it has no name."""
        if place:
            self._places.append(Place(start=start, end=end, name=place))

    @property
    def length(self) -> int:
        """Characters so far."""
        return self._length

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What was added, before it is refined."""
        return tuple(self._blocks)

    def document(
        self,
        title: str,
        *,
        attachments: tuple[Attachment, ...] = (),
        guessed: str = "",
        headings: bool | None = None,
    ) -> Document:
        """Return the pieces as one document; `headings` as `refine` takes it."""
        text = "".join(self._pieces)
        return Document(
            title=title,
            parts=(text,),
            blocks=refine(text, self._blocks, headings=headings),
            places=tuple(sorted(self._places, key=lambda one: (one.start, -one.end))),
            attachments=attachments,
            guessed_encoding=guessed,
        )

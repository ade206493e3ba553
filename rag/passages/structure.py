"""From a source's blocks to its units: sentences, items, rows and headings, each with its path."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate

from rag.language.layout import find_blocks
from rag.language.lines import Line, Run, find_runs
from rag.language.paths import HEADS
from rag.language.sentences import evened, sentences_of
from rag.schema import Block, BlockKind, Cell, Context, Source, Unit

_HOLDERS: frozenset[BlockKind] = frozenset({"list", "table", "cell", "definition"})
"""Kinds whose words stand in the blocks inside them."""
_WHOLE: frozenset[BlockKind] = HEADS | {"row", "code", "field"}
"""Kinds that are one unit, however many sentences they have."""
_LEADS: frozenset[BlockKind] = frozenset({"paragraph", "field", "answer", "item"})
"""Kinds of which the last sentence announces what hangs from them."""
_LONGEST_WHOLE = 1_200
"""Characters; what is longer is read sentence by sentence."""
_CONTEXT_CHARS = 160
_DECORATION = re.compile(r"^#{1,6}\s+| ?(?<![=\-~*_^])[=\-~*_^]{3,}$|^(?:> ?)+|^[-*+•‣▪●○◦■–—·]\s+")
_HASH = re.compile(r"(?=.*\d)(?=.*[a-fA-F])[\s0-9a-fA-F-]{12,}")
_NAME_PARTS = re.compile(r"[^\W_]+")


def units_of(source: Source, start: int = 0, end: int | None = None) -> Iterator[Unit]:
    """Yield the units that start in a stretch of a source, in order."""
    for unit, _ in find_units(source, start, end):
        if unit.start >= start and (end is None or unit.start < end):
            yield unit


def find_units(
    source: Source, start: int = 0, end: int | None = None
) -> Iterator[tuple[Unit, bool]]:
    """Yield the units of the blocks in a stretch of a source, and whether each is the first of its block."""
    yield from _Units(source).found(start, len(source.text) if end is None else end)


class _Units:
    """The blocks of one source, walked once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._text = source.text
        self._blocks: Sequence[Block] = source.blocks or find_blocks(source.text)
        self._paths: dict[int, tuple[Context, ...]] = {}
        self._contexts: dict[int, Context | None] = {}
        self._names: dict[int, Context] = {}
        self._told: dict[Line, str] = {}

    @cached_property
    def _even(self) -> str:
        return evened(self._text)

    def found(self, first: int, last: int) -> Iterator[tuple[Unit, bool]]:
        """Yield the units between two offsets, those of text that is in no block among them."""
        at = first
        for index, start, end in self._leaves():
            if end <= first:
                continue
            if start >= last:
                break
            if start > at:
                yield from self._loose(at, start)
            if end > max(start, at):
                yield from self._of(index, max(start, at), end)
            at = max(at, end)
        yield from self._loose(at, last)

    def _leaves(self) -> Iterator[tuple[int, int, int]]:
        """Yield (index, start, end) of the blocks that hold text; one with others inside ends before them."""
        blocks = self._blocks
        for index, block in enumerate(blocks):
            following = blocks[index + 1] if index + 1 < len(blocks) else None
            if block.kind in _HOLDERS or (block.kind == "field" and self._is_name_of_cell(block)):
                continue
            inside = (
                following is not None and following.start < block.end and following.parent == index
            )
            if (
                block.kind in {"speaker", "quote"}
                and following is not None
                and following.start <= block.start
            ):
                continue  # its words stand in the paragraph that it says
            if (
                block.kind == "speaker"
                and following is not None
                and following.start <= block.start + _CONTEXT_CHARS
                and (following.end >= block.end > following.start)
            ):
                continue
            end = (
                following.start
                if inside and following is not None and block.kind != "row"
                else block.end
            )
            yield index, block.start, end

    def _is_name_of_cell(self, block: Block) -> bool:
        return block.parent is not None and self._blocks[block.parent].kind == "row"

    def _of(self, index: int, start: int, end: int) -> Iterator[tuple[Unit, bool]]:
        """Yield the units of one block."""
        block = self._blocks[index]
        path = self._path(index)
        start, end = self._trimmed(start, end)
        if start >= end:
            return
        kind = block.kind
        if kind in _WHOLE and end - start <= _LONGEST_WHOLE:
            yield Unit(start=start, end=end, kind=kind, path=path, cells=self._cells(index)), True
            return
        opens = True
        for begin, stop in sentences_of(Run(start, end, apart=True), self._even):
            yield Unit(start=begin, end=stop, kind=kind, path=path), opens
            opens = False

    def _loose(self, start: int, end: int) -> Iterator[tuple[Unit, bool]]:
        """Yield the units of text that is in no block."""
        start, end = self._trimmed(start, end)
        if start >= end:
            return
        path = self._path_at(start, end)
        for lines in find_runs(self._text[start:end]):
            opens = True
            moved = Run(lines.start + start, lines.end + start, lines.apart)
            for begin, stop in sentences_of(moved, self._even):
                yield Unit(start=begin, end=stop, path=path), opens
                opens = False

    @cached_property
    def _starts(self) -> list[int]:
        # A speaker's name may stand inside what is said.
        return [*accumulate((one.start for one in reversed(self._blocks)), min)][::-1]

    def _path_at(self, start: int, end: int) -> tuple[Context, ...]:
        """Return what text hangs from that is in no block of its own: the innermost block around it."""
        index: int | None = bisect_right(self._starts, start) - 1
        if index == -1:
            return self._named
        while index is not None and self._blocks[index].end < end:
            index = self._blocks[index].parent
        return self._named if index is None else self._below(index)

    def _trimmed(self, start: int, end: int) -> tuple[int, int]:
        body = self._text[start:end]
        start += len(body) - len(body.lstrip())
        return start, start + len(body.strip())

    def _cells(self, index: int) -> tuple[Cell, ...]:
        """Return the cells of a row with the names of their columns."""
        if self._blocks[index].kind != "row":
            return ()
        cells = []
        for one in self._inside(index):
            if one.kind == "cell" and one.parent == index:
                # A name that stands in the row itself, before the cell, is none that must be said.
                heads = [self._blocks[head] for head in one.header]
                names = [
                    self._words(head.start, head.end) for head in heads if head.parent != index
                ]
                cells.append(Cell(start=one.start, end=one.end, name=" ".join(filter(None, names))))
        return tuple(cells)

    def _path(self, index: int) -> tuple[Context, ...]:
        """Return what a block hangs from."""
        if index not in self._paths:
            block = self._blocks[index]
            path = self._named if block.parent is None else self._below(block.parent)
            if block.kind == "row":
                path = (*path, *self._heads_of_row(index))
            self._paths[index] = path
        return self._paths[index]

    def _below(self, index: int) -> tuple[Context, ...]:
        """Return what that hangs from which hangs from a block."""
        lead = self._context(index)
        return self._path(index) if lead is None else (*self._path(index), lead)

    def _heads_of_row(self, index: int) -> Iterator[Context]:
        """Yield the cells that reach down to a row from above, and the row that names its columns."""
        block = self._blocks[index]
        for cell in (self._blocks[at] for at in block.header):
            words = self._words(cell.start, cell.end)
            yield Context(kind="cell", start=cell.start, end=cell.end, text=words)
        named = next((one.header[0] for one in self._inside(index) if one.header), None)
        names = None if named is None else self._blocks[named].parent
        if names is not None and names != index:
            yield self._names_of(names)

    def _names_of(self, index: int) -> Context:
        """Return the row that names the columns of others."""
        if index not in self._names:
            start, end = self._trimmed(self._blocks[index].start, self._blocks[index].end)
            words = self._words(start, end)
            self._names[index] = Context(kind="row", start=start, end=end, text=words)
        return self._names[index]

    def _inside(self, index: int) -> Iterator[Block]:
        """Yield the blocks that start inside another, one after the other."""
        end = self._blocks[index].end
        for at in range(index + 1, len(self._blocks)):
            if self._blocks[at].start >= end:
                return
            yield self._blocks[at]

    @cached_property
    def _named(self) -> tuple[Context, ...]:
        """Return the document's name, where its text does not begin with it, and what its file's name adds."""
        title = self._source.title
        stem = re.sub(r"\.[^.]*$", "", self._source.source_id.rpartition("/")[2])
        name = " ".join(re.sub(r"[_\s]+", " ", stem).split())
        first = self._blocks[0] if self._blocks else None
        is_named = first is not None and first.kind in {"title", "heading"}
        held = self._words(first.start, first.end) if first is not None and is_named else ""
        told = []
        if (
            title
            and title.casefold() != held.casefold()
            and not self._text.lstrip().startswith(title.rstrip("…").rstrip())
        ):
            told.append(title)
        known = set(_NAME_PARTS.findall(f"{title} {held}".casefold()))
        if not set(_NAME_PARTS.findall(name.casefold())) <= known and not _HASH.fullmatch(name):
            told.append(name)
        return tuple(
            Context(kind="title", start=0, end=0, text=one[:_CONTEXT_CHARS]) for one in told
        )

    def _context(self, index: int) -> Context | None:
        """Return what a block says to those that hang from it; None where it only holds them."""
        if index not in self._contexts:
            self._contexts[index] = self._said_by(index)
        return self._contexts[index]

    def _said_by(self, index: int) -> Context | None:
        block = self._blocks[index]
        if block.kind in _HOLDERS or block.kind in {"row", "quote"}:
            return None
        start, end = block.start, block.end
        if block.kind in _LEADS:
            inner = next(
                (
                    one.start
                    for one in self._inside(index)
                    if one.start > start and one.kind == "list"
                ),
                end,
            )
            *_, (start, end) = [
                *sentences_of(Run(*self._trimmed(start, min(end, inner)), apart=True), self._even)
            ] or [(start, end)]
        words = self._words(start, end)
        return Context(kind=block.kind, start=start, end=end, text=words) if words else None

    def _words(self, start: int, end: int) -> str:
        """Return the words of a stretch on one line, without what only decorates them."""
        if (start, end) not in self._told:
            words = _DECORATION.sub("", " ".join(self._text[start:end].split()))
            if len(words) > _CONTEXT_CHARS:
                words = f"{words[:_CONTEXT_CHARS].rstrip()}…"
            self._told[start, end] = words
        return self._told[start, end]

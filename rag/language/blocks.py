"""Blocks, places and units as JSON, to be stored or sent; of a passage each context once, units by their numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rag.schema import Block, Cell, Context, Place, Unit


def blocks_as_json(blocks: Sequence[Block]) -> str:
    """Return a source's blocks as JSON."""
    rows = [[b.kind, b.start, b.end, b.level, b.parent, b.header, b.key] for b in blocks]
    return json.dumps(rows, separators=(",", ":"))


def blocks_of(text: str) -> tuple[Block, ...]:
    """Return the blocks that `blocks_as_json` wrote."""
    return tuple(
        Block(
            kind=kind,
            start=start,
            end=end,
            level=level,
            parent=parent,
            header=tuple(header),
            key=key,
        )
        for kind, start, end, level, parent, header, key in json.loads(text)
    )


def pages_as_json(pages: Sequence[int], places: Sequence[Place]) -> str:
    """Return a source's pages as JSON, with its places where it has any."""
    if not places:
        return json.dumps(pages)
    rows = [[one.start, one.end, one.name, one.box] for one in places]
    return json.dumps([pages, rows], ensure_ascii=False, separators=(",", ":"))


def pages_of(text: str) -> tuple[tuple[int, ...], tuple[Place, ...]]:
    """Return the pages and places that `pages_as_json` wrote."""
    read = json.loads(text)
    if not read or not isinstance(read[0], list):
        return tuple(read), ()
    pages, rows = read
    return tuple(pages), tuple(
        Place(start=start, end=end, name=name, box=None if box is None else tuple(box))
        for start, end, name, box in rows
    )


def units_as_json(path: Sequence[Context], units: Sequence[Unit]) -> str:
    """Return a passage's path and what its units are, all but where they stand, as JSON."""
    numbers: dict[Context, int] = {}
    for one in (*path, *(context for unit in units for context in unit.path)):
        numbers.setdefault(one, len(numbers))
    written = {
        "contexts": [[one.kind, one.start, one.end, one.text] for one in numbers],
        "path": [numbers[one] for one in path],
        "units": [
            [
                unit.kind,
                [numbers[one] for one in unit.path],
                [[c.start, c.end, c.name] for c in unit.cells],
            ]
            for unit in units
        ],
    }
    return json.dumps(written, ensure_ascii=False, separators=(",", ":"))


def path_of(text: str) -> tuple[Context, ...]:
    """Return the path of a passage from what `units_as_json` wrote."""
    return units_of(text, ())[0]


def units_of(
    text: str, spans: Sequence[Sequence[int]]
) -> tuple[tuple[Context, ...], tuple[Unit, ...]]:
    """Return a passage's path and its units, which stand at these (start, end)."""
    read = json.loads(text)
    contexts = [
        Context(kind=kind, start=start, end=end, text=words)
        for kind, start, end, words in read["contexts"]
    ]
    units = tuple(
        Unit(
            start=start,
            end=end,
            kind=kind,
            path=tuple(contexts[at] for at in path),
            cells=tuple(Cell(start=a, end=b, name=name) for a, b, name in cells),
        )
        for (start, end), (kind, path, cells) in zip(spans, read["units"], strict=False)
    )
    return tuple(contexts[at] for at in read["path"]), units

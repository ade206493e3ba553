"""Blocks and units as JSON, to be stored or sent: each context of a passage once, units by the numbers of theirs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rag.schema import Block, Cell, Context, Unit


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

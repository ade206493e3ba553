"""How a path is written before what hangs from it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rag.schema import BlockKind, Context, ScoredSentence, Unit

HEADS: frozenset[BlockKind] = frozenset(
    {"title", "heading", "question", "term", "speaker", "caption"}
)
"""Kinds that head or name what follows, often in a question's own words, and say nothing by themselves."""

BETWEEN = " › "
_MOST_CHARS = 200


def outside(path: Iterable[Context], start: int, end: int) -> tuple[Context, ...]:
    """Return the parts of a path that do not stand in a stretch of the source's text."""
    return tuple(
        one for one in path if not (start <= one.start and one.end <= end and one.start < one.end)
    )


def context_of(unit: Unit | ScoredSentence, start: int, end: int) -> tuple[Context, ...]:
    """Return what a stretch of a unit is understood with and does not say itself: its path, a row's columns."""
    path = outside(unit.path, start, end)
    names = [cell.name for cell in unit.cells if cell.name]
    if not names:
        return path
    path = tuple(one for one in path if one.kind != "row")
    return (*path, Context(start=start, end=start, kind="row", text=" | ".join(names)))


def spelled(path: Sequence[Context]) -> str:
    """Return a path on one line, the innermost parts where it is long."""
    kept: list[str] = []
    room = _MOST_CHARS
    for one in reversed(path):
        room -= len(one.text) + len(BETWEEN)
        if kept and room < 0:
            break
        kept.insert(0, one.text)
    return BETWEEN.join(kept)


def led(path: Sequence[Context], text: str, start: int) -> str:
    """Return a text that starts at `start` in its source, behind what it hangs from and does not hold itself."""
    lead = spelled(outside(path, start, start + len(text)))
    return f"{lead}\n{text}" if lead else text

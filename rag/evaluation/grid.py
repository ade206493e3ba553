"""Tables of words for a terminal and for Markdown, and how figures are written in them.

Knows nothing of what is measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.evaluation.intervals import Interval

if TYPE_CHECKING:
    from rich.console import Console

UNKNOWN = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table of words, each row as long as its headers."""

    title: str
    note: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_markdown(self) -> str:
        """Return heading, note and table."""
        rows = [self.headers, ("---",) * len(self.headers), *self.rows]
        table = "\n".join(f"| {' | '.join(map(_markdown_cell, cells))} |" for cells in rows)
        return "\n\n".join(part for part in (f"## {self.title}", self.note, table) if part)

    def print(self, console: Console) -> None:
        """Show it on a terminal."""
        from rich.markup import escape
        from rich.table import Table

        table = Table(title=escape(self.title), title_justify="left")
        table.caption = escape(self.note) or None
        for header in self.headers:
            table.add_column(escape(header))
        for cells in self.rows:
            table.add_row(*map(escape, cells))
        console.print(table)


def page(title: str, summary: str, grids: Iterable[Grid]) -> str:
    """Return Markdown of a title, a paragraph and tables."""
    parts = [f"# {title}", summary, *(grid.to_markdown() for grid in grids)]
    return "\n\n".join(part for part in parts if part) + "\n"


def print_page(console: Console, title: str, summary: str, grids: Iterable[Grid]) -> None:
    """Show the same on a terminal."""
    from rich.markup import escape

    console.print(f"[bold]{escape(title)}[/]")
    console.print(escape(summary), highlight=False)
    for grid in grids:
        grid.print(console)


def share(value: float) -> str:
    """Write a share as per cent."""
    return UNKNOWN if math.isnan(value) else f"{100 * value:.1f}"


def shown(interval: Interval, *, scale: float = 100, signed: bool = False) -> str:
    """Write a figure with its interval, a dash where it is undefined.

    Args:
        interval: the figure.
        scale: what it is multiplied by; shares are shown as per cent.
        signed: shows a plus as well, for differences.
    """
    if not interval.n or math.isnan(interval.value):
        return UNKNOWN
    form = "+.1f" if signed else ".1f"
    # Adding 0 makes a minus of what is none: -0.0.
    value, low, high = (scale * x + 0.0 for x in (interval.value, interval.low, interval.high))
    return f"{value:{form}}" if math.isnan(low) else f"{value:{form}} [{low:{form}}, {high:{form}}]"


def figure_to_dict(interval: Interval) -> dict[str, object]:
    """Return the JSON form of a figure; undefined values are null."""
    return {
        "value": number(interval.value),
        "low": number(interval.low),
        "high": number(interval.high),
        "n": interval.n,
    }


def number(value: float) -> float | None:
    """Return a number as JSON knows it."""
    return None if math.isnan(value) else value


def _markdown_cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())

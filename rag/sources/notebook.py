"""Notebooks (.ipynb): notes, code and what it printed, cell by cell."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from rag.errors import SourceError
from rag.sources.assembly import Assembly
from rag.sources.characters import decode
from rag.sources.document import Document
from rag.sources.html import parse
from rag.sources.markdown import rendered
from rag.sources.signatures import check_text


def read(data: bytes) -> Document:
    """Read a notebook; its title is its first heading. Pictures and errors that code left are passed over.

    Raises:
        SourceError: `unreadable` or `too_large`.
    """
    check_text(data)
    text, guessed = decode(data)
    try:
        cells = json.loads(text)["cells"]
        pieces, title = Assembly(), ""
        for number, cell in enumerate(cells, start=1):
            for html in _shown(cell):
                pieces.add_html(html, place=f"cell {number}")
                if not title and (heading := parse(html).css_first("h1, h2")) is not None:
                    title = heading.text()
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise SourceError("unreadable", "is no notebook, or a damaged one; save it anew") from exc
    return pieces.document(title, guessed=guessed)


def _shown(cell: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a cell shows as pieces of a page."""
    source = _joined(cell.get("source", ""))
    if cell.get("cell_type") == "markdown":
        yield rendered(source)
    elif source.strip():
        yield f"<pre>{escape(source)}</pre>"
    for output in cell.get("outputs", ()):
        said = output.get("data", {})
        if html := _joined(said.get("text/html", "")):
            yield html
        elif markdown := _joined(said.get("text/markdown", "")):
            yield rendered(markdown)
        elif text := _joined(said.get("text/plain", "") or output.get("text", "")):
            drawn = any(one.startswith("image/") for one in said)
            yield "" if drawn else f"<pre>{escape(text)}</pre>"


def _joined(source: object) -> str:
    """Return a text that a notebook keeps whole or line by line."""
    return "".join(map(str, source)) if isinstance(source, list) else str(source)

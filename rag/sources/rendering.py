"""What the readers of .rst, .adoc, .tex and .org write: a page, part by part, which is read as any page is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from html import escape

from rag.language.layout import refine
from rag.sources.characters import clean, decode
from rag.sources.document import Document
from rag.sources.html import parse, to_text
from rag.sources.signatures import check_text

_MOST_DEEP = 20


class Markup:
    """A page that is being written; texts are given without marks, and escaped here."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._lists: list[str] = []
        self._paragraph: list[str] = []
        self.title = ""

    def document(self, guessed: str) -> Document:
        """Return what was written."""
        self.end_list()
        body, blocks = to_text(parse("\n".join(self._pieces)).body)
        return Document(
            title=self.title, parts=(body,), blocks=refine(body, blocks), guessed_encoding=guessed
        )

    def head(self, level: int, text: str) -> None:
        """Write a heading; level 1 is the title's."""
        self.end_list()
        level = min(max(level, 1), 6)
        self.title = self.title or (text if level == 1 else "")
        self._pieces.append(f"<h{level}>{escape(text)}</h{level}>")

    def line(self, text: str) -> None:
        """Write a line of a paragraph, or of the item that is open."""
        if text:
            self._paragraph.append(text)

    def end_paragraph(self) -> None:
        """End the paragraph; the list goes on."""
        if self._paragraph:
            said = escape(" ".join(self._paragraph))
            self._pieces.append(said if self._lists else f"<p>{said}</p>")
            self._paragraph = []

    def fields(self, lines: Iterable[tuple[str, str]]) -> None:
        """Write labels with their values."""
        self.end_list()
        said = "<br>".join(f"{escape(name)}: {escape(value)}" for name, value in lines if value)
        self._pieces.append(f"<p>{said}</p>")

    def item(self, depth: int, text: str, *, number: str = "") -> None:
        """Begin an item of a list, of depth 1 or more."""
        self.end_paragraph()
        depth = min(max(depth, 1), _MOST_DEEP)
        while len(self._lists) > depth:
            self._close()
        while len(self._lists) < depth:
            tag = "ol" if number else "ul"
            start = f' start="{int(number)}"' if number.isdecimal() and len(number) < 9 else ""
            self._pieces.append(f"<{tag}{start}>")
            self._lists.append(tag)
        self._pieces.append("<li>")
        self.line(text)

    def definition(self, term: str, text: str) -> None:
        """Write a term and what it means."""
        self.end_list()
        self._pieces.append(f"<dl><dt>{escape(term)}</dt><dd>{escape(text)}</dd></dl>")

    def end_list(self) -> None:
        """End the paragraph and all lists."""
        self.end_paragraph()
        while self._lists:
            self._close()

    def code(self, text: str) -> None:
        """Write what keeps its lines."""
        self.end_list()
        if text.strip():
            self._pieces.append(f"<pre>{escape(text.rstrip())}</pre>")

    def quote(self, text: str) -> None:
        """Write a quote."""
        self.end_list()
        self._pieces.append(f"<blockquote><p>{escape(text)}</p></blockquote>")

    def table(self, rows: Sequence[Sequence[str]], *, heads: int = 0, caption: str = "") -> None:
        """Write a table, of which the first rows name the columns."""
        self.end_list()
        if not rows:
            return
        self._pieces.append("<table>")
        if caption:
            self._pieces.append(f"<caption>{escape(caption)}</caption>")
        for number, row in enumerate(rows):
            tag = "th" if number < heads else "td"
            cells = "".join(f"<{tag}>{escape(' '.join(cell.split()))}</{tag}>" for cell in row)
            self._pieces.append(f"<tr>{cells}</tr>")
        self._pieces.append("</table>")

    def _close(self) -> None:
        self.end_paragraph()
        self._pieces.append(f"</{self._lists.pop()}>")


def lines_of(data: bytes) -> tuple[list[str], str]:
    """Return the lines of a text file without tabs, and the encoding where it was guessed."""
    check_text(data)
    text, guessed = decode(data)
    return clean(text).removeprefix("\ufeff").expandtabs(4).split("\n"), guessed


def margin_of(line: str) -> int:
    """Return how far a line is indented."""
    return len(line) - len(line.lstrip())


def indented(lines: Sequence[str], at: int, more_than: int) -> int:
    """Return where the lines end that are indented by more than so much, empty ones among them."""
    end = at
    while end < len(lines) and (not lines[end].strip() or margin_of(lines[end]) > more_than):
        end += 1
    while end > at and not lines[end - 1].strip():
        end -= 1
    return end


def csv_rows(lines: Sequence[str], delimiter: str = ",") -> list[list[str]]:
    """Return the rows of a table that is written as CSV."""
    reader = csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter, skipinitialspace=True)
    return [row for row in reader if any(row)]

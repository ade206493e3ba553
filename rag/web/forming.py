"""Parts of an answer as HTML or Markdown: paragraphs, headings, lists and tables. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rag.forms import Form
from rag.schema import Span

Show = Callable[[Span], str]
"""A stretch of an answer's text as it is shown, with nothing alive in it."""


def set_apart(html: str, kind: str) -> str:
    """Return words as HTML that shows how they are set: "strong", "code" or "plain"."""
    return html if kind == "plain" else f"<{kind}>{html}</{kind}>"


def drawn(form: Form, said: Show, behind: Show) -> str:
    """Return a part of an answer as HTML.

    Args:
        form: the part.
        said: draws its words.
        behind: draws what is said of the row of a table that begins in a stretch.
    """
    if form.kind == "table":
        head, *rows = ("".join(_cells(form, row, said, behind)) for row in range(len(form.rows)))
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return (
            f'<div class="fn-scroll"><table class="fn-grid"><thead><tr>{head}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )
    lines = [said(line) for (line,) in form.rows]
    if form.kind == "heading":
        return f'<h3 class="fn-heading">{lines[0]}</h3>'
    if form.kind == "paragraph":
        return f"<p>{lines[0]}</p>"
    items = "".join(f"<li>{line}</li>" for line in lines)
    return (
        f"<ul>{items}</ul>" if form.kind == "bullets" else f'<ol start="{form.first}">{items}</ol>'
    )


def _cells(form: Form, number: int, said: Show, behind: Show) -> Iterator[str]:
    tag = "td" if number else 'th scope="col"'
    for cell in _row(form, number, said, behind):
        yield f"<{tag}>{cell}</{tag[:2]}>"


def marked_down(form: Form, said: Show, behind: Show) -> str:
    """Return a part of an answer as Markdown; the arguments are those of `drawn`."""
    if form.kind == "table":
        head, *rows = (
            f"| {' | '.join(_row(form, row, said, behind))} |" for row in range(len(form.rows))
        )
        return "\n".join((head, "|" + " --- |" * len(form.rows[0]), *rows))
    lines = [said(line) for (line,) in form.rows]
    if form.kind == "numbers":
        return "\n".join(f"{form.first + at}. {line}" for at, line in enumerate(lines))
    mark = {"heading": "### ", "bullets": "- "}.get(form.kind, "")
    return "\n".join(mark + line for line in lines)


def _row(form: Form, number: int, said: Show, behind: Show) -> Iterator[str]:
    """Yield the cells of a row, behind the last one what is said of the row."""
    cells, line = form.rows[number], form.lines[number]
    for at, cell in enumerate(cells):
        end = behind(Span(start=line.start, end=cells[0].start)) if at == len(cells) - 1 else ""
        yield said(cell) + end

"""What stands above the conversation and below each answer to be used: menus, in HTML. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from rag.web.conversation import Exchange
from rag.web.escaping import escape

_FORMS = (("Markdown", "md"), ("HTML", "html"), ("JSON", "json"))
_TOGETHER = "All together"
_CHOOSE = "<p>Documents to ask. A choice begins a new conversation.</p>"
_COPY = ("Copy", "copy")

SHORTCUTS = (
    ("Enter", "Ask. Shift + Enter begins a new line."),
    ("Tab, Enter", "Go to a number in an answer and open the words it rests on."),
    ("Escape", "Close a menu or the sources, and go back to where you were."),
    ("/", "Go to the question."),
    ("n, p", "The next or previous quote of the answer."),
    ("f", "Find in the document; then Enter and Shift + Enter for the next and previous place."),
    ("e", "Edit the last question."),
    ("?", "This help."),
)
"""Keys and what they do; single keys work outside of fields, and the settings turn them off."""


def _take_buttons(what: str, forms: Sequence[tuple[str, str]] = _FORMS) -> str:
    buttons = "".join(
        f'<button type="button" class="fn-take" value="x-{what}-{form}">{label}</button>'
        for label, form in forms
    )
    return f'<div class="fn-list">{buttons}</div>'


def actions(exchange: Exchange, turn: int) -> str:
    """Return what can be done with an answer; nothing where there is none."""
    if exchange.answer is None:
        return ""
    copy = (
        f'<button type="button" class="fn-do fn-take" value="x-{turn}-copy"'
        ' title="Copy the answer with its quotes and where they stand">Copy</button>'
    )
    save = (
        '<details class="fn-menu"><summary class="fn-do">Save</summary>'
        f"{_take_buttons(str(turn))}</details>"
    )
    explain = f'<a class="fn-do" href="#e-{turn}-0" title="How this answer came about">Explain</a>'
    return f'<div class="fn-acts" role="group">{copy}{save}{explain}</div>'


def edit(turn: int) -> str:
    """Return the button that takes a question into the box."""
    return (
        f'<button type="button" class="fn-do fn-edit" value="e-{turn}"'
        ' title="Edit this question and ask it again">Edit</button>'
    )


def being_edited(n_after: int) -> str:
    """Return what is said of a question that is being edited.

    Args:
        n_after: how many questions come after it.
    """
    also = f" and the {n_after:,} after it" if n_after > 1 else " and the one after it"
    dropped = f"This question{also if n_after else ''} will be replaced when you ask."
    return (
        f'<p class="fn-editing" role="status">{dropped} <button type="button" class="fn-do fn-edit"'
        ' value="e-none">Keep as it was</button></p>'
    )


def picker(choices: Sequence[str], chosen: Sequence[str], *, fixed: bool) -> str:
    """Return the menu of the collections: links to the page of each, and to that of all together.

    Args:
        choices: names of those that can be chosen; a menu wants more than one.
        chosen: those that the page belongs to.
        fixed: whether nothing can be changed here; the style hides what changes it.
    """
    mark = " fn-fixed" if fixed else ""
    if len(choices) < 2:
        return f'<p class="fn-name{mark}">{escape("".join(choices))}</p>'
    links = "".join(_link((name,), name, tuple(chosen) == (name,)) for name in choices)
    links += _link(choices, _TOGETHER, set(chosen) == set(choices))
    said = _TOGETHER if set(chosen) == set(choices) else ", ".join(chosen)
    return (
        f'<details class="fn-menu fn-picking{mark}"><summary class="fn-do" title="Which documents are asked">'
        f'<span>{escape(said)}</span></summary><div class="fn-list">{_CHOOSE}{links}</div></details>'
    )


def _link(names: Sequence[str], label: str, is_here: bool) -> str:
    query = urlencode([("collection", name) for name in names])
    said = f"<strong>{escape(label)}</strong>" if is_here else escape(label)
    return f'<a class="fn-there" href="/?{query}">{said}</a>'


_KEYS = "".join(f"<li><kbd>{keys}</kbd> <span>{what}</span></li>" for keys, what in SHORTCUTS)

BAR = (
    '<div class="fn-bar">'
    '<details class="fn-menu fn-keeping"><summary class="fn-do">Conversations</summary>'
    '<div class="fn-list fn-kept"></div></details>'
    '<details class="fn-menu fn-saving"><summary class="fn-do">Save all</summary>'
    f"{_take_buttons('all', (_COPY, *_FORMS))}</details>"
    '<details class="fn-menu fn-helping"><summary class="fn-do" title="Help">Help</summary>'
    '<div class="fn-list fn-help"><p>Numbers in an answer open the exact words it rests on.'
    " ✓ stands behind a sentence that they support. A weak or unsupported one is marked in words, and each"
    " mark says why when you point at it."
    f"</p><ul>{_KEYS}</ul></div></details></div>"
)
"""Menus above the conversation; `kept.js` fills in what the browser keeps."""

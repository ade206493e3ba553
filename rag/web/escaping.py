"""Any text as HTML in which it is only text. Pure."""

from __future__ import annotations

from html import escape as escape_html

# Control characters and halves of surrogate pairs have no form on a page, and JSON may refuse them.
_UNSEEN = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000)), "\ufffd")
_BREAKS = dict.fromkeys((0x0B, 0x0C, 0x85, 0x2028, 0x2029), " ")
# Written as references they are text to every reader of Markdown and to `inspect.cleandoc`.
_INERT = _UNSEEN | _BREAKS | {0x0A: "&#10;", 0x09: "&#9;"}


def escape(text: str) -> str:
    """Return HTML that shows exactly this text: nothing in it is a tag, a reference or Markdown."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return escape_html(lines).translate(_INERT)


def counted(n: int, noun: str) -> str:
    """Return a number with its noun, which takes an s for more than one."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"

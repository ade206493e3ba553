"""Any text as HTML in which it is only text. Pure."""

from __future__ import annotations

from html import escape as escape_html

# What has no form on a page, or orders text that is not its own: shown as a replacement character.
_SHOWN_AS_REPLACED = dict.fromkeys(
    (
        *(code for code in range(0x20) if chr(code) not in "\n\t"),
        *range(0x7F, 0xA0),
        *range(0xD800, 0xE000),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    ),
    "\ufffd",
)


def escape(text: object) -> str:
    """Return HTML, for a text or an attribute in quotes, that shows this text and does nothing."""
    plain = str(text).replace("\r\n", "\n").replace("\r", "\n")
    return escape_html(plain.translate(_SHOWN_AS_REPLACED), quote=True)

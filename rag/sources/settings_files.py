"""Settings files (.ini, .conf): sections with their fields and comments; what is none is read as text."""

from __future__ import annotations

import configparser

from rag.sources import plain_text
from rag.sources.characters import decode
from rag.sources.comments import by_field
from rag.sources.document import Document
from rag.sources.records import Value, document_of_values, put_comment
from rag.sources.signatures import check_text


def read(data: bytes) -> Document:
    """Read a settings file."""
    check_text(data)
    text, guessed = decode(data)
    parser = configparser.RawConfigParser(
        strict=False, allow_no_value=True, inline_comment_prefixes=("#", ";")
    )
    parser.optionxform = str  # type: ignore[method-assign, assignment]  # names as they are written
    try:
        parser.read_string(text.removeprefix("\ufeff"))
    except configparser.Error:
        return plain_text.read(data)
    found: dict[str, Value] = {}
    if defaults := parser.defaults():
        found["default"] = {name: value or "" for name, value in defaults.items()}
    for section in parser.sections():
        own = parser._sections[section]  # type: ignore[attr-defined]
        found[section] = {name: " ".join((value or "yes").split()) for name, value in own.items()}
    for path, name, said in by_field(text, "#;"):
        put_comment(found, (".".join(path),) if path else (), name, said)
    return document_of_values(found, guessed)

"""What of an answer is about its subject: not its markers, its links, or that nothing was found."""

from __future__ import annotations

import re

_MARKER = re.compile(r"\[\d{1,3}(?:\s?[,;–-]\s?\d{1,3}){0,20}\]")
_LINK = re.compile(r"https?://\S*[^\s.,;:!?)]")
_SENTENCE_END = re.compile(r"((?<=[.!?])\s+|\n+)")
_NOT = r"(?: not|n['’]t)"
_SOURCES = r"(?:sources?|documents?|passages?|context|texts?|articles?|data)"
_ABSTAINING = re.compile(
    rf"\b{_SOURCES}\b.{{0,20}}\b(?:do|does|did){_NOT}\b"
    rf"|\bnot (?:\w+ (?:in|by) |in )(?:the|your|these) {_SOURCES}\b"
    r"|\bno sources yet\b"
    rf"|\bnothing (?:was found|in the {_SOURCES}|has been indexed)\b"
    rf"|\b(?:i|we)(?: am| are| was| were|['’]m)?(?: \w+){{0,3}} (?:do|can|could){_NOT} (?:\w+ )?"
    r"(?:have|know|find|answer|provide|tell)\b"
    rf"|\b(?:i|we) (?:do|can|could){_NOT} (?:\w+ )?(?:have|know|find|answer|provide|tell)\b"
    r"|\b(?:i|we) (?:cannot|can not) (?:\w+ )?(?:find|answer|provide|tell)\b"
    r"|\bno (?:\w+ )?information\b|\bunable to (?:\w+ )?(?:answer|find)\b",
    re.IGNORECASE,
)


def telling(answer: str) -> str:
    """Return the answer without markers and links, and without sentences that only say that there is none."""
    parts = _SENTENCE_END.split(_LINK.sub(" ", _MARKER.sub("", answer)))
    return "".join(part for part in parts if not _ABSTAINING.search(part))

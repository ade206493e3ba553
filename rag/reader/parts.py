"""A question that asks two things becomes two questions; every other question stays one. Pure."""

from __future__ import annotations

import re

_ASKING = r"(?:who|whom|whose|what|which|when|where|why|how)"
_JOINT = re.compile(
    rf"(?:\?\s+(?:and\s+)?|[,;]?\s+and\s+(?:also\s+)?|;\s+)(?=(?:\w+\s+)?{_ASKING}\b)",
    re.IGNORECASE,
)
_OPENS = re.compile(rf"^\W*(?:in |on |at |by |for |to |from |with )?{_ASKING}\b", re.IGNORECASE)
_LONE = re.compile(rf"^\W*{_ASKING}\W*$", re.IGNORECASE)
MOST_PARTS = 3


def split_parts(question: str) -> tuple[str, ...]:
    """Return the questions that a question consists of, at most `MOST_PARTS`, at least itself.

    A part begins with a question word of its own ("Who visited and what was tested?"); a lone question
    word takes up what the first part asks about ("Who visited Lisbon, and when?" also asks "When
    visited Lisbon"), which is no grammar, but the words that a search needs.
    """
    pieces = [piece.strip(" ,;?") for piece in _JOINT.split(question)]
    pieces = [piece for piece in pieces if piece]
    if len(pieces) < 2 or len(pieces) > MOST_PARTS or not _OPENS.search(pieces[0]):
        return (question,)
    first, *others = pieces
    about = _OPENS.sub("", first, count=1).strip()
    parts = [first]
    for piece in others:
        parts.append(f"{piece} {about}".strip() if _LONE.search(piece) else piece)
    return tuple(f"{part}?" for part in parts)

"""Vectors that are put aside for what may come back: without text, by what they were made from.

A file that is gone may be on a drive that is not there, or be renamed; a large one that is being embedded may be
broken off. Nothing here says how long vectors are kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.index.vectors import to_halves
from rag.language.paths import led

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.schema import SplitPassage
    from rag.store import IndexEntry
else:
    from rag.late import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The vectors of one passage as they are stored: half precision, little-endian."""

    digest: str
    vector: bytes
    vectors: bytes
    """Of its sentences, one below another."""


def digest(text: str, spans: NDArray[np.int64]) -> str:
    """Return the SHA-256 of all that decides a passage's vectors.

    Args:
        text: of the passage.
        spans: where its sentences begin and end in it, shape (2 n,).
    """
    return hashlib.sha256(spans.astype("<i8").tobytes() + b"\n" + text.encode()).hexdigest()


def digest_of(split: SplitPassage) -> str:
    """Return the digest of what is encoded of a passage: its text behind its path, and where its units stand."""
    offsets = [offset for span in split.sentences for offset in (span.start, span.end)]
    start = split.passage.start
    text = led(split.passage.path, split.passage.text, start)
    return digest(text, np.array(offsets, dtype=np.int64) - start)


def kept_of(entry: IndexEntry) -> Kept:
    """Return what is kept of a passage on its way into the index."""
    return Kept(
        digest=digest_of(entry.split),
        vector=to_halves(entry.vector),
        vectors=to_halves(entry.sentence_vectors),
    )


def name_of(source_id: str) -> str:
    """Return a name under which something is kept without saying what it was called."""
    return hashlib.sha256(source_id.encode("utf-8", "surrogatepass")).hexdigest()

"""From the states of word pieces to vectors: mean pooling, of a whole text and of spans in it.

Pooling the sentences of a passage from the passage's own states is late chunking (Günther et al.,
2024, arXiv:2409.04701): one pass gives all vectors, and a sentence is read in its context.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.schema import Span, Vectors
else:
    from rag.late import numpy as np

_SURROGATES = re.compile("[\ud800-\udfff]")


def well_formed(text: str) -> str:
    """Replace lone surrogates, which no tokenizer takes, one for one, so that offsets stay."""
    return _SURROGATES.sub("\ufffd", text)


def unit(vectors: Vectors) -> Vectors:
    """Scale vectors, shape (..., d), to unit length; a vector of zeros stays one."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, np.finfo(np.float32).tiny), dtype=np.float32)


def pool(
    states: Vectors, starts: NDArray[np.int64], spans: Sequence[Span]
) -> tuple[Vectors, Vectors]:
    """Return the vector of a text, shape (d,), and those of spans in it, shape (len(spans), d).

    A piece counts for the span in which it starts. A special piece counts with the piece before it,
    at the beginning with the first one, so that a span over the whole text has the text's own
    vector.

    Args:
        states: one row per word piece, shape (t, d).
        starts: where in the text each piece starts, shape (t,), ascending; -1 for special pieces.
        spans: offsets of the text; one without a piece gets the text's vector.
    """
    whole = unit(states.mean(axis=0))
    owners = _owners(starts)
    vectors = np.tile(whole, (len(spans), 1))
    for row, span in enumerate(spans):
        inside = (owners >= span.start) & (owners < span.end)
        if inside.any():
            vectors[row] = unit(states[inside].mean(axis=0))
    return whole, vectors


def _owners(starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give each special piece the start of the piece it counts with; -1 where there is none."""
    own = starts >= 0
    if not own.any():
        return starts
    before = np.maximum.accumulate(np.where(own, np.arange(len(starts)), own.argmax()))
    return starts[before]

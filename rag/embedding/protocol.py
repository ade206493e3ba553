"""What an encoder is: anything that turns texts into vectors of unit length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rag.schema import Span, Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPassages:
    """The vectors of some passages and of the sentences in them; every row has unit length."""

    passages: Vectors
    """Shape (n, dimension), in the order of the texts."""
    sentences: tuple[Vectors, ...]
    """One per passage, of shape (its number of sentences, dimension), in the order of its spans."""


class Encoder(Protocol):
    """Turns texts into vectors whose inner product says how alike two texts are."""

    @property
    def name(self) -> str:
        """What made the vectors, stamped in the index; another name means other vectors."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """Most word pieces that are read, the special ones included; what follows is cut off."""

    def count_tokens(self, text: str) -> int:
        """Return how many word pieces `text` has, cut off or not, special ones included."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return one vector per query, shape (n, dimension)."""

    def encode_passages(
        self,
        texts: Sequence[str],
        sentences: Sequence[Sequence[Span]],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> EncodedPassages:
        """Return the vectors of passages and of their sentences.

        Args:
            texts: the passages.
            sentences: for each passage the spans of its sentences, as offsets of that passage's
                text. A span without a word piece of its own (blank, or cut off) gets its passage's
                vector.
            progress: told how many passages are done so far, from the calling thread.

        Raises:
            ValueError: `texts` and `sentences` differ in length.
        """

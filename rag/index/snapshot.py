"""One consistent state of a store, to search and to read from, whatever is written meanwhile."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Generic, TypeVar

from rag.index.catalogue import Catalogue
from rag.index.database import FORMAT, translated
from rag.index.files import DamagedFileError
from rag.index.search import Structures, repaired
from rag.index.state import State
from rag.index.truth import Readable
from rag.index.vectors import VectorSegments
from rag.index.words import WordIndex, analyzer
from rag.schema import Source, SourceInfo
from rag.store import Coverage, IndexStamp, StoredPassage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rag.schema import Vectors
else:
    from rag.late import numpy as np


R = TypeVar("R", bound=Readable)
T = TypeVar("T")


class StateSnapshot(ABC, Generic[R]):
    """One state, for one thread, until its `with` block ends.

    Args:
        catalogue: in a transaction.
        state: the one that the transaction sees.
        words: of this state.
        stamp: what the store was built with.
    """

    def __init__(self, catalogue: R, state: State, words: WordIndex, stamp: IndexStamp) -> None:
        self._catalogue = catalogue
        self._state = state
        self._words = words
        self._stamp = stamp

    @abstractmethod
    def _translated(self) -> AbstractContextManager[None]:
        """Translate what the database says into what a person can do about it."""

    @abstractmethod
    def _nearest(
        self, query: Vectors, k: int, sources: frozenset[str] | None
    ) -> list[tuple[int, float]]:
        """Return (key, cosine) of the nearest, best first, and all found that tie with the last."""

    @abstractmethod
    def fetch(self, keys: Sequence[int]) -> list[StoredPassage]:
        """Return the passages of these keys, in their order, with their sentences and vectors.

        Raises:
            IndexCorruptError: one is missing or damaged.
        """

    @abstractmethod
    def _vectors_kind(self) -> str:
        """Return how vectors are searched."""

    @abstractmethod
    def _bytes(self) -> int:
        """Return how much room this state takes."""

    @property
    def generation(self) -> int:
        """Number of the commit that left this state."""
        return self._state.generation

    def dense(
        self, query: Vectors, k: int, *, sources: frozenset[str] | None = None
    ) -> list[tuple[int, float]]:
        """Return the passages nearest to a query.

        Args:
            query: unit vector, shape (d,).
            k: at most so many.
            sources: ids of the only sources to look at, each of whose passages is compared; None for all.

        Returns:
            (key, cosine), best first; equal cosines in order of passage_id.

        Raises:
            ValueError: the query is no finite vector of the index's dimension, or k is negative.
        """
        wanted = (self._stamp.dimension,)
        if np.shape(query) != wanted:
            raise ValueError(f"query must have the shape {wanted!r}, got {np.shape(query)!r}")
        if not np.isfinite(query).all():
            raise ValueError("query must be finite, got a vector with NaN or infinity")
        if not _wanted(k):
            return []
        vector = np.ascontiguousarray(query, dtype=np.float32)
        with self._translated():
            return self._ordered(self._nearest(vector, k, sources), k)

    def lexical(
        self, text: str, k: int, *, sources: frozenset[str] | None = None
    ) -> list[tuple[int, float]]:
        """Return the passages that share words with a text: any text, none of it is read as a command.

        Args:
            text: a question or words.
            k: at most so many.
            sources: ids of the only sources to look at; None for all.

        Returns:
            (key, BM25), best first; equal scores in order of passage_id. Empty where no word is known.

        Raises:
            ValueError: k is negative.
        """
        if not _wanted(k):
            return []
        with self._translated():
            among = None if sources is None else self._numbers(sources)
            found = self._words.search(analyzer()(text), k, sources=among)
            return self._ordered(found, k)

    def keys(self, source_id: str) -> list[int]:
        """Return the keys of a source's passages, in order of the text; none where it is not indexed."""
        with self._translated():
            found: list[int] = self._keys_of(frozenset((source_id,))).tolist()
            return found

    def analyze(self, text: str) -> list[str]:
        """Return the terms that `lexical` compares, lower-cased and stemmed, in order."""
        return analyzer()(text)

    def weights(self, terms: Collection[str]) -> dict[str, float]:
        """Return the BM25 idf of each term, above 0; highest for one that no passage holds."""
        return self._words.weights(terms)

    def source(self, source_id: str) -> Source:
        """Return one source with its text.

        Raises:
            SourceNotFoundError: it is not indexed.
        """
        with self._translated():
            return self._catalogue.source(source_id)

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return what is indexed, in order of source_id."""
        with self._translated():
            return self._catalogue.sources()

    def coverage(self) -> Coverage:
        """Return how much of the documents this state holds."""
        with self._translated():
            return self._catalogue.coverage()

    def statistics(self) -> dict[str, object]:
        """Return what there is: numbers of sources, passages and sentences, kinds and settings."""
        state = self._state
        return {
            "format": FORMAT,
            "generation": state.generation,
            "sources": state.sources,
            "passages": state.passages,
            "sentences": state.sentences,
            "vectors": self._vectors_kind(),
            "words": f"tantivy, {len(state.parts)} parts",
            "bytes": self._bytes(),
            "encoder": self._stamp.encoder,
            "dimension": self._stamp.dimension,
            "tokenizer": self._stamp.tokenizer,
            "passage_tokens": self._stamp.passage_tokens,
            "overlap_sentences": self._stamp.overlap_sentences,
        }

    def _numbers(self, sources: frozenset[str]) -> list[int]:
        found = [self._catalogue.number(source_id) for source_id in sorted(sources)]
        return [number for number in found if number is not None]

    def _keys_of(self, sources: frozenset[str]) -> NDArray[np.int64]:
        return self._catalogue.keys_of(self._numbers(sources))

    def _ordered(self, found: list[tuple[int, float]], k: int) -> list[tuple[int, float]]:
        """Return the first k by score, those that tie by passage_id."""
        times = Counter(score for _, score in found)
        ids = self._catalogue.passage_ids([key for key, score in found if times[score] > 1])
        return sorted(found, key=lambda one: (-one[1], ids.get(one[0], "")))[:k]


class EmbeddedSnapshot(StateSnapshot[Catalogue]):
    """One state of the embedded store.

    Args:
        catalogue: in a transaction.
        structures: of the state that the transaction sees.
        stamp: what the index was built with.
    """

    def __init__(self, catalogue: Catalogue, structures: Structures, stamp: IndexStamp) -> None:
        super().__init__(catalogue, structures.state, structures.words, stamp)
        self._structures = structures
        self.repaired: Structures | None = None
        """Better structures, where a file of these turned out to be damaged."""

    def fetch(self, keys: Sequence[int]) -> list[StoredPassage]:
        """Return the passages of these keys, in their order, with their sentences and vectors.

        Raises:
            IndexCorruptError: one is missing or damaged.
        """
        with self._translated():
            vectors = self._searched(lambda vectors: vectors.vectors_of(keys))
            return self._catalogue.fetch(keys, vectors)

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self._catalogue.path)

    def _nearest(
        self, query: Vectors, k: int, sources: frozenset[str] | None
    ) -> list[tuple[int, float]]:
        among = None if sources is None else self._keys_of(sources)
        return self._searched(lambda vectors: vectors.search(query, k, among=among))

    def _vectors_kind(self) -> str:
        return self._structures.vectors.kind

    def _bytes(self) -> int:
        files = sum(file.size for file in self._state.records())
        return self._catalogue.path.stat().st_size + files

    def _searched(self, search: Callable[[VectorSegments], T]) -> T:
        """Return what is found in the vectors; those that turn out to be damaged are taken from the database."""
        try:
            return search(self._structures.vectors)
        except DamagedFileError:
            dimension = self._stamp.dimension
            self._structures = repaired(self._structures, self._catalogue, dimension=dimension)
            self.repaired = self._structures
        return search(self._structures.vectors)


def _wanted(k: int) -> bool:
    """Whether anything is asked for."""
    if k < 0:
        raise ValueError(f"k must be at least 0, got {k!r}")
    return k > 0

"""Several collections asked as one: a store over their stores, to read from only.

Ids of sources begin with the name of their collection. Both searches rank by scores that do not depend on the
collection where they can: cosines are the same everywhere, and the weight of a word is that over all passages
together; BM25, which only picks whose sentences are looked at, is each collection's own.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rag.errors import ArgumentError, SourceNotFoundError
from rag.schema import Source, SourceInfo
from rag.store import Coverage, Failure, KnownRoot, Snapshot, Store, StoredPassage

if TYPE_CHECKING:
    from rag.schema import Vectors


class Together:
    """A store over several, which stay their owners' to close.

    Args:
        stores: by the name of the collection, in the order in which equal scores are ranked.
        seeds: where the documents of each lie.
    """

    def __init__(self, stores: Mapping[str, Store], *, seeds: Mapping[str, Path]) -> None:
        self._stores = stores
        self._seeds = seeds

    @contextmanager
    def snapshot(self) -> Iterator[JoinedSnapshot]:
        """Return one state of each collection to read from."""
        with ExitStack() as stack:
            states = {n: stack.enter_context(one.snapshot()) for n, one in self._stores.items()}
            yield JoinedSnapshot(states, seeds=self._seeds)

    def writer(self, *, wait: float = 0.0) -> NoReturn:  # noqa: ARG002  (the protocol's)
        """Refuse to write."""
        raise ArgumentError(
            "Several collections together are only asked; change one of them by itself."
        )

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return what is indexed, in order of source_id."""
        with self.snapshot() as snapshot:
            return snapshot.sources()

    def source(self, source_id: str) -> Source:
        """Return one source with its text.

        Raises:
            SourceNotFoundError: it is not indexed.
        """
        with self.snapshot() as snapshot:
            return snapshot.source(source_id)

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of the content of each source, by source_id."""
        return {
            _joined(name, source_id): sha256
            for name, one in self._stores.items()
            for source_id, sha256 in one.hashes().items()
        }

    def roots(self) -> tuple[KnownRoot, ...]:
        """Return what was added by hand."""
        return tuple(root for one in self._stores.values() for root in one.roots())

    def excluded(self) -> dict[str, str]:
        """Return nothing: it matters to who writes."""
        return {}

    def outdated(self) -> frozenset[str]:
        """Return nothing: it matters to who writes."""
        return frozenset()

    def failures(self) -> Mapping[str, Failure]:
        """Return nothing: it matters to who writes."""
        return {}

    def coverage(self) -> Coverage:
        """Return how much of the documents is indexed."""
        with self.snapshot() as snapshot:
            return snapshot.coverage()

    def statistics(self) -> dict[str, object]:
        """Return the statistics of each collection, by its name."""
        return {name: one.statistics() for name, one in self._stores.items()}

    def faults(self) -> tuple[str, ...]:
        """Read all of the indexes and return what is wrong with them, a sentence each."""
        return tuple(fault for one in self._stores.values() for fault in one.faults())

    def close(self) -> None:
        """Let go of all of them."""
        for one in self._stores.values():
            one.close()


class JoinedSnapshot:
    """One state of each of several collections; a key is one of its collection's, times their number, plus its place.

    Args:
        states: by the name of the collection.
        seeds: where the documents of each lie.
    """

    def __init__(self, states: Mapping[str, Snapshot], *, seeds: Mapping[str, Path]) -> None:
        self._names = tuple(states)
        self._states = tuple(states.values())
        self._seeds = seeds

    def dense(
        self, query: Vectors, k: int, *, sources: frozenset[str] | None = None
    ) -> list[tuple[int, float]]:
        """Return (key, cosine) of the nearest passages, best first."""
        return self._merged(
            [
                (at, state.dense(query, k, sources=only))
                for at, state, only in self._chosen(sources)
            ],
            k,
        )

    def lexical(
        self, text: str, k: int, *, sources: frozenset[str] | None = None
    ) -> list[tuple[int, float]]:
        """Return (key, BM25) of the passages that share words with a text, best first."""
        return self._merged(
            [
                (at, state.lexical(text, k, sources=only))
                for at, state, only in self._chosen(sources)
            ],
            k,
        )

    def fetch(self, keys: Sequence[int]) -> list[StoredPassage]:
        """Return the passages of these keys, in their order."""
        found: dict[int, StoredPassage] = {}
        for at, state in enumerate(self._states):
            own = [key for key in keys if key % len(self._states) == at]
            if own:
                fetched = state.fetch([key // len(self._states) for key in own])
                found |= {
                    key: self._renamed(one, key, at) for key, one in zip(own, fetched, strict=True)
                }
        return [found[key] for key in keys]

    def keys(self, source_id: str) -> list[int]:
        """Return the keys of a source's passages, in order of the text."""
        at, own = self._split(source_id)
        return [self._key(key, at) for key in self._states[at].keys(own)] if at >= 0 else []

    def analyze(self, text: str) -> list[str]:
        """Return the terms that `lexical` compares."""
        return self._states[0].analyze(text)

    def weights(self, terms: Collection[str]) -> dict[str, float]:
        """Return the BM25 idf of each term over the passages of all collections together.

        How many passages N of a collection hold a term follows from its own idf, `ln((N + 1) / (n + 0.5))`.
        """
        totals = [_passages(state) for state in self._states]
        each = [state.weights(terms) for state in self._states]
        whole = sum(totals) + 1
        weights = {}
        for term in terms:
            held = sum(
                round((total + 1) / math.exp(own[term]) - 0.5)
                for total, own in zip(totals, each, strict=True)
            )
            weights[term] = math.log(whole / (held + 0.5))
        return weights

    def source(self, source_id: str) -> Source:
        """Return one source with its text.

        Raises:
            SourceNotFoundError: it is not indexed.
        """
        at, own = self._split(source_id)
        if at < 0:
            raise SourceNotFoundError(
                f"No source {source_id!r} is indexed; its collection stands before its name."
            )
        return replace(
            self._states[at].source(own), source_id=source_id, collection=self._names[at]
        )

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return what is indexed, in order of source_id."""
        found = (
            replace(info, source_id=_joined(name, info.source_id))
            for name, state in zip(self._names, self._states, strict=True)
            for info in state.sources()
        )
        return tuple(sorted(found, key=lambda info: info.source_id))

    def statistics(self) -> dict[str, object]:
        """Return the statistics of each collection, by its name."""
        return {n: state.statistics() for n, state in zip(self._names, self._states, strict=True)}

    def coverage(self) -> Coverage:
        """Return how much of the documents of all of them is indexed."""
        each = [(n, state.coverage()) for n, state in zip(self._names, self._states, strict=True)]
        seeds = (KnownRoot(path=str(path.resolve()), prefix="") for path in self._seeds.values())
        return Coverage(
            roots=(*seeds, *(root for _, one in each for root in one.roots)),
            places={path: place for _, one in each for path, place in one.places.items()},
            absent={_joined(n, own): why for n, one in each for own, why in one.absent.items()},
        )

    def _chosen(
        self, sources: frozenset[str] | None
    ) -> Iterator[tuple[int, Snapshot, frozenset[str] | None]]:
        """Yield each collection to search, with the only sources of it."""
        split = None if sources is None else [self._split(one) for one in sources]
        for at, state in enumerate(self._states):
            if split is None:
                yield at, state, None
            elif only := frozenset(own for place, own in split if place == at):
                yield at, state, only

    def _merged(
        self, found: Sequence[tuple[int, list[tuple[int, float]]]], k: int
    ) -> list[tuple[int, float]]:
        """Return the best k of several lists, by score; equal ones in order of the collections."""
        each = [(self._key(key, at), score) for at, own in found for key, score in own]
        return sorted(each, key=lambda one: -one[1])[:k]

    def _key(self, key: int, at: int) -> int:
        return key * len(self._states) + at

    def _split(self, source_id: str) -> tuple[int, str]:
        """Return the place of a source's collection, -1 for none, and its id there."""
        name, _, own = source_id.partition("/")
        return (self._names.index(name) if name in self._names else -1), own

    def _renamed(self, stored: StoredPassage, key: int, at: int) -> StoredPassage:
        passage, name = stored.passage, self._names[at]
        passage = replace(
            passage,
            source_id=_joined(name, passage.source_id),
            passage_id=_joined(name, passage.passage_id),
        )
        return replace(stored, key=key, passage=passage)


def _joined(name: str, source_id: str) -> str:
    return f"{name}/{source_id}"


def _passages(state: Snapshot) -> int:
    count = state.statistics()["passages"]
    assert isinstance(count, int)
    return count

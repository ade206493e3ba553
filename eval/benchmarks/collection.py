"""What public collections hold, whatever their files look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from eval.benchmarks.sampling import stratified
from rag.evaluation.dataset import Example
from rag.schema import Source, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Documents, questions on them, and which documents are relevant to which question."""

    name: str
    sources: tuple[Source, ...]
    examples: tuple[Example, ...]
    qrels: Mapping[str, Mapping[str, int]]
    """query_id ─▶ source_id ─▶ relevance."""

    def sample(self, n: int, *, seed: int = 0) -> Collection:
        """Return the collection with n of its questions and all its sources, for a quick look.

        Answerable and unanswerable questions keep their shares.
        """
        chosen = stratified(self.examples, n, seed=seed, stratum=lambda one: one.answerable)
        return replace(self, examples=chosen)

    def answerable(self) -> Collection:
        """Return the collection with the questions that its sources answer, even if in part, only.

        Officially nothing else is searched for: mtRAG's underspecified questions have passages, and
        are left out as its unanswerable ones are.
        """
        return replace(self, examples=tuple(e for e in self.examples if e.answerable))

    def asked(self) -> Collection:
        """Return the collection without the sources that no question is about."""
        named = {name for e in self.examples for name in self.qrels.get(e.query_id, ())}
        return replace(self, sources=tuple(s for s in self.sources if s.source_id in named))


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A question that depends on the turns before it, and the same question standing alone."""

    query_id: str
    history: tuple[Turn, ...]
    question: str
    rewrite: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportPair:
    """A claim, the text it is said to rest on, and whether that supports it."""

    claim: str
    evidence: str
    label: str
    """`supported`, `partial`, `not_supported`, `contradicted`, or the collection's own."""

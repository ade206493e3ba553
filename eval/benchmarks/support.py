"""Verdicts on claims whose support is known, by the checks that an LLM's sentences go through."""

from __future__ import annotations

from collections.abc import Sequence

from eval.benchmarks.collection import SupportPair
from rag.citations import CitablePassage, Support, ground
from rag.language.sentences import split_sentences
from rag.schema import Verdict

_FROM_WORST: tuple[Verdict, ...] = ("unsupported", "weak", "supported")


def verdict(pair: SupportPair, support: Support) -> Verdict:
    """Return the worst verdict of the claim's sentences against the evidence.

    Args:
        pair: its label is not looked at.
        support: says how well sentences support a claim.
    """
    evidence = CitablePassage(
        source_id="evidence",
        title="",
        sha256="",
        pages=(),
        start=0,
        text=pair.evidence,
        sentences=split_sentences(pair.evidence),
    )
    verdicts = {one.verdict for one in ground(pair.claim, [evidence], support).statements}
    return next((one for one in _FROM_WORST if one in verdicts), "unsupported")


def balanced_accuracy(said: Sequence[bool], true: Sequence[bool]) -> float:
    """Return the mean of recall and specificity, 0..1; NaN where one class is missing.

    The measure of SummaC (Laban et al., TACL 2022) and SummEdits (Laban et al., EMNLP 2023), for sets
    in which one class is rare.
    """
    hits = [a for a, b in zip(said, true, strict=True) if b]
    alarms = [a for a, b in zip(said, true, strict=True) if not b]
    if not hits or not alarms:
        return float("nan")
    return (sum(hits) / len(hits) + 1 - sum(alarms) / len(alarms)) / 2

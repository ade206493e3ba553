"""What developers measure: public collections by path, each as officially, settings, speed. Nothing is downloaded.

recognition ─▶ readers ─▶ runner ─▶ report: a public collection
                          reading, squad, answers, retrieval, rewriting, support: what is measured how
sweep, significance: a grid of settings, and which differences are real
audit: what a shipped question set promises
process, encode, search, question, reading_time, page, crowd: speed and memory
followups, spelling, verdicts, obedience: one kind of question or model each
"""

from __future__ import annotations

from eval.benchmarks.collection import Collection, FollowUp, SupportPair
from eval.benchmarks.readers import (
    read_beir,
    read_canard,
    read_mtrag,
    read_squad,
    read_support,
)
from eval.benchmarks.recognition import recognise
from eval.benchmarks.report import BenchmarkReport
from eval.benchmarks.retrieval import (
    RETRIEVAL,
    RetrievalComparison,
    SourceSearch,
    compare_retrieval,
)
from eval.benchmarks.runner import run_benchmark

__all__ = [
    "RETRIEVAL",
    "BenchmarkReport",
    "Collection",
    "FollowUp",
    "RetrievalComparison",
    "SourceSearch",
    "SupportPair",
    "compare_retrieval",
    "read_beir",
    "read_canard",
    "read_mtrag",
    "read_squad",
    "read_support",
    "recognise",
    "run_benchmark",
]

"""Public collections by path, each measured as it is officially measured. Nothing is downloaded.

recognition ─▶ readers ─▶ running ─▶ report
                          reading, retrieval, rewriting, support: what is measured how
"""

from __future__ import annotations

from rag.evaluation.benchmarks.collection import Collection, FollowUp, SupportPair
from rag.evaluation.benchmarks.readers import (
    read_beir,
    read_canard,
    read_mtrag,
    read_squad,
    read_support,
)
from rag.evaluation.benchmarks.recognition import recognise
from rag.evaluation.benchmarks.report import BenchmarkReport
from rag.evaluation.benchmarks.retrieval import (
    RETRIEVAL,
    RetrievalComparison,
    SourceSearch,
    compare_retrieval,
)
from rag.evaluation.benchmarks.running import run_benchmark

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

"""Citations: which words of the sources each sentence of an answer rests on, and whether they bear it.

    compose   an answer in the words of the sources
    ground    a model's text held to the evidence
    neutralise, neutralised   a model's text, whole or as it comes, with nothing alive in it
    hear, weighed   a chat model as judge of statements, and what is taken of its verdicts
    check, verdict, lexical_support, pooled   does a quote say what a claim says?
    emphases  what a model set in bold or as code
    find_conflicts   sentences that give different numbers or dates for one thing

Pure: it reads no file and runs no model; the reader's support score is passed in.
Names load their rooms when first used: a reader's answer needs few of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.citations.checks import SUPPORTED, WEAK, Check, Support, check, verdict
    from rag.citations.conflicts import Conflict, find_conflicts
    from rag.citations.emphasis import emphases
    from rag.citations.evidence import CitablePassage, Draft, quote
    from rag.citations.faults import HardFault
    from rag.citations.grounding import ground
    from rag.citations.judge import hear
    from rag.citations.kinds import abstains
    from rag.citations.lexical import lexical_support
    from rag.citations.markers import neutralise, neutralised
    from rag.citations.pooling import pooled
    from rag.citations.verification import claims_of, unchecked, weighed
    from rag.citations.writing import Pick, compose

_ROOMS = {
    "Check": "rag.citations.checks",
    "CitablePassage": "rag.citations.evidence",
    "Conflict": "rag.citations.conflicts",
    "Draft": "rag.citations.evidence",
    "HardFault": "rag.citations.faults",
    "Pick": "rag.citations.writing",
    "SUPPORTED": "rag.citations.checks",
    "Support": "rag.citations.checks",
    "WEAK": "rag.citations.checks",
    "abstains": "rag.citations.kinds",
    "check": "rag.citations.checks",
    "claims_of": "rag.citations.verification",
    "compose": "rag.citations.writing",
    "emphases": "rag.citations.emphasis",
    "find_conflicts": "rag.citations.conflicts",
    "ground": "rag.citations.grounding",
    "hear": "rag.citations.judge",
    "lexical_support": "rag.citations.lexical",
    "neutralise": "rag.citations.markers",
    "neutralised": "rag.citations.markers",
    "pooled": "rag.citations.pooling",
    "quote": "rag.citations.evidence",
    "unchecked": "rag.citations.verification",
    "verdict": "rag.citations.checks",
    "weighed": "rag.citations.verification",
}

__all__ = [
    "SUPPORTED",
    "WEAK",
    "Check",
    "CitablePassage",
    "Conflict",
    "Draft",
    "HardFault",
    "Pick",
    "Support",
    "abstains",
    "check",
    "claims_of",
    "compose",
    "emphases",
    "find_conflicts",
    "ground",
    "hear",
    "lexical_support",
    "neutralise",
    "neutralised",
    "pooled",
    "quote",
    "unchecked",
    "verdict",
    "weighed",
]


def __getattr__(name: str) -> object:
    """Load a name from its room on first use (PEP 562)."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'rag.citations' has no attribute {name!r}")
    value: object = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = value
    return value

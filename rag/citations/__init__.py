"""Citations: which words of the sources each sentence of an answer rests on, and whether they bear it.

    compose   an answer in the words of the sources
    ground    a model's text held to the evidence
    neutralise, neutralised   a model's text, whole or as it comes, with nothing alive in it
    check, verdict, lexical_support, pooled   does a quote say what a claim says?
    find_conflicts   sentences that give different numbers or dates for one thing

Pure: it reads no file and runs no model; the reader's support score is passed in.
"""

from rag.citations.checks import SUPPORTED, WEAK, Check, Support, check, verdict
from rag.citations.conflicts import Conflict, find_conflicts
from rag.citations.evidence import CitablePassage, Draft, join_neighbours, quote
from rag.citations.grounding import ground
from rag.citations.lexical import lexical_support
from rag.citations.markers import neutralise, neutralised
from rag.citations.pooling import pooled
from rag.citations.writing import Pick, compose

__all__ = [
    "SUPPORTED",
    "WEAK",
    "Check",
    "CitablePassage",
    "Conflict",
    "Draft",
    "Pick",
    "Support",
    "check",
    "compose",
    "find_conflicts",
    "ground",
    "join_neighbours",
    "lexical_support",
    "neutralise",
    "neutralised",
    "pooled",
    "quote",
    "verdict",
]

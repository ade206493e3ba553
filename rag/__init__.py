"""Footnote: questions about your own documents, every sentence cited.

`import rag` is cheap: names load their rooms when first used. All it does is to keep ONNX Runtime from reporting to
its maker in a program that loads it later, since it looks at this variable when it is loaded, and never again.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.errors import RagError
    from rag.pipeline import Conversation, Rag
    from rag.schema import (
        Answer,
        AnswerReady,
        Citation,
        EvidenceReady,
        Passage,
        QueryReady,
        ScoredPassage,
        Source,
        Statement,
        SyncReport,
        TextDelta,
        Turn,
    )
    from rag.settings import Settings

os.putenv("ORT_DISABLE_TELEMETRY", "1")

_ROOMS = {
    "Answer": "rag.schema",
    "AnswerReady": "rag.schema",
    "Citation": "rag.schema",
    "Conversation": "rag.pipeline",
    "EvidenceReady": "rag.schema",
    "Passage": "rag.schema",
    "QueryReady": "rag.schema",
    "Rag": "rag.pipeline",
    "RagError": "rag.errors",
    "ScoredPassage": "rag.schema",
    "Settings": "rag.settings",
    "Source": "rag.schema",
    "Statement": "rag.schema",
    "SyncReport": "rag.schema",
    "TextDelta": "rag.schema",
    "Turn": "rag.schema",
}

__all__ = [
    "Answer",
    "AnswerReady",
    "Citation",
    "Conversation",
    "EvidenceReady",
    "Passage",
    "QueryReady",
    "Rag",
    "RagError",
    "ScoredPassage",
    "Settings",
    "Source",
    "Statement",
    "SyncReport",
    "TextDelta",
    "Turn",
]


def __getattr__(name: str) -> object:
    """Load a public name from its room on first use (PEP 562)."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'rag' has no attribute {name!r}")
    value: object = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)

"""A question and its history become a query that stands alone, and what it wants, by rules and without a model.

Knows English and nothing else: no index, no embedding, no parser.
"""

from rag.queries.intents import Intent, intent_of
from rag.queries.rewriting import Query, standalone
from rag.queries.salience import Tuning
from rag.queries.spelling import respelled

__all__ = [
    "Intent",
    "Query",
    "Tuning",
    "intent_of",
    "respelled",
    "standalone",
]

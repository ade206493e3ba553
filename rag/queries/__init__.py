"""A question and its history become a query that stands alone, and what it wants, by rules and without a model.

Knows English and nothing else: no index, no embedding, no parser.
"""

from rag.queries.intents import Intent, intent_of
from rag.queries.requests import Request, SmallTalk, exchanges, request_of, small_talk_of
from rag.queries.rewriting import Query, is_follow_up, recent, standalone
from rag.queries.salience import Tuning
from rag.queries.spelling import respelled

__all__ = [
    "Intent",
    "Query",
    "Request",
    "SmallTalk",
    "Tuning",
    "exchanges",
    "intent_of",
    "is_follow_up",
    "recent",
    "request_of",
    "respelled",
    "small_talk_of",
    "standalone",
]

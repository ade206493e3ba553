"""A question and its history become a query that stands alone, by rules on words and without a model.

Knows English and nothing else: no index, no embedding, no parser.
"""

from rag.queries.discourse import Tuning
from rag.queries.rewriting import Query, standalone

__all__ = ["Query", "Tuning", "standalone"]

"""Sources to passages: sentences are found first, then packed whole into a token budget.

Nothing is altered on the way: every span counts characters of `Source.text`, so a quote is always
the document's own words.
"""

from rag.passages.packing import split
from rag.passages.structure import units_of

__all__ = ["split", "units_of"]

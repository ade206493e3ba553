"""Reading: which sentence of the candidates answers the query, and how surely.

Knows questions and sentences; it does not know where candidates come from or what becomes of its readings.
"""

from __future__ import annotations

from rag.reader.linear import LinearReader, load_reader
from rag.reader.protocol import Reader, Reading
from rag.reader.selection import Selection, select

__all__ = ["LinearReader", "Reader", "Reading", "Selection", "load_reader", "select"]

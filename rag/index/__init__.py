"""The store: catalogue, word search and vector search over one folder, changed only in transactions.

One SQLite file is the truth. FAISS and tantivy files beside it are derived: each is recorded with size and SHA-256,
and built anew where it is missing, stale or damaged. This room knows nothing of where sources come from or how
vectors are made.
"""

from rag.index.database import FORMAT
from rag.index.embedded import Index, discard
from rag.index.engine import (
    Absence,
    Coverage,
    Engine,
    Failure,
    IndexEntry,
    IndexStamp,
    KnownRoot,
    Place,
    Reading,
    StoredPassage,
    Writing,
)
from rag.index.snapshot import Snapshot
from rag.index.syncing import put, remove, sync
from rag.index.writer import Writer

__all__ = [
    "FORMAT",
    "Absence",
    "Coverage",
    "Engine",
    "Failure",
    "Index",
    "IndexEntry",
    "IndexStamp",
    "KnownRoot",
    "Place",
    "Reading",
    "Snapshot",
    "StoredPassage",
    "Writer",
    "Writing",
    "discard",
    "put",
    "remove",
    "sync",
]

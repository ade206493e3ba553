"""The store: catalogue, word search and vector search over one folder, changed only in transactions.

One SQLite file is the truth. FAISS and tantivy files beside it are derived: each is recorded with size and SHA-256,
and built anew where it is missing, stale or damaged. This room knows nothing of where sources come from or how
vectors are made.
"""

from rag.index.database import FORMAT
from rag.index.index import Index, discard
from rag.index.reconciliation import Unread, put, remove, sync, unread
from rag.index.snapshot import EmbeddedSnapshot
from rag.index.writer import Writer
from rag.store import (
    Absence,
    Coverage,
    Failure,
    IndexEntry,
    IndexStamp,
    KnownRoot,
    RootState,
    Snapshot,
    Store,
    StoredPassage,
    Transaction,
)

__all__ = [
    "FORMAT",
    "Absence",
    "Coverage",
    "EmbeddedSnapshot",
    "Failure",
    "Index",
    "IndexEntry",
    "IndexStamp",
    "KnownRoot",
    "RootState",
    "Snapshot",
    "Store",
    "StoredPassage",
    "Transaction",
    "Unread",
    "Writer",
    "discard",
    "put",
    "remove",
    "sync",
    "unread",
]

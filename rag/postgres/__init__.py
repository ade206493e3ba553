"""The store on a PostgreSQL server with pgvector: the protocol of `rag.store`, kept for several machines.

The truth is in tables (`catalogue`), made and brought up to date by `migrations`; the server searches vectors, and each
server that answers searches words in files that it pulls from the database by their checksum (`words`). What a change,
a snapshot and a row mean is said once, in `rag.index`, for both stores. docs/postgres.md says how it is set up.
"""

from rag.postgres.address import ServerAddress
from rag.postgres.reach import Reached, reach
from rag.postgres.store import PostgresStore, empty_collection, remove_collection, rename_collection

__all__ = [
    "PostgresStore",
    "Reached",
    "ServerAddress",
    "empty_collection",
    "reach",
    "remove_collection",
    "rename_collection",
]

"""Files to `Source`s: what lies in a folder, and what each file says.

One module reads one format and knows no other; `loading` chooses it, cleans what it read, and turns
whatever went wrong into a `SourceError` with a reason; `worker` has that done in a process with
limits. Nothing here knows passages or the index.
"""

from rag.sources.files import FoundFile, Root, find_files, hash_file, identity
from rag.sources.loading import SUPPORTED, Loaded, load
from rag.sources.worker import Worker

__all__ = [
    "SUPPORTED",
    "FoundFile",
    "Loaded",
    "Root",
    "Worker",
    "find_files",
    "hash_file",
    "identity",
    "load",
]

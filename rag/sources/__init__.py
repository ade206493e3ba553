"""Files to `Source`s: what lies in a folder, and what each file says.

One module reads one format and knows no other; `loading` chooses it, cleans what it read, and turns
whatever went wrong into a `SourceError` with a reason; `worker` has that done in a process with
limits. Nothing here knows passages or the index.

Importing this room is cheap: what reads files is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from rag.sources.files import FoundFile, Root, find_file, find_files, hash_file, identity

if TYPE_CHECKING:
    from rag.sources.formats import KNOWN
    from rag.sources.known_files import KnownFiles
    from rag.sources.loading import SUPPORTED, Loaded, load
    from rag.sources.scan_pages import KeptPages
    from rag.sources.worker import Worker

_LATER = {
    "KNOWN": "rag.sources.formats",
    "KnownFiles": "rag.sources.known_files",
    "KeptPages": "rag.sources.scan_pages",
    "Loaded": "rag.sources.loading",
    "SUPPORTED": "rag.sources.loading",
    "Worker": "rag.sources.worker",
    "load": "rag.sources.loading",
}

__all__ = [
    "KNOWN",
    "SUPPORTED",
    "FoundFile",
    "KeptPages",
    "KnownFiles",
    "Loaded",
    "Root",
    "Worker",
    "find_file",
    "find_files",
    "hash_file",
    "identity",
    "load",
]


def __getattr__(name: str) -> object:
    """Load what reads files on first use (PEP 562)."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)

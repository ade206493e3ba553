"""Which formats are read, told by a file's extension."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SUPPORTED: Mapping[str, str] = MappingProxyType(
    {
        ".txt": "text/plain",
        ".md": "text/markdown",
        ".markdown": "text/markdown",
        ".html": "text/html",
        ".htm": "text/html",
        ".xhtml": "application/xhtml+xml",
        ".pdf": "application/pdf",
        ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ".epub": "application/epub+zip",
        ".csv": "text/csv",
        ".tsv": "text/tab-separated-values",
    }
)
"""Extension, lower case and with its dot, to media type."""

"""Which formats are read, told by a file's extension."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CODE = frozenset(
    ".py .js .mjs .ts .jsx .tsx .java .kt .c .h .cpp .hpp .cs .go .rs .rb .php .swift .scala .sh .ps1 .sql .r .lua"
    " .pl".split()
)
"""Extensions of programs' source code."""

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
        ".doc": "application/msword",
        ".odt": "application/vnd.oasis.opendocument.text",
        ".rtf": "application/rtf",
        ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        ".odp": "application/vnd.oasis.opendocument.presentation",
        ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        ".xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
        ".xls": "application/vnd.ms-excel",
        ".ods": "application/vnd.oasis.opendocument.spreadsheet",
        ".epub": "application/epub+zip",
        ".csv": "text/csv",
        ".tsv": "text/tab-separated-values",
        ".eml": "message/rfc822",
        ".mbox": "application/mbox",
        ".msg": "application/vnd.ms-outlook",
        ".json": "application/json",
        ".jsonl": "application/jsonl",
        ".ndjson": "application/jsonl",
        ".yaml": "application/yaml",
        ".yml": "application/yaml",
        ".toml": "application/toml",
        ".xml": "application/xml",
        ".ini": "text/x-ini",
        ".conf": "text/x-ini",
        ".ics": "text/calendar",
        ".vcf": "text/vcard",
        ".ipynb": "application/x-ipynb+json",
        ".srt": "application/x-subrip",
        ".vtt": "text/vtt",
        ".rst": "text/x-rst",
        ".adoc": "text/asciidoc",
        ".asciidoc": "text/asciidoc",
        ".tex": "text/x-tex",
        ".org": "text/org",
        ".png": "image/png",
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".tif": "image/tiff",
        ".tiff": "image/tiff",
        ".webp": "image/webp",
        ".zip": "application/zip",
    }
    | dict.fromkeys(sorted(CODE), "text/x-source")
)
"""Extension, lower case and with its dot, to media type. Of a `.zip` only what it holds is read."""
KNOWN = " ".join([*(one for one in SUPPORTED if one not in CODE), "source code"])
"""What can be read, as a person is told."""

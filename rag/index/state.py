"""What one commit left behind, in one row: its number, its counts, and the search files that belong to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rag.index.files import FileRecord
from rag.index.vectors import VectorFile
from rag.index.words import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """One state of the index; readers of equal states see the same."""

    generation: int = 0
    """Raised by each commit."""
    sources: int = 0
    passages: int = 0
    sentences: int = 0
    parts: tuple[Part, ...] = ()
    """Word search; always of this generation."""
    vectors: VectorFile | None = None
    """Vector search; None where it has yet to be built."""

    def files(self) -> set[str]:
        """Return the names of all search files."""
        return {record.name for record in self.records()}

    def records(self) -> list[FileRecord]:
        """Return the records of all search files."""
        records = [part.file for part in self.parts]
        return [*records, self.vectors.file] if self.vectors else records

    def to_json(self) -> str:
        """Return the stored form."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> State:
        """Read the stored form."""
        raw: dict[str, Any] = json.loads(text)
        raw["parts"] = tuple(Part(**_with_record(part)) for part in raw["parts"])
        raw["vectors"] = raw["vectors"] and VectorFile(**_with_record(raw["vectors"]))
        return cls(**raw)


def _with_record(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {**raw, "file": FileRecord(**raw["file"])}

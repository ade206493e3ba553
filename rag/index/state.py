"""What one commit left behind, in one row: its number, its counts, and the search files that belong to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
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
    vectors: tuple[VectorFile, ...] = ()
    """Vector search; without all passages where a state of an older version had yet to build it."""

    def has_all_vectors(self) -> bool:
        """Whether each passage is in a segment."""
        return sum(segment.passages for segment in self.vectors) == self.passages

    def files(self) -> set[str]:
        """Return the names of all search files."""
        return {record.name for record in self.records()}

    def records(self) -> list[FileRecord]:
        """Return the records of all search files."""
        return [*(part.file for part in self.parts), *(one.file for one in self.vectors)]

    def to_json(self) -> str:
        """Return the stored form."""
        return json.dumps(self, default=_fields, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> State:
        """Read the stored form."""
        raw: dict[str, Any] = json.loads(text)
        raw["parts"] = tuple(Part(**_with_record(part)) for part in raw["parts"])
        segments = raw["vectors"]
        if not isinstance(segments, list) or any("tail" not in one for one in segments):
            # Vectors of format 3, and the one file of format 2, are written anew when they are first needed.
            segments = []
        raw["vectors"] = tuple(VectorFile(**_with_record(one)) for one in segments)
        return cls(**raw)


def _fields(one: Any) -> dict[str, Any]:  # noqa: ANN401  (a dataclass)
    """Return the fields of a dataclass; `asdict` would copy all that is in them."""
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def _with_record(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {**raw, "file": FileRecord(**raw["file"])}

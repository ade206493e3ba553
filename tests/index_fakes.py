"""Small sources, passages and vectors for tests of the index: deterministic, and no model behind them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from rag.errors import SourceError
from rag.index import Index, sync
from rag.schema import FileReport, Passage, Source, SplitPassage, SyncReport, Unit
from rag.store import IndexEntry, IndexStamp

DIMENSION = 32
STAMP = IndexStamp(
    encoder="words/1", dimension=DIMENSION, tokenizer="none", passage_tokens=50, overlap_sentences=0
)


def vector(text: str) -> np.ndarray:
    """Return a unit vector; texts that share words have near ones."""
    total = np.full(DIMENSION, 1e-3, dtype=np.float32)
    for word in re.findall(r"\w+", text.lower()):
        total += _direction(word)
    return total / np.linalg.norm(total)


@cache
def _direction(word: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
    return np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)


def source(source_id: str, text: str, *, sha256: str | None = None) -> Source:
    """Return a source of this text."""
    digest = sha256 or hashlib.sha256(text.encode()).hexdigest()
    return Source(
        source_id=source_id, title=source_id, text=text, sha256=digest, media_type="text/plain"
    )


def split(made: Source) -> tuple[SplitPassage, ...]:
    """Return a passage a line, and a sentence a full stop."""
    return tuple(
        SplitPassage(
            passage=Passage(
                passage_id=f"{made.source_id}#{line.start()}-{line.end()}",
                source_id=made.source_id,
                start=line.start(),
                end=line.end(),
                text=line.group(),
                n_tokens=len(line.group().split()),
            ),
            sentences=tuple(
                Unit(start=line.start() + s.start(), end=line.start() + s.end())
                for s in re.finditer(r"[^.]+\.?", line.group())
            ),
        )
        for line in re.finditer(r"[^\n]+", made.text)
    )


def entries(made: Source) -> list[IndexEntry]:
    """Return a source's passages with their vectors."""
    return [
        IndexEntry(
            split=one,
            vector=vector(one.passage.text),
            sentence_vectors=np.stack([vector(made.text[s.start : s.end]) for s in one.sentences]),
        )
        for one in split(made)
    ]


def fill(index: Index, texts: dict[str, str]) -> None:
    """Index texts by source_id, in one commit."""
    with index.writer() as writer:
        for source_id, text in texts.items():
            made = source(source_id, text)
            writer.put(made, "folder", entries(made))


def found(index: Index, text: str, k: int = 10) -> list[str]:
    """Return the texts of the passages that word search finds."""
    with index.snapshot() as snapshot:
        keys = [key for key, _ in snapshot.lexical(text, k)]
        return [stored.passage.text for stored in snapshot.fetch(keys)]


def bytes_of(folder: Path) -> bytes:
    """Return everything that lies in a folder."""
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


@dataclass
class Files:
    """The other rooms' part of a sync, over a folder of .txt files; counts what it is asked to do."""

    embedded: list[str] = field(default_factory=list)
    """Texts of all passages that were embedded."""
    batches: int = 0
    loaded: list[str] = field(default_factory=list)
    told: list[tuple[str, int, int]] = field(default_factory=list)

    def find(self, root: SimpleNamespace) -> tuple[list[SimpleNamespace], list[FileReport]]:
        """List files; a .bin file is none that could be indexed."""
        files, reports = [], []
        for path in sorted(root.path.rglob("*")):
            source_id = root.prefix + path.relative_to(root.path).as_posix()
            if path.suffix == ".bin":
                reports.append(
                    FileReport(
                        source_id=source_id, fate="failed", reason="unsupported", message="No text."
                    )
                )
            elif path.is_file():
                files.append(SimpleNamespace(source_id=source_id, path=path))
        return files, reports

    def hash_file(self, path: Path) -> str:
        """Hash a file."""
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def load(self, file: SimpleNamespace) -> SimpleNamespace:
        """Read a file; one that starts with `!` and a reason cannot be read for that reason."""
        self.loaded.append(file.source_id)
        text = file.path.read_text(encoding="utf-8")
        if text.startswith("!"):
            raise SourceError(text[1:].split()[0], f"{file.source_id!r} cannot be read.")
        made = source(file.source_id, text, sha256=self.hash_file(file.path))
        held = [line.split(": ", 1) for line in text.splitlines() if file.path.suffix == ".box"]
        inner = {f"{file.source_id}/{name}": words for name, words in held}
        parts = tuple(
            SimpleNamespace(
                source=source(name, words, sha256=made.sha256 + name), reason="", message=""
            )
            for name, words in inner.items()
            if not words.startswith("!")
        )
        faults = tuple(
            FileReport(source_id=name, fate="failed", reason=words[1:], message="No text.")
            for name, words in inner.items()
            if words.startswith("!")
        )
        return SimpleNamespace(source=made, reason="", message="", parts=parts, faults=faults)

    def encode(
        self, splits: Sequence[SplitPassage], progress: Callable[[int], None]
    ) -> SimpleNamespace:
        """Make vectors."""
        self.embedded += [one.passage.text for one in splits]
        self.batches += 1
        progress(len(splits))
        texts = [
            [
                one.passage.text[s.start - one.passage.start : s.end - one.passage.start]
                for s in one.sentences
            ]
            for one in splits
        ]
        return SimpleNamespace(
            passages=np.stack([vector(one.passage.text) for one in splits]),
            sentences=tuple(np.stack([vector(text) for text in own]) for own in texts),
        )

    def sync(self, index: Index, *folders: Path, prefix: str = "", **options: object) -> SyncReport:
        """Bring an index up to date with folders."""
        return sync(
            index,
            [SimpleNamespace(path=folder, prefix=prefix) for folder in folders],
            find=self.find,
            hash_file=self.hash_file,
            load=self.load,
            split=split,
            encode=self.encode,
            progress=lambda *told: self.told.append(told),
            **options,
        )

"""Which of the public layouts a path holds, seen from its first characters and not from its name."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Literal

from eval.benchmarks.files import existing, lines, whole
from rag.errors import DatasetError

Layout = Literal["squad", "beir", "support", "canard", "mtrag"]

KNOWN = (
    "SQuAD 1.1 or 2.0 JSON, a BEIR folder (corpus.jsonl, queries.jsonl, qrels/), JSONL of claims with"
    " evidence and label or a folder of such files, CANARD JSON, or mtRAG tasks; each may be gzipped"
)
"""What can be read, as a phrase for people."""


def recognise(path: Path) -> Layout:
    """Return the layout of a file or folder.

    Raises:
        DatasetError: it is none of the known ones, or cannot be read; says what was found.
    """
    if path.is_dir():
        return _of_folder(path)
    first = next((line for line in islice(lines(path), 100) if line.strip()), "")
    if layout := _of_object(_parsed(first)):
        return layout
    document = _parsed(whole(path))
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        return "squad"
    if isinstance(document, list) and document and _of_object(document[0]) == "canard":
        return "canard"
    raise DatasetError(
        f"{path} is no benchmark that can be read: it {_found(document)}. Wanted: {KNOWN}."
    )


def _of_folder(folder: Path) -> Layout:
    if existing(folder / "corpus.jsonl").exists():
        return "beir"
    if support_files(folder):
        return "support"
    names = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
    raise DatasetError(
        f"{folder} is no benchmark that can be read: it holds {names}. Wanted: {KNOWN}."
    )


def support_files(folder: Path) -> tuple[Path, ...]:
    """Return the files of a folder that hold claims with evidence and label, by name."""
    files = sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")])
    return tuple(
        path for path in files if _of_object(_parsed(next(iter(lines(path)), ""))) == "support"
    )


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _of_object(record: object) -> Layout | None:
    if not isinstance(record, dict):
        return None
    if {"claim", "evidence", "label"} <= set(record):
        return "support"
    if {"input", "contexts", "answerability"} <= set(record):
        return "mtrag"
    if {"History", "Question", "Rewrite"} <= set(record):
        return "canard"
    if isinstance(record.get("data"), list):
        return "squad"
    return None


def _found(document: object) -> str:
    if isinstance(document, dict):
        return f"holds a JSON object with {', '.join(map(repr, list(document)[:5])) or 'nothing'}"
    if isinstance(document, list):
        return "holds a JSON list of something else"
    return "holds no JSON"

"""A small world to break: documents of a version, what a person could ask of them, and what they are told."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rag.collections import DEFAULT
from rag.pipeline import Rag
from rag.postgres import remove_collection

TRIES = os.environ.get("TRIES", "some")
"""How often what must not happen is tried: some (`make test`), full (before its figures are claimed), or soak (`make soak`)."""
LONGEST = 6 * 3600 if TRIES == "soak" else 1200
"""Seconds that one test may take, on a machine that is busy with other things."""
IN_MEMORY = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
"""Where waiting for the disk costs nothing: nothing here is about power failures."""


def times(full: int, soak: int, store: str = "") -> int:
    """Return how often to try: a fifth of the full number on the way, more in the soak, a tenth of it on a server."""
    tried = {"full": full, "soak": soak}.get(TRIES, max(full // 5, 1))
    return max(tried // 10, 1) if store else tried


def forget_index(seeds: Path, store: str) -> None:
    """Take away what is indexed."""
    if store:
        remove_collection(store, DEFAULT)
    shutil.rmtree(seeds.parent / "index", ignore_errors=True)


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder, in memory where there is such a place."""
    with tempfile.TemporaryDirectory(prefix="footnote-", dir=IN_MEMORY) as folder:
        yield Path(folder)


def documents(n: int, version: int = 0) -> dict[str, str]:
    """Return `n` documents by name, all of one version, each with sentences that only it has."""
    return {
        f"{i}.txt": f"Item{i} is sold in version{version} for {100 * version + i} coins.\n"
        f"The maker of item{i} lives in town{i % 7}. Nobody else makes it."
        for i in range(n)
    }


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Make the folder hold these documents and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def hashes(texts: Mapping[str, str]) -> dict[str, str]:
    """Return what an index of these documents says it holds."""
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


def held(rag: Rag) -> dict[str, str]:
    """Return what an index says it holds."""
    return {info.source_id: info.sha256 for info in rag.sources()}


def told(rag: Rag, n: int) -> list[dict[str, object]]:
    """Return the answers to `n` questions as JSON has them, all but the time they took."""
    answers = []
    for i in range(n):
        answer = rag.ask(f"For how many coins is item{i} sold?").to_dict()
        answers.append({key: value for key, value in answer.items() if key != "timings"})
    return json.loads(json.dumps(answers))


def check_quotes(rag: Rag, n: int) -> None:
    """Every quote of `n` answers stands in its source, to the letter."""
    for i in range(n):
        for citation in rag.ask(f"For how many coins is item{i} sold?").citations:
            text = rag.source(citation.source_id).text
            assert citation.quote == text[citation.start : citation.end]

"""Start the web chat: what `make run` runs. `rag serve` does the same with options."""

from __future__ import annotations

import sys
from pathlib import Path

from rag.errors import RagError
from rag.settings import Settings
from rag.web import serve

ARTICLE = "000_008106ccc071b625.txt"
QUESTIONS = (
    "What did North Korea announce on March 21?",
    "Who visited Pyongyang?",
    "What is Freedom Shield?",
)


def examples(seeds: Path) -> tuple[str, ...]:
    """Return questions about the article, as long as it is all there is."""
    names = [path.name for path in seeds.iterdir()] if seeds.is_dir() else []
    return QUESTIONS if names == [ARTICLE] else ()


if __name__ == "__main__":
    try:
        settings = Settings()
        serve(settings, open_browser=True, examples=examples(settings.seeds_dir))
    except RagError as exc:
        sys.exit(str(exc))

"""Tokens as tiktoken counts them, without a network.

tiktoken fetches the ranks of an encoding when it is first used, waits without a limit where there
is no network, and deletes a cached file whose hash is wrong. Here the official `cl100k_base` ranks
ship with the package and are read
directly: nothing is fetched, nothing is deleted, and no environment variable is set.
"""

from __future__ import annotations

import hashlib
import threading
from binascii import a2b_base64
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from rag.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from tiktoken import Encoding

NAME = "cl100k_base"
CACHE_KEY = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
"""tiktoken's own name for the file: SHA-1 of the address it would fetch it from."""
SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"

# As in tiktoken_ext.openai_public.cl100k_base, which cannot be called without fetching; a test compares the two.
PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
SPECIAL_TOKENS = {
    "<|endoftext|>": 100257,
    "<|fim_prefix|>": 100258,
    "<|fim_middle|>": 100259,
    "<|fim_suffix|>": 100260,
    "<|endofprompt|>": 100276,
}

_PIECE = 4096
"""Characters that are encoded at once: tiktoken 0.14 takes up to four times longer for a million without spaces."""
_LOADING = threading.Lock()


class TokenCounter:
    """Counts tokens of one encoding; safe to share between threads.

    The ranks are loaded on first use. That takes a quarter of a second, so those of the package are loaded once for
    all counters of the process.
    """

    name = NAME

    def __init__(self, ranks: Traversable | None = None) -> None:
        """Remember where the ranks are; `None` is the file in the package."""
        self._ranks = ranks
        self._encoding: Encoding | None = None

    def count(self, text: str) -> int:
        """Return the number of tokens of `text`; what looks like a special token counts as plain text.

        Exact up to 4,096 characters, and beyond as long as every 4,096 characters hold a space
        between two words. A longer run is counted in pieces, which adds at most a token or two for
        each.

        Raises:
            ModelError: the ranks are missing or damaged.
        """
        encoding = self._encoding or self._load()
        if len(text) <= _PIECE:
            return len(encoding.encode_ordinary(text))
        return sum(len(encoding.encode_ordinary(piece)) for piece in _pieces(text))

    def _load(self) -> Encoding:
        with _LOADING:
            self._encoding = _shipped() if self._ranks is None else _build(self._ranks)
        return self._encoding


def _pieces(text: str) -> Iterator[str]:
    """Cut where no token can reach across: before the single space that starts a word."""
    start = 0
    while len(text) - start > _PIECE:
        end = start + _PIECE
        cut = end
        while (cut := text.rfind(" ", start + 1, cut)) > start:
            if text[cut - 1].isalnum() and text[cut + 1].isalnum():
                end = cut
                break
        yield text[start:end]
        start = end
    yield text[start:]


@cache
def _shipped() -> Encoding:
    return _build(files("rag") / "data" / "cl100k" / CACHE_KEY)


def _build(ranks: Traversable) -> Encoding:
    """Make the encoding from verified bytes."""
    from tiktoken import Encoding

    remedy = "Install footnote-rag again; the file comes with the package."
    try:
        data = ranks.read_bytes()
    except OSError as exc:
        raise ModelError(f"The tokenizer's ranks cannot be read from {ranks}. {remedy}") from exc
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise ModelError(
            f"The tokenizer's ranks in {ranks} are damaged: SHA-256 is {found}, not {SHA256}. {remedy}"
        )
    pairs = (line.split() for line in data.splitlines())
    return Encoding(
        NAME,
        pat_str=PATTERN,
        mergeable_ranks={a2b_base64(token): int(rank) for token, rank in pairs},
        special_tokens=SPECIAL_TOKENS,
    )

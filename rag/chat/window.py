"""How much a model can take in, as its server tells: vLLM, llama.cpp and others in `/v1/models`, Ollama in `/api/show`.

It is asked once, in little time, and never an error: who does not tell is taken to have an ordinary window.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

_SECONDS = 3.0
_MOST_BYTES = 1 << 20
_NAMES = ("max_model_len", "context_length", "max_context_length", "context_window", "n_ctx")
"""What servers call it; `n_ctx` is what a running llama.cpp has room for."""
_OLLAMA = "http://127.0.0.1:11434"


def told_window(provider: str, model: str, base_url: str, *, key: str = "", most: int = 0) -> int:
    """Return the tokens that a model can take in and write together; 0 where no server tells.

    Args:
        provider: as in a `ChatSpec`; only servers of openai's protocol and Ollama tell.
        model: its name there.
        base_url: of the server; empty for the provider's own, which tells by langchain's profiles alone.
        key: for a server that wants one.
        most: what an Ollama server is told to make room for: its memory is that of this machine, as a rule, and a
            window of a model's full length may take all of it.
    """
    try:
        if provider == "ollama":
            url = f"{(base_url or _OLLAMA).rstrip('/')}/api/show"
            told = told_json("httpx", url, key, {"model": model}).get("model_info") or {}
            lengths = [n for name, n in told.items() if str(name).endswith("context_length")]
            return min([most or 8192, *filter(_is_length, lengths)]) if lengths else 0
        if provider == "openai" and base_url:
            rows = told_json("httpx2", f"{base_url.rstrip('/')}/models", key).get("data") or ()
            mine = [row for row in rows if row.get("id") == model] or list(rows)[:1]
            return next((n for row in mine for n in _lengths(row)), 0)
    except Exception:  # noqa: BLE001  (the libraries share no base class, and nothing depends on it)
        return 0
    return 0


def _lengths(row: Mapping[str, Any]) -> Iterator[int]:
    """Yield what a server's row on a model says of its window."""
    for part in (row, row.get("meta") or {}, row.get("top_provider") or {}):
        yield from (part[name] for name in _NAMES if _is_length(part.get(name)))


def _is_length(value: object) -> bool:
    return isinstance(value, int) and value > 0


def told_json(
    library: str,
    url: str,
    key: str = "",
    asked: Mapping[str, str] | None = None,
    *,
    head: Mapping[str, str] | None = None,
) -> Any:  # noqa: ANN401
    """Return the JSON that a server sends.

    Args:
        library: httpx or httpx2; each comes with its provider's package.
        url: what is asked; it is not followed elsewhere.
        key: for the head, as OpenAI's protocol has it.
        asked: the body of a POST; None for a GET.
        head: in place of the one with the key.
    """
    client = import_module(library)
    if head is None:
        head = {"authorization": f"Bearer {key}"} if key else {}
    request = {"json": asked} if asked else {}
    how = "POST" if asked else "GET"
    with client.stream(how, url, headers=head, timeout=_SECONDS, **request) as response:
        response.raise_for_status()
        body = b""
        for piece in response.iter_bytes():
            body += piece
            if len(body) > _MOST_BYTES:
                raise ValueError(f"{url} sends too much")
    return json.loads(body)

"""The route that shows the picture of a page of a scan: of what is indexed alone, and never by a path."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from fastapi import Request, Response

from rag.errors import RagError, SourceNotFoundError
from rag.web.leaf import PATH
from rag.web.logs import trail
from rag.web.taking_in import key_of

if TYPE_CHECKING:
    from fastapi import FastAPI

    from rag.web.opening import Answering, Opening

log = logging.getLogger(__name__)

N_AT_ONCE = 2
"""Pages that are drawn at the same time, each in a process of its own."""
N_WAITING = 16
"""Others that wait; more are refused."""

_PAGE = re.compile(r"[1-9][0-9]{0,4}")
_MANY = "Too many pages are drawn at the moment. Try again in a while."
_NONE = "There is no such page."
_HEADERS = {"cache-control": "private, no-store"}


def add_page_routes(app: FastAPI, find: Callable[[Request], Iterable[Opening]]) -> None:
    """Show pages.

    Args:
        app: whose routes these are.
        find: returns what whoever sends a request may see pages of.
    """
    slots = asyncio.Semaphore(N_AT_ONCE)
    n_here = 0

    @app.get(PATH + "{key}/{sha256}/{page}")
    async def show(request: Request, key: str, sha256: str, page: str) -> Response:
        nonlocal n_here
        ready = [one.wait() for one in find(request) if one.state.status == "ready"]
        if not ready or not _PAGE.fullmatch(page):
            return _refusal(404, _NONE)
        if n_here >= N_AT_ONCE + N_WAITING:
            return _refusal(429, _MANY)
        n_here += 1
        try:
            async with slots:
                return await asyncio.to_thread(_shown, ready, key, sha256, int(page))
        finally:
            n_here -= 1


def _shown(among: Sequence[Answering], key: str, sha256: str, page: int) -> Response:
    """Draw a page of the source that has this key, unless another document has taken its place since."""
    try:
        rag, source_id = _named(among, key, sha256)
        data = rag.picture(source_id, page)
    except RagError:
        return _refusal(404, _NONE)
    except Exception as exc:  # noqa: BLE001  (the border to a browser, whatever it was)
        log.error("A page could not be shown: %s", trail(exc))  # noqa: TRY400
        return _refusal(500, _NONE)
    return Response(data, media_type="image/jpeg", headers=_HEADERS)


def _named(among: Sequence[Answering], key: str, sha256: str) -> tuple[Answering, str]:
    """Return the pipeline and the id of the source that has a key and a hash.

    Raises:
        SourceNotFoundError: none has.
    """
    for rag in among:
        for one in rag.sources():
            if key_of(one.source_id) == key and one.sha256 == sha256:
                return rag, one.source_id
    raise SourceNotFoundError(_NONE)


def _refusal(status: int, message: str) -> Response:
    return Response(message, status_code=status, media_type="text/plain", headers=_HEADERS)

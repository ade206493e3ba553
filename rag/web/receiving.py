"""The route that takes in files: one request a file, its bytes as they are, limits kept while they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from rag.errors import RagError, SourceError
from rag.sources import SUPPORTED

if TYPE_CHECKING:
    from fastapi import FastAPI

    from rag.web.taking_in import TakingIn
    from rag.web.uploads import Arrival

PATH = "/uploads"
N_AT_ONCE = 8
"""Files that arrive at the same time; more are refused."""
SILENCE = 30.0
"""Seconds after which a sender that sends nothing is left."""

_BLOCK = 1 << 20  # bytes that are written at once
_STATUS = {"too_large": 413, "unsupported": 415, "empty": 400, "unreadable": 500}
_FORBIDDEN = 403
_OFF = "Taking in files is turned off here. Start again without RAG_UPLOADS=false to turn it on."
_MANY = "Too many files arrive at the moment. Try again in a while."
_SILENT = "Nothing came for a while, so the file was not taken in. Try again."


def add_routes(
    app: FastAPI,
    find: Callable[[Request], TakingIn],
    *,
    open_: bool,
    silence: float = SILENCE,
    note: Callable[[Request, str], None] = lambda *_: None,
) -> None:
    """Take in files, and tell which can be.

    Args:
        app: whose routes these are.
        find: returns what indexes that which a request brings, or raises RagError where nothing may.
        open_: False refuses all.
        silence: seconds to wait for the next bytes.
        note: notes the name of a file that was taken in.
    """
    slots = asyncio.Semaphore(N_AT_ONCE)

    @app.get(PATH)
    def terms(request: Request) -> JSONResponse:
        try:
            most = find(request).uploads.max_file
        except RagError as exc:
            return _refusal(_FORBIDDEN, str(exc))
        return JSONResponse({"open": open_, "formats": list(SUPPORTED), "most_bytes": most})

    @app.post(PATH)
    async def receive(request: Request) -> JSONResponse:
        if not open_:
            return _refusal(_FORBIDDEN, _OFF)
        try:
            taking_in = find(request)
        except RagError as exc:
            return _refusal(_FORBIDDEN, str(exc))
        if slots.locked():
            return _refusal(429, _MANY)
        async with slots:
            try:
                return await _receive(request, taking_in, silence, note)
            except SourceError as exc:
                return _refusal(_STATUS.get(exc.reason, 400), str(exc))
            except TimeoutError:
                return _refusal(408, _SILENT)
            except ClientDisconnect:
                return _refusal(400, _SILENT)


async def _receive(
    request: Request, taking_in: TakingIn, silence: float, note: Callable[[Request, str], None]
) -> JSONResponse:
    """Write what arrives into the folder, and have it indexed unless that is there already."""
    arriving = taking_in.uploads.arriving(request.query_params.get("name", ""))
    arrival = await asyncio.to_thread(arriving.__enter__)
    try:
        async for block in _blocks(request, silence):
            await asyncio.to_thread(arrival.write, block)
        name, response = await asyncio.to_thread(_kept, arrival, taking_in)
        if name:
            note(request, name)
        return response
    finally:
        arriving.__exit__(None, None, None)


def _kept(arrival: Arrival, taking_in: TakingIn) -> tuple[str, JSONResponse]:
    twin = taking_in.twin(arrival.sha256)
    if twin:
        message = f"Its content is there already, as {twin!r}. Nothing was added."
        return "", JSONResponse({"name": twin, "added": False, "message": message})
    kept = arrival.keep()
    taking_in.take(kept.name)
    message = "It takes the place of the file that had this name." if kept.replaced else ""
    return kept.name, JSONResponse({"name": kept.name, "added": True, "message": message})


async def _blocks(request: Request, silence: float) -> AsyncIterator[bytes]:
    """Yield what arrives in pieces worth writing."""
    pieces = aiter(request.stream())
    held = bytearray()
    with suppress(StopAsyncIteration):
        while True:
            held += await asyncio.wait_for(anext(pieces), silence)
            if len(held) >= _BLOCK:
                yield bytes(held)
                held.clear()
    if held:
        yield bytes(held)


def _refusal(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)

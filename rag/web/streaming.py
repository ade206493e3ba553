"""What works and waits in a thread of its own is read as an async generator.

Whoever reads can leave at any moment, however long the next item takes; the thread is told when it
gets there. All steps of an iterator are taken in the one thread, as what it holds open may demand.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Tell: TypeAlias = Callable[[T], None]
"""Hands an item to whoever reads; raises ReaderLeftError where nobody does any more."""


class ReaderLeftError(Exception):
    """Nobody reads any more: the work can end."""


@dataclass(frozen=True, slots=True)
class _End:
    """After the last item: why there are no more."""

    error: Exception | None


async def told(work: Callable[[Tell[T]], None]) -> AsyncGenerator[T]:
    """Yield what the work tells, and raise what it raises.

    Args:
        work: called in the thread.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[T | _End] = asyncio.Queue()
    left = Event()

    def put(item: T | _End) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody reads any more
            loop.call_soon_threadsafe(arrived.put_nowait, item)

    def tell(item: T) -> None:
        if left.is_set():
            raise ReaderLeftError
        put(item)

    # A daemon: leaving the program must not wait for a model that is silent.
    Thread(target=lambda: put(_ended(work, tell)), name="answering", daemon=True).start()
    try:
        while not isinstance(item := await arrived.get(), _End):
            yield item
    finally:
        left.set()
    if item.error is not None:
        raise item.error


def in_thread(make: Callable[[], Iterator[T]]) -> AsyncGenerator[T]:
    """Yield what the iterator yields, and raise what it raises; a generator is closed at the end.

    Args:
        make: makes the iterator; called in the thread.
    """

    def work(tell: Tell[T]) -> None:
        items = make()
        try:
            for item in items:
                tell(item)
        finally:
            if isinstance(items, Generator):
                items.close()

    return told(work)


async def paced(items: AsyncGenerator[T], *, every: float) -> AsyncGenerator[T]:
    """Yield the latest item at most once in so many seconds; the last of a burst is never held back longer.

    Args:
        items: each makes those before it stale; closed at the end.
        every: seconds.
    """
    clock = asyncio.get_running_loop().time
    due, held = clock(), list[T]()
    coming = asyncio.ensure_future(anext(items))
    try:
        while True:
            await asyncio.wait({coming}, timeout=max(0.0, due - clock()) if held else None)
            if coming.done():
                error = coming.exception()
                if error is not None:
                    break
                held = [coming.result()]
                coming = asyncio.ensure_future(anext(items))
            if held and clock() >= due:
                yield held.pop()
                due = clock() + every
        if held:
            yield held.pop()
        if not isinstance(error, StopAsyncIteration):
            raise error
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
        await items.aclose()


def _ended(work: Callable[[Tell[T]], None], tell: Tell[T]) -> _End:
    """Do the work and say how it ended."""
    try:
        work(tell)
    except Exception as exc:  # noqa: BLE001  (whoever reads gets it)
        return _End(exc)
    except BaseException as exc:  # noqa: BLE001  (extensions in Rust panic with one)
        return _End(RuntimeError(f"{type(exc).__name__}: {exc}"))
    return _End(None)

"""An iterator that works and waits in a thread of its own becomes an async one.

Whoever reads it can leave at any moment, however long the next item takes; the iterator is told when
it gets there. All its steps are taken in the one thread, as what it holds open may demand.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _End:
    """After the last item: why there are no more."""

    error: Exception | None


async def in_thread(make: Callable[[], Iterator[T]]) -> AsyncIterator[T]:
    """Yield what the iterator yields, and raise what it raises.

    Args:
        make: makes the iterator; called in the thread.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[T | _End] = asyncio.Queue()
    left = Event()

    def put(item: T | _End) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody reads any more
            loop.call_soon_threadsafe(arrived.put_nowait, item)

    # A daemon: leaving the program must not wait for a model that is silent.
    Thread(target=_run, args=(make, put, left), name="answering", daemon=True).start()
    try:
        while not isinstance(item := await arrived.get(), _End):
            yield item
    finally:
        left.set()
    if item.error is not None:
        raise item.error


def _run(make: Callable[[], Iterator[T]], put: Callable[[T | _End], None], left: Event) -> None:
    error: Exception | None = None
    try:
        items = make()
        for item in items:
            if left.is_set():
                break
            put(item)
        if isinstance(items, Generator):
            items.close()
    except Exception as exc:  # noqa: BLE001  (whoever reads gets it)
        error = exc
    except BaseException as exc:  # noqa: BLE001  (extensions in Rust panic with one)
        error = RuntimeError(f"{type(exc).__name__}: {exc}")
    put(_End(error))

"""Reading from a thread: in order, with its failures, and free to leave."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.web.streaming import in_thread


async def read(items: Iterator[int]) -> list[int]:
    """Read all of it."""
    return [item async for item in in_thread(lambda: items)]


@given(st.lists(st.integers(), max_size=20))
def test_every_item_arrives_once_and_in_order(items: list[int]):
    """What the iterator yields is what the reader gets."""
    assert items == asyncio.run(read(iter(items)))


def test_what_the_iterator_raises_the_reader_gets_after_the_items_before_it():
    """A failure comes where it happened."""

    def failing() -> Iterator[int]:
        yield 1
        raise KeyError("two")

    async def run(got: list[int]) -> None:
        async for item in in_thread(failing):
            got.append(item)

    got: list[int] = []
    with pytest.raises(KeyError, match="two"):
        asyncio.run(run(got))
    assert [1] == got


def test_a_panic_of_an_extension_is_an_ordinary_failure_to_the_reader():
    """What would end a thread silently must not leave its reader waiting."""

    class PanicException(BaseException):
        pass

    def panicking() -> Iterator[int]:
        raise PanicException("not a char boundary")
        yield 1

    with pytest.raises(RuntimeError, match="PanicException: not a char boundary"):
        asyncio.run(read(panicking()))


def test_all_steps_are_taken_in_one_thread_and_it_is_not_the_reader_s():
    """What the iterator holds open may belong to one thread; the reader's loop is never blocked."""

    def names() -> Iterator[str]:
        for _ in range(3):
            yield threading.current_thread().name

    async def run() -> set[str]:
        return {name async for name in in_thread(names)}

    (name,) = asyncio.run(run())
    assert threading.current_thread().name != name


def test_a_reader_leaves_at_once_and_the_iterator_is_closed_when_it_gets_there():
    """However long the next item takes, stopping does not wait for it."""
    go_on, closed = threading.Event(), threading.Event()
    reached: list[int] = []

    def silent() -> Iterator[int]:
        try:
            yield 1
            go_on.wait(10)
            yield 2
            reached.append(3)
            yield 3
        finally:
            closed.set()

    async def run() -> float:
        reading = asyncio.create_task(read(silent()))
        await asyncio.sleep(0.1)
        start = time.monotonic()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        return time.monotonic() - start

    assert asyncio.run(run()) < 1
    assert not closed.is_set()
    go_on.set()
    assert closed.wait(10)
    assert [] == reached

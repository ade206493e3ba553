"""Reading from a thread: in order, with its failures, and free to leave."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.web.streaming import in_thread, paced


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
    begun, go_on, closed = threading.Event(), threading.Event(), threading.Event()
    reached: list[int] = []

    def silent() -> Iterator[int]:
        try:
            yield 1
            begun.set()
            go_on.wait(60)
            yield 2
            reached.append(3)
            yield 3
        finally:
            closed.set()

    async def run() -> float:
        reading = asyncio.create_task(read(silent()))
        assert await asyncio.to_thread(begun.wait, 60)
        start = time.monotonic()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        return time.monotonic() - start

    assert asyncio.run(run()) < 10
    assert not closed.is_set()
    go_on.set()
    assert closed.wait(60)
    assert [] == reached


async def after(*items: tuple[float, int | Exception], left: list[str]) -> AsyncGenerator[int]:
    """Yield each number, or raise, so many seconds after the one before."""
    try:
        for seconds, item in items:
            await asyncio.sleep(seconds)
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        left.append("closed")


def test_of_a_burst_the_first_and_the_latest_are_seen_and_nothing_is_held_back_for_long():
    """Where no more comes for a while, what came last is there."""
    seen: list[tuple[int, float]] = []

    async def burst(third_seen: asyncio.Event) -> AsyncGenerator[int]:
        for item in (1, 2, 3):
            yield item
        await third_seen.wait()  # for ever, were it held back until the next
        yield 4

    async def run() -> None:
        third_seen = asyncio.Event()
        start = time.monotonic()
        async for item in paced(burst(third_seen), every=1.0):
            seen.append((item, time.monotonic() - start))
            if item == 3:
                third_seen.set()

    asyncio.run(run())
    assert [1, 3, 4] == [item for item, _ in seen]
    assert seen[1][1] >= 1.0


@given(st.lists(st.integers(), min_size=1, max_size=20))
def test_the_last_item_is_always_seen_and_the_order_kept(items: list[int]):
    """What is left out is what another replaced."""

    async def run() -> list[int]:
        numbered = after(*((0, number) for number in range(len(items))), left=[])
        return [item async for item in paced(numbered, every=0.01)]

    seen = asyncio.run(run())
    assert sorted(set(seen)) == seen
    assert len(items) - 1 == seen[-1]


def test_a_failure_comes_after_what_came_before_it():
    """The picture before it is not lost to it."""
    left: list[str] = []

    async def run(got: list[int]) -> None:
        failing = after((0, 1), (0, 2), (0, KeyError("three")), left=left)
        async for item in paced(failing, every=5):
            got.append(item)

    got: list[int] = []
    with pytest.raises(KeyError, match="three"):
        asyncio.run(run(got))
    assert ([1, 2], ["closed"]) == (got, left)


@pytest.mark.parametrize("n_read", [1, 2])
def test_who_leaves_closes_what_is_paced(n_read: int):
    """Waiting for the next item, or holding one."""
    left: list[str] = []

    async def run() -> None:
        pictures = paced(after((0, 1), (0, 2), (30, 3), left=left), every=0.05)
        for _ in range(n_read):
            await anext(pictures)
        await pictures.aclose()

    asyncio.run(run())
    assert ["closed"] == left

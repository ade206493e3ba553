"""Stop reaches the model: what a person stops on the page is closed at the provider."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from rag.chat import ChatDelta, ChatLimits, Document, Message
from rag.citations import lexical_support
from rag.pipeline import Rag
from rag.pipeline.extractive import ExtractiveAnswerer
from rag.pipeline.generative import ChatAnswerer
from rag.settings import Settings
from rag.web.opening import Opening
from tests.fakes import OverlapReader

pytestmark = pytest.mark.model


class EndlessChat:
    """Writes a word now and then, for ever, and remembers that it was closed."""

    name = "endless:chat"
    cites = False

    def __init__(self) -> None:
        self.closed = Event()

    def stream(self, *_: Sequence[Message | Document]) -> Iterator[ChatDelta]:
        """Yield words until it is closed; no test waits longer than the limit of a real model."""
        try:
            until = time.monotonic() + ChatLimits().total
            while time.monotonic() < until:
                yield ChatDelta(text="bridge [1] ")
                time.sleep(0.02)
        finally:
            self.closed.set()


@pytest.fixture
def model() -> EndlessChat:
    """The model that would never stop by itself."""
    return EndlessChat()


@pytest.fixture
def chat(model: EndlessChat, tmp_path: Path) -> Iterator[Any]:
    """The events of a page over the whole pipeline, with that model."""
    from rag.web.pages import Chat

    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "bridge.txt").write_text("The harbour bridge opened in 1932.\n", encoding="utf-8")
    settings = Settings(seeds_dir=seeds, index_dir=tmp_path / "index")
    extractive = ExtractiveAnswerer(OverlapReader())
    writing = ChatAnswerer(
        model,
        support=lexical_support,
        fallback=extractive,
        context=8192,
        count_tokens=lambda text: len(text.split()),
    )
    with Rag.open(settings, answerers=[writing, extractive]) as rag:
        opening = Opening(lambda _: rag)
        opening.wait(60)
        yield Chat(opening, max_chars=200)


async def until_it_writes(answers: Any) -> None:
    """Read until words appear, with markers that are links."""
    async for talk, messages, *_ in answers:
        if talk[-1].draft.count("[1]") > 1:
            assert 'href="#p-0-1"' in messages[-1]["content"]
            return


def test_a_model_is_closed_when_the_page_waits_for_its_next_word(chat: Any, model: EndlessChat):
    """The page's task is cancelled in the middle of a wait."""
    talk, *_ = chat.accept("When did the harbour bridge open?", ())

    async def stop() -> float:
        answers = chat.answer(talk)
        await until_it_writes(answers)
        waiting = asyncio.create_task(anext(answers))
        await asyncio.sleep(0)
        waiting.cancel()
        started = time.monotonic()
        await asyncio.gather(waiting, return_exceptions=True)
        return time.monotonic() - started

    assert asyncio.run(stop()) < 10
    assert model.closed.wait(60)


def test_a_model_is_closed_when_the_page_is_drawing(chat: Any, model: EndlessChat):
    """The page's iterator is closed between two pictures, without help of the garbage collector."""
    talk, *_ = chat.accept("When did the harbour bridge open?", ())

    async def stop() -> bool:
        answers = chat.answer(talk)
        await until_it_writes(answers)
        await answers.aclose()
        # `answers` is still held here.
        return await asyncio.to_thread(model.closed.wait, 60)

    assert asyncio.run(stop())


def test_after_a_stop_the_next_question_is_answered(chat: Any, model: EndlessChat):
    """By whoever is chosen then."""
    talk, *_ = chat.accept("When did the harbour bridge open?", ())

    async def stop() -> None:
        answers = chat.answer(talk)
        await until_it_writes(answers)
        await answers.aclose()

    asyncio.run(stop())
    assert model.closed.wait(60)
    answer = chat.ask("When did the harbour bridge open?", model="extractive")
    assert "extractive:overlap/1" == answer["model"]
    assert "1932" in answer["text"]

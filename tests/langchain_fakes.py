"""A langchain model that plays a script, and langchain's own fake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

__all__ = ["GenericFakeChatModel", "Scripted"]


class Scripted(BaseChatModel):
    """A langchain model that plays a script: text, a pause in seconds, an error, or a whole chunk."""

    script: list = []  # noqa: RUF012  (pydantic copies it)
    seen: list = []  # noqa: RUF012
    closed: object = None

    @property
    def _llm_type(self):
        return "scripted"

    def _generate(self, *_args, **_kwargs):
        return ChatResult(generations=[ChatGeneration(message=AIMessage("unused"))])

    async def _astream(self, messages, **_kwargs) -> AsyncIterator:
        self.seen.append(messages)
        try:
            for act in self.script:
                if isinstance(act, BaseException):
                    raise act
                if isinstance(act, float):
                    await asyncio.sleep(act)
                    continue
                chunk = AIMessageChunk(act) if isinstance(act, str) else act
                yield ChatGenerationChunk(message=chunk)
        finally:
            if self.closed is not None:
                self.closed.set()

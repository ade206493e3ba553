"""Chat models of Hugging Face in this process; on a GPU where there is one.

Weights are read from safetensors only and no code of a model is run (`rag.hub`). The likeliest word is taken each
time, so that the same request gets the same reply. Knows no deadline: whoever stops listening stops the model.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from rag.chat.model import Message
from rag.errors import ChatOutputError, ChatSetupError, ModelError
from rag.hub import first_line, model_folder

if TYPE_CHECKING:
    from langchain_core.messages import AIMessageChunk

MOST_NEW_TOKENS = 1024
"""Of one reply, unless the model's own configuration says less; it ends with `length` there."""
_REMEDY = "Check RAG_LLM, or leave it empty to answer without a language model."


class LocalModel:
    """Writes with a `transformers` model, one reply at a time; others wait their turn.

    Args:
        model: an `AutoModelForCausalLM`.
        tokenizer: its tokenizer.
        name: for messages.
    """

    def __init__(self, model: Any, tokenizer: Any, *, name: str) -> None:  # noqa: ANN401  (imported when used)
        self._model = model
        self._tokenizer = tokenizer
        self._name = name
        self._ends = _ends(model, tokenizer)
        self._special = re.compile("|".join(map(re.escape, _special_tokens(tokenizer))) or r"(?!)")
        self._turns = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rag-chat-local")

    async def astream(
        self, messages: Sequence[Message], /, **_: object
    ) -> AsyncGenerator[AIMessageChunk]:
        """Yield the reply word by word, and at last how it ended; closing the generator ends the writing.

        Raises:
            ChatSetupError: the messages are longer than what the model can take in.
            ChatOutputError: the model failed.
        """
        from langchain_core.messages import AIMessageChunk
        from transformers import AsyncTextIteratorStreamer

        words = AsyncTextIteratorStreamer(
            self._tokenizer, skip_prompt=True, skip_special_tokens=True
        )
        stop = threading.Event()
        writing = asyncio.get_running_loop().run_in_executor(
            self._turns, self._write, messages, words, stop
        )
        try:
            async for text in words:
                yield AIMessageChunk(content=text)
            yield await writing
        finally:
            stop.set()
            writing.cancel()

    def _write(self, messages: Sequence[Message], words: Any, stop: threading.Event) -> Any:  # noqa: ANN401
        """Let the model write, and return the chunk that ends its reply."""
        try:
            return self._written(messages, words, stop)
        except ChatSetupError:
            raise
        except Exception as exc:  # a foreign model can fail in any way
            raise ChatOutputError(
                f"{self._name} failed while it wrote ({type(exc).__name__}). It may need more memory than there is:"
                " choose a smaller model (RAG_LLM)."
            ) from exc
        finally:
            words.end()  # whoever waits for a word must learn that none will come

    def _written(self, messages: Sequence[Message], words: Any, stop: threading.Event) -> Any:  # noqa: ANN401
        import torch
        from langchain_core.messages import AIMessageChunk

        prompt = self._prompt(messages).to(self._model.device)
        n_prompt = prompt["input_ids"].shape[1]
        written = self._model.generate(
            prompt["input_ids"],
            attention_mask=prompt["attention_mask"],
            do_sample=False,
            num_beams=1,
            max_new_tokens=self._room(n_prompt),
            eos_token_id=self._ends or None,
            pad_token_id=next(iter(self._ends), 0),
            streamer=words,
            stopping_criteria=[
                lambda ids, *_, **__: torch.full((len(ids),), stop.is_set(), device=ids.device)
            ],
        )[0, n_prompt:].tolist()
        ended = bool(written) and written[-1] in self._ends
        return AIMessageChunk(
            content="",
            response_metadata={"finish_reason": "stop" if ended else "length"},
            usage_metadata={
                "input_tokens": n_prompt,
                "output_tokens": len(written),
                "total_tokens": n_prompt + len(written),
            },
        )

    def _prompt(self, messages: Sequence[Message]) -> Any:  # noqa: ANN401
        """Return the messages as tokens, in the form the model was trained on where its tokenizer says which."""
        from jinja2 import TemplateError

        # In a message such a token would be no text, but the end of the message or the start of another.
        told = [
            {**one, "content": self._special.sub(" ", _clean(one["content"]))} for one in messages
        ]
        if not self._tokenizer.chat_template:
            lines = [f"{one['role']}: {one['content']}" for one in told]
            return self._tokenizer("\n\n".join([*lines, "assistant:"]), return_tensors="pt")
        try:
            return self._templated(told)
        except TemplateError:  # some models know no system
            return self._templated(_without_system(told))

    def _templated(self, told: Sequence[Message]) -> Any:  # noqa: ANN401
        return self._tokenizer.apply_chat_template(
            told,
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
            enable_thinking=False,  # a template that knows no thinking ignores it
        )

    @property
    def profile(self) -> Mapping[str, int]:
        """What it can take in, as langchain's models tell it."""
        longest = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        return {"max_input_tokens": longest} if longest else {}

    def _room(self, n_prompt: int) -> int:
        """Return how many tokens may be written after the prompt."""
        most = min(MOST_NEW_TOKENS, self._model.generation_config.max_new_tokens or MOST_NEW_TOKENS)
        longest = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        if longest is None:
            return most
        if n_prompt >= longest:
            raise ChatSetupError(
                f"{self._name} takes {longest} tokens, and the request has {n_prompt}. Set RAG_LLM_TOKENS to {longest}"
                " or less, or choose another model (RAG_LLM)."
            )
        return int(min(most, longest - n_prompt))


def open_model(name: str) -> LocalModel:
    """Load a model.

    Args:
        name: a folder, or a name on the Hugging Face hub.

    Raises:
        ChatSetupError: there is no such model, it cannot be fetched, or its files cannot be used.
    """
    try:
        folder = model_folder(name, what="language model", remedy=_REMEDY)
    except ModelError as exc:
        raise ChatSetupError(str(exc)) from exc
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        safe = {"local_files_only": True, "trust_remote_code": False}
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype="auto", use_safetensors=True, **safe
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        model = model.eval().to(device)  # type: ignore[no-untyped-call]
        return LocalModel(model, tokenizer, name=f"huggingface:{name}")
    except Exception as exc:  # a foreign model's files can fail in any way
        raise ChatSetupError(
            f"The language model in {str(folder)!r} cannot be loaded: {first_line(exc)}. {_REMEDY}"
        ) from exc


def _ends(model: Any, tokenizer: Any) -> list[int]:  # noqa: ANN401
    """Return the tokens that end a reply."""
    ends = model.generation_config.eos_token_id
    if ends is None:
        ends = tokenizer.eos_token_id
    if ends is None:
        return []
    return list(ends) if isinstance(ends, list | tuple) else [ends]


def _special_tokens(tokenizer: Any) -> list[str]:  # noqa: ANN401
    """Return the tokens that are no text, longest first."""
    added = [token.content for token in tokenizer.added_tokens_decoder.values() if token.special]
    return sorted({*tokenizer.all_special_tokens, *added}, key=len, reverse=True)


def _clean(text: str) -> str:
    """Return a text that has a form in UTF-8, which lone surrogates have not."""
    return text.encode("utf-8", "replace").decode()


def _without_system(told: Sequence[Message]) -> list[Message]:
    """Return the messages with what the system says before the user's first words."""
    rules = [one["content"] for one in told if one["role"] == "system"]
    first, *others = [one for one in told if one["role"] != "system"]
    return [{**first, "content": "\n\n".join([*rules, first["content"]])}, *others]

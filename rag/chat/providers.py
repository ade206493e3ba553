"""Finds the chat models that a setting names, at any provider that langchain knows, or in this process."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from rag.chat.adapter import LangchainChatModel
from rag.chat.faults import no_key, translated
from rag.chat.local import open_model
from rag.chat.model import ChatLimits, ChatModel
from rag.chat.trial import ChatServer
from rag.chat.window import told_window
from rag.chat.wire import PER_BYTE, bounds
from rag.errors import ChatSetupError, SettingsError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

EXTRAS = ("openai", "anthropic", "ollama")
"""Providers that are extras of this package; each says how its answers end."""

_KEYED = frozenset(("openai", "anthropic"))
_NO_KEY = "none"
"""What is sent in place of a key: servers on one's own machine want none, the libraries want some text."""

KeyOf: TypeAlias = Callable[[str, str], str | None]
"""Returns the key for a provider at an address ('' for its own): '' for none at all, None for the environment's."""
_SPEC = re.compile(r"\s*([A-Za-z][A-Za-z0-9_-]*)\s*:\s*(\S(?:.*?\S)??)\s*(?:@(https?://\S+))?\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSpec:
    """A chat model as a setting names it."""

    provider: str
    model: str
    base_url: str
    """Where it is asked; empty for the provider's own address."""

    @property
    def name(self) -> str:
        """What people see; never the URL, which may hold a password."""
        return f"{self.provider}:{self.model}"


def load_chat_models(
    specs: str,
    *,
    base_url: str = "",
    context: int = 0,
    limits: ChatLimits | None = None,
    key_of: KeyOf = lambda provider, address: None,  # noqa: ARG005  (names say what is what)
) -> tuple[ChatModel, ...]:
    """Return the chat models of a list, in its order; none for an empty one.

    Args:
        specs: as in `chat_specs`.
        base_url: as there.
        context: as in `load_chat_model`.
        limits: as there.
        key_of: finds the key of each.

    Raises:
        SettingsError: see `chat_specs` and `load_chat_model`.
        ChatSetupError: see `load_chat_model`.
    """
    wanted = chat_specs(specs, base_url=base_url)
    return tuple(
        load_chat_model(one, context=context, limits=limits, key=key_of(one.provider, one.base_url))
        for one in wanted
    )


def chat_specs(specs: str, *, base_url: str = "") -> tuple[ChatSpec, ...]:
    """Return the models that a list names, and where each is asked.

    Args:
        specs: with commas between, each `provider:model`, or `provider:model@URL` for one that is asked there.
        base_url: of the models of `openai:` without a URL of their own; where none is of `openai:`, of all
            without one, which are then of one provider.

    Raises:
        SettingsError: one is no `provider:model`, or is named twice, or the URL could be that of several
            providers.
    """
    wanted = [_read(spec) for spec in specs.split(",") if spec.strip()]
    names = [one.name for one in wanted]
    for name in names:
        if names.count(name) > 1:
            raise SettingsError(f"RAG_LLM names {name!r} twice; name each model once.")
    return tuple(_placed(wanted, base_url))


def load_chat_model(
    spec: str | ChatSpec,
    *,
    base_url: str = "",
    context: int = 0,
    limits: ChatLimits | None = None,
    key: str | None = None,
) -> ChatModel:
    """Return a chat model.

    Args:
        spec: such as `openai:gpt-5`, `anthropic:claude-sonnet-4-5`, `ollama:llama3.2`, or `huggingface:` and a
            folder or name, for a model in this process; see `chat_specs`.
        base_url: of a server that speaks the provider's protocol, such as llama.cpp's or vLLM's with
            `openai:`; such a server may do without a key.
        context: tokens that the model must take in and write together, for servers that are told with the
            request; 0 leaves it to them.
        limits: deadlines and size.
        key: for the provider; '' for none at all, None for that of the environment.

    Raises:
        SettingsError: the spec is no `provider:model`, or there is no such provider.
        ChatSetupError: the provider's package or key, or the model in this process, is missing.
    """
    wanted = _read(spec) if isinstance(spec, str) else spec
    placed = replace(wanted, base_url=wanted.base_url or base_url)
    return _load(placed, context, limits or ChatLimits(), key)


def _read(spec: str) -> ChatSpec:
    match = _SPEC.fullmatch(spec)
    if match is None:
        raise SettingsError(
            f"RAG_LLM is {spec!r}, which names no model. Write provider:model, such as openai:gpt-5 or"
            " ollama:llama3.2; leave it empty to answer without one."
        )
    provider = match[1].lower().replace("-", "_")
    return ChatSpec(provider=provider, model=match[2], base_url=match[3] or "")


def _without_login(url: str) -> str:
    """Return a URL as it is, unless it holds a login, which would be shown wherever settings are."""
    if "@" in urlsplit(url).netloc:
        raise SettingsError(
            "The URL of a language model holds a login (RAG_LLM_BASE_URL, or behind @ in RAG_LLM). Keys are read"
            " from the environment only: take it out of the URL, and set the provider's variable, such as"
            " OPENAI_API_KEY."
        )
    return url


def _placed(wanted: Sequence[ChatSpec], base_url: str) -> Iterator[ChatSpec]:
    """Yield the models, the URL given to those it is meant for: passages must not go to another server."""
    free = {one.provider for one in wanted if not one.base_url} - {"huggingface"}
    meant = {"openai"} if "openai" in free else free
    if base_url and len(meant) > 1:
        raise SettingsError(
            f"RAG_LLM_BASE_URL could be the server of {' or '.join(sorted(meant))}. Leave it empty, and write"
            f" the URL behind the model that runs there, as in {wanted[0].name}@http://127.0.0.1:8080"
        )
    for one in wanted:
        takes = one.provider in meant and not one.base_url
        yield replace(one, base_url=base_url) if takes else one


def _load(wanted: ChatSpec, context: int, limits: ChatLimits, key: str | None) -> ChatModel:
    if wanted.provider == "huggingface":
        return LangchainChatModel(open_model(wanted.model), name=wanted.name, limits=limits)
    options, call = _options(wanted, context, limits, key)
    try:
        model = _initialised(wanted, options)
    except ChatSetupError:
        if not wanted.base_url or wanted.provider not in _KEYED:
            raise
        model = _initialised(wanted, options | {"api_key": _NO_KEY})
    server = ChatServer(
        provider=wanted.provider,
        model=wanted.model,
        base_url=wanted.base_url,
        key=key or _key_of(model),
    )
    return LangchainChatModel(
        model,
        name=wanted.name,
        limits=limits,
        server=server,
        says_finish=wanted.provider in EXTRAS,
        call=call,
        cites=wanted.provider == "anthropic",
        window=lambda: told_window(
            wanted.provider, wanted.model, wanted.base_url, key=server.key, most=context
        ),
    )


def _key_of(model: BaseChatModel) -> str:
    """Return the key that a model is asked with; empty where it has none of its own."""
    held = getattr(model, "openai_api_key", None) or getattr(model, "anthropic_api_key", None)
    told = getattr(held, "get_secret_value", None)
    return str(told()) if told else ""


def _options(
    wanted: ChatSpec, context: int, limits: ChatLimits, key: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a provider's langchain class is made with, and what goes with each call.

    Retries are ours alone; the clients' own limits end what waits longer than ours would. What a server sends is
    bounded for OpenAI's protocol and Ollama's. `ChatAnthropic` takes no client of ours, so that what Anthropic sends
    at once is bounded by the deadlines alone, as with other providers.
    """
    options: dict[str, Any] = {"temperature": 0}
    most_bytes = limits.max_bytes * PER_BYTE
    if wanted.base_url:
        options["base_url"] = _without_login(wanted.base_url)
    if key is not None and wanted.provider != "ollama":
        options["api_key"] = key or _NO_KEY
    if wanted.provider in _KEYED:
        import httpx2

        timeout = httpx2.Timeout(limits.first, connect=limits.connect)
        if wanted.provider == "openai":
            # Its own limit between two pieces would end a first word that we wait longer for.
            options |= {"stream_chunk_timeout": None}
            options |= _with_client(most_bytes, at_openai=not wanted.base_url)
        return options | {"max_retries": 0}, {"timeout": timeout}
    if wanted.provider == "ollama":
        import httpx

        timeouts = httpx.Timeout(limits.first, connect=limits.connect)
        # Ollama cuts the start off a prompt, our rules first, that is longer than a default of its own.
        room = {"num_ctx": context} if context else {}
        bounded = {"async_client_kwargs": {"event_hooks": bounds(httpx, most_bytes)}}
        # Its library sends OLLAMA_API_KEY wherever nothing else is said.
        said = {} if key is None else {"headers": {"authorization": f"Bearer {key or _NO_KEY}"}}
        return options | room | bounded | {"client_kwargs": {"timeout": timeouts} | said}, {}
    return options, {}


def _with_client(most_bytes: int, *, at_openai: bool) -> dict[str, Any]:
    """Return the options by which a model of OpenAI's protocol is asked through our client.

    With a client of ours langchain asks nobody for the tokens used; as by itself, it is told to ask OpenAI.
    """
    return {
        "http_async_client": _client(most_bytes),
        "http_socket_options": (),  # of the other client, which is not used
        "stream_usage": at_openai,
    }


@cache
def _client(most_bytes: int) -> Any:  # noqa: ANN401  (imported when used)
    """Return the client that models of OpenAI's protocol share, as they would langchain's."""
    import httpx2

    return httpx2.AsyncClient(follow_redirects=True, event_hooks=bounds(httpx2, most_bytes))


def _initialised(wanted: ChatSpec, options: Mapping[str, Any]) -> BaseChatModel:
    """Make a langchain model, with its faults as ours."""
    from langchain.chat_models import init_chat_model

    provider = wanted.provider
    try:
        model: BaseChatModel = init_chat_model(wanted.model, model_provider=provider, **options)
    except ImportError:
        package = f"langchain-{provider.replace('_', '-')}"
        needed = f"'footnote-rag[{provider}]'" if provider in EXTRAS else package
        raise ChatSetupError(
            f"{wanted.name} needs a package that is not installed. Install it: pip install {needed}"
        ) from None
    except ValueError as exc:
        if "provider" not in str(exc).lower():
            raise translated(exc, wanted.name) from None
        raise SettingsError(
            f"RAG_LLM names the provider {provider!r}, which is not known. Known are {', '.join(EXTRAS)},"
            " huggingface and those of langchain's init_chat_model; for a server that speaks OpenAI's"
            " protocol write openai: and set RAG_LLM_BASE_URL."
        ) from None
    except Exception as exc:  # noqa: BLE001  (the providers' libraries share no base class)
        raise translated(exc, wanted.name) from None
    # Its client would send an empty key, and the server's refusal would speak of a wrong one.
    if not getattr(model, "anthropic_api_key", True):
        raise no_key(wanted.name)
    return model

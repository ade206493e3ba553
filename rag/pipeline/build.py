"""From settings to finished parts: the store, the encoder, and who answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, cast

from rag.embedding import Encoder, load_encoder
from rag.errors import SettingsError
from rag.index import Index, discard
from rag.settings import Settings
from rag.store import IndexStamp, Store
from rag.tokens import TokenCounter

if TYPE_CHECKING:
    from rag.chat import ChatModel
    from rag.citations import Support
    from rag.pipeline.inquiry import Answerer


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a pipeline is made of."""

    index: Store
    encoder: Encoder
    answerers: Sequence[Answerer]
    tokens: TokenCounter


def build(
    settings: Settings,
    *,
    rebuild: bool = False,
    answerers: Sequence[Answerer] | None = None,
    encoder: Encoder | None = None,
) -> Parts:
    """Open the index and load the models of some settings.

    Args:
        settings: folders and models.
        rebuild: empties an index first, also one of another encoder or other passage settings.
        answerers: None makes those of the settings.
        encoder: None loads that of the settings.

    Raises:
        SettingsError: a setting cannot work.
        ModelError: the encoder or the reader cannot be loaded.
        IndexStateError: the index cannot be used; the message says what to do.
    """
    encoder, tokens = encoder or load_encoder(settings.encoder), TokenCounter()
    stamp = IndexStamp(
        encoder=encoder.name,
        dimension=encoder.dimension,
        tokenizer=tokens.name,
        passage_tokens=settings.passage_tokens,
        overlap_sentences=settings.overlap_sentences,
    )
    return Parts(
        index=open_store(settings, stamp, empty=rebuild),
        encoder=encoder,
        answerers=load_answerers(settings, tokens) if answerers is None else answerers,
        tokens=tokens,
    )


def open_store(settings: Settings, stamp: IndexStamp, *, empty: bool = False) -> Store:
    """Open the store of some settings: files in a folder, or a collection on a server.

    Args:
        settings: where it is.
        stamp: what it is built with.
        empty: empties it first, whatever it was built with.

    Raises:
        SettingsError: what reaches the server is not installed.
        IndexStateError: it cannot be used; the message says what to do.
    """
    url = settings.store.get_secret_value()
    if not url:
        if empty:
            discard(settings.index_dir)
        return Index.open(settings.index_dir, stamp)
    postgres = load_postgres()
    if empty:
        postgres.empty_collection(url, settings.collection)
    opened = postgres.PostgresStore.open(
        url, settings.collection, stamp, cache=settings.index_dir / "segments"
    )
    return cast("Store", opened)


def load_postgres() -> ModuleType:
    """Load the room of the store on a server.

    Raises:
        SettingsError: what it needs is not installed.
    """
    try:
        from rag import postgres
    except ImportError as exc:
        raise SettingsError(
            "store (RAG_STORE): a PostgreSQL server is reached with packages that are not installed"
            f" ({exc.name}). Install them: pip install 'footnote-rag[postgres]'"
        ) from exc
    return postgres


def load_answerers(settings: Settings, tokens: TokenCounter) -> list[Answerer]:
    """Return who can answer: the configured chat models first, the extractive reader always."""
    from rag.pipeline.extractive import ExtractiveAnswerer
    from rag.reader import load_reader

    extractive = ExtractiveAnswerer(load_reader(settings.reader))
    if not settings.llm:
        return [extractive]
    from rag.chat import limits_for, load_chat_models

    models = load_chat_models(
        settings.llm,
        base_url=settings.llm_base_url,
        context=settings.window or settings.llm_tokens,
        limits=limits_for(settings.llm_first_token),
        key_of=partial(_key, settings),
    )
    return [*held_to_sources(models, settings, tokens, fallback=extractive), extractive]


def held_to_sources(
    models: Sequence[ChatModel], settings: Settings, tokens: TokenCounter, *, fallback: Answerer
) -> list[Answerer]:
    """Return chat models as answerers, each held to the sources as settings say.

    Raises:
        ModelError: what checks them cannot be loaded.
    """
    from rag.pipeline.generative import ChatAnswerer

    support = load_pooled_support(settings.support)
    return [
        ChatAnswerer(
            model,
            support=support,
            fallback=fallback,
            context=settings.window,
            count_tokens=tokens.count,
            rewrites=settings.rewriting == "llm",
            verify=settings.verify,
            today=date.fromisoformat(settings.today) if settings.today else None,
        )
        for model in models
    ]


def _key(settings: Settings, provider: str, address: str) -> str | None:
    """Return the key that a provider is sent; see `Keyring.given`."""
    if provider == "huggingface":
        return None
    from rag.keys import system_keyring

    return system_keyring().given(provider, address, settings.llm_key)


def load_pooled_support(name: str) -> Support:
    """Return a support score.

    Args:
        name: `words` for words alone; else a trained model, see `rag.reader.load_support`, pooled with them. Of what a
            model writes, words that the source has tell more than our model does; of what contradicts the source in
            its own words, the model tells more. eval/LOG.md has the figures.

    Raises:
        ModelError: the model's files cannot be used.
    """
    from rag.citations import lexical_support, pooled

    if name == "words":
        return lexical_support
    from rag.reader import load_support

    return pooled(lexical_support, load_support(name).support)

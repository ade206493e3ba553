"""One `Settings`: keyword arguments, then `RAG_*` variables, then settings files, then the defaults here.

This is the only room that reads the environment. Which files are read is decided in `rag.config`; what a
value means, where it is used.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from rag.collections import DEFAULT, collection_name, folders
from rag.config import NAME, LeftOut, find_config, own_folder
from rag.errors import SettingsError
from rag.keys import KeyFrom
from rag.schema import Depth, Verify

log = logging.getLogger(__name__)

_ARGUMENT = "an argument"

CONFIG_VARIABLE = "RAG_CONFIG"
"""Names the only settings file to read."""

PASSWORD_CHARS = 12
"""Characters that a password has at least."""


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What is noted while one `Settings` is made."""

    named: Path | None
    origins: dict[str, str] = field(default_factory=dict)
    left_out: LeftOut | None = None


_READING: ContextVar[_Reading] = ContextVar("_READING")


class Settings(BaseSettings):
    """What a person can choose. Frozen; `settings.model_copy(update={...})` makes another.

    Args:
        config: the only settings file to read; None for the one that RAG_CONFIG names, or the person's own and, over
            it, `rag.toml` of the current folder where it was made trusted.
        values: settings, which win over the environment and any file; `index_dir` also over a `store` of these.

    Raises:
        SettingsError: a value is out of its range or a name is unknown; the message lists each.
    """

    model_config = SettingsConfigDict(
        env_prefix="RAG_",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,  # one may be the password
    )

    seeds_dir: Path = Field(Path("seeds"), description="folder of the sources")
    index_dir: Path = Field(Path("index"), description="folder of what is built from them")
    collection: str = Field(
        "",
        description="the named set of sources that is asked, see docs/collections.md; '' for the one in `seeds_dir`",
    )
    collections_dir: Path = Field(
        Path("collections"), description="folder of the named sets, each with its sources and index"
    )
    encoder: str = Field(
        "builtin",
        min_length=1,
        description="'builtin' (all-MiniLM-L6-v2, int8, in the package), or a sentence-transformers"
        " model by name or path",
    )
    reader: str = Field(
        "builtin",
        min_length=1,
        description="'builtin', the trained one in the package that answers without an LLM; 'linear', which"
        " sees words only; or an extractive question-answering model by name or path",
    )
    support: str = Field(
        "builtin",
        min_length=1,
        description="who says, beside the rules, whether sources bear out what an LLM writes: 'builtin', the"
        " trained model in the package and words together; 'words' alone; or the folder of another model",
    )
    llm: str = Field(
        "",
        description="'' for none, or provider:model, such as openai:gpt-5 or ollama:llama3.2, and @URL"
        " behind it for one with an address of its own; several, with commas between, can be chosen"
        " among, and the first answers unless another is chosen",
    )
    llm_base_url: str = Field(
        "", description="URL of the openai: models' server, or of the only provider's"
    )
    llm_key: KeyFrom = Field(
        "environment",
        description="whose key a model's server with a URL is sent: 'environment', the one kept for it in the"
        " system's keyring, or else that of the environment; 'kept', only the former",
    )
    llm_tokens: int = Field(
        8192,
        ge=1024,
        le=2_000_000,
        description="tokens that the model can take in and write together, where it is set and `context` is not",
    )
    context: int = Field(
        0,
        ge=0,
        le=2_000_000,
        description="tokens that the model can take in and write together; 0 for what its provider tells",
    )
    depth: Depth = Field(
        "quick",
        description="how long an LLM looks: 'quick', one search, planned by it where that pays; 'thorough', up to"
        " five, each for what it misses, and more of the sources is read",
    )
    today: str = Field(
        "",
        pattern=r"^(\d{4}-\d{2}-\d{2})?$",
        description="the date that an LLM is told, such as 2026-11-30; '' for that of the clock",
    )
    llm_first_token: float = Field(
        60,
        ge=1,
        le=3600,
        description="seconds until the first word of the model; more for a slow machine, or a model that thinks long",
    )
    rewriting: Literal["rules", "llm"] = Field(
        "rules", description="who makes a follow-up stand alone: 'rules', or 'llm', the chat model"
    )
    verify: Verify = Field(
        "model",
        description="who says whether what an LLM writes is borne out: 'model', the LLM itself, asked once more for"
        " the words that bear it out, which are looked up, and the checks; 'builtin', the checks alone; 'off'",
    )
    passage_tokens: int = Field(160, ge=32, le=2048, description="most tiktoken tokens a passage")
    overlap_sentences: int = Field(
        1, ge=0, le=4, description="whole sentences that a passage shares with the one before"
    )
    top_k: int = Field(8, ge=1, le=50, description="passages that are read to answer a question")
    strictness: float = Field(
        0.5,
        ge=0,
        le=1,
        description="0 answers whenever it can, 1 only when nearly certain; 0.5 is balanced",
    )
    uploads: bool = Field(True, description="whether the web chat takes in files and pasted text")
    urls: bool = Field(False, description="whether the web chat may read web addresses it is given")
    ocr: str = Field(
        "auto",
        pattern=r"^(auto|off|[A-Za-z_]+(\+[A-Za-z_]+)*)$",
        description="how scans and images are read: 'auto' by Tesseract where it is installed, in the languages"
        " that it has; languages, such as eng+deu; or 'off'",
    )
    max_file_mb: float = Field(50, gt=0, le=2000, description="larger files are refused")
    max_question_chars: int = Field(4000, ge=100, le=100_000, description="longer ones are refused")
    mcp: bool = Field(
        False,
        description="whether assistants may ask the web chat over the Model Context Protocol, at /mcp",
    )
    openai_api: bool = Field(
        False,
        description="whether clients of OpenAI's protocol may ask the web chat, at /v1/chat/completions",
    )
    sync_on_start: bool = Field(
        True,
        description="whether a server brings the index up to date when it starts; off where `rag worker` does",
    )
    metrics: bool = Field(
        False, description="whether the web chat tells its figures to Prometheus, at /metrics"
    )
    log_format: Literal["text", "json"] = Field(
        "text",
        description="how a server and a worker write their logs: 'text', or 'json', an object a line",
    )
    users_file: Path | None = Field(
        None,
        description="file of the accounts of `rag users`: with it only these may ask over the web; none for one person,"
        " or everybody with the password",
    )
    # Not in what is kept and shown of settings: runs, reports, `repr`.
    store: SecretStr = Field(
        SecretStr(""),
        exclude=True,
        repr=False,
        description="'' for the files in `index_dir`, or postgresql://USER@HOST:PORT/DATABASE, a server that"
        " keeps what is indexed for several machines, see docs/postgres.md",
    )
    password: SecretStr = Field(
        SecretStr(""),
        exclude=True,
        repr=False,
        description="'' for none, or what the web chat asks everybody for; from RAG_PASSWORD, never from"
        " a file",
    )

    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict)
    _left_out: LeftOut | None = PrivateAttr(default=None)
    _only: Path | None = PrivateAttr(default=None)
    _default: tuple[Path, Path] = PrivateAttr(default=(Path("seeds"), Path("index")))

    def __init__(
        self,
        *,
        config: Path | str | None = None,
        **values: Any,  # noqa: ANN401  (pydantic's own signature)
    ) -> None:
        named = config or os.environ.get(CONFIG_VARIABLE)
        reading = _Reading(named=Path(named) if named else None)
        token = _READING.set(reading)
        try:
            super().__init__(**values)
        except ValidationError as exc:
            raise SettingsError(_explain(exc, reading.origins)) from exc
        finally:
            _READING.reset(token)
        self._origins = reading.origins
        self._left_out = reading.left_out
        self._only = reading.named
        if reading.origins.get("index_dir") == _ARGUMENT != reading.origins.get("store", _ARGUMENT):
            # Whoever names a folder wants that, and no store of the environment emptied or filled.
            self.__dict__["store"] = SecretStr("")
            del reading.origins["store"]
        self._default = self.seeds_dir, self.index_dir
        if self.collection:
            self.__dict__.update(self._places(self.collection))
        if reading.left_out is not None:
            _tell(reading.left_out)

    @property
    def origins(self) -> Mapping[str, str]:
        """Where each setting that is not a default came from, by name: a variable, a file, or "an argument"."""
        return self._origins

    @property
    def window(self) -> int:
        """Tokens that a chat model is taken to take in and write together; 0 where its provider is to tell."""
        return self.context or (self.llm_tokens if "llm_tokens" in self.model_fields_set else 0)

    @property
    def left_out(self) -> LeftOut | None:
        """The settings file of the current folder, where it is there and not obeyed."""
        return self._left_out

    def overruling(self, *names: str) -> str:
        """Return what wins over the person's own file for one of some settings; '' where that file would hold."""
        if self._only is not None:
            return str(self._only)
        folder = own_folder()
        own = str(folder / NAME) if folder else ""
        origins = (self._origins.get(name, own) for name in names)
        return next((origin for origin in origins if origin != own), "")

    def __eq__(self, other: object) -> bool:
        """Return whether every value is the same, wherever it came from."""
        return isinstance(other, Settings) and self.__dict__ == other.__dict__

    def changed(self, origin: str, **values: object) -> Self:
        """Return these settings with other values, which are not checked, and where they came from."""
        other = self.model_copy(update=values)
        other._origins = {**self._origins, **dict.fromkeys(values, origin)}
        return other

    def of_collection(self, name: str) -> Self:
        """Return these settings for another collection.

        Args:
            name: of it; "default" for the one of `seeds_dir` and `index_dir`.

        Raises:
            SettingsError: it is no name; whether there is such a collection is not looked at.
        """
        try:
            name = collection_name(name)
        except ValueError as exc:
            raise SettingsError(f"collection: {exc}, got {name!r}.") from exc
        name = "" if name == DEFAULT else name
        return self.changed(_ARGUMENT, collection=name, **self._places(name))

    def _places(self, name: str) -> dict[str, Path]:
        """Return where the documents and the index of a collection lie, as settings."""
        seeds, index = folders(self.collections_dir, name) if name else self._default
        return {"seeds_dir": seeds, "index_dir": index}

    @field_validator("collection")
    @classmethod
    def _called(cls, value: str) -> str:
        try:
            name = collection_name(value) if value else ""
        except ValueError as exc:
            raise PydanticCustomError("value_error", "{why}", {"why": str(exc)}) from exc
        return "" if name == DEFAULT else name

    @field_validator("seeds_dir", "index_dir", "collections_dir", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        if value == "":  # which Path takes for the current folder
            raise PydanticCustomError("too_short", "it wants a folder; the current one is '.'")
        return value

    @field_validator("store")
    @classmethod
    def _a_url(cls, value: SecretStr) -> SecretStr:
        given = value.get_secret_value()
        if given and not given.startswith(("postgresql://", "postgres://")):
            raise PydanticCustomError(
                "value_error", "it wants postgresql://USER@HOST:PORT/DATABASE, or nothing"
            )
        return value

    @field_validator("password")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value) < PASSWORD_CHARS:
            raise PydanticCustomError(
                "too_short", f"it wants at least {PASSWORD_CHARS} characters, or none at all"
            )
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (pydantic passes it)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (pydantic passes it)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Give the order of precedence: arguments, environment, files; note what each gives and what is left out."""
        reading = _READING.get()
        arguments, variables = init_settings(), env_settings()
        files, reading.left_out = find_config(
            reading.named,
            given=variables | arguments,
            seeds=settings_cls.model_fields["seeds_dir"].default,
        )
        reading.origins |= {
            **{name: str(file.path) for file in reversed(files) for name in file.values},
            **{name: f"RAG_{name.upper()}" for name in variables},
            **dict.fromkeys(arguments, _ARGUMENT),
        }
        read = (InitSettingsSource(settings_cls, dict(file.values)) for file in files)
        return init_settings, env_settings, *read


@cache
def _tell(left_out: LeftOut) -> None:
    """Say of a file that it is left out, once."""
    log.warning("%s", left_out)


def _explain(exc: ValidationError, origins: Mapping[str, str]) -> str:
    """Say each fault of a ValidationError as a phrase with the setting's name, origin and what was given."""
    faults = []
    for error in exc.errors():
        name = ".".join(str(part) for part in error["loc"])
        origin = origins.get(name, "")
        place = f" in {origin!r}" if os.sep in origin else ""
        if error["type"] == "extra_forbidden":
            known = ", ".join(Settings.model_fields)
            faults.append(f"{name!r}{place} is no setting; there are: {known}")
        else:
            got = "" if name in {"password", "store"} else f", got {error['input']!r}"
            faults.append(f"{name} (RAG_{name.upper()}){place}: {error['msg']}{got}")
    return "Settings cannot be used. " + "; ".join(faults) + "."

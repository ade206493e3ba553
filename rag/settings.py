"""One `Settings`: keyword arguments, then `RAG_*` variables, then `rag.toml`, then the defaults here.

This is the only room that reads the environment. It knows no other room: what a value means is
decided where it is used.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rag.errors import SettingsError


class Settings(BaseSettings):
    """What a person can choose. Frozen; `settings.model_copy(update={...})` makes another.

    Raises:
        SettingsError: a value is out of its range or a name is unknown; the message lists each.
    """

    model_config = SettingsConfigDict(
        env_prefix="RAG_", toml_file="rag.toml", extra="forbid", frozen=True
    )

    seeds_dir: Path = Field(Path("seeds"), description="folder of the sources")
    index_dir: Path = Field(Path("index"), description="folder of what is built from them")
    encoder: str = Field(
        "builtin",
        min_length=1,
        description="'builtin' (all-MiniLM-L6-v2, int8, in the package), or a sentence-transformers"
        " model by name or path",
    )
    reader: str = Field(
        "builtin", min_length=1, description="'builtin', the reader that answers without an LLM"
    )
    llm: str = Field(
        "", description="'' for none, or provider:model, such as openai:gpt-5 or ollama:llama3.2"
    )
    llm_base_url: str = Field("", description="URL of an OpenAI-compatible server, if any")
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
    max_file_mb: float = Field(50, gt=0, le=2000, description="larger files are refused")
    max_question_chars: int = Field(4000, ge=100, le=100_000, description="longer ones are refused")

    def __init__(self, **values: Any) -> None:  # noqa: ANN401  (pydantic's own signature)
        try:
            super().__init__(**values)
        except ValidationError as exc:
            raise SettingsError(_explain(exc)) from exc
        except tomllib.TOMLDecodeError as exc:
            raise SettingsError(f"rag.toml is not valid TOML: {exc}.") from exc

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (pydantic passes it)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (pydantic passes it)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Give the order of precedence: arguments, environment, `rag.toml`."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def _explain(exc: ValidationError) -> str:
    """Say each fault of a ValidationError as a phrase with the setting's name and what was given."""
    faults = []
    for error in exc.errors():
        name = ".".join(str(part) for part in error["loc"]) or "rag.toml"
        if error["type"] == "extra_forbidden":
            known = ", ".join(Settings.model_fields)
            faults.append(f"{name!r} is no setting; there are: {known}")
        else:
            faults.append(f"{name} (RAG_{name.upper()}): {error['msg']}, got {error['input']!r}")
    return "Settings cannot be used. " + "; ".join(faults) + "."

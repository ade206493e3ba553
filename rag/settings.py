"""One `Settings`: keyword arguments, then `RAG_*` variables, then `rag.toml`, then the defaults here.

This is the only room that reads the environment. It knows no other room: what a value means is
decided where it is used.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from rag.errors import SettingsError

PASSWORD_CHARS = 12
"""Characters that a password has at least."""


class Settings(BaseSettings):
    """What a person can choose. Frozen; `settings.model_copy(update={...})` makes another.

    Raises:
        SettingsError: a value is out of its range or a name is unknown; the message lists each.
    """

    model_config = SettingsConfigDict(
        env_prefix="RAG_",
        toml_file="rag.toml",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,  # one may be the password
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
    llm_tokens: int = Field(
        8192,
        ge=1024,
        le=2_000_000,
        description="tokens that the model can take in and write together",
    )
    rewriting: Literal["rules", "llm"] = Field(
        "rules", description="who makes a follow-up stand alone: 'rules', or 'llm', the chat model"
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
    max_file_mb: float = Field(50, gt=0, le=2000, description="larger files are refused")
    max_question_chars: int = Field(4000, ge=100, le=100_000, description="longer ones are refused")
    mcp: bool = Field(
        False,
        description="whether assistants may ask the web chat over the Model Context Protocol, at /mcp",
    )
    # Not in what is kept and shown of settings: runs, reports, `repr`.
    password: SecretStr = Field(
        SecretStr(""),
        exclude=True,
        repr=False,
        description="'' for none, or what the web chat asks everybody for; from RAG_PASSWORD, never from"
        " a file",
    )

    def __init__(self, **values: Any) -> None:  # noqa: ANN401  (pydantic's own signature)
        try:
            super().__init__(**values)
        except ValidationError as exc:
            raise SettingsError(_explain(exc)) from exc
        except tomllib.TOMLDecodeError as exc:
            raise SettingsError(f"rag.toml is not valid TOML: {exc}.") from exc

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
        """Give the order of precedence: arguments, environment, `rag.toml`."""
        return init_settings, env_settings, _File(settings_cls)


class _File(TomlConfigSettingsSource):
    """`rag.toml`, which lies beside the documents and is copied with them: no place for a secret."""

    def __call__(self) -> dict[str, Any]:
        values = super().__call__()
        if "password" in values:
            raise SettingsError(
                "A password does not belong into rag.toml. Take it out, choose another, and set"
                " RAG_PASSWORD."
            )
        return values


def _explain(exc: ValidationError) -> str:
    """Say each fault of a ValidationError as a phrase with the setting's name and what was given."""
    faults = []
    for error in exc.errors():
        name = ".".join(str(part) for part in error["loc"]) or "rag.toml"
        if error["type"] == "extra_forbidden":
            known = ", ".join(Settings.model_fields)
            faults.append(f"{name!r} is no setting; there are: {known}")
        else:
            got = "" if name == "password" else f", got {error['input']!r}"
            faults.append(f"{name} (RAG_{name.upper()}): {error['msg']}{got}")
    return "Settings cannot be used. " + "; ".join(faults) + "."

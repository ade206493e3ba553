"""Options that commands share (documents, index, model), and opening the pipeline from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from rag.cli.inputs import settings_from

if TYPE_CHECKING:
    from rag.cli.session import Session
    from rag.pipeline import Rag
    from rag.settings import Settings

Seeds = Annotated[
    Path | None,
    typer.Option("--seeds", exists=True, file_okay=False, help="Folder of the documents to ask."),
]
Index = Annotated[
    Path | None, typer.Option("--index", file_okay=False, help="Folder of what is built from them.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Only = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="ID", help="Use this source only; may be repeated."),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="Who answers: provider:model, such as ollama:llama3.2, or extractive for no LLM.",
    ),
]


def _named(ctx: typer.Context, value: Path | None) -> Path | None:
    """Keep which settings file is named."""
    if value is not None:
        ctx.obj = replace(ctx.obj, config=value)
    return value


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        callback=_named,
        expose_value=False,
        help="The only settings file to read, in place of your own and a trusted rag.toml here.",
    ),
]


def share_config(command: TyperGroup) -> None:
    """Let every command take `--config` too: it may stand before a command or behind it."""
    (shared,) = (each for each in command.params if each.name == "config")
    below = list(command.commands.values())
    for each in below:
        each.params.append(shared)
        if isinstance(each, TyperGroup):
            below.extend(each.commands.values())


def settings_for(
    session: Session,
    *,
    seeds: Path | None = None,
    index: Path | None = None,
    model: str | None = None,
    **others: float | None,
) -> Settings:
    """Make the settings of a command from its options; see `settings_from`."""
    llm = "" if model == "extractive" else model
    return settings_from(
        seeds=seeds,
        index=index,
        environ=session.environ,
        config=session.config,
        llm=llm,
        **others,
    )


def opened(
    session: Session, settings: Settings, *, sync: bool = True, rebuild: bool = False
) -> Rag:
    """Open the pipeline of these settings, with a progress bar."""
    with session.screen.progress() as bar:
        return session.doors.open_rag(settings, sync=sync, rebuild=rebuild, progress=bar)

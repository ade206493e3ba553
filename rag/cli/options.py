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
LogJson = Annotated[bool, typer.Option("--log-json", help="Write logs as JSON, an object a line.")]
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


def _chosen(ctx: typer.Context, value: list[str] | None) -> list[str] | None:
    """Keep which collections are named."""
    if value:
        ctx.obj = replace(ctx.obj, collections=tuple(value))
    return value


Collection = Annotated[
    list[str] | None,
    typer.Option(
        "--collection",
        metavar="NAME",
        callback=_chosen,
        expose_value=False,
        help="The set of documents that is meant; `ask` and `search` take several, one option each.",
    ),
]


def share_config(command: TyperGroup) -> None:
    """Let every command take `--config` and `--collection` too: they may stand before a command or behind it."""
    shared = [each for each in command.params if each.name in {"config", "collection"}]
    below = list(command.commands.values())
    for each in below:
        each.params.extend(shared)
        if isinstance(each, TyperGroup):
            below.extend(each.commands.values())


def settings_for(
    session: Session,
    *,
    seeds: Path | None = None,
    index: Path | None = None,
    model: str | None = None,
    several: bool = False,
    **others: float | str | None,
) -> Settings:
    """Make the settings of a command from its options; see `settings_from`.

    Args:
        session: of the command.
        seeds: an option, as are the following.
        index: which means the documents of the default collection, or of `seeds`.
        model: who answers.
        several: whether the command takes several collections.
        others: settings by name.

    Raises:
        typer.BadParameter: collections are named where they cannot be meant.
        CollectionNotFoundError: there is none of that name.
    """
    from rag.collections import check_visible

    llm = "" if model == "extractive" else model
    named = session.collections
    apart = seeds is not None or index is not None
    if named and apart:
        raise typer.BadParameter(
            "it goes with no --seeds and no --index.", param_hint="--collection"
        )
    if len(named) > 1 and not several:
        raise typer.BadParameter("this command takes one.", param_hint="--collection")
    if apart:
        others["collection"] = ""
    elif len(named) == 1:
        others["collection"] = named[0]
    settings = settings_from(
        seeds=seeds,
        index=index,
        environ=session.environ,
        config=session.config,
        llm=llm,
        **others,
    )
    check_visible(settings.collections_dir, settings.collection)
    return settings


def opened(
    session: Session,
    settings: Settings,
    *,
    sync: bool = True,
    rebuild: bool = False,
    asks: bool = False,
) -> Rag:
    """Open the pipeline of these settings, with a progress bar; who can answer is loaded where it `asks`."""
    with session.screen.progress() as bar:
        several = len(session.collections) > 1
        named = {"collection": session.collections} if several else {}
        return session.doors.open_rag(
            settings,
            sync=sync,
            rebuild=rebuild,
            progress=bar,
            answerers=None if asks else (),
            **named,
        )

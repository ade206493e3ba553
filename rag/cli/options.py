"""What commands have in common: the options that name documents, index and model, and opening them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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
    return settings_from(seeds=seeds, index=index, environ=session.environ, llm=llm, **others)


def opened(
    session: Session, settings: Settings, *, sync: bool = True, rebuild: bool = False
) -> Rag:
    """Open the pipeline of these settings, with a progress bar."""
    with session.screen.progress() as bar:
        return session.doors.open_rag(settings, sync=sync, rebuild=rebuild, progress=bar)

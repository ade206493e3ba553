"""`rag collections` and its sub-commands: which there are, and changes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli.inputs import can_be_asked
from rag.cli.options import Json, opened, settings_for
from rag.cli.session import Exit, Session

if TYPE_CHECKING:
    from rag.pipeline import Rag
    from rag.pipeline.collections import Collections
    from rag.settings import Settings

app = typer.Typer(
    help="List the sets of documents, each with an index of its own, and change them.",
    rich_markup_mode=None,
)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits, '.', '-' and '_'.")]


@app.callback(invoke_without_command=True)
def _list(ctx: typer.Context, as_json: Json = False) -> int:
    if ctx.invoked_subcommand is not None:
        return Exit.ANSWERED
    from rag.cli.render import Paragraph, in_line

    session: Session = ctx.obj
    known = _collections(session)
    rows = [(name, str(known.folder(name))) for name in known.names()]
    if as_json:
        listed = [{"name": name, "folder": folder} for name, folder in rows]
        session.screen.show_json({"collections": listed})
    else:
        session.screen.show(Paragraph.of("\t".join(map(in_line, row))) for row in rows)
    return Exit.ANSWERED


@app.command()
def create(ctx: typer.Context, name: _Name) -> int:
    """Make an empty one, and say where its documents go."""
    session: Session = ctx.obj
    known = _collections(session)
    made = known.create(name)
    session.screen.note(f"Made {made}; put documents into {known.folder(made)}.")
    return Exit.ANSWERED


@app.command()
def rename(
    ctx: typer.Context,
    old: Annotated[str, typer.Argument(metavar="OLD")],
    new: Annotated[str, typer.Argument(metavar="NEW")],
) -> int:
    """Give one another name."""
    session: Session = ctx.obj
    session.screen.note(f"It is called {_collections(session).rename(old, new)} now.")
    return Exit.ANSWERED


@app.command()
def remove(
    ctx: typer.Context,
    name: _Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> int:
    """Remove one, the documents in its folder too."""
    session: Session = ctx.obj
    known = _collections(session)
    folder = known.folder(name)
    if not yes:
        n_files = sum(path.is_file() for path in folder.rglob("*"))
        told = f"{n_files} file{'' if n_files == 1 else 's'} in {folder}"
        if not can_be_asked(session):
            session.screen.fail(f"This would delete {told}; to do it: --yes.")
            return Exit.USAGE
        session.screen.note(f"Delete {told}, and all that was made from them? [y/N]")
        if session.stdin.readline().strip().lower() not in {"y", "yes"}:
            session.screen.note("Nothing was removed.")
            return Exit.FAILURE
    known.remove(name)
    session.screen.note("It was removed.")
    return Exit.ANSWERED


@app.command()
def move(
    ctx: typer.Context,
    source_id: Annotated[str, typer.Argument(metavar="ID", help="As `rag sources` names it.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The collection that gets it.")],
) -> int:
    """Move a source, from the collection that --collection names, or else the usual one."""
    session: Session = ctx.obj
    settings = settings_for(session)
    place = _collections(session).move(source_id, name, origin=settings.collection or "default")
    session.screen.note(f"Its file is at {place}.")
    return Exit.ANSWERED


def _collections(session: Session) -> Collections:
    from rag.pipeline.collections import Collections

    def open_rag(settings: Settings) -> Rag:
        return opened(session, settings)

    settings = settings_for(session)
    session = replace(session, collections=())  # each is opened by its own settings
    return Collections(settings, open_rag)

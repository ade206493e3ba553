"""`rag users` and its sub-commands: accounts, their roles and tokens."""

from __future__ import annotations

import getpass
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from rag.cli.inputs import can_be_asked
from rag.cli.options import Json, settings_for
from rag.cli.session import Exit, Session

if TYPE_CHECKING:
    from rag.pipeline.users import Users

app = typer.Typer(
    help="List who may ask over the web, with roles and tokens, and change them.",
    rich_markup_mode=None,
)

_Name = Annotated[str, typer.Argument(metavar="NAME")]
_Role = Annotated[str, typer.Argument(metavar="ROLE", help="reader, editor, admin or none.")]


@app.callback(invoke_without_command=True)
def _list(ctx: typer.Context, as_json: Json = False) -> int:
    if ctx.invoked_subcommand is not None:
        return Exit.ANSWERED
    from rag.cli.render import Paragraph, in_line

    session: Session = ctx.obj
    users = _users(session).all()
    if as_json:
        listed = [
            {
                "name": user.name,
                "roles": dict(user.roles),
                "tokens": [{"id": one.token_id, "made": one.made} for one in user.tokens],
            }
            for user in users
        ]
        session.screen.show_json({"users": listed})
        return Exit.ANSWERED
    for user in users:
        roles = ", ".join(f"{role} of {name}" for name, role in user.roles.items()) or "no role"
        tokens = ", ".join(one.token_id for one in user.tokens)
        row = (user.name, roles, tokens and f"tokens {tokens}")
        session.screen.show([Paragraph.of("\t".join(in_line(cell) for cell in row if cell))])
    return Exit.ANSWERED


@app.command()
def add(
    ctx: typer.Context,
    name: _Name,
    role: Annotated[str, typer.Option(help="reader, editor, admin or none.")] = "reader",
) -> int:
    """Make an account, in the collection of --collection or all; asks for its password, or reads it from stdin."""
    session: Session = ctx.obj
    users, collection, given = _users(session), _collection(session), _role(role)
    asks = can_be_asked(session)
    password = getpass.getpass() if asks else session.stdin.readline().rstrip("\r\n")
    is_new = name not in {user.name for user in users.all()}
    users.add(name, password, {collection: given} if given else {})
    session.screen.note(
        f"{name} can come in."
        if is_new
        else f"{name} has another password now; roles stay as they were (rag users role)."
    )
    return Exit.ANSWERED


@app.command()
def role(ctx: typer.Context, name: _Name, role: _Role) -> int:
    """Give somebody a role, in the collection of --collection or in all; `none` takes it away."""
    session: Session = ctx.obj
    user = _users(session).set_role(name, _collection(session), _role(role))
    roles = ", ".join(f"{held} of {one}" for one, held in user.roles.items())
    session.screen.note(f"{name} is {roles}." if roles else f"{name} may do nothing.")
    return Exit.ANSWERED


@app.command()
def token(ctx: typer.Context, name: _Name) -> int:
    """Print a new token of somebody, for a program; it is shown this once."""
    from rag.cli.render import Paragraph

    session: Session = ctx.obj
    session.screen.show([Paragraph.of(_users(session).make_token(name))])
    return Exit.ANSWERED


@app.command()
def revoke(
    ctx: typer.Context,
    name: _Name,
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `rag users` lists it.")],
) -> int:
    """Let a token in no more."""
    session: Session = ctx.obj
    _users(session).revoke(name, token_id)
    session.screen.note("It lets nobody in any more.")
    return Exit.ANSWERED


@app.command()
def remove(ctx: typer.Context, name: _Name) -> int:
    """Remove an account with its tokens."""
    session: Session = ctx.obj
    _users(session).remove(name)
    session.screen.note(f"{name} can come in no more.")
    return Exit.ANSWERED


def _users(session: Session) -> Users:
    from rag.pipeline.users import Users

    settings = settings_for(replace(session, collections=()))
    if settings.users_file is None:
        raise typer.BadParameter(
            "there are no accounts: name their file, RAG_USERS_FILE=users.json or users_file in rag.toml."
        )
    return Users(settings.users_file)


def _collection(session: Session) -> str:
    """Return the collection that is meant; all where none is named."""
    from rag.pipeline.users import ALL

    return settings_for(session).collection or "default" if session.collections else ALL


def _role(text: str) -> str | None:
    return None if text == "none" else text

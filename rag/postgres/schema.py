"""The tables of the database, made and brought up to date by yoyo from the files in `migrations`."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import errors

from rag.errors import IndexFormatError, IndexNotFoundError, IndexWriteError
from rag.postgres.address import ServerAddress

if TYPE_CHECKING:
    from yoyo.migrations import MigrationList

NEWEST = "0001.tables"
"""The last migration that this program knows."""

LOCK = 1181708148
"""Held while tables are made; also the first half of the locks of writers."""
_MADE = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'footnote')"
_APPLIED = "SELECT max(migration_id) FROM footnote._yoyo_migration"


def prepare(address: ServerAddress, *, create: bool) -> None:
    """See that the tables are there and of this version; make them where they are not.

    Args:
        address: of the database.
        create: False refuses to make them.

    Raises:
        IndexNotFoundError: they are not there, and are not to be made.
        IndexFormatError: a newer version of this program has made them.
        IndexWriteError: the role may not make them.
        IndexUnreachableError: the server cannot be reached.
    """
    with address.translated(), psycopg.connect(address.conninfo, autocommit=True) as db:
        found = _version(db)
        if found == NEWEST:
            return
        if found is not None and found > NEWEST:
            raise IndexFormatError(
                f"The tables in {str(address)!r} are of a newer version of this program ({found}, this one knows"
                f" {NEWEST}). Update this one."
            )
        if not create:
            raise IndexNotFoundError(
                f"There is no index in {str(address)!r} yet. Make one with `rag sync`."
            )
        try:
            _migrate(db, address)
        except errors.InsufficientPrivilege as exc:
            raise IndexWriteError(
                f"The tables in {str(address)!r} have yet to be made or brought up to date, which this role may not"
                " do. Run `rag sync` once as the owner of the database: see docs/postgres.md."
            ) from exc


def _version(db: psycopg.Connection[Any]) -> str | None:
    """Return the last migration that was applied; None where there is none."""
    if not _one(db, _MADE):
        return None
    try:
        found = _one(db, _APPLIED)
    except errors.UndefinedTable:
        return None
    except errors.InsufficientPrivilege:
        # Whoever made the tables and was not let in is told so by the first question.
        return NEWEST
    return None if found is None else str(found)


def _one(db: psycopg.Connection[Any], query: str) -> Any:  # noqa: ANN401  (whatever the column holds)
    row = db.execute(query).fetchone()
    return row[0] if row else None


def _migrate(db: psycopg.Connection[Any], address: ServerAddress) -> None:
    """Apply what is missing, each migration in a transaction; one process at a time."""
    from yoyo import read_migrations
    from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
    from yoyo.connections import parse_uri

    class Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
        """Connects as everything else here does: yoyo reads URLs in a way of its own."""

        schema = "footnote, public"

        def connect(self, _dburi: object) -> psycopg.Connection[Any]:
            return psycopg.connect(address.conninfo, autocommit=True)

    db.execute("SELECT pg_advisory_lock(%s, -1)", [LOCK])
    db.execute("CREATE SCHEMA IF NOT EXISTS footnote")
    backend = Backend(parse_uri("postgresql+psycopg:///"), "_yoyo_migration")
    try:
        backend.init_database()
        with as_file(files("rag.postgres") / "migrations") as folder:
            known: MigrationList = read_migrations(str(folder))
            # Without yoyo's own lock, which a killed process would leave behind.
            backend.apply_migrations(backend.to_apply(known))
    finally:
        backend.connection.close()

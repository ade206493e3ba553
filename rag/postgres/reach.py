"""Whether the server can be reached, what it is, and what this role may do there: for `rag doctor`."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from rag.postgres.address import ServerAddress

_LOOK = """
SELECT current_setting('server_version'), current_setting('server_version_num')::integer,
    (SELECT extversion FROM pg_extension WHERE extname = 'vector'), pg_is_in_recovery(),
    EXISTS (SELECT FROM pg_namespace n WHERE nspname = 'footnote' AND pg_has_role(n.nspowner, 'MEMBER'))
"""
_OLDEST = 150_000
_OWNER = (
    "Row-level security does not bind the owner of the tables: let servers that answer be another role, see"
    " docs/postgres.md."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What there is at an address."""

    message: str
    remedy: str = ""
    """What to do; empty where nothing needs doing."""


def reach(url: str) -> Reached:
    """Connect to a server and look at it.

    Raises:
        SettingsError: the URL is none.
        IndexUnreachableError: the server cannot be reached.
    """
    address = ServerAddress(url)
    with address.translated(), psycopg.connect(address.conninfo, autocommit=True) as db:
        row = db.execute(_LOOK).fetchone()
    assert row is not None, "a query without a table has one row"
    version, number, vector, standby, owns = row
    message = f"PostgreSQL {version} with pgvector {vector or '(none)'} at {address}"
    if standby:
        message += ", a standby that only reads"
    if number < _OLDEST:
        return Reached(message=message, remedy="Use PostgreSQL 15 or newer.")
    if vector is None:
        return Reached(
            message=message, remedy="As a superuser in that database: CREATE EXTENSION vector;"
        )
    if owns:
        return Reached(message=f"{message}; this role owns its tables", remedy=_OWNER)
    return Reached(message=message)

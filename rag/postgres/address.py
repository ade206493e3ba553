"""Where the database is, said without its password, and what its complaints mean to a person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import PoolTimeout

from rag.errors import (
    IndexBusyError,
    IndexCorruptError,
    IndexFormatError,
    IndexStateError,
    IndexUnreachableError,
    IndexWriteError,
    SettingsError,
)

_SPOKEN = ("host", "port", "dbname", "user")
_NO_URL = (
    "store (RAG_STORE): it is no URL of a database; it wants postgresql://USER@HOST:PORT/DATABASE, with special"
    " characters of a password as %XX."
)
_CONNECTING = 10
"""Seconds to wait for a server, unless the URL says otherwise."""


class ServerAddress:
    """The URL of a database; what is shown of it holds no password.

    Raises:
        SettingsError: it is none. The message does not repeat it, since a password may stand in it.
    """

    def __init__(self, url: str) -> None:
        try:
            known = conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            raise SettingsError(_NO_URL) from None
        if "@" in str(known.get("host", "")):  # a piece of a password
            raise SettingsError(_NO_URL)
        self.conninfo = make_conninfo(
            url, connect_timeout=known.get("connect_timeout") or _CONNECTING
        )
        self._shown = {name: str(known[name]) for name in _SPOKEN if known.get(name)}

    def __str__(self) -> str:
        """Return it without its password."""
        said = self._shown
        user = f"{said['user']}@" if "user" in said else ""
        port = f":{said['port']}" if "port" in said else ""
        return f"postgresql://{user}{said.get('host', '')}{port}/{said.get('dbname', '')}"

    def __repr__(self) -> str:
        return f"ServerAddress({str(self)!r})"

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Translate what the server says into what a person can do about it."""
        try:
            yield
        except (psycopg.Error, PoolTimeout) as exc:
            raise self._translation(exc) from exc

    def _translation(self, exc: Exception) -> IndexStateError:
        said = " ".join(str(exc).split())
        for kinds, made in _MEANINGS:
            if isinstance(exc, kinds):
                error, words = made
                return error(words.format(store=str(self), said=said))
        return IndexCorruptError(
            f"The store {str(self)!r} answers what this program does not understand ({said}). Look at it with"
            " `rag doctor`; `rag sync --rebuild` builds it anew."
        )


def is_gone(exc: BaseException) -> bool:
    """Tell whether an error means that a connection is gone, so that another may do."""
    lost = (errors.AdminShutdown, errors.CrashShutdown, errors.IdleInTransactionSessionTimeout)
    return isinstance(exc, (*lost, psycopg.InterfaceError)) or type(exc) is psycopg.OperationalError


_WHOLE = "What it holds is whole, and as of its last commit."
_MEANINGS: tuple[tuple[tuple[type[Exception], ...], tuple[type[IndexStateError], str]], ...] = (
    (
        (errors.InsufficientPrivilege,),
        (
            IndexWriteError,
            "The role of {store!r} may not do this ({said}). Let its owner allow it: see docs/postgres.md. "
            + _WHOLE,
        ),
    ),
    (
        (errors.ReadOnlySqlTransaction,),
        (
            IndexWriteError,
            "{store!r} only reads, as a standby does ({said}). Name the server that it follows in RAG_STORE to write.",
        ),
    ),
    (
        (errors.UndefinedObject, errors.UndefinedFile, errors.FeatureNotSupported),
        (
            IndexFormatError,
            "{store!r} lacks something ({said}). It wants PostgreSQL 15 or newer with pgvector 0.8 or newer.",
        ),
    ),
    (
        (errors.DiskFull, errors.InsufficientResources, errors.ProgramLimitExceeded),
        (
            IndexWriteError,
            "{store!r} has no room ({said}). Make some and run `rag sync` again. " + _WHOLE,
        ),
    ),
    (
        (
            errors.LockNotAvailable,
            errors.DeadlockDetected,
            errors.QueryCanceled,
            errors.SerializationFailure,
        ),
        (
            IndexBusyError,
            "Another process keeps {store!r} busy ({said}). Wait until it has finished and try again.",
        ),
    ),
    (
        (
            errors.UndefinedTable,
            errors.UndefinedFunction,
            errors.InvalidSchemaName,
            errors.UndefinedColumn,
        ),
        (
            IndexFormatError,
            "{store!r} was made by another version of this program ({said}). Use the newer version with each of them.",
        ),
    ),
    (
        (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout),
        (
            IndexUnreachableError,
            "The store {store!r} cannot be reached ({said}). Check that the server runs, and RAG_STORE. "
            + _WHOLE,
        ),
    ),
)

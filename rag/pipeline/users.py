"""Who may ask and change which collections: accounts with roles, tokens that can be revoked, and who did what.

All of it is one JSON file for its owner only, and beside it the log of what was done, JSON lines. Passwords are kept
as argon2id hashes, tokens as SHA-256 of 256 random bits. Without that file nobody is told from others.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal, TypeAlias, cast, get_args

from rag.errors import ArgumentError, SettingsError
from rag.index.files import writing
from rag.index.lock import exclusive
from rag.privacy import make_file, make_folder

if TYPE_CHECKING:
    from argon2 import PasswordHasher

UserRole: TypeAlias = Literal["reader", "editor", "admin"]
"""A reader asks, an editor and an admin add and remove sources too."""

ALL = "*"
"""Stands for every collection in the roles of a user."""
PASSWORD_CHARS = 12
"""Characters that a password has at least."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_TOKEN = re.compile(r"fn_([0-9a-f]{8})_([\w-]{43})", re.ASCII)
_WAIT = 10.0  # seconds to wait for another change


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a program says in place of a password."""

    token_id: str
    sha256: str
    made: str
    """ISO 8601, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody with an account."""

    name: str
    password: str = field(repr=False)
    """Its argon2id hash."""
    roles: Mapping[str, UserRole]
    """By collection; `*` stands for all."""
    tokens: tuple[Token, ...] = ()

    def role_in(self, collection: str) -> UserRole | None:
        """Return what they may do in a collection; None for nothing."""
        return self.roles.get(collection) or self.roles.get(ALL)

    def may_read(self, collection: str) -> bool:
        """Tell whether they may ask a collection, and know that it is there."""
        return self.role_in(collection) is not None

    def may_edit(self, collection: str) -> bool:
        """Tell whether they may add and remove sources of one."""
        return self.role_in(collection) in {"editor", "admin"}


class Users:
    """The accounts in one file.

    Args:
        path: the file; made with the first account.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._read: tuple[object, dict[str, User]] = (None, {})
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, str] = {}
        """Hash of each name and password that were right, and the hash in the file that they fit."""

    def all(self) -> tuple[User, ...]:
        """Return every account, in order of names."""
        return tuple(user for _, user in sorted(self._users().items()))

    def add(self, name: str, password: str, roles: Mapping[str, str]) -> User:
        """Make an account, or give one another password, with its roles as they are.

        Raises:
            ArgumentError: the name, the password or a role cannot be used.
            SettingsError: what hashes passwords is not installed.
        """
        if not _NAME.fullmatch(name):
            raise ArgumentError(
                f"name: it wants up to 64 small letters, digits, '.', '_', '@' and '-', got {name!r}."
            )
        if len(password) < PASSWORD_CHARS:
            raise ArgumentError(f"The password wants at least {PASSWORD_CHARS} characters.")
        checked = {collection: _checked(role) for collection, role in roles.items()}
        hashed = _hasher().hash(password)
        with self._changing() as users:
            old = users.get(name)
            users[name] = (
                replace(old, password=hashed)
                if old
                else User(name=name, password=hashed, roles=checked)
            )
            return users[name]

    def set_role(self, name: str, collection: str, role: str | None) -> User:
        """Give somebody a role in a collection; None takes it away."""
        wanted = {} if role is None else {collection: _checked(role)}
        with self._changing() as users:
            user = _of(users, name)
            roles = {one: held for one, held in user.roles.items() if one != collection}
            users[name] = replace(user, roles=roles | wanted)
            return users[name]

    def make_token(self, name: str) -> str:
        """Return a new token of somebody; it is kept nowhere."""
        token_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        made = Token(token_id=token_id, sha256=_sha256(secret), made=_now())
        with self._changing() as users:
            user = _of(users, name)
            users[name] = replace(user, tokens=(*user.tokens, made))
        return f"fn_{token_id}_{secret}"

    def revoke(self, name: str, token_id: str) -> None:
        """Let a token in no more."""
        with self._changing() as users:
            user = _of(users, name)
            kept = tuple(one for one in user.tokens if one.token_id != token_id)
            if kept == user.tokens:
                raise ArgumentError(f"{name!r} has no token {token_id!r}; `rag users` lists them.")
            users[name] = replace(user, tokens=kept)

    def remove(self, name: str) -> None:
        """Remove an account with its tokens."""
        with self._changing() as users:
            _of(users, name)
            del users[name]

    def recognised(self, name: bytes, said: bytes) -> User | None:
        """Return whose password or token was said; None where it is nobody's. Waits a while for a password.

        Args:
            name: of the user; not looked at with a token.
            said: the password or the token.
        """
        users, text = self._users(), said.decode("utf-8", "replace")
        if (token := _TOKEN.fullmatch(text)) is not None:
            return _holder(users, token[1], _sha256(token[2]))
        user = users.get(name.decode("utf-8", "replace"))
        key = hmac.digest(self._key, name + b"\0" + said, "sha256")
        if user is not None and self._known.get(key) == user.password:
            return user  # argon2 is slow on purpose, and a page sends its password with everything
        if not _fits(user.password if user else _nobody(), text) or user is None:
            return None
        self._known = {**dict(list(self._known.items())[-256:]), key: user.password}
        return user

    def _users(self) -> dict[str, User]:
        """Return the accounts as the file has them now."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return {}
        state = (found.st_ino, found.st_size, found.st_mtime_ns)
        with self._lock:
            if self._read[0] != state:
                self._read = (state, _read(self._path))
            return self._read[1]

    @contextmanager
    def _changing(self) -> Iterator[dict[str, User]]:
        """Give the accounts to be changed, and write them whole or not at all."""
        with writing(self._path):
            make_folder(self._path.parent)
        with exclusive(self._path.with_name(f"{self._path.name}.lock"), wait=_WAIT):
            users = _read(self._path) if self._path.exists() else {}
            yield users
            unfinished = self._path.with_name(f".{self._path.name}.part")
            with writing(self._path):
                make_file(unfinished)
                told = {"users": [asdict(user) for user in users.values()]}
                unfinished.write_text(json.dumps(told, indent=2), encoding="utf-8")
                unfinished.replace(self._path)


class AuditLog:
    """Who did what, one JSON object a line, in a file for its owner only.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()

    def note(self, who: str, did: str, collections: Sequence[str], what: str) -> None:
        """Write a line.

        Args:
            who: the user.
            did: a word: asked, searched, listed, added, removed, renamed, read.
            collections: of which.
            what: the question, the query or the source.
        """
        told = {"at": _now(), "who": who, "did": did, "collections": collections, "what": what}
        with self._lock, writing(self._path):
            if not self._path.exists():
                make_folder(self._path.parent)
                make_file(self._path)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(told, ensure_ascii=False) + "\n")


def audit_path(users_file: Path) -> Path:
    """Return where it is logged who did what."""
    return users_file.with_name(f"{users_file.stem}.audit.jsonl")


def _holder(users: Mapping[str, User], token_id: str, digest: str) -> User | None:
    """Return whose token it is."""
    for user in users.values():
        for one in user.tokens:
            if one.token_id == token_id and hmac.compare_digest(one.sha256, digest):
                return user
    return None


def _checked(role: str) -> UserRole:
    """Return a role that there is."""
    if role not in get_args(UserRole):
        raise ArgumentError(
            f"role: wanted one of {', '.join(get_args(UserRole))}, none; got {role!r}."
        )
    return cast("UserRole", role)


def _of(users: Mapping[str, User], name: str) -> User:
    if name not in users:
        raise ArgumentError(f"There is no user {name!r}; `rag users` lists them.")
    return users[name]


def _read(path: Path) -> dict[str, User]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        users = [
            User(**{**one, "tokens": tuple(Token(**each) for each in one["tokens"])})
            for one in told["users"]
        ]
    except (OSError, ValueError, TypeError, KeyError) as exc:
        raise SettingsError(
            f"The accounts in {str(path)!r} cannot be read ({type(exc).__name__}); restore the file."
        ) from exc
    return {user.name: user for user in users}


@cache
def _hasher() -> PasswordHasher:
    """Return what hashes passwords.

    Raises:
        SettingsError: it is not installed.
    """
    try:
        from argon2 import PasswordHasher
    except ModuleNotFoundError as exc:
        raise SettingsError(
            "Accounts want a package that is not installed: pip install 'footnote-rag[users]'."
        ) from exc
    return PasswordHasher()


def check_installed() -> None:
    """Refuse to let people in by accounts where that cannot be.

    Raises:
        SettingsError: what hashes passwords is not installed.
    """
    _hasher()


@cache
def _nobody() -> str:
    """Return the hash of a password that nobody has, so that an unknown name takes as long as a known one."""
    return _hasher().hash(secrets.token_urlsafe(32))


def _fits(hashed: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    check: Callable[[str, str], bool] = _hasher().verify
    try:
        return check(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

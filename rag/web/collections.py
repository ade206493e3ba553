"""The collections of a server: which of them a person may see, and the parts of each, made when it is first wanted.

A page belongs to the collections that its address names, `/?collection=legal`; without one, to the one that the server
was started with. A server that was started with a named one has no other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import parse_qs

from rag.collections import (
    DEFAULT,
    check_known,
    collection_name,
    stamp_of,
    visible_collections,
)
from rag.errors import ArgumentError, CollectionNotFoundError, QuestionError, RagError
from rag.web.hardening import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from rag.settings import Settings
    from rag.web.opening import Opening
    from rag.web.taking_in import TakingIn

PARAMETER = "collection"
"""Of an address, as often as collections are meant."""

_EVENTS = "/gradio_api/queue/data"
"""Where a page reads what happens on it."""
_MOST_OPEN = 256
"""Collections, and choices of several, that are held open; then a choice of several makes room."""
_MOST_SESSIONS = 4096
_PERSON = "footnote.person"
_SEVERAL = "Several collections together are only asked. Choose one of them to change it."
_READER = "You may ask these documents, and not change them."
_NONE = "There is no collection that you may ask."
_NO_NAMES = "'collection' wants a name, or a list of names; got {!r}."


Audit: TypeAlias = Callable[[str, str, Sequence[str], str], None]
"""Told who did what, in which collections, with which question or source."""


class Person(Protocol):
    """Whoever asks."""

    @property
    def name(self) -> str:
        """What they are called; '' where nobody is told from others."""
        ...

    def may_read(self, collection: str) -> bool:
        """Tell whether they may ask a collection, and know that it is there."""
        ...

    def may_edit(self, collection: str) -> bool:
        """Tell whether they may add and remove sources of one."""
        ...


class _Everybody:
    name = ""

    def may_read(self, collection: str) -> bool:  # noqa: ARG002  (the protocol's)
        return True

    def may_edit(self, collection: str) -> bool:  # noqa: ARG002  (the protocol's)
        return True


EVERYBODY: Person = _Everybody()
"""Whoever asks where people are not told apart."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenCollection:
    """One collection, or several that are asked as one, being opened."""

    names: tuple[str, ...]
    settings: Settings
    """Those of the collection; of several, those of the first that the server has."""
    opening: Opening
    taking_in: TakingIn

    @property
    def is_one(self) -> bool:
        """Whether it can be changed at all."""
        return len(self.names) == 1


class OpenCollections:
    """Those of one server.

    Args:
        home: the one that the server was started with.
        make: begins to open others; None where there are no others.
        audit: notes who did what; None where nobody is told from others.
    """

    def __init__(
        self,
        home: OpenCollection,
        make: Callable[[tuple[str, ...]], OpenCollection] | None = None,
        *,
        audit: Audit | None = None,
    ) -> None:
        self.home = home
        self._audit = audit
        self._owners: OrderedDict[str, str] = OrderedDict()
        """Whose page a session of Gradio is."""
        self._make = make if home.names == (DEFAULT,) else None
        self._made: dict[tuple[tuple[str, tuple[int, int]], ...], OpenCollection] = {}
        self._lock = Lock()

    def names(self, person: Person) -> tuple[str, ...]:
        """Return the names of the collections that somebody may ask."""
        if self._make is None:
            return tuple(filter(person.may_read, self.home.names))
        return visible_collections(self.home.settings.collections_dir, person.may_read)

    def choices(self, person: Person) -> tuple[str, ...]:
        """Return what somebody can choose among; nothing where there is only the default one."""
        names = self.names(person)
        return () if names == (DEFAULT,) else names

    def chosen(self, wanted: object, person: Person) -> OpenCollection:
        """Return the collections that somebody wants, opened from now on.

        Args:
            wanted: a name or several; nothing for the one of the server, or else the first that they may ask.
            person: who wants them.

        Raises:
            QuestionError: these are no names.
            CollectionNotFoundError: there is no such collection, or they may not ask it; the message names those that
                they may.
        """
        known = self.names(person)
        names = _names(wanted) or known[:1]
        if not names:
            raise CollectionNotFoundError(_NONE)
        for name in names:
            check_known(name, known)
        if names == self.home.names:
            return self.home
        assert self._make is not None
        top = self.home.settings.collections_dir
        key = tuple((name, stamp_of(top, name)) for name in names)
        with self._lock:
            if key not in self._made:
                for old in [one for one in self._made if [*dict(one)] == [*names]]:
                    self._made.pop(old).taking_in.close()  # of a collection that is there no more
                if len(self._made) >= _MOST_OPEN and (spare := self._spare()):
                    self._made.pop(spare).taking_in.close()
                self._made[key] = self._make(names)
                self._made[key].opening.start()
                self._made[key].taking_in.start()
            return self._made[key]

    def _spare(self) -> tuple[tuple[str, tuple[int, int]], ...] | None:
        """Return the first that are several as one: they can be put together again at any time."""
        return next((key for key, one in self._made.items() if not one.is_one), None)

    def opened(self, person: Person) -> Iterable[OpenCollection]:
        """Return those that are open already, and that somebody may ask."""
        known = self.names(person)
        with self._lock:
            every = (self.home, *self._made.values())
        return [one for one in every if set(one.names) <= set(known)]

    def refusal(self, one: OpenCollection, person: Person) -> str:
        """Return why somebody may not change the sources of a collection; '' where they may."""
        if not one.is_one:
            return _SEVERAL
        return "" if person.may_edit(one.names[0]) else _READER

    def check_changeable(self, one: OpenCollection, person: Person) -> None:
        """Refuse to change what somebody may not.

        Raises:
            ArgumentError: they may not; the message says why.
        """
        if refusal := self.refusal(one, person):
            raise ArgumentError(refusal)

    def note(self, person: Person, did: str, one: OpenCollection, what: str) -> None:
        """Note what somebody did, where people are told apart."""
        if self._audit is not None and person.name:
            self._audit(person.name, did, one.names, what)

    def check_session(self, session: str | None, person: Person) -> None:
        """Keep the page of one person from others: a session belongs to who used it first.

        Raises:
            CollectionNotFoundError: it is another's.
        """
        if not session or not person.name:
            return
        with self._lock:
            owner = self._owners.setdefault(session, person.name)
            if len(self._owners) > _MOST_SESSIONS:
                self._owners.popitem(last=False)
        if owner != person.name:
            raise CollectionNotFoundError(_NONE)

    def start(self) -> None:
        """Begin to open the one of the server."""
        self.home.opening.start()
        self.home.taking_in.start()

    def close(self) -> None:
        """Close all of them."""
        with self._lock:
            every = (*self._made.values(), self.home)
        for one in every:
            one.taking_in.close()
            one.opening.close()


class PageCheck:
    """Answers the page of a collection that is not there, or of somebody else, with a sentence: an ASGI middleware.

    Args:
        app: what is behind it.
        collections: those of the server.
    """

    def __init__(self, app: ASGIApp, *, collections: OpenCollections) -> None:
        self._app = app
        self._collections = collections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on unless it is for such a page.

        Raises:
            Refused: it is.
        """
        try:
            if scope["type"] == "http" and scope["path"] == "/":
                self._collections.chosen(named_in(scope), person_of(scope))
            elif scope["type"] == "http" and scope["path"] == _EVENTS:
                query = parse_qs(scope["query_string"].decode("latin-1"))
                for session in query.get("session_hash", []):
                    self._collections.check_session(session, person_of(scope))
        except RagError as exc:
            raise Refused(404, str(exc)) from None
        await self._app(scope, receive, send)


def named_in(scope: Mapping[str, Any] | None) -> list[str]:
    """Return the collections that the address of a request names; none of no request."""
    query: bytes = (scope or {}).get("query_string", b"")
    return parse_qs(query.decode("latin-1")).get(PARAMETER, [])


def person_of(scope: Mapping[str, Any] | None) -> Person:
    """Return who sends a request."""
    person: Person = (scope or {}).get(_PERSON, EVERYBODY)
    return person


def let_in(scope: MutableMapping[str, Any], person: Person) -> None:
    """Note who sends a request."""
    scope[_PERSON] = person


def _names(wanted: object) -> tuple[str, ...]:
    """Return names as they are spelt, each once; one that can be none stays as it is, and is not found."""
    given = [wanted] if isinstance(wanted, str) else wanted or ()
    if not isinstance(given, Sequence) or not all(isinstance(name, str) for name in given):
        raise QuestionError(_NO_NAMES.format(wanted))
    return tuple(dict.fromkeys(map(_spelt, filter(None, given))))


def _spelt(name: str) -> str:
    try:
        return collection_name(name)
    except ValueError:
        return name

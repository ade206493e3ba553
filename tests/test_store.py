"""The store's protocol: how much of the documents an index says it holds, and that both stores keep it."""

from __future__ import annotations

import inspect

import pytest

from rag.store import Absence, Coverage, RootState, Snapshot, Store, Transaction


def place(path: str, *, reached: bool) -> RootState:
    """Return a root, as it was when it was last looked at."""
    return RootState(path=path, identity="1:2", reached=reached, pending=0, synced=1.0)


COVERAGE = Coverage(
    places={"/away": place("/away", reached=False), "/here": place("/here", reached=True)},
    absent={
        "locked.md": Absence(origin="/here", why="unreachable"),
        "missing.md": Absence(origin="/here", why="held"),
    },
)


@pytest.mark.parametrize(
    ("source_id", "origin", "why"),
    [
        ("there.md", "/here", None),
        ("locked.md", "/here", "unreachable"),
        ("missing.md", "/here", "held"),
        ("any.md", "/away", "unreachable"),
        ("any.md", "/never/looked/at", None),
    ],
)
def test_why_a_source_is_not_where_it_was_found(source_id, origin, why):
    """Its own reason stands before its root's; a root that nobody looked at accuses nobody."""
    assert why == COVERAGE.absence(source_id, origin)


def test_only_what_waits_for_a_word_is_held():
    """What cannot be reached is cited as before."""
    assert frozenset({"missing.md"}) == COVERAGE.held()


@pytest.mark.parametrize(
    ("coverage", "whole"),
    [
        (Coverage(), True),
        (Coverage(places={"/here": place("/here", reached=True)}), True),
        (Coverage(places={"/away": place("/away", reached=False)}), False),
        (Coverage(absent={"missing.md": Absence(origin="/here", why="held")}), False),
    ],
    ids=["nothing known", "a root that is there", "a root that is away", "a source that is held"],
)
def test_everything_is_there_where_nothing_is_missing(coverage, whole):
    """A root that is away is enough to say no, and so is one source."""
    assert whole == coverage.is_everything_there()


@pytest.mark.parametrize("kind", ["embedded", "postgres"])
@pytest.mark.parametrize("protocol", [Store, Snapshot, Transaction], ids=lambda one: one.__name__)
def test_each_store_keeps_the_protocol(protocol, kind):
    """Every method is there under the same names of arguments, defaults and kinds: one can take the place of the other.

    Seen to fail with an argument of the writer renamed.
    """
    from rag.index.index import Index
    from rag.index.snapshot import EmbeddedSnapshot
    from rag.index.writer import Writer

    kept_by = {Store: Index, Snapshot: EmbeddedSnapshot, Transaction: Writer}
    if kind == "postgres":
        from rag.postgres.snapshot import PostgresSnapshot
        from rag.postgres.store import PostgresStore
        from rag.postgres.writer import PostgresWriter

        kept_by = {Store: PostgresStore, Snapshot: PostgresSnapshot, Transaction: PostgresWriter}
    wanted = [name for name in vars(protocol) if not name.startswith("_")]

    assert wanted
    assert {name: parameters(protocol, name) for name in wanted} == {
        name: parameters(kept_by[protocol], name) for name in wanted
    }


def parameters(owner: type, name: str) -> list[tuple[str, object, object]]:
    """Return (name, kind, default) of what a method takes."""
    taken = inspect.signature(getattr(owner, name)).parameters.values()
    return [(one.name, one.kind, one.default) for one in taken]

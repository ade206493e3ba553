"""R7: whatever is done to documents and index, in whatever order, the index is what a plain model says."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from rag.collections import DEFAULT
from rag.errors import SourceNotFoundError
from rag.index import discard
from rag.postgres import empty_collection, remove_collection
from tests.fakes import open_rag
from tests.reliability.world import IN_MEMORY, LONGEST, hashes, held, times

NAMES = st.sampled_from([f"{name}.txt" for name in "abc"])
N_CONTENTS = 5
CONTENTS = st.integers(0, N_CONTENTS - 1)


def text_of(content: int) -> str:
    """A document that only one content has."""
    return f"Item{content} is sold for {100 + content} coins. The maker of item{content} is known."


DIGESTS = hashes({content: text_of(content) for content in range(N_CONTENTS)})


class Documents(RuleBasedStateMachine):
    """Files are added, changed, renamed and deleted, sources removed by hand, the index emptied; each sync follows.

    Now and then the folder itself is away, as a drive is.

    The model: which content each file has, which sources were removed by hand, and what the last sync saw.
    """

    steps = 0
    """Taken so far, by all sequences."""
    store = ""
    """Where what is indexed is kept; empty for files."""

    @initialize()
    def begin(self) -> None:
        """Start with an empty folder and an open index."""
        self.root = Path(tempfile.mkdtemp(prefix="footnote-states-", dir=IN_MEMORY))
        self.seeds = self.root / "seeds"
        self.seeds.mkdir()
        self.files: dict[str, int] = {}
        self.excluded: dict[str, int] = {}
        self.indexed: set[int] = set()
        self.rag = open_rag(self.seeds, store=self.store)

    @rule(name=NAMES, content=CONTENTS, synced=st.booleans())
    def write(self, name: str, content: int, *, synced: bool) -> None:
        """Add a file, or change it."""
        (self.seeds / name).write_text(text_of(content), encoding="utf-8")
        self.files[name] = content
        if synced:
            self.sync()

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""
        (self.seeds / name).unlink(missing_ok=True)
        self.files.pop(name, None)

    @rule(data=st.data(), to=NAMES, synced=st.booleans())
    def rename(self, data: st.DataObject, to: str, *, synced: bool) -> None:
        """Rename a file, over another one if need be."""
        name = data.draw(st.sampled_from([*sorted(self.files), to]))
        if name != to:
            (self.seeds / name).replace(self.seeds / to)
            self.files[to] = self.files.pop(name)
        if synced:
            self.sync()

    @rule()
    def sync(self) -> None:
        """Bring the index up to date: each content once, but for names and contents removed by hand."""
        self.rag.sync()
        self.follow()

    def follow(self) -> None:
        """Work out what a sync leaves."""
        self.indexed = {
            content
            for name, content in self.files.items()
            if name not in self.excluded and content not in self.excluded.values()
        }

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        """Remove a source by hand; its file stays, and stays out."""
        sources = held(self.rag)
        if sources:
            name = data.draw(st.sampled_from(sorted(sources)))
            (content,) = (one for one in self.indexed if DIGESTS[one] == sources[name])
            self.rag.remove(name)
            self.excluded[name] = content
            self.indexed.discard(content)

    @rule(name=NAMES)
    def add(self, name: str) -> None:
        """Add a file by name, which lets it in again."""
        if name in self.files:
            self.rag.add(self.seeds / name)
            self.excluded = {
                other: content
                for other, content in self.excluded.items()
                if other != name and content != self.files[name]
            }
            self.follow()

    @rule(empty=st.booleans())
    def be_away(self, *, empty: bool) -> None:
        """Take the folder away for a sync, with or without an empty one in its place: nothing is lost or forgotten."""
        before, away = held(self.rag), self.root / "away"
        self.seeds.rename(away)
        if empty:
            self.seeds.mkdir()
        with suppress(SourceNotFoundError):  # of a folder of which nothing is indexed
            self.rag.sync()
        assert before == held(self.rag)
        assert not before or not self.rag.ask("Who is known?").complete
        if empty:
            self.seeds.rmdir()
        away.rename(self.seeds)

    @rule()
    def restart(self) -> None:
        """Close the index and open it again."""
        self.rag.close()
        self.rag = open_rag(self.seeds, store=self.store)

    @rule(synced=st.booleans())
    def rebuild(self, *, synced: bool) -> None:
        """Empty the index, as `rag sync --rebuild` does: what was added or removed by hand is remembered."""
        self.rag.close()
        self.empty()
        self.rag = open_rag(self.seeds, store=self.store)
        self.indexed = set()
        if synced:
            self.sync()

    def empty(self) -> None:
        """Empty the index."""
        discard(self.root / "index")

    @rule(content=CONTENTS)
    def ask(self, content: int) -> None:
        """Ask, and read the whole index through."""
        answer = self.rag.ask(f"For how many coins is item{content} sold?")
        assert (f"{100 + content} coins" in answer.text) == (content in self.indexed)
        assert () == self.rag.faults()

    @invariant()
    def holds_what_the_model_says(self) -> None:
        """Each content once, every question finds it, and what is gone is found by none."""
        Documents.steps += 1
        assert sorted(DIGESTS[one] for one in self.indexed) == sorted(held(self.rag).values())
        for content in range(N_CONTENTS):
            found = [one.passage.text for one in self.rag.search(f"item{content} sold", k=20)]
            assert (text_of(content) in found) == (content in self.indexed)
            assert {text_of(one) for one in self.indexed} >= set(found)

    def teardown(self) -> None:
        """Clean up."""
        self.rag.close()
        shutil.rmtree(self.root)


@pytest.mark.slow(reason="500 sequences of changes")
@pytest.mark.timeout(LONGEST)
def test_the_index_is_what_the_model_says(figure):
    """R7: 500 sequences, 20,000 in the soak.

    Seen to fail with removed words left in the word file, with a renamed file that was removed by hand let in, and
    with what was removed by hand forgotten by a rebuild.
    """
    started = time.monotonic()
    tried = settings(
        max_examples=times(500, 20_000),
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    Documents.steps = 0
    run_state_machine_as_test(Documents, settings=tried)
    seconds = time.monotonic() - started
    figure(f"R7: {tried.max_examples} sequences, {Documents.steps:,} steps, {seconds:.0f} s")


class OnServer(Documents):
    """The same over a PostgreSQL server."""

    def empty(self) -> None:
        """Empty the collection."""
        empty_collection(self.store, "")

    def teardown(self) -> None:
        """Clean up."""
        super().teardown()
        remove_collection(self.store, DEFAULT)


@pytest.mark.slow(reason="sequences of changes on a server")
@pytest.mark.timeout(LONGEST)
def test_the_store_on_a_server_is_what_the_model_says(figure, postgres, monkeypatch):
    """R7 over PostgreSQL: 20 sequences, 1,000 in the soak."""
    postgres.sql("CREATE DATABASE states")
    monkeypatch.setattr(OnServer, "store", postgres.url("states"))
    tried = settings(
        max_examples=times(20, 1_000),
        stateful_step_count=12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    Documents.steps = 0
    run_state_machine_as_test(OnServer, settings=tried)
    figure(f"R7: {tried.max_examples} sequences on a server, {Documents.steps:,} steps")

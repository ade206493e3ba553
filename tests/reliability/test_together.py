"""R4: several at once: of two writers one wins or waits, and a reader never sees two states as one."""

from __future__ import annotations

import re
import threading
from collections import Counter

import pytest

from tests.fakes import open_rag
from tests.reliability.syncing import Syncs
from tests.reliability.world import LONGEST, documents, hashes, held, scratch, times, write

N_FILES, LEAST_STATES = 8, 10
QUESTIONS = ("For how many coins is item3 sold?", "What are these documents about?")

pytestmark = [
    pytest.mark.slow(reason="many processes"),
    pytest.mark.timeout(LONGEST),
]


@pytest.fixture
def seeds():
    """Documents of the first version."""
    with scratch() as folder:
        write(folder / "seeds", documents(N_FILES, 1))
        yield folder / "seeds"


def test_of_two_writers_one_wins_or_waits(seeds, store, figure):
    """R4: two syncs of the same changes begin together, 25 times; the index is whole and up to date after each.

    Seen to fail with the lock file not locked.
    """
    seen: Counter[str] = Counter()
    with Syncs(seeds, store) as syncs:
        for version in range(2, 2 + times(25, 250, store)):
            new = documents(N_FILES, version)
            write(seeds, new)
            said = syncs.run(2)
            seen.update(said)
            assert "done" in said
            assert {"done", "busy"} >= set(said)
            with open_rag(seeds, store=store) as rag:
                assert hashes(new) == held(rag)
                assert () == rag.faults()
    figure(f"R4{' on a server' * bool(store)}: two writers: {dict(seen)}")


def test_a_reader_never_sees_two_states(seeds, store, figure):
    """R4: 1,000 questions beside a writer, every other one about all documents; each answer is of one version.

    Seen to fail without a transaction around search and fetch, with search files of an older state used on, and with
    a second connection that gave up the locks of the first.
    """
    stop = threading.Event()

    def keep_writing(syncs):
        version = 2
        while not stop.is_set():
            write(seeds, documents(N_FILES, version))
            assert ["done"] == syncs.run()
            version += 1

    seen: Counter[int] = Counter()
    with Syncs(seeds, store) as syncs, open_rag(seeds, store=store) as rag:
        writer = threading.Thread(target=keep_writing, args=[syncs])
        writer.start()
        try:
            while seen.total() < times(1000, 20_000, store) or len(seen) < LEAST_STATES:
                question = QUESTIONS[seen.total() % len(QUESTIONS)]
                seen[version_told(rag.ask(question))] += 1
        finally:
            stop.set()
            writer.join()
    figure(
        f"R4{' on a server' * bool(store)}: {seen.total()} questions saw {len(seen)} states, none of them mixed"
    )


def version_told(answer):
    """Return the one version that an answer, its quotes and its evidence are of."""
    assert answer.citations
    shown = [answer.text, *(one.quote for one in answer.citations)]
    shown += [one.passage.text for one in answer.evidence]
    (version,) = set(re.findall(r"version(\d+)", " ".join(shown)))
    return int(version)

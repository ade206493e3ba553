"""Writing to the index: one writer at a time, all or nothing, whatever ends it."""

from __future__ import annotations

import errno
import io
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rag.errors import IndexBusyError, IndexStateError, IndexWriteError
from rag.index import Index, put
from rag.index import files as index_files
from rag.index.changes import KeyRange, merged
from rag.index.state import State
from rag.index.words import PART_PASSAGES
from rag.store import IndexEntry
from tests.index_fakes import STAMP, Files, entries, fill, found, source, split, vector

HOLD = """
with index, index.writer():
    print("held", flush=True)
    sys.stdin.read()
"""
FILL = """
with index:
    fill(index, {"b.txt": "pear"})
"""
SYNC = """
from rag.index import reconciliation
reconciliation._BATCH_FILES = 4
with index:
    print("go", flush=True)
    Files().sync(index, Path({documents!r}))
    print("done", flush=True)
"""


@pytest.fixture
def index(stores):
    """An empty index, in each kind of store."""
    with stores.open() as opened:
        yield opened


@pytest.fixture
def folder(tmp_path):
    """An empty index in a folder."""
    with Index.open(tmp_path / "index", STAMP) as opened:
        yield opened


def test_a_second_writer_is_told_who_writes(index, stores):
    """A second writer is refused with the pid of the first; reading goes on, and the first's death frees the lock."""
    fill(index, {"a.txt": "apple"})
    with stores.child(HOLD) as holder:
        assert "held\n" == holder.stdout.readline()

        with pytest.raises(IndexBusyError, match=rf"pid {holder.pid}"), index.writer():
            pass
        started = time.monotonic()
        with pytest.raises(IndexBusyError), index.writer(wait=0.2):
            pass
        assert time.monotonic() - started >= 0.2
        assert ["apple"] == found(index, "apple")

        holder.kill()
        holder.wait()
        fill(index, {"b.txt": "pear"})
    assert ["pear"] == found(index, "pear")


def test_a_second_writer_of_the_same_process_is_refused(index):
    """Two threads do not write at once either."""
    with index.writer(), pytest.raises(IndexBusyError, match=f"pid {os.getpid()}"), index.writer():
        pass


def test_what_another_process_wrote_is_seen_whoever_else_reads(index, stores):
    """R4: a second connection beside the first, as two questions at once have, cuts neither off from what comes.

    Seen to fail with the head of the database read by opening the file: closing it gave up this process's locks, the
    other process deleted the log of changes from under it, and this one read the old state for ever.
    """
    fill(index, {"a.txt": "apple"})
    with index.snapshot():
        assert 1 == len(index.sources())

    with stores.child(FILL) as other:
        assert 0 == other.wait()

    assert ["pear"] == found(index, "pear")
    assert ["a.txt", "b.txt"] == [info.source_id for info in index.sources()]


def test_an_exception_undoes_everything(index, stores):
    """What was put before something went wrong is not there, and neither are its files."""
    fill(index, {"a.txt": "apple"})
    assert ["apple"] == found(index, "apple")
    before = stores.held()

    def interrupted():
        with index.writer() as writer:
            made = source("b.txt", "pear")
            writer.put(made, "folder", entries(made))
            writer.remove("a.txt")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert ["a.txt"] == [info.source_id for info in index.sources()]
    assert ["apple"] == found(index, "apple")
    assert [] == found(index, "pear")
    assert before == stores.held()


def test_what_was_flushed_is_found_before_the_end(index, stores):
    """A long sync shows its finished batches to readers, from files that it does not write again at the end."""
    with index.writer() as writer:
        for name in ("a", "b"):
            made = source(f"{name}.txt", f"fruit {name}")
            writer.put(made, "folder", entries(made))
            writer.flush()
        assert ["fruit a", "fruit b"] == sorted(found(index, "fruit"))
        with index.snapshot() as snapshot:
            assert 2 == len(snapshot.dense(entries(made)[0].vector, 5))
        before = stores.held()

    assert before == stores.held()


def test_a_change_rewrites_only_the_segments_that_it_touches(folder):
    """Adding a source leaves large segments alone; removing one rewrites its own, and its vector is in no file."""
    whole = source("whole.txt", "\n".join(f"line {n}" for n in range(64)))
    late = source("late.txt", "a zebra")
    with folder.writer() as writer:
        writer.put(whole, "folder", entries(whole))
    (first,) = folder.layout.folder.glob("*.faiss")
    content = first.read_bytes()

    with folder.writer() as writer:
        writer.put(late, "folder", entries(late))
    assert 2 == len(list(folder.layout.folder.glob("*.faiss")))
    with folder.snapshot() as snapshot:
        (best, _), *_ = snapshot.dense(entries(late)[0].vector, 3)
        assert "a zebra" == snapshot.fetch([best])[0].passage.text
    with folder.writer() as writer:
        writer.remove("late.txt")

    assert [first] == list(folder.layout.folder.glob("*.faiss"))
    assert content == first.read_bytes()


def test_segments_find_what_one_index_of_all_finds(stores):
    """However the vectors came in, one by one or together, the same passages are found with the same scores."""
    texts = [f"word{n % 7} thing{n % 5} item{n}" for n in range(90)]
    found = []
    for batch in (1, 90):
        with stores.open(str(batch)) as one:
            for start in range(0, 90, batch):
                with one.writer() as writer:
                    for n, text in enumerate(texts[start : start + batch], start):
                        made = source(f"{n}.txt", text)
                        writer.put(made, "folder", entries(made))
            with one.snapshot() as snapshot:
                queries = [entries(source("q", f"word{n}"))[0].vector for n in range(7)]
                found.append([snapshot.dense(query, 10) for query in queries])
                among = frozenset(f"{n}.txt" for n in range(0, 90, 3))
                found[-1] += [snapshot.dense(query, 10, sources=among) for query in queries]
                keys = [80, 3, 41]
                assert [texts[key - 1] for key in keys] == [
                    one.passage.text for one in snapshot.fetch(keys)
                ]
    assert found[0] == found[1]


def test_nothing_written_is_no_new_state(index):
    """A writer that changes nothing leaves the generation as it is."""
    fill(index, {"a.txt": "apple"})
    before = index.statistics()

    with index.writer():
        pass

    assert before == index.statistics()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: {"vector": e.vector[:-1]}, r"vector must have the shape \(32,\), got \(31,\)"),
        (lambda e: {"vector": e.vector * np.nan}, "vector must be unit"),
        (lambda e: {"vector": e.vector * 2}, "vector must be unit"),
        (lambda e: {"sentence_vectors": e.sentence_vectors[:0]}, r"shape \(2, 32\), got \(0, 32\)"),
        (lambda _: {"split": split(source("a.txt", "An orange. A lemon."))[0]}, r"no passage of 'a\.txt'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(index, change, message):
    """Wrong shapes, NaN, lengths other than 1 and text that is not the source's are refused, and nothing is written."""
    made = source("a.txt", "An apple. A pear!!!")
    (good,) = entries(made)
    fields = {"split": good.split, "vector": good.vector, "sentence_vectors": good.sentence_vectors}

    with pytest.raises(ValueError, match=message), index.writer() as writer:
        writer.put(made, "folder", [IndexEntry(**{**fields, **change(good)})])

    assert () == index.sources()


def test_a_source_without_passages_can_be_kept(index):
    """A source whose text gave no passage is listed, and finds nothing."""
    fill(index, {"empty.txt": ""})

    assert [0] == [info.n_passages for info in index.sources()]
    assert [] == found(index, "anything")


def test_files_reach_the_disk_before_they_are_referred_to(folder, monkeypatch):
    """Each search file is flushed, then renamed, then its folder flushed; only then does SQLite commit."""
    calls = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(descriptor):
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        calls.append(("fsync", re.sub(r"-\w+", "", target.name)))
        real_fsync(descriptor)

    def replace(path, target):
        calls.append(("replace", re.sub(r"-\w+", "", Path(target).name)))
        return real_replace(path, target)

    def committed(state):
        calls.append(("state", state.generation))
        return real_json(state)

    real_json = State.to_json
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(State, "to_json", committed)
    fill(folder, {"a.txt": "apple"})

    kinds = ("words.tantivy", "vectors.faiss")
    wanted = [
        step
        for kind in kinds
        for step in (("fsync", f"{kind}.part"), ("replace", kind), ("fsync", "index"))
    ]
    assert [*wanted, ("state", 1)] == calls


SAID = r"[\d,]+ bytes (are|were) needed, [\d,]+ are free|did not keep what was written"


class Disk:
    """Counts the calls of one kind that Python makes to the disk, and fails one of them as a full disk does."""

    def __init__(self, patched, kind, at=-1):
        self.n, self._at = 0, at
        places = {
            "open": [(os, "open"), (Path, "open")],
            "write": [(os, "pwrite"), (os, "ftruncate"), (os, "write")],
            "fsync": [(os, "fsync")],
            "replace": [(Path, "replace")],
        }
        for owner, name in places[kind]:
            patched.setattr(owner, name, self._counted(getattr(owner, name)))
        if kind == "write":
            real = Path.open
            patched.setattr(
                Path,
                "open",
                lambda path, mode="r", **options: (
                    Unbuffered(path, mode) if mode == "wb" else real(path, mode, **options)
                ),
            )

    def _counted(self, real):
        def call(*args, **options):
            self.n += 1
            if self.n - 1 == self._at:
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(*args, **options)

        return call


class Unbuffered(io.FileIO):
    """A file that writes by `os.write`, in two halves: a disk may fill up in between."""

    def write(self, data):
        """Write all of it."""
        half = len(data) // 2
        return os.write(self.fileno(), data[:half]) + os.write(self.fileno(), data[half:])


@pytest.mark.parametrize("kind", ["open", "write", "fsync", "replace"])
def test_a_failing_disk_leaves_the_old_state_or_the_new(tmp_path, monkeypatch, kind, figure):
    """R6: whichever call fails, the index answers as before or as after; the message says what is needed and free.

    Seen to fail with rows written outside a transaction, with what a failed commit has written left lying, and with
    the operating system's complaint passed on as it is.
    """
    n, at, refused = 1, -1, 0
    while at < n:
        folder = tmp_path / str(at)
        with Index.open(folder, STAMP) as index:
            fill(index, {"a.txt": "apple"})
            with monkeypatch.context() as patched:
                disk = Disk(patched, kind, at)
                error = outcome(lambda index=index: fill(index, {"a.txt": "pear"}))
            n = n if at >= 0 else disk.n
            with Index.open(folder, STAMP) as again:
                assert (["pear"] if error is None else ["apple"]) == found(again, "apple pear")
                assert () == again.faults()
            # An open that only clears a temporary folder up may fail unnoticed; no other call may.
            assert (at < 0) == (error is None) or (kind == "open" and error is None)
            refused += error is not None
            if error:
                assert isinstance(error, IndexWriteError)
                assert re.search(SAID, str(error))
            assert 2 == len(list(index.layout.search_files()))
            fill(index, {"a.txt": "plum"})
            assert ["plum"] == found(index, "plum")
        at += 1
    figure(f"R6: {kind}: each of {n} calls failed once, {refused} times the old state")
    assert refused >= 2


def outcome(call):
    """Return why a call failed, None if it did not."""
    try:
        call()
    except IndexStateError as exc:
        return exc
    return None


FULL = """
import resource, signal, sys
from pathlib import Path
from rag.errors import IndexWriteError
from rag.index import Index
from tests.index_fakes import STAMP, fill, found
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Index.open(Path(sys.argv[1]), STAMP) as index:
    found(index, "warm")
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    try:
        fill(index, {"big.txt": "\\n".join(f"line{i} of the new file" for i in range(400))})
        print("new")
    except IndexWriteError as exc:
        print("old", "needed" in str(exc) and "free" in str(exc))
"""


@pytest.mark.parametrize("limit", [1_000, 30_000, 60_000, 100_000, 200_000, 400_000])
def test_a_full_disk_leaves_the_old_state(folder, limit):
    """When no file may grow past some size, a commit fails with a clear error and the old state answers."""
    fill(folder, {f"{i}.txt": f"apple{i}" for i in range(100)})

    done = subprocess.run(
        [sys.executable, "-c", FULL, str(folder.layout.folder), str(limit)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.stdout in {"new\n", "old True\n"}, done.stderr
    with Index.open(folder.layout.folder, STAMP) as again:
        assert (done.stdout == "new\n") == bool(found(again, "line7"))
        assert ["apple7"] == found(again, "apple7")
        assert () == again.faults()


@pytest.mark.slow(reason="starts a dozen processes")
def test_a_killed_sync_leaves_whole_files_and_the_next_one_finishes(stores, tmp_path):
    """Killed many times at any moment, the index holds each file whole, of one version, and needs no hand."""
    documents = tmp_path / "documents"
    documents.mkdir()
    n, window, states = 24, 0.0, []
    rounds = 12 if stores.kind == "embedded" else 6
    for version in range(rounds):
        for i in range(n):
            (documents / f"{i}.txt").write_text(
                f"file{i} version{version}\nsecond version{version}"
            )
        with stores.child(SYNC.format(documents=str(documents))) as syncing:
            assert "go\n" == syncing.stdout.readline()
            started = time.monotonic()
            if version:
                time.sleep(window * (version % (rounds - 1)) / (rounds - 1))
                syncing.kill()
            else:
                assert "done\n" == syncing.stdout.readline()
                window = time.monotonic() - started
            syncing.wait()
        with stores.open() as index:
            states.append(versions(index))
            assert n == len(states[-1])
            assert max(states[-1].values()) <= version
    # The kills came at all sorts of moments: some syncs were cut short.
    assert any(set(state.values()) != {version} for version, state in enumerate(states))

    with stores.open() as index:
        Files().sync(index, documents)
        assert dict.fromkeys(states[-1], rounds - 1) == versions(index)
        assert () == index.faults()
    assert [] == list(tmp_path.rglob("*.part"))
    assert b"version3" not in stores.held()


def versions(index):
    """Return the version of each source, having checked that every search agrees on it."""
    held = {}
    with index.snapshot() as snapshot:
        everything = [key for key, _ in snapshot.dense(vector("file"), 1000)]
        texts = [one.passage.text for one in snapshot.fetch(everything)]
        for info in index.sources():
            text = snapshot.source(info.source_id).text
            (version,) = set(re.findall(r"version(\d+)", text))
            assert set(text.split("\n")) <= set(texts)
            held[info.source_id] = int(version)
        assert 2 * len(held) == len(texts)
        assert len(held) == len(snapshot.lexical("second", 1000))
    return held


def test_small_parts_are_merged_and_the_rest_is_left_alone():
    """Parts stay few while an index grows by one passage at a time, and each passage is rewritten rarely."""
    parts, rewritten = [], 0
    for key in range(1, 1001):
        ranges = [KeyRange(r.first, r.last, r.passages, "part") for r in parts]
        parts = merged([*ranges, KeyRange(key, key, 1, None)], PART_PASSAGES)
        rewritten += sum(r.passages for r in parts if r.part is None)
        assert [1, *(r.last + 1 for r in parts[:-1])] == [r.first for r in parts]

    assert 1000 == sum(r.passages for r in parts)
    assert len(parts) <= 11
    assert rewritten <= 1000 * 11


def test_sources_that_are_text_already_can_be_put(index):
    """Texts that are no files are split, embedded and indexed; the number of passages comes back."""
    files = Files()

    n = put(
        index, [source("a", "one\ntwo"), source("b", "three")], split=split, encode=files.encode
    )

    assert 3 == n == len(files.embedded)
    assert ["three"] == found(index, "three")


def test_what_makes_a_file_durable_refuses_a_disk_that_forgets(tmp_path, monkeypatch):
    """A file that reads back other than it was written is an error, not an index."""
    monkeypatch.setattr(Path, "read_bytes", lambda _: b"else")

    with pytest.raises(IndexWriteError, match="did not keep"):
        index_files.write_durably(tmp_path / "file", b"data")

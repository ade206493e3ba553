"""R5: no space left: the old index answers, and the message says what is needed and what is free."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from rag.errors import IndexWriteError
from tests.fakes import open_rag
from tests.reliability.world import LONGEST, documents, hashes, held, times, told, write

N_FILES = 30
N_OFFSETS = times(50, 500)
SAID = r"[\d,]+ bytes (?:are|were) needed, [\d,]+ are free\)?\. The index is whole"

pytestmark = [
    pytest.mark.slow(reason="dozens of processes"),
    pytest.mark.timeout(LONGEST),
]


def main() -> None:
    """Sync copies of an index with no file allowed to grow past each of many sizes; print what came of each."""
    seeds, index, copy = map(Path, sys.argv[1:4])
    smallest, largest = int(sys.argv[4]), int(sys.argv[5])
    for step in range(N_OFFSETS):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(index, copy)
        limit = smallest + (largest - smallest) * step // N_OFFSETS
        said = limited(lambda: sync(seeds, copy), limit)
        with open_rag(seeds, index_dir=copy) as rag:
            outcome = {"said": said, "held": held(rag), "faults": rag.faults()}
        print(json.dumps(outcome), flush=True)


def limited(call: Callable[[], str], limit: int) -> str:
    """Call something in a process whose files may not grow past a size; return what it returned."""
    import resource

    readable, writable = os.pipe()
    child = os.fork()
    if not child:
        # Python ignores SIGXFSZ, so a write past the limit fails with EFBIG at the exact byte.
        assert signal.SIG_IGN == signal.getsignal(signal.SIGXFSZ)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        os.write(writable, call().encode())
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def sync(seeds: Path, index: Path) -> str:
    """Bring an index up to date, or say why it cannot be."""
    try:
        with open_rag(seeds, index_dir=index) as rag:
            rag.sync()
    except IndexWriteError as exc:
        return str(exc)
    return "done"


@pytest.fixture
def seeds(tmp_path):
    """Documents that are indexed."""
    write(tmp_path / "seeds", documents(N_FILES, 1))
    with open_rag(tmp_path / "seeds") as rag:
        rag.sync()
    return tmp_path / "seeds"


def test_a_full_disk_leaves_the_old_index(seeds, figure):
    """R5: stopped at 50 sizes between nothing and enough, the index is the old one or the new one.

    Seen to fail with SQLite's journal turned off.
    """
    old, new = documents(N_FILES, 1), documents(2 * N_FILES, 2)
    write(seeds, new)
    paths = (seeds, seeds.parent / "index", seeds.parent / "copy")
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.test_full_disk", *paths, "1000", "300000"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    seen: Counter[str] = Counter()
    for line in done.stdout.splitlines():
        outcome = json.loads(line)
        finished = outcome["said"] == "done"
        assert finished or re.search(SAID, outcome["said"])
        assert [] == outcome["faults"]
        state = "new" if outcome["held"] == hashes(new) else "old"
        assert hashes(new if state == "new" else old) == outcome["held"]
        assert state == "new" or not finished
        seen[f"{state}, {'done' if finished else 'refused'}"] += 1
    figure(f"R5: {dict(seen)} of {N_OFFSETS} sizes")
    assert N_OFFSETS == seen.total()
    assert min(seen["old, refused"], seen["new, done"]) > 0


@pytest.fixture
def disk(tmp_path):
    """A file system of a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_in_earnest(disk, tmp_path, figure):
    """R5: on a file system of a megabyte the first documents fit, not all of the many do, and the first still answer.

    They say that the index is not finished; what was committed before the disk was full is searched with them.
    """
    seeds = tmp_path / "seeds"
    write(seeds, documents(4, 1))
    with open_rag(seeds, index_dir=disk / "index") as rag:
        rag.sync()
        before = told(rag, 3)
    write(seeds, documents(4, 1) | {f"more{i}.txt": f"Number {i}. " * 400 for i in range(200)})
    said = sync(seeds, disk / "index")
    figure(f"R5: {said}")
    assert re.search(SAID, said)
    with open_rag(seeds, index_dir=disk / "index") as rag:
        assert hashes(documents(4, 1)).items() <= held(rag).items()
        after = told(rag, 3)
        assert [False] * 3 == [one.pop("complete") for one in after]
        assert all("is not finished" in one.pop("caveat") for one in after)
        assert [(one["status"], one["text"]) for one in before] == [
            (one["status"], one["text"]) for one in after
        ]
        assert () == rag.faults()


def test_a_disk_that_is_full_to_the_last_byte(disk, tmp_path, figure):
    """R5: without room for even SQLite's own small files the index answers; a sync says what is needed and free.

    Seen to fail with the index always opened for writing, which takes 32 KB beside it.
    """
    seeds = tmp_path / "seeds"
    write(seeds, documents(4, 1))
    with open_rag(seeds, index_dir=disk / "index") as rag:
        rag.sync()
        before = told(rag, 3)
    with pytest.raises(OSError, match="No space"):
        (disk / "filler").write_bytes(bytes(2**20))
    with open_rag(seeds, index_dir=disk / "index") as rag:
        assert before == told(rag, 3)
    write(seeds, documents(5, 2))
    said = sync(seeds, disk / "index")
    figure(f"R5, to the last byte: {said}")
    assert said.startswith("No space")
    assert re.search(SAID, said)
    (disk / "filler").unlink()
    with open_rag(seeds, index_dir=disk / "index") as rag:
        rag.sync()
        assert hashes(documents(5, 2)) == held(rag)
        assert () == rag.faults()


if __name__ == "__main__":
    main()

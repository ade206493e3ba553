"""R3: whatever happens to a file of the index, an answer is the same as before or refused with the remedy."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections import Counter
from itertools import chain, combinations
from pathlib import Path

import pytest

from rag.cli.session import Doors
from rag.errors import IndexStateError
from rag.index import discard
from tests.cli_fakes import run
from tests.fakes import open_rag
from tests.reliability.world import LONGEST, documents, times, told, write

N_FILES, N_ASKED = 12, 4
HARMS = {"truncate": times(200, 2000), "flip": times(300, 3000), "zero": times(100, 1000)}

pytestmark = [
    pytest.mark.slow(reason="hundreds of damaged copies"),
    pytest.mark.timeout(LONGEST),
]


def harm(path: Path, how: str, rng: random.Random) -> None:
    """Cut a file off, change one of its bytes, or blank a page of it."""
    data = bytearray(path.read_bytes())
    if how == "truncate":
        del data[rng.randrange(len(data)) :]
    elif how == "flip":
        data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
    else:
        at = rng.randrange(0, len(data), 4096)
        data[at : at + 4096] = bytes(len(data[at : at + 4096]))
    path.write_bytes(data)


def files(index: Path) -> list[Path]:
    """The files of an index, but for the lock."""
    return sorted(path for path in index.iterdir() if path.suffix != ".lock")


def outcome(folder: Path, index: Path) -> str:
    """Ask an index that may be damaged, and say what came of it: the answers of which state, or a refusal."""
    states = json.loads((folder / "states.json").read_text(encoding="utf-8"))
    try:
        with open_rag(folder / "seeds", index_dir=index) as rag:
            answers = told(rag, N_ASKED)
    except IndexStateError as exc:
        named = "index.sqlite" in str(exc) and "rag sync --rebuild" in str(exc)
        return "refused" if named else f"refused without the remedy: {exc}"
    return next((name for name, known in states.items() if known == answers), "different")


def rebuilt(folder: Path, index: Path) -> bool:
    """Follow the remedy, as `rag sync --rebuild` does: are the answers again those of the documents?"""
    discard(index)
    with open_rag(folder / "seeds", index_dir=index) as rag:
        rag.sync()
        whole = rag.faults() == ()
    return whole and outcome(folder, index) == "now"


def main() -> None:
    """Damage copies of an index, one after another, and print what came of each: a process that may die."""
    folder, copy, how = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    for seed in range(HARMS[how]):
        rng = random.Random(f"{how} {seed}")
        fresh(folder / "now", copy)
        harm(rng.choice(files(copy)), how, rng)
        said = outcome(folder, copy)
        mended = said != "refused" or rebuilt(folder, copy)
        print(said if mended else "refused, and not mended by the remedy", flush=True)


def fresh(index: Path, copy: Path) -> None:
    """Make a copy of an index, in place of one before."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(index, copy)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Documents, two states of their index, before and now, and the answers of each."""
    folder = tmp_path_factory.mktemp("damaged")
    states = {}
    for version, name in enumerate(("before", "now")):
        write(folder / "seeds", documents(N_FILES, version))
        with open_rag(folder / "seeds", index_dir=folder / "index") as rag:
            rag.sync()
            states[name] = told(rag, N_ASKED)
        shutil.copytree(folder / "index", folder / name)
    (folder / "states.json").write_text(json.dumps(states), encoding="utf-8")
    return folder


@pytest.mark.parametrize("how", HARMS)
def test_a_damaged_file_never_gives_another_answer(built, tmp_path, how, figure):
    """R3: cut off, flipped or blanked at a random place, in whatever file; no process dies, and the remedy works.

    Seen to fail with the checksums of rows not looked at, and with those of search files not looked at.
    """
    seen: Counter[str] = Counter()
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.test_damaged", built, tmp_path / "copy", how],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    seen.update(done.stdout.splitlines())
    figure(f"R3 {how}: {dict(seen)} of {HARMS[how]}, ended with {done.returncode}")
    assert 0 == done.returncode
    assert {"now", "refused"} >= set(seen)
    assert HARMS[how] == seen.total()


@pytest.mark.parametrize(("ours", "others"), [("now", "before"), ("before", "now")])
def test_files_of_another_state_are_seen_through(built, tmp_path, ours, others, figure):
    """R3: each file, and each set of files, of one state in place of another's: the database's state, all of it.

    Seen to fail with search files used whatever their hash.
    """
    copy, seen = tmp_path / "copy", Counter()
    pairs = list(zip(files(built / ours), files(built / others), strict=True))
    assert {".sqlite", ".faiss", ".tantivy"} == {mine.suffix for mine, _ in pairs}
    for chosen in chain.from_iterable(combinations(pairs, n) for n in range(1, len(pairs) + 1)):
        # Under its own name, as from an old copy of the folder, and under that of the file it replaces.
        for renamed in (False, True):
            fresh(built / ours, copy)
            for mine, other in chosen:
                (copy / mine.name).unlink()
                shutil.copy(other, copy / (mine if renamed else other).name)
            truth = others if any(mine.suffix == ".sqlite" for mine, _ in chosen) else ours
            seen["its state" if outcome(built, copy) == truth else "another"] += 1
    figure(f"R3 {others} in place of {ours}: {dict(seen)} of {seen.total()} swaps")
    assert {"its state"} == set(seen)


def test_a_deleted_search_file_is_built_anew(built, tmp_path):
    """R3: without a file of vectors or words, or without both, the answers are the same.

    Seen to fail with nothing built anew.
    """
    copy = tmp_path / "copy"
    derived = [path.name for path in files(built / "now") if path.suffix != ".sqlite"]
    for deleted in (*([name] for name in derived), derived):
        fresh(built / "now", copy)
        for name in deleted:
            (copy / name).unlink()
        assert "now" == outcome(built, copy)


def test_a_deleted_database_is_made_from_the_documents(built, tmp_path):
    """R3: without the database there is nothing to ask, and the next sync makes it from the documents.

    Seen to fail with no index made where files of one are left.
    """
    copy = tmp_path / "copy"
    fresh(built / "now", copy)
    (copy / "index.sqlite").unlink()

    with open_rag(built / "seeds", index_dir=copy) as rag:
        assert "no_sources" == rag.ask("For how many coins is item1 sold?").reason.code
        rag.sync()
    assert "now" == outcome(built, copy)


@pytest.mark.model
@pytest.mark.parametrize("how", HARMS)
def test_the_remedy_is_what_the_message_says(built, tmp_path, monkeypatch, how):
    """R3: the refused command names `rag sync --rebuild`, and that command mends it, whatever the damage.

    Seen to fail with the damaged database left where it is.
    """
    place = ("--seeds", str(built / "seeds"), "--index", str(tmp_path / "copy"))
    question = "For how many coins is item1 sold?"
    monkeypatch.chdir(tmp_path)  # away from this machine's rag.toml
    fresh(built / "now", tmp_path / "copy")
    assert 0 == run("sync", "--rebuild", *place, doors=Doors()).code
    database = tmp_path / "copy" / "index.sqlite"
    for seed in range(100):
        harm(database, how, random.Random(seed))
        refused = run("ask", question, *place, doors=Doors())
        if refused.code == 1:
            break
    assert "rag sync --rebuild" in refused.err

    assert 0 == run("sync", "--rebuild", *place, doors=Doors()).code
    assert "101" in run("ask", question, *place, doors=Doors()).out


if __name__ == "__main__":
    main()

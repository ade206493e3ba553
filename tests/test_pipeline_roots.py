"""What was added is listed, and forgotten with every source that it brought."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rag.errors import ArgumentError, SourceNotFoundError
from tests.fakes import open_rag

NOTE = "The lighthouse keeper was called Ada.\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder: seeds, and three others whose names are the letters of one."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"seeds": "Sheep graze.\n", "no": NOTE, "n": "N.\n", "o": "O.\n"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def rag(place):
    """A Rag over the seeds."""
    with open_rag(place / "seeds") as opened:
        opened.sync()
        yield opened


def ids(rag):
    """Return the ids of what is indexed."""
    return [source.source_id for source in rag.sources()]


@pytest.mark.parametrize("given", ["no", Path("no"), ["no"], (Path("no"),), iter(["no"])])
def test_a_path_is_one_path(given, rag, place):
    """A text is not its letters; it is remembered once, whole and without links.

    Seen to fail with `"no"` walked as `n` and `o`, both remembered for every later sync.
    """
    (place / "link").symlink_to(place / "no")

    rag.sync(given)
    rag.sync("link")

    assert ["no/no.txt", "seeds.txt"] == ids(rag)
    assert (place / "no",) == rag.roots()


def test_the_seeds_are_no_root_that_was_added(rag, place):
    """Nor is what lies in them."""
    rag.sync("seeds")
    rag.add("seeds/seeds.txt")

    assert () == rag.roots()
    for root in ("seeds", place / "seeds" / "seeds.txt"):
        with pytest.raises(ArgumentError, match="seeds_dir"):
            rag.forget(root)


@pytest.mark.parametrize("written", ["no", "./no/../no", "{place}/no"])
def test_what_is_forgotten_is_gone(written, rag, place):
    """Its sources are neither listed nor found, no later sync looks at it, and its files are left alone."""
    rag.sync(["no", "n"])
    assert "Ada" in rag.ask("What was the lighthouse keeper called?").text

    report = rag.forget(written.format(place=place))

    assert ["no/no.txt"] == [file.source_id for file in report.removed]
    assert (place / "n",) == rag.roots()
    rag.sync()
    assert ["n/n.txt", "seeds.txt"] == ids(rag)
    assert "unanswered" == rag.ask("What was the lighthouse keeper called?").status
    assert NOTE == (place / "no" / "no.txt").read_text(encoding="utf-8")


def test_what_is_forgotten_can_be_added_again(rag):
    """To forget is not to exclude."""
    rag.add("no")
    rag.forget("no")
    rag.add("no")

    assert ["no/no.txt", "seeds.txt"] == ids(rag)


def test_a_folder_that_is_gone_can_be_forgotten(rag, place):
    """By the path that `roots` gives."""
    rag.add("no")
    shutil.rmtree(place / "no")

    rag.forget(rag.roots()[0])

    assert () == rag.roots()
    assert ["seeds.txt"] == ids(rag)


def test_a_file_can_be_forgotten(rag):
    """It was added alone, and goes alone."""
    rag.add("no/no.txt")
    assert ["no.txt", "seeds.txt"] == ids(rag)

    rag.forget("no/no.txt")

    assert ["seeds.txt"] == ids(rag)


def test_what_was_removed_by_hand_stays_out(rag, place):
    """Also where the same words lie in the seeds: forgetting a folder lets nothing in."""
    shutil.copy(place / "no" / "no.txt", place / "seeds" / "copy.txt")
    rag.add("no")
    rag.remove("no/no.txt")
    rag.forget("no")
    rag.sync()

    assert ["seeds.txt"] == ids(rag)


def test_a_duplicate_takes_the_place_of_what_was_forgotten(rag, place):
    """The same words in the seeds are indexed by the next sync."""
    rag.add("no")
    shutil.copy(place / "no" / "no.txt", place / "seeds" / "z.txt")
    rag.sync()
    assert ["no/no.txt", "seeds.txt"] == ids(rag)

    rag.forget("no")
    rag.sync()

    assert ["seeds.txt", "z.txt"] == ids(rag)


def test_a_file_that_failed_is_tried_again_after_forgetting(rag, place):
    """Nothing is kept of what is forgotten, not even why a file could not be read."""
    (place / "no" / "empty.txt").write_text("", encoding="utf-8")
    rag.add("no")
    assert ["no/empty.txt"] == list(rag._index.failures())

    rag.forget("no")

    assert [] == list(rag._index.failures())


def test_forgetting_what_was_never_added_names_what_was(rag, place):
    """The sentence lists what can be forgotten."""
    rag.add("no")
    with pytest.raises(SourceNotFoundError, match=str(place / "no")):
        rag.forget("nowhere")


def test_a_whole_disk_that_was_remembered_by_mistake_is_passed_over(rag, caplog):
    """An older version took a text letter by letter, `/` too: it is not walked, it is told, and can be forgotten."""
    rag._index.remember_root("/", "")

    rag.sync()

    assert ["seeds.txt"] == ids(rag)
    assert "rag sync --forget /" in caplog.text
    assert (Path("/"),) == rag.roots()
    rag.forget("/")
    assert () == rag.roots()

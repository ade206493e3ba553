"""Collections: apart from each other, asked one or several at a time, and whole whenever somebody is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from rag.errors import ArgumentError, RagError, SourceError, SourceNotFoundError
from rag.pipeline import Rag
from rag.pipeline.collections import Collections
from rag.pipeline.extractive import ExtractiveAnswerer
from rag.pipeline.together import Together
from rag.settings import Settings
from tests.fakes import HashEncoder, OverlapReader, open_rag

BRIDGE = "The harbour bridge opened in 1932. Engineers from Paris praised the bridge.\n"
SHEEP = "Sheep graze on the northern hills. Wool is sold in autumn markets.\n"
SECRET = "Project Zwetschgenmus pays Hildegunde Obermoser 48113 crowns in Quakenbrueck.\n"


def opener(settings):
    """Open one with fakes, brought up to date."""
    rag = open_rag(settings.seeds_dir, index_dir=settings.index_dir)
    rag.settings = settings
    rag.sync()
    return rag


@pytest.fixture
def settings(tmp_path):
    """Where they lie; the default one holds a document."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "bridge.txt").write_text(BRIDGE, encoding="utf-8")
    return Settings(
        seeds_dir=seeds, index_dir=tmp_path / "index", collections_dir=tmp_path / "collections"
    )


@pytest.fixture
def known(settings):
    """The collections, one of them beside the default one."""
    made = Collections(settings, opener)
    made.create("Farm")
    (made.folder("farm") / "sheep.txt").write_text(SHEEP, encoding="utf-8")
    return made


def test_one_collection_shows_nothing_of_another(known, settings):
    """No word, title, count or spelling of a collection comes up in answers, search, lists, figures and errors of others."""
    known.create("secret")
    (known.folder("secret") / "zwetschgenmus.txt").write_text(SECRET, encoding="utf-8")
    opener(settings.of_collection("secret")).close()
    leaked = []

    def look(asked: str, *texts: object) -> None:
        """Note the secret words that are told, but for those of whoever asks."""
        words = ("zwetschgenmus", "obermoser", "48113", "quakenbrueck")
        said = " ".join(map(str, texts)).casefold()
        leaked.extend((asked, w) for w in words if w in said and w not in asked.casefold())

    with opener(settings.of_collection("farm")) as rag:
        before = rag.statistics()
        for probe in (
            "What does Hildegunde Obermoser earn?",
            "What is Zwetchgenmus?",
            "Who is paid in Quakenbruck?",
            "How much gets Hildegunde Obermooser?",
            "Summarise zwetschgenmus.txt",
            "What documents are there?",
            "How many documents are there?",
        ):
            look(probe, rag.ask(probe).to_dict(), rag.search(probe))
        for call in (
            lambda: rag.source("zwetschgenmus.txt"),
            lambda: rag.search("x", sources=["zwetschgenmus.txt"]),
            lambda: rag.remove("secret/zwetschgenmus.txt"),
        ):
            with pytest.raises(SourceNotFoundError) as failed:
                call()
            look("zwetschgenmus.txt", failed.value)
        look("", rag.sources(), rag.gaps(), rag.statistics(), rag.last_sync)
        assert (1, before) == (before["sources"], rag.statistics())
    assert [] == leaked


def test_an_answer_of_one_collection_is_that_of_its_documents_alone(known, settings):
    """A collection answers as if it were all there is, to the letter."""
    with opener(settings.of_collection("farm")) as rag:
        inside = rag.ask("Where do sheep graze?").to_dict()
    with opener(
        Settings(seeds_dir=known.folder("farm"), index_dir=settings.index_dir.parent / "x")
    ) as rag:
        alone = rag.ask("Where do sheep graze?").to_dict()

    assert {**alone, "timings": 0, "collections": ("farm",)} == {**inside, "timings": 0}


def test_a_question_can_name_its_collection(known, settings):  # noqa: ARG001  (makes one of them)
    """Or several; the answer says which, and nothing of the default one alone. Models are loaded once."""
    with opener(settings) as rag:
        asked = "Where do sheep graze?"
        farm = rag.ask(asked, collection="Farm")
        together = rag.ask(asked, collection=["farm", "default"])

        assert ("sheep.txt", ("farm",)) == (farm.citations[0].source_id, farm.collections)
        assert "farm/sheep.txt" == together.citations[0].source_id
        assert ("farm", "default") == together.collections
        assert () == rag.ask("Who praised the bridge?", collection="default").collections
        assert rag.in_collection("farm") is rag.in_collection(["FARM", "farm"])
        assert rag.in_collection("farm")._encoder is rag._encoder
        with pytest.raises(
            ArgumentError, match=r"no collection 'farms'; there are: default, farm\."
        ):
            rag.ask(asked, collection=["default", "farms"])


def test_a_later_collection_of_the_same_name_shows_nothing_of_the_one_before(known, settings):
    """Also where the first was open."""
    with opener(settings) as rag:
        both = ("default", "farm")
        assert "answered" == rag.ask("Where do sheep graze?", collection="farm").status
        assert "answered" == rag.ask("Where do sheep graze?", collection=both).status
        known.remove("farm")
        with pytest.raises(ArgumentError, match="there are: default"):
            rag.ask("Where do sheep graze?", collection="farm")
        known.create("farm")

        assert "no_sources" == rag.ask("Where do sheep graze?", collection="farm").reason.code
        assert "sheep" not in str(rag.ask("Where do sheep graze?", collection=both).citations)
        assert "answered" == rag.ask("Who praised the bridge?", collection=both).status
        assert "answered" == rag.ask("Who praised the bridge?").status


@pytest.fixture
def both(known, settings):  # noqa: ARG001  (makes one of them)
    """The two, asked as one."""
    with ExitStack() as stack:
        members = {
            name: stack.enter_context(opener(settings.of_collection(name)))
            for name in ("default", "farm")
        }
        yield Rag(
            settings,
            index=Together(
                {name: one._index for name, one in members.items()},
                seeds={name: one.settings.seeds_dir for name, one in members.items()},
            ),
            encoder=HashEncoder(),
            answerers=[ExtractiveAnswerer(OverlapReader())],
            tokens=members["farm"]._tokens,
        )


def test_several_collections_are_asked_as_one(both):
    """One ranking over all; what is cited names its collection, and is quoted to the letter."""
    for question, source_id, name in (
        ("When was the harbour bridge opened?", "default/bridge.txt", "default"),
        ("Where do sheep graze?", "farm/sheep.txt", "farm"),
    ):
        answer = both.ask(question)
        assert "answered" == answer.status
        (cited,) = {one.source_id for one in answer.citations}
        source = both.source(cited)
        assert (source_id, name) == (cited, source.collection)
        for one in answer.citations:
            assert one.quote == source.text[one.start : one.end]
            assert "current" == both.check(one)
    assert ["default/bridge.txt", "farm/sheep.txt"] == [one.source_id for one in both.sources()]
    only = both.search("bridge sheep", sources=["farm/sheep.txt"])
    assert {"farm/sheep.txt"} == {one.passage.source_id for one in only}


def test_words_weigh_over_all_collections_together_as_in_one_index(both, tmp_path):
    """The idf of a word is that of one index over the documents of all."""
    folder = tmp_path / "all"
    folder.mkdir()
    (folder / "bridge.txt").write_text(BRIDGE, encoding="utf-8")
    (folder / "sheep.txt").write_text(SHEEP, encoding="utf-8")
    words = {"bridg", "sheep", "the", "nowher"}
    with (
        opener(Settings(seeds_dir=folder, index_dir=tmp_path / "all-index")) as rag,
        rag._index.snapshot() as whole,
        both._index.snapshot() as joined,
    ):
        assert pytest.approx(whole.weights(words)) == joined.weights(words)


def test_several_are_opened_by_name_and_each_is_brought_up_to_date(known, settings):
    """One pipeline over all, whatever spelling names them; an unknown one among them opens none."""
    with Rag.open(settings, collection=["Farm", "DEFAULT"], answerers=()) as rag:
        assert ["default/bridge.txt", "farm/sheep.txt"] == [one.source_id for one in rag.sources()]
        assert ((), ()) == (rag.faults(), rag.gaps())
    with pytest.raises(ArgumentError, match="no collection 'barn'"):
        Rag.open(settings, collection=["farm", "barn"], answerers=())
    assert ("default", "farm") == known.names()


def test_several_collections_are_not_changed_together(both):
    """Whoever asks several at once cannot write, and is told so."""
    with pytest.raises(ArgumentError, match="only asked"):
        both.sync()


def test_a_renamed_collection_is_not_read_again(known, settings):
    """Its documents keep the time at which they were indexed, and nothing is said to be missing."""
    with opener(settings.of_collection("farm")) as rag:
        before = [one.indexed_at for one in rag.sources()]

    assert "barn" == known.rename("FARM", "Barn")
    with opener(settings.of_collection("barn")) as rag:
        assert 0 == rag.last_sync.n_embedded
        assert (before, ()) == ([one.indexed_at for one in rag.sources()], rag.gaps())
    assert ("default", "barn") == known.names()


def test_a_moved_source_is_in_the_other_collection_only(known, settings):
    """Its file goes along, and no word of it is found where it was."""
    place = known.move("sheep.txt", "default", origin="farm")

    assert settings.seeds_dir / "sheep.txt" == place
    with opener(settings.of_collection("farm")) as rag:
        assert () == rag.search("sheep")
    with opener(settings) as rag:
        assert ["bridge.txt", "sheep.txt"] == [one.source_id for one in rag.sources()]


def test_a_source_that_was_added_from_elsewhere_stays_where_it_lies(known, settings, tmp_path):
    """It is looked at by the other collection from now on."""
    path = tmp_path / "goats.txt"
    path.write_text("Goats climb.\n", encoding="utf-8")
    with opener(settings) as rag:
        rag.add(path)

    assert path == known.move("goats.txt", "farm")
    with opener(settings) as rag:
        assert ((), ["bridge.txt"]) == (rag.roots(), [one.source_id for one in rag.sources()])
    with opener(settings.of_collection("farm")) as rag:
        assert ["goats.txt", "sheep.txt"] == [one.source_id for one in rag.sources()]


def test_another_file_of_its_name_is_not_overwritten(known, settings):
    """A move that would lose a document is refused, and changes nothing."""
    other = settings.seeds_dir / "sheep.txt"
    other.write_text("Another one.\n", encoding="utf-8")

    with pytest.raises(SourceError, match="another file"):
        known.move("sheep.txt", "default", origin="farm")
    assert ("Another one.\n", SHEEP) == (
        other.read_text(encoding="utf-8"),
        (known.folder("farm") / "sheep.txt").read_text(encoding="utf-8"),
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda known: known.create("FARM"),
        lambda known: known.create("default"),
        lambda known: known.create("../x"),
        lambda known: known.rename("farm", "default"),
        lambda known: known.rename("none", "other"),
        lambda known: known.remove("default"),
        lambda known: known.remove("none"),
        lambda known: known.move("sheep.txt", "FARM", origin="farm"),
        lambda known: known.move("none.txt", "default", origin="farm"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(known, change):
    """A name that is taken, none, or that of the default one is refused."""
    with pytest.raises(RagError):
        change(known)
    assert ("default", "farm") == known.names()
    assert (known.folder("farm") / "sheep.txt").is_file()


def test_folders_of_collections_are_their_owners_only(known, settings):
    """Nobody else may enter them."""
    opener(settings.of_collection("farm")).close()
    for path in (settings.collections_dir, settings.collections_dir / "farm", known.folder("farm")):
        assert 0o700 == path.stat().st_mode & 0o777


KILLED = """
import os, sys
from pathlib import Path
from rag.pipeline.collections import Collections
from rag.settings import Settings
from tests.test_pipeline_collections import opener
top, change = Path(sys.argv[1]), sys.argv[2]
settings = Settings(seeds_dir=top/"seeds", index_dir=top/"index", collections_dir=top/"collections")
known, left = Collections(settings, opener), int(sys.argv[3])
def count(event, given):
    global left
    changes = ("os.rename", "os.mkdir", "os.rmdir", "os.remove", "shutil.rmtree")
    if event in changes and str(given[0]).startswith(str(top)):
        left -= 1
        if left == 0:
            os._exit(9)
sys.addaudithook(count)
eval({"create": 'known.create("new")', "rename": 'known.rename("farm", "barn")',
      "remove": 'known.remove("farm")', "move": 'known.move("sheep.txt", "default", origin="farm")'}[change])
"""


@pytest.mark.parametrize("change", ["create", "rename", "remove", "move"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_whoever_is_killed_leaves_the_state_before_or_after(known, settings, change, at):
    """Every collection is there under one name, every document that was not to be removed in one of them, none torn."""
    opener(settings.of_collection("farm")).close()
    top = settings.collections_dir.parent
    call = [sys.executable, "-c", KILLED, str(top), change, str(at)]
    done = subprocess.run(call, check=False, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    assert done.returncode == 9 or (at > 1 and done.returncode == 0)

    states = {
        "create": [{"default", "farm"}, {"default", "farm", "new"}],
        "rename": [{"default", "farm"}, {"default", "barn"}],
        "remove": [{"default", "farm"}, {"default"}],
        "move": [{"default", "farm"}],
    }
    names = known.names()
    assert set(names) in states[change]
    held = []
    for name in names:
        with opener(settings.of_collection(name)) as rag:
            held += [rag.source(one.source_id).text for one in rag.sources()]
            assert () == (*rag.faults(), *rag.gaps())
    wanted = {BRIDGE} if change == "remove" and "farm" not in names else {BRIDGE, SHEEP}
    assert (len(wanted), wanted) == (len(held), set(held))
    known.create("next")
    assert [] == [one for one in settings.collections_dir.glob(".*") if one.is_dir()]

"""Words to change out of a copy of WordNet: opposites, kin, and others that mean the same."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from training.reader.squad import Article, Paragraph
from training.support.edits import Editor
from training.support.pairs import PairMaker
from training.support.verbs import Verbs
from training.support.wordnet import PARTS, Thesaurus, WordNet, read_words, thesaurus_sha256
from training.support.words import TABLES

LICENCE = "  1 This software and database is being provided to you, the LICENSEE, by  \n"
SYNSETS = """
100 n vessel              | ~ 110 n 0000 ~ 120 n 0000 ~ 130 n 0000
110 n canoe                | @ 100 n 0000
120 n barge                | @ 100 n 0000
130 n bathtub             | @ 100 n 0000
140 n coracle             |
200 v admit allow         | ! 210 v 0101
210 v deny                | ! 200 v 0101
220 v launch              |
300 a huge immense        | & 310 a 0000
310 a large big           | ! 320 a 0101 ! 320 a 0202 & 300 a 0000
320 a small little        | ! 310 a 0101 ! 310 a 0202
"""
COUNTS = {
    "barge%1": 30,
    "barge%2": 3,
    "canoe%1": 20,
    "bathtub%1": 1,
    "launch%2": 4,
    "admit%2": 9,
    "allow%2": 9,
    "deny%2": 9,
    "huge%5": 5,
    "immense%5": 5,
}
SENTENCE = (
    "The barge and the canoes, a huge one, an immense one, were large and small; barges, a canoe."
)
VERBS = Verbs.counted(
    [
        f"{SENTENCE} They must admit, allow, launch and deny it. It was admitted, allowed, denied and launched."
    ]
    * 30
)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """Write a WordNet of eleven synsets."""
    found: dict[str, dict[str, list[str]]] = {part: {} for part in PARTS}
    data: dict[str, str] = dict.fromkeys(PARTS, LICENCE)
    for line in SYNSETS.strip().splitlines():
        head, _, pointers = line.partition("|")
        offset, part, *words = head.split()
        offset = offset.zfill(8)
        for word in words:
            found[part].setdefault(word, []).append(offset)
        listed = " ".join(f"{word} 0" for word in words)
        n_pointers = len(pointers.split()) // 4
        pointers = " ".join(one.zfill(8) if len(one) == 3 else one for one in pointers.split())
        data[part] += (
            f"{offset} 00 {part} {len(words):02x} {listed} {n_pointers:03} {pointers} | gloss; \"! 'x' a\"  \n"
        )
    for part, name in PARTS.items():
        lines = [
            f"{word} {part} {len(at)} 1 @ {len(at)} 1 {' '.join(at)}  "
            for word, at in found[part].items()
        ]
        (tmp_path / f"index.{name}").write_text(LICENCE + "\n".join(lines), encoding="utf-8")
        (tmp_path / f"data.{name}").write_text(data[part], encoding="utf-8")
    counted = "\n".join(f"{key}:00:00:: 1 {count}" for key, count in COUNTS.items())
    (tmp_path / "cntlist.rev").write_text(counted, encoding="utf-8")
    return tmp_path


def test_opposites_are_antonyms_in_the_form_of_the_word(folder):
    """An antonym is taken from the word's own entry; a word near to another has that one's."""
    words = read_words(folder, VERBS)
    assert ("deny",) == words.opposites["admit"]
    assert ("denied",) == words.opposites["admitted"]
    assert ("small",) == words.opposites["huge"]
    assert "allow" in TABLES.opposites
    assert TABLES.opposites["allow"] == words.opposites["allow"]


def test_kin_are_other_kinds_of_the_same_thing_that_the_texts_speak_of(folder):
    """A barge is a vessel as a canoe is; bathtubs are too, but no text has one."""
    words = read_words(folder, VERBS)
    assert ("canoe",) == words.kin["barge"]
    assert ("canoes",) == words.kin["barges"]
    assert "vessel" not in words.kin


def test_alike_are_words_of_one_synset(folder):
    """Who shares a meaning may stand for each other, in the same form."""
    words = read_words(folder, VERBS)
    assert ("immense",) == words.alike["huge"]
    assert ("allowed",) == words.alike["admitted"]
    assert "barge" not in words.alike


def test_words_of_the_same_kind_and_form_fit_the_same_place(folder):
    """A plural takes a plural's place, a past tense a past tense's."""
    parts = read_words(folder, VERBS).parts
    assert parts["barges"] == parts["canoes"] != parts["barge"]
    assert parts["admitted"] == parts["launched"] != parts["admit"]


def test_a_word_is_what_it_mostly_is(folder):
    """`Barge` is a noun thirty times of thirty-one, until it is a verb a hundred times."""
    with (folder / "index.verb").open("a", encoding="utf-8") as file:
        file.write("\nbarge v 1 1 @ 1 1 00000220  ")
    assert "barge" in read_words(folder, VERBS).kin
    with (folder / "cntlist.rev").open("a", encoding="utf-8") as file:
        file.write("\nbarge%2:00:00:: 1 100")
    words = Thesaurus(WordNet.read(folder), VERBS).words()
    assert "v " == words.parts["barge"]
    assert "barge" not in words.kin


def test_a_contrast_changes_one_word_twice(folder):
    """One change leaves what is said as it was, the other does not."""
    editor = Editor(VERBS, read_words(folder, VERBS))
    same, other = editor.contrast("It was a huge one.", random.Random(0)) or (None, None)
    assert "It was a immense one." == same.apply("It was a huge one.")
    assert "It was a small one." == other.apply("It was a huge one.")
    assert editor.contrast("It was nothing.", random.Random(0)) is None


def test_pairs_tell_words_that_mean_the_same_from_others(folder):
    """The same place is filled twice, in the claim or in its evidence, and only one of both is borne out."""
    maker = PairMaker(VERBS, read_words(folder, VERBS))
    said = "Ada saw a huge one in Oslo."
    article = Article(title="x", paragraphs=(Paragraph(text=said, questions=()),))
    found = {
        (pair.claim, pair.evidence, pair.supported)
        for seed in range(20)
        for group in maker.groups(article, seed=seed)
        for pair in group
        if pair.kind == "alike"
    }
    same, other = said.replace("huge", "immense"), said.replace("huge", "small")
    assert {
        (same, said, True),
        (other, said, False),
        (said, same, True),
        (said, other, False),
    } == found


def test_a_fellow_comes_from_the_texts_around(folder):
    """A word gives way to one of its kind and form that stands nearby, not to one that means the same."""
    editor = Editor(VERBS, read_words(folder, VERBS))
    changed = {
        change.apply("They admitted it.")
        for seed in range(20)
        for change in editor.changes(
            "They admitted it.", "It was allowed and launched.", random.Random(seed)
        )
        if change.kind == "fellow"
    }
    assert {"They launched it."} == changed


def test_the_sum_of_a_copy_is_that_of_its_files(folder):
    """Another copy is told from this one; without one there are only the tables."""
    before = thesaurus_sha256(folder)
    assert before == thesaurus_sha256(folder)
    with (folder / "data.adv").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert before != thesaurus_sha256(folder)
    assert TABLES is read_words(None, VERBS)


def test_a_folder_that_is_no_wordnet_is_said(tmp_path):
    """The message names the file and where to get a copy."""
    for read in (WordNet.read, thesaurus_sha256):
        with pytest.raises(SystemExit, match=r"is no copy of WordNet .*index\.noun.*wordnet-base"):
            read(tmp_path)

"""What a chat model is shown of the sources: how much, around what, and under which numbers."""

from __future__ import annotations

from dataclasses import replace

from rag.pipeline.evidence import AROUND, NARROW, Portion, lists_contents, portions_of, taken
from rag.schema import Candidate, Passage, ScoredSentence, Source

BOOK = "# Manual\n\n" + "\n\n".join(
    f"## Chapter {n}\n\nThe part {n} is made of steel. It weighs {n} kilograms.\n\n"
    + f"Handle part {n} with care. " * 60
    for n in range(1, 9)
)
SOURCE = Source(
    source_id="docs/manual-2025-03-01.md",
    title="Manual",
    text=BOOK,
    sha256="0" * 64,
    media_type="text/markdown",
    pages=(0, BOOK.index("## Chapter 5")),
)


def shown(*wanted, budget=5000):
    """What is shown of the book."""
    return taken(wanted, lambda _: SOURCE, budget=budget, count=lambda text: len(text.split()))


def stretch(words, around=400):
    """Where these words stand."""
    start = BOOK.index(words)
    return Portion(source_id=SOURCE.source_id, start=start, end=start + len(words), around=around)


def candidate(text, source_id="a.txt"):
    """A passage of this text."""
    passage = Passage(
        passage_id=f"{source_id}#0",
        source_id=source_id,
        start=0,
        end=len(text),
        text=text,
        n_tokens=9,
    )
    return Candidate(passage=passage, dense=0.5, lexical=1.0, fused=0.5, sentences=())


def test_a_passage_comes_with_what_stands_around_it():
    """Some 400 characters on either side, in whole sentences of the source, to the letter."""
    [*_, one] = shown(stretch("The part 5 is made of steel."))

    assert "It weighs 5 kilograms." in one.text
    assert BOOK[one.passage.start : one.passage.end] == one.text


def test_a_passage_says_where_it_stands():
    """File, title, section, page, and the date that the name gives."""
    titles = [one.title for one in shown(stretch("The part 5 is made of steel.", around=0))]

    assert ["manual-2025-03-01.md: Manual > Chapter 5, page 2, 2025-03-01"] == titles


def test_a_book_is_many_passages():
    """Each section has numbers of its own, and a long one several."""
    whole = Portion(source_id=SOURCE.source_id, start=0, end=len(BOOK), around=0)

    passages = shown(whole)

    assert len(passages) >= 8
    assert max(len(one.text) for one in passages) < 2500
    assert all(one.text == BOOK[one.passage.start : one.passage.end] for one in passages)


def test_the_most_wanted_is_shown_where_not_all_fits():
    """What does not fit is left out, the first is not."""
    passages = shown(
        stretch("The part 7 is made of steel.", 0), stretch("Handle part 2", 0), budget=12
    )

    assert ["The part 7 is made of steel."] == [one.text for one in passages]


def test_what_says_the_same_takes_one_place():
    """Unless a number or a name differs."""
    text = "The rent of the flat is due on the first day of every month and paid by bank transfer to the landlord"
    found = [
        candidate(f"{text} always.", "a.txt"),
        candidate(f"{text}, always.", "b.txt"),
        candidate(f"{text} always 7.", "c.txt"),
    ]

    assert ["a.txt", "c.txt"] == [one.source_id for one in portions_of([found])]


def test_searches_take_turns():
    """The best of each search comes before the second of any."""
    first, second = candidate("One thing.", "a.txt"), candidate("Two things.", "b.txt")
    other = candidate("Something else.", "c.txt")

    found = portions_of([[first, second], [other]])

    assert ["a.txt", "c.txt", "b.txt"] == [one.source_id for one in found]


def test_what_comes_later_is_narrow():
    """Beyond the first of each search the sentence that matches best comes first, with little around it."""
    text = "It rains. The crane is old. It snows."
    scores = {"It rains.": 0.1, "The crane is old.": 0.9, "It snows.": 0.2}
    starts = {said: text.index(said) for said in scores}
    sentences = tuple(
        ScoredSentence(start=at, end=at + len(said), text=said, dense=scores[said], lexical=0.0)
        for said, at in starts.items()
    )
    later = replace(candidate(text, "b.txt"), sentences=sentences)

    first, second, third = portions_of([[candidate("One thing."), later]], wide=1)

    assert (0, AROUND) == (first.start, first.around)
    assert "The crane is old." == text[second.start : second.end]
    assert NARROW == second.around
    assert (text, AROUND) == (text[third.start : third.end], third.around)


def test_a_table_of_contents_takes_no_place():
    """Lines that end in the number of a page are no evidence."""
    contents = (
        "Contents\nIntroduction ........ 3\nBridges ............. 17\nCranes .............. 41"
    )

    assert lists_contents(contents)
    assert not lists_contents("Rent 800\nHeating 120\nTotal 920")
    assert [] == portions_of([[candidate(contents)]])


def test_a_source_without_pages_names_none():
    """Nothing is told that is not known."""
    plain = replace(SOURCE, source_id="note.txt", title="note", pages=())

    [one] = taken(
        [replace(stretch("Handle part 1 with care.", 0), source_id="note.txt")],
        lambda _: plain,
        budget=500,
        count=lambda text: len(text.split()),
    )

    assert "page" not in one.title
    assert one.title.startswith("note.txt")

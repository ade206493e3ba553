"""Drafted questions: few, in a person's words, answered by the sentence they were made of."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import DatasetError
from rag.evaluation.dataset import load_dataset, locate_quotes
from rag.evaluation.draft import draft_questions, write_questions
from rag.evaluation.draft.clauses import parse_clause, trimmed
from rag.evaluation.draft.verbs import FORMS
from rag.schema import Source

ARTICLE = next((Path(__file__).parent.parent / "seeds").glob("*.txt"))


def source(text: str, name: str = "notes.txt") -> Source:
    """Return a source of this text."""
    return Source(source_id=name, title="", text=text, sha256="", media_type="text/plain")


def drafted(text: str) -> dict[str, tuple[str, ...]]:
    """Return the questions drafted from a text with their answers."""
    return {one.question: one.answers for one in draft_questions([source(text)], n=50)}


CASES = """
The Central Travel Office (CTO) is open all day.
What does CTO stand for?
Central Travel Office

There are 14 offices in Europe.
How many offices are there in Europe?
14 offices

The park has 12 gates in the south.
How many gates does the park have in the south?
12 gates

Employees are entitled to 25 days of annual leave.
How many days of annual leave are employees entitled to?
25 days of annual leave

More than 200 people died in the storm.
How many people died in the storm?
More than 200 people

The office was founded by Ada Byron in 1998.
When was the office founded by Ada Byron?
1998

The office was founded by Ada Byron in 1998.
By whom was the office founded in 1998?
Ada Byron

On March 21, Ada Byron announced a new kind of engine.
When did Ada Byron announce a new kind of engine?
March 21

A per diem is a fixed amount that covers meals.
What is a per diem?
a fixed amount that covers meals

Ada Byron was an English mathematician.
Who was Ada Byron?
an English mathematician

Ada Byron was the first author of a program for a machine.
Who was the first author of a program for a machine?
Ada Byron

The fee for a visit is 80 euros an hour.
What is the fee for a visit?
80 euros an hour

The main station is located in Hamburg.
Where is the main station located?
Hamburg

Claims can be rejected because receipts are missing.
Why can claims be rejected?
because receipts are missing

Refunds are paid by sending the form to Hamburg.
How are refunds paid?
by sending the form to Hamburg

Trips by train include a seat, a meal and a newspaper.
What do trips by train include?
a seat, a meal and a newspaper

Ada Byron emphasized that machines can err.
Who emphasized that machines can err?
Ada Byron

“The engine has no ideas at all,” wrote Ada Byron in her notes.
Who said “The engine has no ideas at all”?
Ada Byron

According to Ada Byron, the engine weaves patterns like a loom.
Who says that the engine weaves patterns like a loom?
Ada Byron

The visit of Britain’s chief engineer, Ada Byron, was short.
Who is Britain’s chief engineer?
Ada Byron

In 1843 Ada Byron, the author of the notes, was ill.
Who is Ada Byron?
the author of the notes

Charles Babbage visited the royal palace of Turin.
Who visited the royal palace of Turin?
Charles Babbage

Charles Babbage designed a machine for long calculations.
What did Charles Babbage design?
a machine for long calculations

About 30% of all claims are rejected every year.
What percentage of all claims are rejected every year?
About 30%
"""


@pytest.mark.parametrize("case", CASES.strip().split("\n\n"))
def test_each_rule_asks_as_a_person_would(case):
    """What a sentence states becomes a question with the sentence's own words for an answer."""
    sentence, question, answer = case.splitlines()
    assert answer in drafted(sentence)[question]


@pytest.mark.parametrize(
    "sentence",
    [
        "He was born in London in 1815.",  # who?
        "This was decided by the council in 1998.",
        "Is the office open in the summer of 1998?",
        "The town visited by Ada Byron in 1843 was small and poor.",
        "Ada Byron announced it to the queen of Britain in 1843.",  # what?
        "Industry without any verb that is known here.",
        "The machine that wrote the books was never built in London.",
        "If the office closes, the station becomes the meeting point.",
        "Dogs bark.",
        "Overview of the Travel Policy 2022",
    ],
)
def test_what_is_not_surely_understood_is_left_alone(sentence):
    """A pronoun, a question, a passive that looks like a past, a condition: rather no draft than a bad one."""
    with pytest.raises(DatasetError, match="No question could be drafted"):
        draft_questions([source(sentence)])


def test_drafts_evaluate_as_they_are(tmp_path):
    """What is written is read back: quotes stand in the source, answers in the quotes."""
    text = ARTICLE.read_text(encoding="utf-8")
    article = source(text, ARTICLE.name)
    write_questions(draft_questions([article]), tmp_path / "questions.csv")
    examples = locate_quotes(load_dataset(tmp_path / "questions.csv"), [article])
    assert {True, False} == {one.answerable for one in examples}
    for one in examples:
        quotes = [text[e.start : e.end] for e in one.evidence]
        assert bool(one.answerable) == bool(quotes)
        assert all(answer in quotes[0] for answer in one.answers)
        assert one.note.startswith("drafted ")
    assert ("Sergei Shoigu",) == next(
        one.answers for one in examples if one.question == "Who is Russia’s security chief?"
    )


def test_the_table_opens_in_spreadsheets_and_is_never_written_over(tmp_path):
    """It says that it is UTF-8, has the columns people fill in, and corrections in it are safe."""
    path = tmp_path / "questions.csv"
    write_questions(draft_questions([source("There are 14 offices in Europe.")]), path)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, row = csv.reader(file)
    assert ["question", "answers", "evidence", "answerable", "note"] == header
    assert [
        "How many offices are there in Europe?",
        "14 offices | 14",
        "There are 14 offices in Europe.",
        "yes",
        "drafted from notes.txt: number",
    ] == row
    with pytest.raises(DatasetError, match=r"questions\.csv is there already.*--out"):
        write_questions([], path)
    with pytest.raises(DatasetError, match=r"q\.csv cannot be written: No such file"):
        write_questions([], tmp_path / "none" / "q.csv")


def test_no_cell_is_a_formula_or_ends_early():
    """Sentences that a spreadsheet would compute, or that a bar would cut, are not quoted."""
    text = (
        '=cmd was founded in 1998.\n\n"The | was founded in 1998."\n\nThe inn was founded in 1998.'
    )
    assert ["When was the inn founded?"] == list(drafted(text))


ROOMS = " ".join(
    f"{name} visited the town of {town} in {year}."
    for name, town, year in [
        ("Ada Byron", "Turin", 1841), ("Charles Babbage", "Lyon", 1842), ("Mary Somerville", "Rome", 1843),
        ("Alan Turing", "Bonn", 1951), ("Grace Hopper", "Oslo", 1952), ("Konrad Zuse", "Graz", 1953),
    ]
)  # fmt: skip


def test_a_quarter_is_altered_so_that_nothing_answers_it():
    """Another name or year stands in a good question; no sentence has it together with the rest."""
    examples = draft_questions([source(ROOMS)], n=12)
    altered = [one for one in examples if one.answerable is False]
    assert 3 == len(altered)
    assert len({one.question for one in examples}) == len(examples) == 12
    for one in altered:
        assert ((), ()) == (one.answers, one.quotes)
        new, old = re.findall("“(.+?)”", one.note)
        assert new in one.question
        assert old not in one.question
        assert "check that no document answers it" in one.note
        assert one.question.replace(new, old, 1) in drafted(ROOMS)


def test_what_another_sentence_answers_is_no_altered_question():
    """Where any name or year that could be put in is true as well, nothing is altered."""
    visits = "Ada Byron visited the port of Turin in 1841. Mary Godwin visited the port of Turin in 1842."
    assert {True} == {one.answerable for one in draft_questions([source(visits)], n=12)}


def test_drafts_are_the_same_each_time_and_of_every_source():
    """The same documents give the same drafts, spread over all of them, in their order."""
    sources = [
        source(ROOMS.replace("town", kind), f"{kind}.txt") for kind in ("bay", "city", "port")
    ]
    first = draft_questions(sources, n=8)
    assert first == draft_questions(sources, n=8)
    named = [re.search(r"from (\w+)\.txt", one.note) for one in first]
    kept = [found[1] for found in named if found]
    assert sorted(kept) == kept
    assert {"bay", "city", "port"} == set(kept)


def test_forms_of_verbs_are_english():
    """The forms that rules of spelling make are the right ones."""
    forms = {form: (known.base, known.tense) for form, known in FORMS.items()}
    assert {
        "admitted": ("admit", "past"), "studied": ("study", "past"), "stayed": ("stay", "past"),
        "agreed": ("agree", "past"), "visited": ("visit", "past"), "wrote": ("write", "past"),
        "applies": ("apply", "singular"), "reaches": ("reach", "singular"), "require": ("require", "plural"),
    }.items() <= forms.items()  # fmt: skip


@pytest.mark.parametrize(
    ("rest", "core"),
    [
        ("the bridge, which was new", "the bridge"),
        ("the bridge on May 3, 1998 and left", "the bridge on May 3, 1998"),
        ("a bridge and opened a school", "a bridge"),
        ("a bridge and a school while others slept", "a bridge and a school"),
        ("its service, Sky+ HD, on 22 May 2006", "its service on 22 May 2006"),
    ],
)
def test_a_clause_ends_where_another_begins(rest, core):
    """What follows the verb is cut before another clause, and dates stay whole."""
    assert core == trimmed(rest)


@settings(max_examples=200)
@given(
    st.lists(
        st.sampled_from(
            """The the Ada Byron and of in 1843 was were wrote , that by which has had 12 people a an office (CTO) is
            not to because May 3 founded 30% engines include It she There’s “so” .""".split()
        ),
        min_size=1,
        max_size=14,
    ).map(" ".join)
)
def test_any_words_make_no_faulty_draft(words):
    """Whatever stands in a text, each draft is a whole question whose answer the text has."""
    text = f"{words}."
    parse_clause(text, names={"Ada"})
    try:
        examples = draft_questions([source(text)])
    except DatasetError:
        return
    for one in examples:
        assert re.fullmatch(r"[A-Z][^\n?]+\?", one.question)
        assert all(answer in " ".join(text.split()) for answer in one.answers)

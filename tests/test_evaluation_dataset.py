"""Question sets: what is read, what is refused with its line, and what the shipped set promises."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.benchmarks.audit import audit
from rag.errors import DatasetError
from rag.evaluation.dataset import (
    FEEDBACK,
    Evidence,
    Example,
    example_from_dict,
    example_to_dict,
    load_dataset,
    locate_quotes,
    select_examples,
    validate,
)
from rag.evaluation.tables import read_rows
from rag.schema import Source, Turn
from rag.sources import Root, find_files, load
from tests.evaluation_fakes import EXAMPLES, SENTENCES, SOURCE, evidence, span

ROOT = Path(__file__).parent.parent
ARTICLE = ROOT / "eval/data/article.jsonl"
EVERYDAY = ROOT / "eval/data/everyday"
KINDS = ROOT / "eval/data/kinds"
SOURCES = {SOURCE.source_id: SOURCE}


def _written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# --- The shipped questions -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def article() -> tuple[Example, ...]:
    """Read the questions that ship."""
    return load_dataset(ARTICLE)


@pytest.fixture(scope="module")
def article_sources() -> dict[str, Source]:
    """Read the article as the program does: decoded and otherwise as it is."""
    return {
        path.name: Source(
            source_id=path.name,
            title="",
            text=path.read_text(encoding="utf-8"),
            sha256="",
            media_type="text/plain",
        )
        for path in (ROOT / "seeds").glob("*.txt")
    }


def test_the_shipped_questions_keep_their_promises(article, article_sources):
    """Every span exists and holds an accepted answer; halves, kinds and origins are stated."""
    assert audit(article, article_sources) == ()


def test_the_shipped_questions_are_enough(article):
    """At least 120 questions, 40 unanswerable, every kind in both halves, none asked twice."""
    assert len(article) >= 120
    assert sum(e.kind == "unanswerable" for e in article) >= 40
    kinds = {
        "fact", "paraphrase", "list", "two_part", "yes_no", "number", "who_said", "definition",
        "follow_up", "misspelt", "not_english", "unanswerable",
    }  # fmt: skip
    for split in ("dev", "test"):
        assert {e.kind for e in article if e.split == split} == kinds
    asked = [(e.question.casefold(), e.history) for e in article]
    assert len(set(asked)) == len(asked)
    assert all(e.history for e in article if e.kind == "follow_up")


def test_evidence_of_the_shipped_questions_is_whole_sentences(article, article_sources):
    """Every evidence begins and ends where a sentence does."""
    for example in article:
        for item in example.evidence:
            text = article_sources[item.source_id].text
            sentence, after = text[item.start : item.end], text[item.end : item.end + 1]
            assert sentence == sentence.strip(), example.query_id
            assert text[item.start - 1 : item.start] in {"", " ", "\n"}, example.query_id
            assert after in {"", " ", "\n"}, example.query_id
            assert sentence[0].isupper(), example.query_id
            assert sentence[-1] in ".”m", example.query_id


def _read(folder: Path) -> dict[str, Source]:
    """Read the documents of a set as the program does."""
    files, faults = find_files(Root(path=folder / "sources", prefix=""))
    assert not faults
    return {file.source_id: load(file, max_bytes=1_000_000).source for file in files}


@pytest.mark.parametrize(
    ("folder", "n", "unanswerable"), [(EVERYDAY, [7, 7], 42), (KINDS, [20, 20], 34)]
)
def test_questions_on_several_documents_keep_their_promises(folder, n, unanswerable):
    """Every span holds an accepted answer in the text as it is read today; halves are by document."""
    examples = load_dataset(folder / "questions.jsonl")

    assert audit(examples, _read(folder)) == ()
    assert unanswerable == sum(not one.answerable for one in examples)
    asked_of = {
        split: {item.source_id for one in examples if one.split == split for item in one.evidence}
        for split in ("dev", "test")
    }
    assert n == [len(sources) for sources in asked_of.values()]
    assert not asked_of["dev"] & asked_of["test"]


def test_every_kind_is_asked_about_in_both_halves():
    """Ten questions a kind, two of them without an answer, half of each on documents of the test half."""
    examples = load_dataset(KINDS / "questions.jsonl")
    counted = Counter((one.kind, one.split, one.answerable) for one in examples)
    kinds = {one.kind for one in examples}
    assert 17 == len(kinds)
    assert {
        (kind, split, answerable): 4 if answerable else 1
        for kind in kinds
        for split in ("dev", "test")
        for answerable in (True, False)
    } == counted


# --- What audit finds ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"split": "train"}, "the split is 'train'"),
        ({"kind": ""}, "kind or made_by is missing"),
        ({"answers": ("Turing",)}, "no answer of part 1"),
        ({"answers": ()}, "it is answerable and has no answers"),
        ({"evidence": ()}, "supports parts []"),
        ({"evidence": (evidence(0, 2),)}, "supports parts [2]"),
        ({"kind": "paraphrase"}, "shares ['notes', 'wrote']"),
        ({"answerable": None}, "answerable is missing"),
        ({"evidence": (Evidence(source_id="x", start=0, end=1),)}, "no source is called 'x'"),
    ],
)
def test_audit_names_each_fault(change, fault):
    """A question set that breaks a promise is told which question and which promise."""
    good = replace(EXAMPLES[0], made_by="asked of a sentence")
    twin = replace(good, query_id="twin", split="test")
    assert audit([good, twin], SOURCES) == ()
    first = audit([replace(good, **change), twin], SOURCES)[0]
    assert "ada: " in first
    assert fault in first


def test_audit_wants_even_halves_and_familiar_words():
    """Two of a kind in one half, and a question about nothing that is there, are faults."""
    strange = replace(EXAMPLES[4], question="Bananas?", made_by="x")
    faults = audit([strange, replace(strange, query_id="b")], SOURCES)
    assert "cipher: it has no word of the sources" in faults
    assert "unanswerable: 2 questions in dev, 0 in test" in faults


# --- Reading -------------------------------------------------------------------------------------


def test_a_question_is_enough(tmp_path):
    """A file of bare questions is read; nothing is assumed about their answers."""
    path = _written(tmp_path, "q.jsonl", '{"question": "Who?"}\n\n{"question": "What?"}\n')
    first, second = load_dataset(path)
    assert first == Example(query_id="line-1", question="Who?")
    assert (second.query_id, second.answerable) == ("line-3", None)


def test_csv_is_read_as_people_write_it(tmp_path):
    """A table with a byte order mark, wordings between bars, and empty cells is understood."""
    text = (
        "\ufeffquestion,answers,evidence,answerable\n"
        '"Who, then?",Ada | Lovelace,Ada wrote notes.,\n'
        "Who sold it?,,,no\n"
        ",,,\n"
    )
    first, second = load_dataset(_written(tmp_path, "q.csv", text))
    assert first == Example(
        query_id="line-2",
        question="Who, then?",
        answerable=True,
        answers=("Ada", "Lovelace"),
        quotes=("Ada wrote notes.",),
    )
    assert second == Example(query_id="line-3", question="Who sold it?", answerable=False)


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_survive_json(example):
    """What is written of an example is read back as the same example."""
    assert example_from_dict(example_to_dict(example), query_id="x") == example


_words = st.text(max_size=8)


@settings(max_examples=50)
@given(
    st.builds(
        Example,
        query_id=_words.filter(bool),
        question=_words.filter(str.strip),
        history=st.tuples(st.builds(Turn, role=st.just("user"), text=_words)),
        answerable=st.just(True),
        answers=st.tuples(_words),
        evidence=st.tuples(
            st.builds(
                Evidence,
                source_id=_words,
                start=st.just(0),
                end=st.integers(1, 9),
                parts=st.tuples(st.integers(1, 9)),
            )
        ),
        note=_words,
    )
)
def test_any_example_survives_json(example):
    """Whatever an example says, it is read back the same."""
    assert example_from_dict(example_to_dict(example), query_id="x") == example


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("q.txt", "", "from .jsonl or .csv, not '.txt'"),
        ("q.jsonl", "", "holds no questions"),
        ("q.jsonl", '{"question": "a"}\n{"question": ', "q.jsonl, line 2: "),
        ("q.jsonl", "[]", "line 1: a question is one JSON object a line"),
        ("q.jsonl", '{"answers": ["a"]}', "line 1: 'question' is missing"),
        ("q.jsonl", '{"question": " "}', "line 1: 'question' is empty"),
        ("q.jsonl", '{"question": 5}', "line 1: 'question' wants text, got 5"),
        ("q.jsonl", '{"question": "a", "answer": "b"}', "line 1: unknown field 'answer'"),
        ("q.jsonl", '{"question": "a", "answers": "b"}', "line 1: 'answers' wants a list"),
        ("q.jsonl", '{"question": "a", "answerable": "maybe"}', "'answerable' wants true or false"),
        ("q.jsonl", '{"question": "a", "answerable": 1}', "'answerable' wants true or false"),
        (
            "q.jsonl",
            '{"question": "a", "answerable": false, "answers": ["b"]}',
            "'answerable' is false, and yet",
        ),
        ("q.jsonl", '{"question": "a", "history": [{"role": "system"}]}', "'history' wants turns"),
        ("q.jsonl", '{"question": "a", "answer_parts": [[]]}', "'answer_parts' wants lists"),
        ("q.jsonl", '{"question": "a", "evidence": [{"start": 1}]}', "'evidence' wants source_id"),
        (
            "q.jsonl",
            '{"question": "a", "evidence": [{"source_id": "s", "start": 5, "end": 5}]}',
            "0 <= start < end, got 5 and 5",
        ),
        (
            "q.jsonl",
            '{"question": "a", "evidence":'
            ' [{"source_id": "s", "start": 0, "end": 5, "parts": [0]}]}',
            "'parts' wants numbers from 1",
        ),
        (
            "q.jsonl",
            '{"query_id": "x", "question": "a"}\n{"query_id": "x", "question": "b"}',
            "the query_id 'x' occurs 2 times",
        ),
        ("q.csv", "question,colour\na,red\n", "q.csv, line 2: unknown field 'colour'"),
        ("q.csv", "question\na,b\n", "q.csv, line 2: more cells than columns. Put text"),
        ("q.csv", 'question\n"a', "q.csv, after line 2: unexpected end of data. A cell that opens"),
        ("q.csv", "frage;antwort\na;b\n", "q.csv, line 1: no column is called 'question'"),
        ("q.csv", "question,Question\na,b\n", "q.csv, line 1: two columns are called 'question'"),
        ("q.csv", "question,\na,b\n", "q.csv, line 2: 'b' stands in a column without a name"),
        ("q.csv", "question,answers\n,b\n", "q.csv, line 2: 'question' is missing"),
        ("q.csv", '"question"\n"a\nb"\n\n"c",d\n', "q.csv, line 5: more cells"),
        (
            "q.csv",
            "sep=;\nquestion;answerable\na;vielleicht\n",
            "q.csv, line 3: 'answerable' wants",
        ),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, text, message):
    """A fault in a file of questions is told with the file, the line and what was wanted."""
    with pytest.raises(DatasetError) as caught:
        load_dataset(_written(tmp_path, name, text))
    assert message in str(caught.value)


def test_a_missing_or_binary_file_is_told(tmp_path):
    """No file, a file that is no text, and one in an old encoding are each told in a sentence."""
    with pytest.raises(DatasetError, match=r"none\.jsonl cannot be read: No such file"):
        load_dataset(tmp_path / "none.jsonl")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match=r"byte 2 is not UTF-16\. Save it as UTF-8"):
        load_dataset(tmp_path / "b.csv")
    (tmp_path / "old.csv").write_bytes("question\nWer ist Müller?\n".encode("cp1252"))
    with pytest.raises(DatasetError, match="byte 18 is not UTF-8"):
        load_dataset(tmp_path / "old.csv")


_TABLE = [
    ["Question ", "answers", "evidence", "ANSWERABLE"],
    ["Wer, „Müller“; wann?", "Zoë | 7", "", "yes"],
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("head", ["", "sep={}\r\n"])
def test_tables_are_read_as_spreadsheets_save_them(tmp_path, encoding, separator, head):
    """Whatever the encoding and the separator, declared or not, the same question comes out."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(_TABLE)
    table = head.format(separator) + text.getvalue()
    (tmp_path / "q.csv").write_bytes(table.encode(encoding))
    (example,) = load_dataset(tmp_path / "q.csv")
    assert "Wer, „Müller“; wann?" == example.question
    assert ("Zoë", "7") == example.answers
    assert f"line-{3 if head else 2}" == example.query_id


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="|\0\r\n"), min_size=1)
        .map(str.strip)
        .filter(bool),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from(",;\t"),
)
def test_any_question_survives_a_table(questions, separator):
    """Whatever stands in a cell, the reader takes it for a cell and nothing else."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(
        [["question", "note"], *([q, "n"] for q in questions)]
    )
    rows = read_rows(
        text.getvalue(), Path("q.csv"), columns={"question", "note"}, required="question"
    )
    assert [{"question": q, "note": "n"} for q in questions] == [cells for _, cells in rows]


# --- Choosing and grounding ----------------------------------------------------------------------


def test_a_split_takes_its_own_and_those_without():
    """Questions without a split belong to any; an unknown split is refused with those there are."""
    free = Example(query_id="free", question="?")
    assert [e.query_id for e in select_examples([*EXAMPLES, free], split="test")] == [
        "babbage",
        "engine",
        "free",
    ]
    with pytest.raises(DatasetError, match="'train'; there are: dev, test"):
        select_examples(EXAMPLES, split="train")


@given(st.integers(1, 40), st.integers(1, 50))
def test_a_limit_spreads_over_the_set(size, limit):
    """A limit takes that many different questions in order, beginning with the first."""
    examples = [Example(query_id=str(i), question="?") for i in range(size)]
    chosen = [int(e.query_id) for e in select_examples(examples, limit=limit)]
    assert len(chosen) == min(size, limit)
    assert chosen == sorted(set(chosen))
    assert chosen[0] == 0


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (Evidence(source_id="gone.txt", start=0, end=3), "no source is called 'gone.txt'"),
        (Evidence(source_id="people.txt", start=0, end=999), "has 61 characters"),
        (Evidence(source_id="people.txt", start=16, end=17), "16 to 17 are only blanks"),
    ],
)
def test_evidence_must_exist(item, message):
    """Evidence outside of its source, or of a source that is not there, is refused by name."""
    with pytest.raises(DatasetError, match=message):
        validate([replace(EXAMPLES[0], evidence=(item,))], SOURCES)
    validate(EXAMPLES, SOURCES)


def test_quotes_are_found_wherever_they_stand():
    """Evidence given as words becomes every span where they stand, blanks and quotes aside."""
    text = "It’s late. So\nlate. It's late."
    source = replace(SOURCE, text=text)
    example = Example(query_id="q", question="?", quotes=("It's late.", "So late."))
    (found,) = locate_quotes([example], [source])
    assert [text[e.start : e.end] for e in found.evidence] == [
        "It’s late.",
        "It's late.",
        "So\nlate.",
    ]
    assert found.quotes == ()


def test_a_quote_that_is_nowhere_is_told():
    """Words that stand in no source are refused with the question's name."""
    example = Example(query_id="q", question="?", quotes=("Nobody said this.",))
    with pytest.raises(DatasetError, match=r"q: the evidence 'Nobody said this\.' stands"):
        locate_quotes([example], [SOURCE])


def test_feedback_on_what_is_gone_is_kept_without_its_evidence():
    """A source that was changed after the feedback does not keep the rest from being asked."""
    told = Example(query_id="f", question="?", quotes=("Gone.", SENTENCES[0]), made_by=FEEDBACK)
    (found,) = locate_quotes([told], [SOURCE])
    assert (evidence(0),) == found.evidence
    assert () == found.quotes


def test_the_fakes_are_consistent():
    """The spans that the tests use are the sentences that they name."""
    for number, sentence in enumerate(SENTENCES):
        start, end = span(number)
        assert SOURCE.text[start:end] == sentence

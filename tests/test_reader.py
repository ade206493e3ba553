"""The reader: features, the linear reader, selection, and questions of two parts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import ModelError
from rag.reader import Reader, Reading, load_reader, reranked, select
from rag.reader.features import NAMES, analyse, rows
from rag.reader.linear import WEIGHTS_FILE, LinearWeights
from rag.reader.parts import MOST_PARTS, split_parts
from rag.reader.selection import MOST_LISTED, threshold_at
from rag.schema import Candidate, Passage, ScoredSentence


def candidate(*sentences, dense=0.5, fused=0.5, source="a.txt"):
    """A candidate whose sentences are (text, cosine, covered share)."""
    text = " ".join(text for text, _, _ in sentences)
    scored, start = [], 0
    for one, cosine, share in sentences:
        scored.append(
            ScoredSentence(start=start, end=start + len(one), text=one, dense=cosine, lexical=share)
        )
        start += len(one) + 1
    passage = Passage(
        passage_id=f"{source}#0-{len(text)}",
        source_id=source,
        start=0,
        end=len(text),
        text=text,
        n_tokens=9,
    )
    return Candidate(
        passage=passage, dense=dense, lexical=1.0, fused=fused, sentences=tuple(scored)
    )


NEWS = candidate(
    ("The security chief arrived in Pyongyang on March 21.", 0.62, 0.7),
    ("Ahn Chan-il called the drills a pretext.", 0.2, 0.1),
    ("More than 10,000 soldiers were sent.", 0.25, 0.2),
)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who visited Pyongyang?", "person"),
        ("When did he arrive?", "time"),
        ("In what year was it signed?", "time"),
        ("Where did they meet?", "place"),
        ("How many soldiers were sent?", "number"),
        ("Why do they object?", "reason"),
        ("Did Moscow confirm it?", "choice"),
        ("What is Freedom Shield?", "definition"),
        ("Tell me about the missiles", "other"),
    ],
)
def test_what_a_question_asks_for(question, kind):
    """The question word, wherever it stands, tells what sort of thing is wanted."""
    assert kind == analyse(question).kind


def test_names_and_numbers_of_a_question():
    """Names are capitalised words that are not merely the first; numbers are digits."""
    seen = analyse("Did South Korea send 10,000 soldiers to Russia in 2024?")

    assert {"south", "korea", "russia"} == seen.names
    assert {"10,000", "2024"} == seen.numbers


def test_a_row_has_every_feature():
    """Each sentence comes once, with as many values as there are names of features."""
    found = rows(analyse("Who arrived?"), [NEWS, NEWS])

    assert [index for index, _, _ in found] == [0, 0, 0]
    assert {len(NAMES)} == {len(row) for _, _, row in found}


def test_a_date_is_of_the_kind_that_when_asks_for():
    """The sentence with the date fits "when"; the one without does not."""
    typed, mistyped = NAMES.index("typed"), NAMES.index("mistyped")

    first, second, _ = (row for _, _, row in rows(analyse("When did he arrive?"), [NEWS]))

    assert (first[typed], first[mistyped]) == (1.0, 0.0)
    assert (second[typed], second[mistyped]) == (0.0, 1.0)


@pytest.fixture(scope="module", params=["builtin", "linear"])
def reader(request) -> Reader:
    """Each reader of the package."""
    return load_reader(request.param)


def test_a_reader_ranks_and_doubts(reader):
    """The sentence that matches is first and surest, and all probabilities are within 0..1."""
    found = reader.read("When did the security chief arrive?", [NEWS])

    assert found[0].text.startswith("The security chief")
    assert found[0].probability == max(one.probability for one in found)
    assert all(0 <= one.probability <= 1 for one in found)


def test_a_better_match_is_surer(reader):
    """Confidence rises with the match: it is not a constant."""
    question = "When did the security chief arrive in Pyongyang?"
    far = candidate(("Sheep graze on the hills of Wales.", 0.05, 0.0), dense=0.05, fused=0.05)

    near, away = reader.read(question, [NEWS])[0], reader.read(question, [far])[0]

    assert near.probability > away.probability + 0.2


def test_a_sentence_in_two_overlapping_passages_is_read_once(reader):
    """Overlap of passages does not double a sentence."""
    found = reader.read("Who arrived?", [NEWS, NEWS])

    assert len(found) == 3


def test_nothing_to_read_gives_nothing(reader):
    """No candidates, no readings."""
    assert reader.read("Who?", []) == ()


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_can_be_read(reader, question, sentence):
    """No question and no sentence makes the reader fail, and it reads the same way twice."""
    given_one = [candidate((sentence, 0.3, 0.3))]

    assert reader.read(question, given_one) == reader.read(question, given_one)


def test_what_answers_comes_first_and_otherwise_what_was_found_first():
    """Candidates are brought into the reader's order only where it has an answer."""
    found = [
        Reading(candidate=place, start=0, end=3, text="Yes", probability=probability)
        for place, probability in ((2, 0.6), (0, 0.4), (2, 0.1))
    ]

    assert (2, 0) == reranked(found, threshold=0.5)
    assert (0, 2) == reranked(found, threshold=0.7)
    assert () == reranked([], threshold=0.5)


def test_unknown_reader_is_refused_with_what_to_do():
    """A reader that does not exist is named, with the way out."""
    with pytest.raises(ModelError, match="RAG_READER=builtin"):
        load_reader("no-such-reader")


@pytest.mark.parametrize("damage", ["", "{}", '{"name": "x", "rank": {"a": 1}}'])
def test_damaged_weights_are_refused(tmp_path, damage):
    """Weights that are empty, no JSON or for other features are an error that says how to mend it."""
    file = tmp_path / "linear.json"
    file.write_text(damage, encoding="utf-8")

    with pytest.raises(ModelError, match=r"training\.reader\.linear"):
        LinearWeights.from_file(file)


def test_shipped_weights_say_how_they_were_made():
    """Whoever doubts the weights finds the data, the seed and the figures beside them."""
    made = json.loads(WEIGHTS_FILE.read_text(encoding="utf-8"))["made"]

    assert {"command", "data", "questions", "seed", "figures"} <= set(made)


def reading(text, probability):
    """A reading of that probability."""
    return Reading(candidate=0, start=0, end=len(text), text=text, probability=probability)


A, B, C = reading("a", 0.8), reading("b", 0.6), reading("c", 0.1)


def test_one_sentence_answers_a_plain_question():
    """A question for one thing is answered by the best sentence alone."""
    found = select([("Who came?", [A, B, C])], sure=0.5, likely=0.5)

    assert found.picks == ((0, A),)
    assert found.confidence == 0.8


def test_a_list_takes_the_sentences_that_come_near():
    """A question for several things takes further sentences while they are about as likely."""
    found = select([("What are the reasons for it?", [A, B, C])], sure=0.2, likely=0.2)

    assert found.picks == ((0, A), (0, B))


def test_a_list_ends():
    """However many sentences come near, a list stays readable."""
    found = select([("List the causes", [A] * 20)], sure=0.2, likely=0.2)

    assert len(found.picks) == MOST_LISTED


def test_below_the_threshold_nothing_is_said():
    """Too unsure is not an answer; the confidence says how unsure."""
    found = select([("Who came?", [C])], sure=0.5, likely=0.5)

    assert found.picks == ()
    assert found.confidence == 0.1
    assert found.missing == ("Who came?",)


def test_an_open_part_is_named():
    """Of two parts, the one that nothing answers is named, and the other still answered."""
    found = select([("Who came?", [A]), ("When did it rain?", [C])], sure=0.5, likely=0.5)

    assert found.picks == ((0, A),)
    assert found.missing == ("When did it rain?",)


def test_strictness_moves_the_threshold():
    """0 answers whenever it can, 0.5 is the reader's own balance, 1 asks for near certainty."""
    assert [threshold_at(0.3, strictness) for strictness in (0, 0.5, 1)] == [0.0, 0.3, 0.95]
    assert threshold_at(0.3, 0.7) < threshold_at(0.3, 0.9)


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Who came?", ("Who came?",)),
        ("Who came and when did he leave?", ("Who came?", "when did he leave?")),
        ("Who visited Pyongyang, and when?", ("Who visited Pyongyang?", "when visited Pyongyang?")),
        ("What was tested? Who watched it?", ("What was tested?", "Who watched it?")),
        ("How do cats and dogs live?", ("How do cats and dogs live?",)),
        ("Tell me who came and who left", ("Tell me who came and who left",)),
        ("", ("",)),
    ],
)
def test_parts_of_a_question(question, parts):
    """Two questions in one sentence are two; an "and" between things is none."""
    assert parts == split_parts(question)


@given(st.text(max_size=200))
def test_any_question_has_parts(question):
    """Every text has at least one part and never more than the most."""
    assert 1 <= len(split_parts(question)) <= MOST_PARTS

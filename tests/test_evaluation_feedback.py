"""Feedback: what a person says of an answer is on disk at once and comes back as a question."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from rag.errors import DatasetError
from rag.evaluation.dataset import load_dataset, locate_quotes
from rag.evaluation.feedback import MOST_BYTES, feedback_examples, record_feedback
from rag.schema import Turn
from tests.evaluation_fakes import SENTENCES, SOURCE, abstaining, citing, evidence

ASKED = "Who wrote notes?"


@pytest.fixture
def path(tmp_path):
    """Return where feedback goes, in a folder that is not there yet."""
    return tmp_path / "kept" / "feedback.jsonl"


def test_a_right_answer_makes_its_quotes_the_evidence(path):
    """What was cited for a right answer is what another answer must cite."""
    record_feedback(path, citing(ASKED, 0, 2), "right")
    (example,) = locate_quotes(feedback_examples(path), [SOURCE])
    assert (ASKED, True) == (example.question, example.answerable)
    assert (evidence(0), evidence(2)) == example.evidence


def test_a_wrong_citation_is_noted_and_is_no_evidence(path):
    """The question can be answered; what was cited wrongly stands in the note, word for word."""
    record_feedback(path, citing(ASKED, 0, 1), "wrong_citation", marker=2)
    (example,) = feedback_examples(path)
    assert (True, (), ()) == (example.answerable, example.evidence, example.quotes)
    assert f"wrong citation: people.txt 17 to 39 “{SENTENCES[1]}”" == example.note
    record_feedback(path, citing(ASKED, 0, 1), "wrong_citation")
    assert SENTENCES[0] in feedback_examples(path)[0].note


@pytest.mark.parametrize(
    ("answer", "kind", "answerable"),
    [
        (abstaining(ASKED), "should_have_answered", True),
        (citing(ASKED, 1), "should_not_have_answered", False),
        (abstaining(ASKED), "right", False),
    ],
)
def test_judgements_on_whether_to_answer_say_whether_it_can_be(path, answer, kind, answerable):
    """An answer that was due, one that was not, and silence that was right say so of the question."""
    record_feedback(path, answer, kind)
    (example,) = feedback_examples(path)
    assert (answerable, (), ()) == (example.answerable, example.quotes, example.answers)


def test_the_latest_judgement_counts(path):
    """A person who thinks again is believed; the same words after other turns are another question."""
    turns = (Turn(role="user", text="Ada?"), Turn(role="assistant", text="Yes."))
    record_feedback(path, citing(ASKED, 0), "right")
    record_feedback(path, citing(ASKED, 0), "right", history=turns)
    record_feedback(path, citing(ASKED, 0), "should_not_have_answered")
    first, second = feedback_examples(path)
    assert ((), False) == (first.history, first.answerable)
    assert (turns, True) == (second.history, second.answerable)
    assert 3 == len(path.read_text(encoding="utf-8").splitlines())
    assert (first, second) == load_dataset(path)


def test_the_judged_answer_stays_beside_the_question(path):
    """Each line keeps the answer's text, where it pointed and what made it, for reading later."""
    record_feedback(path, citing(ASKED, 0), "right")
    kept = json.loads(path.read_text(encoding="utf-8"))["feedback"]
    assert ("right", "answered", "scripted") == (kept["kind"], kept["status"], kept["model"])
    assert f"{SENTENCES[0]} [1]" == kept["text"]
    assert [
        {"marker": 1, "source_id": "people.txt", "start": 0, "end": 16, "sha256": "0" * 64}
    ] == (kept["citations"])


def test_nothing_was_said_yet(path):
    """No file, and an empty one, hold no feedback and are no error."""
    assert () == feedback_examples(path)
    path.parent.mkdir()
    path.touch()
    assert () == feedback_examples(path)


def test_many_may_write_at_once(path):
    """Lines of threads that write at the same time never mix."""
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(lambda i: record_feedback(path, citing(f"{ASKED} {i}", 0), "right"), range(80))
        )
    assert {f"{ASKED} {i}" for i in range(80)} == {e.question for e in feedback_examples(path)}


def test_a_line_that_was_cut_short_spoils_no_other(path):
    """After a write that a full disk ended, the next stands on a line of its own."""
    record_feedback(path, citing(ASKED, 0), "right")
    os.truncate(path, path.stat().st_size - 9)
    record_feedback(path, citing("Who built engines?", 1), "right")
    torn, whole = path.read_text(encoding="utf-8").splitlines()
    assert "Who built engines?" == json.loads(whole)["question"]
    with pytest.raises(DatasetError, match=r"line 1: .*Correct the line, or delete it"):
        feedback_examples(path)
    assert torn.startswith("{")


def test_a_file_of_feedback_has_an_end(path):
    """Neither a long conversation nor many people can fill the disk."""
    long = [Turn(role="user", text="x" * 2**18)]
    with pytest.raises(DatasetError, match="at most 262144 are recorded"):
        record_feedback(path, citing(ASKED, 0), "right", history=long)
    assert not path.exists()
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(MOST_BYTES)
    with pytest.raises(DatasetError, match=r"is full .* Move it away"):
        record_feedback(path, citing(ASKED, 0), "right")
    assert path.stat().st_size == MOST_BYTES


def test_only_its_owner_reads_it_and_no_link_is_followed(path, tmp_path):
    """Questions are private, and a link in the file's place does not redirect them."""
    record_feedback(path, citing(ASKED, 0), "right")
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    (tmp_path / "link.jsonl").symlink_to(path)
    with pytest.raises(DatasetError, match=r"link\.jsonl cannot be written"):
        record_feedback(tmp_path / "link.jsonl", citing(ASKED, 0), "right")


@pytest.mark.parametrize(
    ("kind", "marker", "message"),
    [
        ("wonderful", None, "There is no feedback 'wonderful'; there are: right, wrong_citation"),
        ("wrong_citation", 3, "The answer has no citation 3"),
    ],
)
def test_what_cannot_be_said_is_refused(path, kind, marker, message):
    """An unknown judgement, or one on a citation that is not there, is not recorded."""
    with pytest.raises(DatasetError, match=message):
        record_feedback(path, citing(ASKED, 0), kind, marker=marker)
    assert not path.exists()


def test_any_text_can_be_recorded(path):
    """Halves of characters, line separators and other alphabets neither fail nor break lines."""
    odd = "Wer\u2028schrieb 你好 \ud800?"
    record_feedback(path, replace(citing(odd, 0), text="a\nb"), "right")
    assert "Wer\u2028schrieb 你好 ??" == feedback_examples(path)[0].question

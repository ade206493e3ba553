"""The official SQuAD scoring, against its rules written out a second time."""

from __future__ import annotations

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.benchmarks.squad import Prediction, score_reading
from rag.evaluation.dataset import Example
from tests.deferred import Deferred

metrics = Deferred("sklearn.metrics")


def _example(name: str, *answers: str) -> Example:
    return Example(query_id=name, question="?", answerable=bool(answers), answers=answers)


EXAMPLES = (
    _example("notes", "Ada Lovelace", "Lovelace"),
    _example("year", "in 1843"),
    _example("none"),
    _example("nothing"),
)
SAID = {
    "notes": Prediction("the Lovelace.", 0.1),
    "year": Prediction("1843", 0.3),
    "none": Prediction("Babbage", 0.7),
    "nothing": Prediction("", 0.2),
}


def test_the_official_figures_of_a_small_set_are_those_made_by_hand():
    """EM, F1, both sorts apart and the best thresholds come out as the rules say."""
    figures = score_reading(SAID, EXAMPLES).to_dict()
    assert {
        "exact": 50.0,  # Lovelace, and rightly nothing
        "f1": pytest.approx(100 * (1 + 2 / 3 + 0 + 1) / 4),
        "total": 4,
        "HasAns_exact": 50.0,
        "HasAns_f1": pytest.approx(100 * (1 + 2 / 3) / 2),
        "HasAns_total": 2,
        "NoAns_exact": 50.0,
        "NoAns_f1": 50.0,
        "NoAns_total": 2,
        "best_exact": 75.0,  # above 0.1 nothing more is gained exactly
        "best_exact_thresh": 0.1,
        "best_f1": pytest.approx(100 * (1 + 2 / 3 + 1 + 1) / 4),
        "best_f1_thresh": 0.3,
    } == figures


def test_a_threshold_withholds_what_is_less_sure():
    """Above the threshold a prediction counts as none: right where there is none, else worth 0."""
    scores = score_reading(SAID, EXAMPLES, threshold=0.3)
    assert (1.0, 0.0, 1.0, 1.0) == scores.exact
    assert (1.0, 0.0, 1.0, 1.0) == score_reading(SAID, EXAMPLES, threshold=0.2).f1


def test_leaving_questions_out_gains_nothing():
    """A question without a prediction counts as one that was not answered."""
    assert (0.0, 0.0, 1.0, 1.0) == score_reading({}, EXAMPLES).exact


def test_squad_1_has_answers_only():
    """Where every question has answers, the figures are those of version 1.1, and no others."""
    figures = score_reading(SAID, EXAMPLES[:2]).to_dict()
    assert 50.0 == figures["exact"]
    assert not [name for name in figures if name.startswith("NoAns")]
    assert math.isnan(score_reading(SAID, EXAMPLES[:2]).no_answer_auroc)
    assert {"best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh"} == set(
        score_reading({}, []).to_dict()
    )


def test_answers_that_are_only_punctuation_are_no_answers():
    """The official script drops answers that normalisation empties; the question stays answerable."""
    scores = score_reading({"q": Prediction("", 0.0)}, [_example("q", "The", "?")])
    assert ((1.0,), (True,)) == (scores.exact, scores.answerable)


def _words(text: str) -> list[str]:
    """Normalise in another way than the program: word by word."""
    bare = text.lower().translate(str.maketrans("", "", string.punctuation)).split()
    return [word for word in bare if word not in {"a", "an", "the"}]


def _official(said, examples, threshold):
    """Follow the official script question by question, with dictionaries as it has them."""
    has = {e.query_id: bool(e.answers) for e in examples}
    exact, f1 = {}, {}
    for example in examples:
        golds = [_words(a) for a in example.answers if _words(a)] or [[]]
        got = _words(said[example.query_id].text)
        exact[example.query_id] = max(int(gold == got) for gold in golds)
        f1[example.query_id] = max(_overlap(gold, got) for gold in golds)
    result = {}
    for name, raw in (("exact", exact), ("f1", f1)):
        at = {q: raw[q] if said[q].no_answer <= threshold else float(not has[q]) for q in raw}
        result[name] = 100 * sum(at.values()) / len(at)
        current = best = sum(not answerable for answerable in has.values())
        where = 0.0
        for q in sorted(raw, key=lambda q: said[q].no_answer):
            current += raw[q] if has[q] else -1 if said[q].text else 0
            if current > best:
                best, where = current, said[q].no_answer
        result[f"best_{name}"], result[f"best_{name}_thresh"] = 100 * best / len(raw), where
    return result


def _overlap(gold: list[str], got: list[str]) -> float:
    if not gold or not got:
        return float(gold == got)
    left, shared = list(gold), 0
    for word in got:
        if word in left:
            left.remove(word)
            shared += 1
    if not shared:
        return 0.0
    precision, recall = shared / len(got), shared / len(gold)
    return 2 * precision * recall / (precision + recall)


_texts = st.lists(
    st.sampled_from(["the", "Ada", "ada,", "1843", "a", "-", "notes"]), max_size=4
).map(" ".join)


@given(
    st.lists(
        st.tuples(
            st.lists(_texts.filter(bool), max_size=3),
            _texts,
            st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([0.0, 0.4, 0.5, 1.0]),
)
def test_any_predictions_score_as_the_official_rules_say(rows, threshold):
    """Whatever is predicted and however sure, figures and thresholds are the official ones."""
    examples = [_example(str(i), *answers) for i, (answers, _, _) in enumerate(rows)]
    said = {str(i): Prediction(text, sure) for i, (_, text, sure) in enumerate(rows)}
    scores = score_reading(said, examples, threshold=threshold)
    figures = scores.to_dict()
    for name, value in _official(said, examples, threshold).items():
        assert pytest.approx(value) == figures[name], name
    unanswerable = [not answers for answers, _, _ in rows]
    if len(set(unanswerable)) == 2:
        oracle = metrics.roc_auc_score(unanswerable, [sure for _, _, sure in rows])
        assert pytest.approx(oracle) == scores.no_answer_auroc

"""The measures: each agrees with an independent oracle, and with its definition by eye."""

from __future__ import annotations

import math
import re
import statistics
import string
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rag.evaluation import measures
from rag.evaluation.intervals import (
    bootstrap_interval,
    bootstrap_statistic,
    paired_bootstrap,
)
from rag.evaluation.measures import Region
from tests.deferred import Deferred

calibration = Deferred("sklearn.calibration")
ir_measures = Deferred("ir_measures")
metrics = Deferred("sklearn.metrics")
stats = Deferred("scipy.stats")

# --- Retrieval -----------------------------------------------------------------------------------


def _random_queries(n: int) -> list[tuple[list[str], dict[str, int]]]:
    """Make rankings and graded qrels; some queries have nothing relevant."""
    rng = np.random.default_rng(7)
    names = [f"d{i}" for i in range(30)]
    queries = []
    for _ in range(n):
        ranking = [str(name) for name in rng.permutation(names)[: rng.integers(1, 25)]]
        judged = rng.choice(names, size=rng.integers(1, 12), replace=False)
        queries.append((ranking, {str(d): int(rng.integers(0, 4)) for d in judged}))
    return queries


@pytest.mark.parametrize("k", [1, 3, 10])
def test_retrieval_measures_agree_with_trec_eval(k):
    """Success, recall, reciprocal rank, nDCG and AP are those of ir_measures on random runs."""
    queries = _random_queries(200)
    qrels = [
        ir_measures.Qrel(str(q), d, rel) for q, (_, j) in enumerate(queries) for d, rel in j.items()
    ]
    run = [
        ir_measures.ScoredDoc(str(q), d, -float(rank))
        for q, (ranking, _) in enumerate(queries)
        for rank, d in enumerate(ranking)
    ]
    ours = {
        ir_measures.Success @ k: lambda r, j: measures.success(r, j, k),
        ir_measures.R @ k: lambda r, j: measures.recall(r, j, k),
        ir_measures.RR @ k: lambda r, j: measures.reciprocal_rank(r, j, k),
        ir_measures.nDCG @ k: lambda r, j: measures.ndcg(r, j, k),
        ir_measures.AP @ k: lambda r, j: measures.average_precision(r, j, k),
    }
    n = 0
    for metric in ir_measures.iter_calc(list(ours), qrels, run):
        ranking, judged = queries[int(metric.query_id)]
        assert metric.value == pytest.approx(ours[metric.measure](ranking, judged), abs=1e-4)
        n += 1
    assert n == 5 * 200


def test_success_is_not_recall():
    """One of two relevant found is full success and half recall."""
    qrels = {"a": 1, "b": 1}
    assert (measures.success(["a"], qrels, 5), measures.recall(["a"], qrels, 5)) == (1.0, 0.5)


def test_nothing_relevant_is_zero():
    """A query without anything relevant scores 0 on every measure, and divides by nothing."""
    ranked = [
        measures.success, measures.recall, measures.reciprocal_rank, measures.ndcg,
        measures.average_precision,
    ]  # fmt: skip
    assert [measure(["a"], {}, 10) for measure in ranked] == [0.0] * 5


# --- Answers -------------------------------------------------------------------------------------


def _official_tokens(text: str) -> list[str]:
    """Apply the rules of the official SQuAD evaluation, one after the other."""
    text = text.lower()
    text = "".join(ch for ch in text if ch not in set(string.punctuation))
    text = re.sub(re.compile(r"\b(a|an|the)\b", re.UNICODE), " ", text)
    return text.split()


def _official_f1(gold: str, predicted: str) -> float:
    gold_tokens, predicted_tokens = _official_tokens(gold), _official_tokens(predicted)
    same = sum((Counter(gold_tokens) & Counter(predicted_tokens)).values())
    if len(gold_tokens) == 0 or len(predicted_tokens) == 0:
        return int(gold_tokens == predicted_tokens)
    if same == 0:
        return 0
    precision, recall = same / len(predicted_tokens), same / len(gold_tokens)
    return (2 * precision * recall) / (precision + recall)


_texts = st.lists(
    st.sampled_from(
        ["the", "A", "cat", "Cat's", "sat,", "on", "—", "mat.", "10,000", "an", "’", ""]
    )
).map(" ".join)


@given(_texts, st.lists(_texts, min_size=1, max_size=3))
def test_exact_match_and_f1_agree_with_the_official_rules(prediction, answers):
    """EM and F1 are those of SQuAD's evaluation, the best over the answers."""
    exact = max(_official_tokens(a) == _official_tokens(prediction) for a in answers)
    assert float(exact) == measures.exact_match(prediction, answers)
    best = max(_official_f1(a, prediction) for a in answers)
    assert best == pytest.approx(measures.token_f1(prediction, answers))


@pytest.mark.parametrize(
    ("prediction", "answers", "exact", "f1"),
    [
        ("The Denver Broncos!", ["Denver Broncos"], 1.0, 1.0),
        ("Broncos", ["Denver Broncos"], 0.0, 2 / 3),
        ("", [], 1.0, 1.0),
        ("Denver", [], 0.0, 0.0),
        ("", ["Denver"], 0.0, 0.0),
        ("the", ["a"], 1.0, 1.0),
    ],
)
def test_answers_by_eye(prediction, answers, exact, f1):
    """Case, articles and punctuation do not count; no answers want the empty prediction."""
    assert exact == measures.exact_match(prediction, answers)
    assert f1 == pytest.approx(measures.token_f1(prediction, answers))


@pytest.mark.parametrize(
    ("prediction", "answers", "expected"),
    [
        ("It was covert.", ["over"], 0.0),
        ("President Vladimir Putin’s visit", ["Vladimir Putin"], 1.0),
        ("labeled as a “rehearsal of war.”", ["rehearsal of war"], 1.0),
        ("over 110,000 soldiers", ["10,000"], 0.0),
        ("over 10,000 soldiers", ["10,000"], 1.0),
        ("anything", [""], 0.0),
        ("anything", [], 0.0),
        ("in New York City", ["Boston", "the New York"], 1.0),
    ],
)
def test_containment_finds_whole_words(prediction, answers, expected):
    """An answer is found as whole words, through any punctuation, and never inside a word."""
    assert expected == measures.containment(prediction, answers)


def test_parts_contained_is_a_share():
    """Half of a two-part answer is worth half."""
    assert measures.parts_contained("Ada came.", [["Ada"], ["Babbage", "Charles"]]) == 0.5


# --- Citations -----------------------------------------------------------------------------------

A, B, C = Region("s", 0, 100), Region("s", 101, 200), Region("s", 201, 300)


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        (Region("s", 0, 100), True),
        (Region("s", 40, 60), True),  # a clause of the evidence
        (Region("s", 0, 300), True),  # a passage around it
        (Region("s", 50, 150), True),
        (Region("s", 51, 151), False),
        (Region("s", 100, 200), False),  # the next sentence
        (Region("t", 0, 100), False),
    ],
)
def test_a_region_covers_evidence_by_half(region, expected):
    """Half of the shorter one must be shared, in the same source."""
    assert expected == measures.covers(region, A)


def test_citation_precision_and_recall_by_eye():
    """Three statements, one without a citation, one with a useful and a useless citation."""
    statements = [[A, C], [B], []]
    assert measures.citation_recall(statements, [A, B]) == pytest.approx(2 / 3)
    assert measures.citation_precision(statements, [A, B]) == pytest.approx(2 / 3)
    assert (
        measures.citation_recall([], [A]),
        measures.citation_precision([[]], [A]),
    ) == (0.0, 0.0)


def _alce(statements: list[list[Region]], evidence: list[Region]) -> tuple[float, float]:
    """Go through the statements as ALCE's evaluation does, with spans in place of its entailment model."""
    recalled = useful = n_cited = 0
    for cited in statements:
        n_cited += len(cited)
        if not _entails(cited, evidence):
            continue
        recalled += 1
        for place, one in enumerate(cited):
            others = cited[:place] + cited[place + 1 :]
            useful += not others or _entails([one], evidence) or not _entails(others, evidence)
    return recalled / len(statements), useful / n_cited if n_cited else 0.0


def _entails(cited: list[Region], evidence: list[Region]) -> bool:
    return any(measures.covers(one, wanted) for one in cited for wanted in evidence)


_regions = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 9)).map(lambda p: Region("s", p[0], sum(p))),
    max_size=4,
)


@given(st.lists(_regions, min_size=1, max_size=4), _regions)
def test_citation_measures_are_alces(statements, evidence):
    """Recall and precision are what ALCE's procedure gives, statement by statement, leaving out one by one."""
    ours = (
        measures.citation_recall(statements, evidence),
        measures.citation_precision(statements, evidence),
    )
    assert pytest.approx(_alce(statements, evidence)) == ours


def test_a_citation_shifted_by_a_sentence_is_worthless():
    """Citing the neighbouring sentence scores 0 everywhere."""
    shifted = [[B]]
    assert measures.citation_precision(shifted, [A]) == 0.0
    assert measures.citation_recall(shifted, [A]) == 0.0
    assert measures.evidence_recall([B], [(A, [1])]) == 0.0
    assert measures.citation_focus([B], [A]) == 0.0


def test_evidence_of_one_part_are_alternatives():
    """Either of two sentences that say the same is enough; each part wants its own."""
    same, other = [(A, [1]), (B, [1])], [(A, [1]), (B, [2])]
    assert measures.evidence_recall([B], same) == 1.0
    assert measures.evidence_recall([B], other) == 0.5
    assert measures.evidence_recall([A], [(A, [1, 2])]) == 1.0


def test_citing_everything_does_not_pay():
    """A citation of the whole source covers the evidence and is punished by its focus."""
    everything = Region("s", 0, 1000)
    assert measures.citation_precision([[everything]], [A]) == 1.0
    assert measures.citation_focus([everything, everything], [A]) == pytest.approx(0.1)


def test_quotes_are_exact_to_the_character():
    """One quote of two that is not as in the source is half; none is wrong where none is given."""
    assert measures.quote_exactness([True, False]) == 0.5
    assert measures.quote_exactness([]) == 1.0


# --- Abstention and confidence -------------------------------------------------------------------

_labelled = st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1, max_size=60)


@given(_labelled)
def test_abstention_agrees_with_scikit_learn(rows):
    """Precision, recall and F1 of abstaining are scikit-learn's, with 0 for what is undefined."""
    told, due = [score > 5 for score, _ in rows], [label for _, label in rows]
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        due, told, average="binary", zero_division=0
    )
    assert precision == pytest.approx(measures.abstention_precision(told, due))
    assert recall == pytest.approx(measures.abstention_recall(told, due))
    assert f1 == pytest.approx(measures.abstention_f1(told, due))


@given(_labelled)
def test_auroc_agrees_with_scikit_learn(rows):
    """AUROC is scikit-learn's, ties included, and NaN where a class is missing."""
    scores, labels = zip(*rows, strict=True)
    ours = measures.auroc(scores, labels)
    if len(set(labels)) == 1:
        assert math.isnan(ours)
    else:
        assert metrics.roc_auc_score(labels, scores) == pytest.approx(ours)


@given(st.floats(0, 1))
def test_effective_reliability_pays_to_be_honest(p):
    """Of an answer that is right with probability p, the degree that p calls for is worth most."""
    worth = {
        degree: p * measures.effective_reliability(1.0, degree)
        + (1 - p) * measures.effective_reliability(0.0, degree)
        for degree in ("stated", "guessed", "silent")
    }
    due = "silent" if p < 0.5 else "guessed" if p < 0.75 else "stated"
    assert pytest.approx(max(worth.values())) == worth[due]
    assert {"stated": 3 * p - 2, "guessed": p - 0.5, "silent": 0.0} == pytest.approx(worth)


def test_effective_reliability_is_accuracy_where_something_is_right():
    """A part of the answer counts as that part, as in the paper, and only what is all wrong costs."""
    assert 0.5 == measures.effective_reliability(0.5, "stated")
    assert 0.25 == measures.effective_reliability(0.5, "guessed")
    assert -2.0 == measures.effective_reliability(0.0, "stated")


def test_risk_coverage_by_eye():
    """Answering the surest first: right, wrong, right, wrong."""
    coverage, risk = measures.risk_coverage([0.9, 0.5, 0.7, 0.1], [1, 1, 0, 0])
    assert coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert pytest.approx(risk.tolist()) == [0, 1 / 2, 1 / 3, 2 / 4]
    assert measures.aurc([0.9, 0.5, 0.7, 0.1], [1, 1, 0, 0]) == pytest.approx(
        (0 + 1 / 2 + 1 / 3 + 1 / 2) / 4
    )


@given(
    st.lists(
        st.tuples(st.integers(0, 999), st.booleans()),
        min_size=1,
        max_size=40,
        unique_by=lambda r: r[0],
    )
)
def test_risk_is_the_loss_above_each_threshold(rows):
    """At each confidence as threshold, risk is scikit-learn's 0/1 loss of what is answered."""
    confidence, right = np.array([c for c, _ in rows]) / 1000, np.array([r for _, r in rows])
    coverage, risk = measures.risk_coverage(confidence, right)
    kept = [confidence >= threshold for threshold in sorted(confidence, reverse=True)]
    assert pytest.approx([one.mean() for one in kept]) == coverage.tolist()
    losses = [metrics.zero_one_loss(np.ones(one.sum(), bool), right[one]) for one in kept]
    assert pytest.approx(losses) == risk.tolist()
    assert pytest.approx(np.mean(losses)) == measures.aurc(confidence, right)


def test_ties_of_confidence_are_averaged():
    """Equal confidences give the mean of the areas over all of their orders."""
    right = [1, 0, 0, 1]
    areas = [
        measures.aurc([0.9, *sorted([0.5, 0.49, 0.48], reverse=True)], [1, *order])
        for order in permutations(right[1:])
    ]
    assert np.mean(areas) == pytest.approx(measures.aurc([0.9, 0.5, 0.5, 0.5], right))


@given(st.lists(st.tuples(st.integers(0, 100), st.booleans()), min_size=1, max_size=60))
def test_calibration_error_agrees_with_its_definition(rows):
    """ECE is the sum over bins of their share times the distance of confidence and accuracy."""
    confidence = np.array([c / 100 for c, _ in rows])
    right = np.array([r for _, r in rows], float)
    expected = 0.0
    for b in range(10):
        low, high = b / 10, (b + 1) / 10
        held = (confidence > low) & (confidence <= high) | ((b == 0) & (confidence == 0))
        if held.any():
            gap = abs(right[held].mean() - confidence[held].mean())
            expected += held.mean() * gap
    assert expected == pytest.approx(measures.expected_calibration_error(confidence, right))


def test_no_answers_have_no_calibration():
    """Where nothing was answered, area and calibration are undefined rather than perfect."""
    assert math.isnan(measures.aurc([], []))
    assert math.isnan(measures.expected_calibration_error([], []))


# --- Cost ----------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=50), st.integers(1, 99))
def test_percentiles_are_those_of_the_standard_library(values, percent):
    """p50 and p95 are the inclusive quantiles of Python's statistics."""
    wanted = statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
    assert pytest.approx(wanted) == measures.percentile(values, percent)


def test_nothing_has_no_percentile():
    """Without a time there is none; of one time, all percentiles are it."""
    assert math.isnan(measures.percentile([], 95))
    assert measures.percentile([7], 95) == 7.0


# --- Intervals -----------------------------------------------------------------------------------


def test_bootstrap_agrees_with_scipy():
    """The percentile interval of a mean is scipy's up to resampling noise."""
    values = np.random.default_rng(1).random(80)
    ours = bootstrap_interval(values, n=8000, seed=3)
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=8000, rng=np.random.default_rng(4)
    ).confidence_interval
    assert theirs.low == pytest.approx(ours.low, abs=0.004)
    assert theirs.high == pytest.approx(ours.high, abs=0.004)
    assert (values.mean(), 80) == (ours.value, ours.n)


def test_same_seed_same_interval():
    """The same values and seed give the same interval, by either function."""
    values = [0.0, 1.0, 1.0, 0.5]
    assert bootstrap_interval(values, seed=5) == bootstrap_interval(values, seed=5)
    by_mean = bootstrap_statistic(lambda column: float(np.mean(column)), values, seed=5)
    assert bootstrap_interval(values, seed=5).low == pytest.approx(by_mean.low)


def test_an_interval_holds_the_truth_about_as_often_as_it_says():
    """Of 200 samples of a coin, the 80 % interval holds the truth in 70 to 90 %."""
    rng = np.random.default_rng(2)
    intervals = [
        bootstrap_interval(rng.random(60) < 0.3, level=0.8, n=400, seed=i) for i in range(200)
    ]
    held = np.mean([i.low <= 0.3 <= i.high for i in intervals])
    assert 0.7 <= held <= 0.9


def test_paired_differences_are_narrower_than_unpaired():
    """A small steady gain is seen where the questions themselves vary much."""
    theirs = np.random.default_rng(3).random(100)
    gain = paired_bootstrap(theirs + 0.02, theirs)
    assert pytest.approx((gain.value, gain.low, gain.high)) == (0.02, 0.02, 0.02)
    with pytest.raises(ValueError, match="as many"):
        paired_bootstrap([1, 2], [1])


def test_nothing_has_no_interval():
    """No values give NaN and n = 0 rather than a warning or a crash."""
    for interval in (bootstrap_interval([]), bootstrap_statistic(measures.auroc, [], [])):
        assert interval.n == 0
        assert math.isnan(interval.value)


def test_undefined_resamplings_are_left_out():
    """AUROC of two questions is defined only where both classes are drawn."""
    interval = bootstrap_statistic(measures.auroc, [0.9, 0.1], [True, False])
    assert (interval.value, interval.low, interval.high) == (1.0, 1.0, 1.0)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), st.integers(2, 12)
)
def test_calibration_bins_are_scikit_learns(pairs, bins):
    """The bins of the reliability diagram hold what scikit-learn's hold."""
    confidence, right = (np.array(column, float) for column in zip(*pairs, strict=True))
    mean, accuracy, counts = measures.calibration_bins(confidence, right, bins=bins)
    edges = np.linspace(0, 1, bins + 1)
    assume(not np.isclose(confidence[:, None], edges[None, 1:-1], atol=1e-9).any())
    wanted_accuracy, wanted_mean = calibration.calibration_curve(right, confidence, n_bins=bins)
    assert mean == pytest.approx(wanted_mean)
    assert accuracy == pytest.approx(wanted_accuracy)
    assert counts.sum() == len(pairs)

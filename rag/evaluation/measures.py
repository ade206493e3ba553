"""The field's measures, under the field's names, as pure functions.

Every function is one definition with its source. Higher is better unless its docstring says
otherwise. Nothing here knows the pipeline, files or how results are shown.

Rankings are sequences of ids, best first; qrels map an id to its relevance, where 0 and absent
mean not relevant.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Degree: TypeAlias = Literal["stated", "guessed", "silent"]
"""How surely something was answered, if at all."""

_GAIN: Mapping[Degree, float] = {"stated": 1.0, "guessed": 0.5, "silent": 0.0}
_COST: Mapping[Degree, float] = {"stated": 2.0, "guessed": 0.5, "silent": 0.0}
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WORD = re.compile(r"\w+")
_PUNCTUATION = frozenset(string.punctuation)


# --- Retrieval -----------------------------------------------------------------------------------


def success(ranking: Sequence[str], qrels: Mapping[str, int], k: int) -> float:
    """Success@k: 1 if anything relevant is among the first k, else 0.

    Some call this Recall@k; this follows TREC, as ir_measures does (MacAvaney et al., ECIR 2022).
    """
    return float(any(qrels.get(doc_id, 0) > 0 for doc_id in ranking[:k]))


def recall(ranking: Sequence[str], qrels: Mapping[str, int], k: int) -> float:
    """R@k: share of everything relevant that is among the first k; 0 if nothing is relevant.

    Definition of trec_eval's `recall_k`.
    """
    relevant = {doc_id for doc_id, relevance in qrels.items() if relevance > 0}
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], qrels: Mapping[str, int], k: int) -> float:
    """RR@k: 1 / rank of the first relevant among the first k, else 0; its mean is MRR@k.

    Kantor and Voorhees, "The TREC-5 Confusion Track", 2000.
    """
    for rank, doc_id in enumerate(ranking[:k], start=1):
        if qrels.get(doc_id, 0) > 0:
            return 1 / rank
    return 0.0


def ndcg(ranking: Sequence[str], qrels: Mapping[str, int], k: int) -> float:
    """nDCG@k: discounted gain of the first k over that of the best possible ranking.

    Järvelin and Kekäläinen, TOIS 2002, with trec_eval's linear gain and log2(rank + 1).
    """
    ideal = _dcg(sorted((r for r in qrels.values() if r > 0), reverse=True)[:k])
    return _dcg([max(qrels.get(d, 0), 0) for d in ranking[:k]]) / ideal if ideal else 0.0


def average_precision(ranking: Sequence[str], qrels: Mapping[str, int], k: int) -> float:
    """AP@k: mean precision at the rank of each relevant item, 0 for items below rank k.

    Its mean over queries is MAP@k. Harman, "Evaluation Issues in Information Retrieval", 1992;
    definition of trec_eval's `map_cut_k`.
    """
    n_relevant = sum(relevance > 0 for relevance in qrels.values())
    found, total = 0, 0.0
    for rank, doc_id in enumerate(ranking[:k], start=1):
        if qrels.get(doc_id, 0) > 0:
            found += 1
            total += found / rank
    return total / n_relevant if n_relevant else 0.0


def _dcg(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))


# --- Answers -------------------------------------------------------------------------------------


def normalize_answer(text: str) -> str:
    """Lower case, no ASCII punctuation, no articles, single blanks.

    The rules of the official SQuAD evaluation (Rajpurkar et al., EMNLP 2016), in its order.
    """
    bare = "".join(char for char in text.lower() if char not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """EM: 1 if the prediction equals one of the answers after normalisation, else 0.

    No answers mean that the right prediction is the empty one (SQuAD 2.0, Rajpurkar et al., ACL
    2018).
    """
    wanted = {normalize_answer(answer) for answer in answers or ("",)}
    return float(normalize_answer(prediction) in wanted)


def token_f1(prediction: str, answers: Sequence[str]) -> float:
    """F1 of the tokens that prediction and answer share, the best over the answers.

    The official SQuAD 2.0 definition: where one side is empty, 1 if both are, else 0.
    """
    return max(_f1(prediction, answer) for answer in answers or ("",))


def containment(prediction: str, answers: Sequence[str]) -> float:
    """1 if one of the answers occurs in the prediction as whole, successive words, else 0.

    The accuracy of open-domain question answering with long answers ("str-em" in ALCE, Gao et al.,
    EMNLP 2023), on words, so that "over" is not found in "covert". Case, articles, punctuation of
    any alphabet and white space do not matter.
    """
    said = _padded_words(prediction)
    wanted = [words for words in map(_padded_words, answers) if words.strip()]
    return float(any(words in said for words in wanted))


def parts_contained(prediction: str, parts: Sequence[Sequence[str]]) -> float:
    """Share of an answer's parts of which the prediction contains an accepted wording.

    ALCE's STR-EM (Gao et al., EMNLP 2023, section 3): the mean of `containment` over the parts.
    """
    return sum(containment(prediction, part) for part in parts) / len(parts) if parts else 0.0


def _padded_words(text: str) -> str:
    """Return the words with a blank before and after each; `Putin’s` is two, as `10,000` is."""
    return f" {' '.join(_WORD.findall(_ARTICLES.sub(' ', text.lower())))} "


def _f1(prediction: str, answer: str) -> float:
    said, wanted = normalize_answer(prediction).split(), normalize_answer(answer).split()
    if not said or not wanted:
        return float(said == wanted)
    common = sum((Counter(said) & Counter(wanted)).values())
    return 2 * common / (len(said) + len(wanted))


# --- Citations -----------------------------------------------------------------------------------


class Region(NamedTuple):
    """Characters `start` to `end`, half-open, of one source."""

    source_id: str
    start: int
    end: int


def covers(region: Region, evidence: Region) -> bool:
    """Whether a region shows an evidence: they share at least half of the shorter one.

    So a quoted clause of an evidence sentence counts, and so does a sentence around an evidence
    that is an answer's few words; a neighbouring sentence does not.
    """
    if region.source_id != evidence.source_id:
        return False
    shared = min(region.end, evidence.end) - max(region.start, evidence.start)
    return shared > 0 and 2 * shared >= min(_length(region), _length(evidence))


def citation_recall(statements: Sequence[Sequence[Region]], evidence: Sequence[Region]) -> float:
    """Share of an answer's statements that are supported by what they cite; 0 without statements.

    ALCE's citation recall (Gao et al., EMNLP 2023, section 3), with "the cited passages entail the
    statement" judged by spans: at least one of its citations covers some evidence. A statement that
    cites nothing counts as 0.

    Args:
        statements: what each statement cites.
        evidence: every stretch of a source that supports the answer or a part of it.
    """
    if not statements:
        return 0.0
    return sum(_supported(cited, evidence) for cited in statements) / len(statements)


def citation_precision(statements: Sequence[Sequence[Region]], evidence: Sequence[Region]) -> float:
    """Share of an answer's citations that are of use; 0 without citations.

    ALCE's citation precision (Gao et al., EMNLP 2023, section 3): a citation is irrelevant if it
    does not support its statement itself and the others do without it. Judged by spans, that leaves
    the citations that cover some evidence.
    """
    cited = [region for statement in statements for region in statement]
    return sum(_supported([region], evidence) for region in cited) / len(cited) if cited else 0.0


def evidence_recall(
    cited: Sequence[Region], evidence: Sequence[tuple[Region, Sequence[int]]]
) -> float:
    """Share of the answer's parts for which some evidence is cited; 0 without evidence.

    Recall of evidence as in HotpotQA's supporting facts (Yang et al., EMNLP 2018), where sentences
    that say the same thing are alternatives: each evidence names the parts that it supports.
    """
    parts = {part for _, supported in evidence for part in supported}
    shown = {
        part
        for region, supported in evidence
        if any(covers(citation, region) for citation in cited)
        for part in supported
    }
    return len(shown) / len(parts) if parts else 0.0


def citation_focus(cited: Sequence[Region], evidence: Sequence[Region]) -> float:
    """Share of the cited characters that are evidence; 0 without citations.

    Keeps citing everything from paying. Overlapping citations count once. It means something only
    where the evidence is whole sentences.
    """
    shown = {place for region in cited for place in _places(region)}
    wanted = {place for region in evidence for place in _places(region)}
    return len(shown & wanted) / len(shown) if shown else 0.0


def quote_exactness(exact: Sequence[bool]) -> float:
    """Share of the quotes that stand in the source as they are quoted; 1 without quotes.

    This program's own measure: a quote is the source's, to the character, or it is made up.

    Args:
        exact: of each quote, whether it equals the source's text at its offsets.
    """
    return sum(exact) / len(exact) if exact else 1.0


def _supported(cited: Sequence[Region], evidence: Sequence[Region]) -> bool:
    return any(covers(region, wanted) for region in cited for wanted in evidence)


def _length(region: Region) -> int:
    return region.end - region.start


def _places(region: Region) -> Iterator[tuple[str, int]]:
    return ((region.source_id, place) for place in range(region.start, region.end))


# --- Abstention and confidence -------------------------------------------------------------------


def abstention_precision(abstained: ArrayLike, unanswerable: ArrayLike) -> float:
    """Share of the abstentions that were due; 0 without abstentions.

    Precision with "unanswerable" as the positive class, as in SelfAware (Yin et al., ACL 2023).
    """
    told, due = np.asarray(abstained, bool), np.asarray(unanswerable, bool)
    return float(due[told].mean()) if told.any() else 0.0


def abstention_recall(abstained: ArrayLike, unanswerable: ArrayLike) -> float:
    """Share of the unanswerable questions that were abstained from; 0 without such questions."""
    told, due = np.asarray(abstained, bool), np.asarray(unanswerable, bool)
    return float(told[due].mean()) if due.any() else 0.0


def abstention_f1(abstained: ArrayLike, unanswerable: ArrayLike) -> float:
    """Harmonic mean of `abstention_precision` and `abstention_recall`; 0 if both are."""
    precision = abstention_precision(abstained, unanswerable)
    share = abstention_recall(abstained, unanswerable)
    return 2 * precision * share / (precision + share) if precision + share else 0.0


def auroc(scores: ArrayLike, positive: ArrayLike) -> float:
    """Probability that a random positive scores above a random negative, ties counting half.

    The area under the ROC curve (Hanley and McNeil, Radiology 1982), from ranks. NaN where one
    class is missing. 0.5 is chance.
    """
    values, labels = np.asarray(scores, float), np.asarray(positive, bool)
    n_positive, n_negative = int(labels.sum()), int((~labels).sum())
    if not n_positive or not n_negative:
        return math.nan
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts - 1) / 2
    excess = mean_ranks[inverse][labels].sum() - n_positive * (n_positive + 1) / 2
    return float(excess / (n_positive * n_negative))


def effective_reliability(accuracy: float, degree: Degree) -> float:
    """Return what one answer is worth: up to 1 stated, half as much guessed, 0 unsaid, less if it is wrong.

    Effective reliability (Whitehead et al., "Reliable Visual Question Answering: Abstain Rather Than
    Answer Incorrectly", ECCV 2022): accuracy where any of an answer is right, a cost where none is, 0
    for abstaining, whether or not there was something to find. A guess is marked as in certainty-based marking
    (Gardner-Medwin, "Confidence assessment in the teaching of basic science", ALT-J 1995): what is said
    with less certainty gains less and costs less. Stated, an answer gains 1 or costs 2; guessed, 1/2 or
    1/2. Whoever knows that an answer is right with probability p expects 3p - 2 of stating it and
    p - 1/2 of guessing, and so does best by being honest: silent below 1/2, guessing up to 3/4, stating
    from there on.

    Args:
        accuracy: 0..1; 0 of a question that the sources do not answer.
        degree: how surely it was said.
    """
    return _GAIN[degree] * accuracy if accuracy > 0 else -_COST[degree]


def risk_coverage(
    confidence: ArrayLike, right: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the risk-coverage curve over falling thresholds of confidence.

    Risk is the share of wrong among the answered, lower is better (Geifman and El-Yaniv, NeurIPS
    2017). Coverage ascends from 1/n to 1; within equal confidences the wrong are spread evenly, so
    that their order does not matter.

    Returns:
        two arrays of shape (n,).
    """
    values, wrong = np.asarray(confidence, float), 1.0 - np.asarray(right, float)
    if not values.size:
        return np.empty(0), np.empty(0)
    _, group, counts = np.unique(-values, return_inverse=True, return_counts=True)
    mean_wrong = np.bincount(group, weights=wrong) / counts
    answered = np.arange(1, values.size + 1)
    return answered / values.size, np.cumsum(np.repeat(mean_wrong, counts)) / answered


def aurc(confidence: ArrayLike, right: ArrayLike) -> float:
    """Area under the risk–coverage curve: the mean risk over all coverages; lower is better.

    Geifman, Uziel and El-Yaniv, ICLR 2019. NaN without answers.
    """
    _, risk = risk_coverage(confidence, right)
    return float(risk.mean()) if risk.size else math.nan


def calibration_bins(
    confidence: ArrayLike, right: ArrayLike, *, bins: int = 10
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return mean confidence, accuracy and number of answers of each bin that holds any.

    What a reliability diagram shows (Guo et al., ICML 2017): bins are of equal width,
    ((b - 1) / bins, b / bins], and the first includes 0.

    Returns:
        three arrays of shape (m,), m at most `bins`, in order of confidence.
    """
    values, hits = np.asarray(confidence, float), np.asarray(right, float)
    place = np.clip(np.ceil(values * bins).astype(int) - 1, 0, bins - 1)
    held, place, counts = np.unique(place, return_inverse=True, return_counts=True)
    sums = [np.bincount(place, weights=column, minlength=held.size) for column in (values, hits)]
    return sums[0] / counts, sums[1] / counts, counts


def expected_calibration_error(confidence: ArrayLike, right: ArrayLike, *, bins: int = 10) -> float:
    """ECE: mean distance of confidence and accuracy over bins of equal width; lower is better.

    Guo et al., ICML 2017: each of `calibration_bins` weighs as many as it holds. NaN without
    answers.
    """
    mean, accuracy, counts = calibration_bins(confidence, right, bins=bins)
    return float(np.abs(mean - accuracy) @ counts / counts.sum()) if counts.size else math.nan


# --- Cost ----------------------------------------------------------------------------------------


def percentile(values: ArrayLike, percent: float) -> float:
    """Return the percentile of the values; p50 is the median. Lower is better for times.

    Definition 7 of Hyndman and Fan, The American Statistician 1996: between the two nearest values
    it is interpolated linearly. NaN without values.

    Args:
        values: in any unit, shape (n,).
        percent: 0..100.
    """
    column = np.asarray(values, float)
    return float(np.percentile(column, percent)) if column.size else math.nan

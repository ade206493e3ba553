"""The scores of one record of a run: every measure of one question.

Reports, comparisons and gates are made from outcomes and never look at answers themselves. A
question that was not answered has the measures' defaults, so that nobody gains by staying silent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from rag.errors import DatasetError
from rag.evaluation import measures
from rag.evaluation.dataset import Evidence, Example, example_from_dict
from rag.evaluation.measures import Degree, Region
from rag.evaluation.run import Record, Run

RETRIEVAL = ("Success@1", "Success@5", "RR@10", "R@10", "nDCG@10", "AP@10")
ANSWERS = ("containment", "EM", "F1", "right")
CITATIONS = (
    "citation precision",
    "citation recall",
    "evidence recall",
    "citation focus",
    "quote exactness",
)
DEGREES = ("right surely", "right as guess", "wrong surely", "wrong as guess")
"""Of questions that can be answered; what is missing to 1 was not answered. Wrong is all that is not right."""
UNANSWERABLE = ("not stated as sure", "abstained when due")
"""Of questions that cannot be answered: at most guessed, and not even that."""
WHOLE = ("good", "effective reliability", "answered", *DEGREES, *UNANSWERABLE)
"""Of all questions, of those that can be answered, and of those that cannot."""

AnswerFault: TypeAlias = Literal[
    "",
    "could not be asked",
    "misquoted",
    "not answered",
    "wrong",
    "incomplete",
    "evidence not shown",
    "should not be answered",
    "should not be guessed",
]
"""What is wrong with an answer, the gravest only; empty if nothing is, as far as is known."""

_MARKER = re.compile(r"\s*\[\d+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionOutcome:
    """The scores of one question."""

    query_id: str
    number: int
    """Place in the question set, from 1."""
    split: str
    kind: str
    answerable: bool | None
    degree: Degree
    """How surely it was answered; a guess calls itself `likely`. Failing is silence."""
    abstained: bool
    """Said that the sources do not answer; failing is no abstention."""
    confidence: float
    """As the pipeline stated it, 0..1."""
    scores: Mapping[str, float]
    """By name of the measure; a measure that does not apply to the question is absent."""
    seconds: Mapping[str, float]
    """By stage of the pipeline; `all` is the whole question."""
    peak_megabytes: float | None
    error: str
    fault: AnswerFault

    @property
    def given(self) -> bool:
        """Say whether it is an answer of known correctness; answers to unanswerable questions are wrong."""
        return not self.abstained and not self.error and "good" in self.scores

    @property
    def right(self) -> float:
        """1 if every part of the answer was given and evidence for it cited, else 0."""
        return self.scores.get("right", 0.0)


def outcome(record: Record) -> QuestionOutcome:
    """Measure one record of a run."""
    query_id = str(record["query_id"])
    example = example_from_dict(_mapping(record["example"]), query_id=query_id)
    answer = _mapping(record["answer"] or {})
    cost = _mapping(record["cost"])
    error = str(record["error"])
    degree = degree_of(answer.get("status", "unanswered"))
    abstained = not error and degree == "silent"
    scores = _scores(example, answer, record)
    scores |= _whole_scores(example, degree, failed=bool(error), scores=scores)
    return QuestionOutcome(
        query_id=query_id,
        number=int(str(record["number"])),
        split=example.split,
        kind=example.kind,
        answerable=example.answerable,
        degree=degree,
        abstained=abstained,
        confidence=float(answer.get("confidence", 0.0)),
        scores=scores,
        seconds={**answer.get("timings", {}), "all": cost["ask_seconds"]},
        peak_megabytes=cost["peak_megabytes"],
        error=error,
        fault=_fault(example, scores, degree, error=error),
    )


def degree_of(status: str) -> Degree:
    """Return how surely an answer of a status is given; one that is only partial is stated as far as it goes."""
    if status == "unanswered":
        return "silent"
    return "guessed" if status == "likely" else "stated"


def outcomes_of(run: Run) -> tuple[QuestionOutcome, ...]:
    """Measure every record of a run, in the order of the question set.

    Raises:
        DatasetError: a record is damaged, or the run was stopped before its end.
    """
    measured = sorted(map(outcome, run.records()), key=lambda one: one.number)
    wanted = _mapping(run.manifest["questions"])["n"]
    if len(measured) != wanted:
        raise DatasetError(
            f"{run.folder} holds {len(measured)} of {wanted} answers: the run was stopped. Complete it"
            " with the same command and --out, then try again."
        )
    return tuple(measured)


def judge_passages(
    retrieved: Sequence[Region], evidence: Sequence[Evidence]
) -> tuple[list[str], dict[str, int]]:
    """Turn passages and evidence spans into a ranking and qrels, independent of passage size.

    A passage is relevant if it covers some evidence. What is relevant and was not retrieved is
    known only by the evidence, so each part of the answer that no passage covers counts as one more
    relevant passage (judging the pool, as TREC does, and what is certainly missing from it).

    Returns:
        the ranking of the passages' names, and the relevance of each relevant name.
    """
    names = [f"{region.source_id}#{region.start}-{region.end}" for region in retrieved]
    qrels: dict[str, int] = {}
    parts = {part for item in evidence for part in item.parts}
    for name, region in zip(names, retrieved, strict=True):
        covered = [item for item in evidence if measures.covers(region, item.region)]
        if covered:
            qrels[name] = 1
        parts -= {part for item in covered for part in item.parts}
    return names, qrels | {f"part {part}, not retrieved": 1 for part in parts}


def _scores(example: Example, answer: Mapping[str, Any], record: Record) -> dict[str, float]:
    scores: dict[str, float] = {}
    exact = record["quotes_exact"]
    if isinstance(exact, list) and exact:
        scores["quote exactness"] = measures.quote_exactness(exact)
    if not example.answerable:
        return scores
    # The text of an abstention is no answer, and its near misses are no citations.
    given = {} if answer.get("status", "unanswered") == "unanswered" else answer
    if example.evidence:
        retrieved = _regions(_listed(record["retrieved"]))
        scores |= _retrieval_scores(retrieved, example.evidence)
        scores |= _citation_scores(given, example.evidence)
    if example.parts:
        scores |= _answer_scores(given, example)
        shown = scores.get("evidence recall", 1.0) > 0
        scores["right"] = float(scores["containment"] == 1 and shown)
    return scores


def _whole_scores(
    example: Example, degree: Degree, *, failed: bool, scores: Mapping[str, float]
) -> dict[str, float]:
    """Say whether the question was answered or left as it should be, and how surely.

    `good` is 1 where the sources answer it and the answer is right, stated or guessed, and where they do
    not and it was abstained from.
    """
    if example.answerable is None:
        return {}
    if not example.answerable:
        abstained = float(degree == "silent" and not failed)
        return {
            "not stated as sure": float(degree == "guessed") or abstained,
            "abstained when due": abstained,
            "good": abstained,
            "effective reliability": measures.effective_reliability(0.0, degree),
        }
    answered = {"answered": float(degree != "silent")}
    return answered | (_degree_scores(degree, scores) if "right" in scores else {})


def _degree_scores(degree: Degree, scores: Mapping[str, float]) -> dict[str, float]:
    """Say of an answer that could be right whether it is, how surely, and what that is worth."""
    right = scores["right"]
    stated, guessed = float(degree == "stated"), float(degree == "guessed")
    shown = scores.get("evidence recall", 1.0) > 0
    accuracy = scores["containment"] if shown else 0.0
    return {
        "good": right,
        "right surely": stated * right,
        "right as guess": guessed * right,
        "wrong surely": stated * (1 - right),
        "wrong as guess": guessed * (1 - right),
        "effective reliability": measures.effective_reliability(accuracy, degree),
    }


def _fault(
    example: Example, scores: Mapping[str, float], degree: Degree, *, error: str
) -> AnswerFault:
    unanswerable = example.answerable is False
    faults: tuple[tuple[AnswerFault, bool], ...] = (
        ("could not be asked", bool(error)),
        ("misquoted", scores.get("quote exactness", 1.0) < 1),
        ("should not be answered", unanswerable and degree == "stated"),
        ("should not be guessed", unanswerable and degree == "guessed"),
        ("not answered", bool(example.answerable) and degree == "silent"),
        ("wrong", scores.get("containment", 1.0) == 0),
        ("incomplete", scores.get("containment", 1.0) < 1),
        ("evidence not shown", scores.get("evidence recall", 1.0) == 0),
    )
    return next((fault for fault, there in faults if there), "")


def _retrieval_scores(
    retrieved: Sequence[Region], evidence: Sequence[Evidence]
) -> dict[str, float]:
    ranking, qrels = judge_passages(retrieved, evidence)
    return {
        "Success@1": measures.success(ranking, qrels, 1),
        "Success@5": measures.success(ranking, qrels, 5),
        "RR@10": measures.reciprocal_rank(ranking, qrels, 10),
        "R@10": measures.recall(ranking, qrels, 10),
        "nDCG@10": measures.ndcg(ranking, qrels, 10),
        "AP@10": measures.average_precision(ranking, qrels, 10),
    }


def _answer_scores(answer: Mapping[str, Any], example: Example) -> dict[str, float]:
    said = _MARKER.sub("", answer.get("text", ""))
    wordings = example.answers or tuple(word for part in example.parts for word in part)
    return {
        "containment": measures.parts_contained(said, example.parts),
        "EM": measures.exact_match(said, wordings),
        "F1": measures.token_f1(said, wordings),
    }


def _citation_scores(answer: Mapping[str, Any], evidence: Sequence[Evidence]) -> dict[str, float]:
    """Judge what is cited; the headings that a quote carries are shown with it, and not cited themselves."""
    by_marker = {c["marker"]: c for c in answer.get("citations", ())}
    statements = [
        _regions(by_marker[marker] for marker in statement["markers"] if marker in by_marker)
        for statement in answer.get("statements", ())
    ]
    wanted = [item.region for item in evidence]
    cited = [region for statement in statements for region in statement]
    beside = _regions(
        {"source_id": citation["source_id"], **context}
        for citation in by_marker.values()
        for context in citation.get("context", ())
        if context["start"] < context["end"]
    )
    return {
        "citation precision": measures.citation_precision(statements, wanted),
        "citation recall": measures.citation_recall(statements, wanted),
        "evidence recall": measures.evidence_recall(
            [*cited, *beside], [(item.region, item.parts) for item in evidence]
        ),
        "citation focus": measures.citation_focus(cited, wanted),
    }


def _regions(places: Iterable[Mapping[str, Any]]) -> list[Region]:
    return [Region(p["source_id"], p["start"], p["end"]) for p in places]


def _mapping(value: object) -> Mapping[str, Any]:
    assert isinstance(value, Mapping), value
    return value


def _listed(value: object) -> Sequence[Mapping[str, Any]]:
    assert isinstance(value, Sequence), value
    return value

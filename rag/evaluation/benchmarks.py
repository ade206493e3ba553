"""Public collections, read by path, and retrieval measured on them. Nothing is downloaded.

Each reader says which layout it reads; every file may be gzipped. A collection's documents become
sources, so that what is measured is what people use.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from rag.errors import DatasetError
from rag.evaluation import measures
from rag.evaluation.dataset import Evidence, Example
from rag.evaluation.intervals import Interval, bootstrap_interval, paired_bootstrap
from rag.evaluation.run import Progress
from rag.schema import Source, Turn

RETRIEVAL: Mapping[str, Callable[[Sequence[str], Mapping[str, int]], float]] = {
    "Success@1": lambda ranking, qrels: measures.success(ranking, qrels, 1),
    "MRR@10": lambda ranking, qrels: measures.reciprocal_rank(ranking, qrels, 10),
    "Recall@10": lambda ranking, qrels: measures.recall(ranking, qrels, 10),
    "nDCG@10": lambda ranking, qrels: measures.ndcg(ranking, qrels, 10),
}
"""Measures of one query's ranking of sources."""

_CUTOFF = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Documents, questions on them, and which documents are relevant to which question."""

    name: str
    sources: tuple[Source, ...]
    examples: tuple[Example, ...]
    qrels: Mapping[str, Mapping[str, int]]
    """query_id ─▶ source_id ─▶ relevance."""

    def sample(self, n: int, *, seed: int = 0) -> Collection:
        """Return the collection with n of its questions and all its sources, for a quick look."""
        if n >= len(self.examples):
            return self
        chosen = sorted(random.Random(seed).sample(range(len(self.examples)), n))  # noqa: S311
        return replace(self, examples=tuple(self.examples[i] for i in chosen))

    def answerable(self) -> Collection:
        """Return the collection without the questions that its sources do not answer."""
        return replace(self, examples=tuple(e for e in self.examples if e.answerable is not False))


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A question that depends on the turns before it, and the same question standing alone."""

    query_id: str
    history: tuple[Turn, ...]
    question: str
    rewrite: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportPair:
    """A claim, the text it is said to rest on, and whether that supports it."""

    claim: str
    evidence: str
    label: str
    """`supported`, `partial`, `not_supported`, `contradicted`, or the collection's own."""


class SourceSearch(Protocol):
    """A way of searching that is to be measured."""

    def search_sources(self, query: str, k: int) -> Sequence[str]:
        """Return the ids of the k best sources, best first, each once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalComparison:
    """Ways of searching the same collection, side by side."""

    collection: str
    n: int
    values: Mapping[str, Mapping[str, tuple[float, ...]]]
    """method ─▶ measure ─▶ one value a question, in the same order for every method."""

    def figure(self, method: str, measure: str) -> Interval:
        """Return a method's mean with its interval."""
        return bootstrap_interval(self.values[method][measure])

    def difference(self, method: str, other: str, measure: str) -> Interval:
        """Return how much higher `method` is than `other`, with the paired interval."""
        return paired_bootstrap(self.values[method][measure], self.values[other][measure])

    def to_markdown(self) -> str:
        """Return the table, in per cent with 95 % intervals."""
        header = f"| {self.collection}, n = {self.n} | " + " | ".join(RETRIEVAL) + " |"
        rows = [header, "|---" * (len(RETRIEVAL) + 1) + "|"]
        for method in self.values:
            cells = [_per_cent(self.figure(method, measure)) for measure in RETRIEVAL]
            rows.append(f"| {method} | " + " | ".join(cells) + " |")
        return "\n".join(rows) + "\n"

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form."""
        return {
            "collection": self.collection,
            "n": self.n,
            "methods": {
                method: {
                    measure: {"value": figure.value, "low": figure.low, "high": figure.high}
                    for measure in RETRIEVAL
                    for figure in [self.figure(method, measure)]
                }
                for method in self.values
            },
        }


def compare_retrieval(
    collection: Collection,
    methods: Mapping[str, SourceSearch],
    *,
    progress: Progress | None = None,
) -> RetrievalComparison:
    """Search every question of a collection in every way and measure the rankings.

    Args:
        collection: its sources are what the methods search; questions without qrels are left out.
        methods: by the name to show.
        progress: told after each question of each method.

    Raises:
        DatasetError: no question has a relevant source.
    """
    judged = [e for e in collection.examples if collection.qrels.get(e.query_id)]
    if not judged:
        raise DatasetError(f"{collection.name}: no question has a relevant source.")
    values: dict[str, dict[str, tuple[float, ...]]] = {}
    for method, search in methods.items():
        rows = []
        for done, example in enumerate(judged, start=1):
            ranking = search.search_sources(example.question, _CUTOFF)
            qrels = collection.qrels[example.query_id]
            rows.append([measure(ranking, qrels) for measure in RETRIEVAL.values()])
            if progress is not None:
                progress(method, done, len(judged))
        columns = [tuple(column) for column in zip(*rows, strict=True)]
        values[method] = dict(zip(RETRIEVAL, columns, strict=True))
    return RetrievalComparison(collection=collection.name, n=len(judged), values=values)


def read_squad(path: Path) -> Collection:
    """Read SQuAD 1.1 or 2.0 JSON; every paragraph becomes a source, and the corpus is all of them.

    Evidence of an answerable question are its answers' spans; the relevant source of any question
    is the paragraph that it was asked of.

    Raises:
        DatasetError: the file cannot be read or has another layout.
    """
    sources: list[Source] = []
    examples: list[Example] = []
    qrels: dict[str, dict[str, int]] = {}
    try:
        for article in json.loads(_text(path))["data"]:
            for paragraph in article["paragraphs"]:
                title = str(article.get("title", ""))
                source = _source(f"{title}/{len(sources)}", title, paragraph["context"])
                sources.append(source)
                for record in paragraph["qas"]:
                    examples.append(_squad_example(record, source))
                    qrels[examples[-1].query_id] = {source.source_id: 1}
    except (KeyError, TypeError, ValueError) as exc:
        raise DatasetError(f"{path} is no SQuAD JSON: {type(exc).__name__} {exc}.") from exc
    return Collection(
        name=path.name.split(".")[0],
        sources=tuple(sources),
        examples=tuple(examples),
        qrels=qrels,
    )


def read_beir(folder: Path, *, split: str = "test") -> Collection:
    """Read a BEIR folder: `corpus.jsonl`, `queries.jsonl` and `qrels/<split>.tsv`.

    Only queries with judgements are kept. Title and text of a document make the source's text,
    where the text does not begin with the title anyway.

    Raises:
        DatasetError: a file is missing or has another layout; names file and line.
    """
    qrels = _beir_qrels(_existing(folder / "qrels" / f"{split}.tsv"))
    corpus = _existing(folder / "corpus.jsonl")
    queries = _existing(folder / "queries.jsonl")
    sources = tuple(
        _source(
            _field(record, "_id", corpus, line),
            str(record.get("title") or ""),
            _beir_text(str(record.get("title") or ""), _field(record, "text", corpus, line)),
        )
        for line, record in _json_lines(corpus)
    )
    examples = tuple(
        Example(
            query_id=_field(record, "_id", queries, line),
            question=_field(record, "text", queries, line),
            answerable=True,
        )
        for line, record in _json_lines(queries)
        if record.get("_id") in qrels
    )
    return Collection(name=folder.name, sources=sources, examples=examples, qrels=qrels)


def read_canard(path: Path) -> tuple[FollowUp, ...]:
    """Read CANARD JSON (Elgohary et al., EMNLP 2019): follow-ups and what they are in full.

    The first two lines of a CANARD history are the article's title and section, not turns; they are
    kept as what the user said, since they are what the conversation is about.

    Raises:
        DatasetError: the file cannot be read or has another layout.
    """
    try:
        return tuple(
            FollowUp(
                query_id=f"{record['QuAC_dialog_id']}#{record['Question_no']}",
                history=_canard_turns(record["History"]),
                question=record["Question"],
                rewrite=record["Rewrite"],
            )
            for record in json.loads(_text(path))
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise DatasetError(f"{path} is no CANARD JSON: {type(exc).__name__} {exc}.") from exc


def read_support(path: Path) -> tuple[SupportPair, ...]:
    """Read JSONL with `claim`, `evidence` and `label`.

    Raises:
        DatasetError: the file cannot be read or a line has another layout; names file and line.
    """
    return tuple(
        SupportPair(
            claim=_field(record, "claim", path, line),
            evidence=_field(record, "evidence", path, line),
            label=_field(record, "label", path, line),
        )
        for line, record in _json_lines(path)
    )


def _squad_example(record: Mapping[str, Any], source: Source) -> Example:
    answers = [] if record.get("is_impossible") else record["answers"]
    spans = sorted({(a["answer_start"], a["answer_start"] + len(a["text"])) for a in answers})
    return Example(
        query_id=str(record["id"]),
        question=str(record["question"]).strip(),
        answerable=not record.get("is_impossible", False),
        answers=tuple(dict.fromkeys(a["text"] for a in answers)),
        evidence=tuple(
            Evidence(source_id=source.source_id, start=start, end=end) for start, end in spans
        ),
    )


def _beir_text(title: str, text: str) -> str:
    return text if text.startswith(title) else f"{title}\n{text}"


def _beir_qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    rows = csv.reader(_text(path).splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    for number, row in enumerate(rows, start=1):
        if number == 1 or not row:
            continue
        try:
            query_id, source_id, relevance = row
            qrels.setdefault(query_id, {})[source_id] = int(relevance)
        except ValueError as exc:
            raise DatasetError(
                f"{path}, line {number}: wanted query, document and relevance, got {row!r}."
            ) from exc
    return qrels


def _canard_turns(lines: Sequence[str]) -> tuple[Turn, ...]:
    topic, spoken = lines[:2], lines[2:]
    turns = [Turn(role="user", text=text) for text in topic]
    for number, text in enumerate(spoken):
        turns.append(Turn(role="assistant" if number % 2 else "user", text=text))
    return tuple(turns)


def _source(source_id: str, title: str, text: str) -> Source:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Source(
        source_id=source_id, title=title, text=text, sha256=digest, media_type="text/plain"
    )


def _existing(path: Path) -> Path:
    zipped = path.with_name(path.name + ".gz")
    return path if path.exists() or not zipped.exists() else zipped


def _text(path: Path) -> str:
    return "".join(_lines(path))


def _lines(path: Path) -> Iterator[str]:
    try:
        opened = gzip.open if path.suffix == ".gz" else open
        with opened(path, "rt", encoding="utf-8") as file:
            yield from file
    except (OSError, EOFError, UnicodeDecodeError) as exc:
        raise DatasetError(f"{path} cannot be read: {exc}.") from exc


def _json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as exc:
            raise DatasetError(f"{path}, line {number}: {exc}.") from exc
        if not isinstance(record, dict):
            raise DatasetError(f"{path}, line {number}: wanted a JSON object, got {record!r}.")
        yield number, record


def _field(record: Mapping[str, Any], name: str, path: Path, line: int) -> str:
    value = record.get(name)
    if not isinstance(value, str):
        raise DatasetError(f"{path}, line {line}: {name!r} wants text, got {value!r}.")
    return value


def _per_cent(figure: Interval) -> str:
    return f"{100 * figure.value:.1f} [{100 * figure.low:.1f}, {100 * figure.high:.1f}]"

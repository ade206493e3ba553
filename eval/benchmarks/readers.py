"""The layouts of public collections, each read into the same nouns. Nothing is downloaded.

A collection's documents become sources, so that what is measured is what people use.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.benchmarks.collection import Collection, FollowUp, SupportPair
from eval.benchmarks.files import existing, field, json_lines, whole
from rag.errors import DatasetError
from rag.evaluation.dataset import Evidence, Example
from rag.schema import Source, Turn

_ANSWERABLE = {"ANSWERABLE": True, "PARTIAL": True, "UNANSWERABLE": False}
"""mtRAG's words; a question that it calls underspecified is neither."""


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
        for article in json.loads(whole(path))["data"]:
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
    qrels = _beir_qrels(existing(folder / "qrels" / f"{split}.tsv"))
    corpus = existing(folder / "corpus.jsonl")
    queries = existing(folder / "queries.jsonl")
    sources = tuple(
        _source(
            field(record, "_id", corpus, line),
            str(record.get("title") or ""),
            _beir_text(str(record.get("title") or ""), field(record, "text", corpus, line)),
        )
        for line, record in json_lines(corpus)
    )
    examples = tuple(
        Example(
            query_id=field(record, "_id", queries, line),
            question=field(record, "text", queries, line),
            answerable=True,
        )
        for line, record in json_lines(queries)
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
            for record in json.loads(whole(path))
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
            claim=field(record, "claim", path, line),
            evidence=field(record, "evidence", path, line),
            label=field(record, "label", path, line),
        )
        for line, record in json_lines(path)
    )


def read_mtrag(path: Path) -> Collection:
    """Read mtRAG tasks (Katsis et al., TACL 2025): the passages of all tasks are the corpus.

    The last turn is the question, those before it the history; the passages that a task names are
    relevant. The published collection searches far more passages than a file of tasks holds, so
    figures on this one are higher than published ones.

    Raises:
        DatasetError: the file cannot be read or a line has another layout; names file and line.
    """
    sources: dict[str, Source] = {}
    examples: list[Example] = []
    qrels: dict[str, dict[str, int]] = {}
    for line, task in json_lines(path):
        try:
            passages = [
                _source(one["document_id"], one.get("title") or "", one["text"].strip())
                for one in task["contexts"]
            ]
            examples.append(_mtrag_example(task))
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise DatasetError(
                f"{path}, line {line} is no mtRAG task: {type(exc).__name__} {exc}."
            ) from exc
        sources |= {one.source_id: one for one in passages}
        qrels[examples[-1].query_id] = {one.source_id: 1 for one in passages}
    return Collection(
        name=path.name.split(".")[0],
        sources=tuple(sources.values()),
        examples=tuple(examples),
        qrels=qrels,
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
    rows = csv.reader(whole(path).splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
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


def _mtrag_example(task: Mapping[str, Any]) -> Example:
    *before, asked = (
        Turn(role="user" if one["speaker"] == "user" else "assistant", text=str(one["text"]))
        for one in task["input"]
    )
    (answerability,) = task["answerability"]
    return Example(
        query_id=str(task["task_id"]),
        question=asked.text,
        kind=answerability.lower(),
        history=tuple(before),
        answerable=_ANSWERABLE.get(answerability),
    )


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

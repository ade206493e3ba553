"""Public collections: read as their layouts say, refused by line, searched side by side."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from rag.errors import DatasetError
from rag.evaluation.benchmarks import (
    compare_retrieval,
    read_beir,
    read_canard,
    read_squad,
    read_support,
)
from rag.evaluation.dataset import validate
from rag.schema import Turn

SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "Ada",
            "paragraphs": [
                {
                    "context": "Ada wrote notes in 1843.",
                    "qas": [
                        {
                            "id": "a",
                            "question": " Who wrote notes?",
                            "is_impossible": False,
                            "answers": [
                                {"text": "Ada", "answer_start": 0},
                                {"text": "Ada", "answer_start": 0},
                                {"text": "1843", "answer_start": 19},
                            ],
                        },
                        {
                            "id": "b",
                            "question": "Who sold notes?",
                            "is_impossible": True,
                            "answers": [],
                            "plausible_answers": [{"text": "Ada", "answer_start": 0}],
                        },
                    ],
                },
                {"context": "Babbage built engines.", "qas": []},
            ],
        }
    ],
}


def _zipped(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_squad_becomes_one_corpus(tmp_path):
    """Every paragraph is a source, the asked one is relevant, and the answers are evidence."""
    collection = read_squad(_zipped(tmp_path / "dev.json.gz", json.dumps(SQUAD)))
    assert collection.name == "dev"
    assert [s.source_id for s in collection.sources] == ["Ada/0", "Ada/1"]
    assert collection.qrels == {"a": {"Ada/0": 1}, "b": {"Ada/0": 1}}
    first, second = collection.examples
    assert (first.question, first.answers) == ("Who wrote notes?", ("Ada", "1843"))
    assert [(e.start, e.end) for e in first.evidence] == [(0, 3), (19, 23)]
    assert (second.answerable, second.answers, second.evidence) == (False, (), ())
    assert [e.query_id for e in collection.answerable().examples] == ["a"]
    validate(collection.examples, {s.source_id: s for s in collection.sources})


def test_squad_1_has_no_impossible_questions(tmp_path):
    """Questions of SQuAD 1.1, which says nothing of impossible ones, are all answerable."""
    text = json.dumps(SQUAD).replace('"is_impossible": false, ', "")
    (tmp_path / "v1.json").write_text(text, encoding="utf-8")
    assert read_squad(tmp_path / "v1.json").examples[0].answerable is True


def _beir(folder: Path, qrels: str = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n") -> Path:
    (folder / "qrels").mkdir()
    corpus = [
        {"_id": "d1", "title": "Ada", "text": "Ada wrote notes."},
        {"_id": "d2", "title": "Engines", "text": "Babbage built some."},
        {"_id": "d3", "title": "", "text": "Nothing."},
    ]
    _zipped(folder / "corpus.jsonl.gz", "\n".join(map(json.dumps, corpus)))
    queries = [{"_id": "q1", "text": "notes"}, {"_id": "q2", "text": "unjudged"}]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text(qrels, encoding="utf-8")
    return folder


def test_beir_folders_are_read(tmp_path):
    """Titles go before texts unless these begin so, and queries without judgements are left out."""
    collection = read_beir(_beir(tmp_path))
    texts = [source.text for source in collection.sources]
    assert texts == ["Ada wrote notes.", "Engines\nBabbage built some.", "Nothing."]
    assert [(e.query_id, e.question) for e in collection.examples] == [("q1", "notes")]
    assert collection.qrels == {"q1": {"d1": 2, "d2": 0}}


def test_canard_turns_alternate(tmp_path):
    """Title and section are what the user is talking about; then the two speak in turn."""
    record = {
        "History": ["Ada", "Notes", "Who wrote them?", "Ada."],
        "QuAC_dialog_id": "C1",
        "Question": "When?",
        "Question_no": 2,
        "Rewrite": "When did Ada write the notes?",
    }
    (follow_up,) = read_canard(_zipped(tmp_path / "c.json.gz", json.dumps([record])))
    assert follow_up.query_id == "C1#2"
    assert [turn.role for turn in follow_up.history] == ["user", "user", "user", "assistant"]
    assert follow_up.history[-1] == Turn(role="assistant", text="Ada.")
    assert follow_up.rewrite == "When did Ada write the notes?"


def test_support_pairs_are_read(tmp_path):
    """A claim, its evidence and the label are read whatever else a line says."""
    line = {"claim": "c", "evidence": "e", "label": "partial", "domain": "x"}
    (pair,) = read_support(_zipped(tmp_path / "s.jsonl.gz", json.dumps(line) + "\n\n"))
    assert (pair.claim, pair.evidence, pair.label) == ("c", "e", "partial")


@pytest.mark.parametrize(
    ("reader", "text", "message"),
    [
        (read_squad, "{}", "is no SQuAD JSON: KeyError"),
        (read_squad, "[]", "is no SQuAD JSON: TypeError"),
        (read_squad, "{", "is no SQuAD JSON: JSONDecodeError"),
        (read_canard, '[{"History": []}]', "is no CANARD JSON: KeyError"),
        (read_support, '{"claim": "c"}', "line 1: 'evidence' wants text, got None"),
        (read_support, "\n[]", r"line 2: wanted a JSON object, got \[\]"),
        (read_support, "{", "line 1: "),
    ],
)
def test_other_layouts_are_refused(tmp_path, reader, text, message):
    """A file of another layout is refused with what was found and where."""
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=message):
        reader(tmp_path / "x.json")


def test_missing_and_damaged_files_are_told(tmp_path):
    """No file, no gzip, and odd judgements are each told with their path."""
    with pytest.raises(DatasetError, match=r"test\.tsv cannot be read"):
        read_beir(tmp_path)
    (tmp_path / "s.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(DatasetError, match=r"s\.jsonl\.gz cannot be read"):
        read_support(tmp_path / "s.jsonl.gz")
    (tmp_path / "beir").mkdir()
    with pytest.raises(DatasetError, match="line 2: wanted query, document and relevance"):
        read_beir(_beir(tmp_path / "beir", "query-id\tcorpus-id\tscore\nq1\td1\n"))


class _Fixed:
    """Finds the same sources whatever is asked."""

    def __init__(self, *ranking: str) -> None:
        self._ranking = ranking

    def search_sources(self, query: str, k: int) -> Sequence[str]:  # noqa: ARG002
        """Return the first k of the same ranking."""
        return self._ranking[:k]


def test_methods_are_compared_on_the_same_questions(tmp_path):
    """Each method has its figures, and the difference of two is paired."""
    collection = read_squad(_zipped(tmp_path / "dev.json.gz", json.dumps(SQUAD)))
    told = []
    compared = compare_retrieval(
        collection,
        {"first": _Fixed("Ada/0"), "second": _Fixed("Ada/1", "Ada/0")},
        progress=lambda method, done, total: told.append((method, done, total)),
    )
    assert compared.figure("first", "Success@1").value == 1.0
    assert compared.figure("second", "MRR@10").value == 0.5
    assert compared.difference("first", "second", "Success@1").low == 1.0
    assert compared.n == 2
    assert told[-1] == ("second", 2, 2)
    assert "| second | 0.0 [0.0, 0.0] | 50.0 [50.0, 50.0] |" in compared.to_markdown()
    assert json.loads(json.dumps(compared.to_dict()))["methods"]["first"]["nDCG@10"]["value"] == 1.0


def test_a_sample_keeps_all_sources_and_stays_the_same(tmp_path):
    """A quick look asks fewer questions of the whole corpus, the same ones each time."""
    collection = read_squad(_zipped(tmp_path / "dev.json.gz", json.dumps(SQUAD)))
    sample = collection.sample(1, seed=4)
    assert len(sample.examples) == 1
    assert sample.sources == collection.sources
    assert sample == collection.sample(1, seed=4)
    assert collection.sample(9) == collection


def test_nothing_to_judge_is_told(tmp_path):
    """A collection without relevant sources is refused rather than scored 0."""
    collection = read_squad(_zipped(tmp_path / "dev.json.gz", json.dumps({"data": []})))
    with pytest.raises(DatasetError, match="dev: no question has a relevant source"):
        compare_retrieval(collection, {"any": _Fixed()})

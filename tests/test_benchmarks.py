"""Public collections: read as their layouts say, refused by line, searched side by side."""

from __future__ import annotations

import gzip
import json
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.benchmarks import (
    BenchmarkReport,
    SupportPair,
    compare_retrieval,
    read_beir,
    read_canard,
    read_mtrag,
    read_squad,
    read_support,
    recognise,
    run_benchmark,
)
from eval.benchmarks.answers import ask_all
from eval.benchmarks.collection import Collection
from eval.benchmarks.reading import read_one_passage_each
from eval.benchmarks.retrieval import Ranking
from eval.benchmarks.rewriting import bleu
from eval.benchmarks.sampling import stratified
from eval.benchmarks.squad import NOTHING, Prediction
from eval.benchmarks.support import balanced_accuracy, verdict
from rag.citations import lexical_support
from rag.errors import DatasetError
from rag.evaluation.dataset import Example, validate
from rag.evaluation.intervals import Interval
from rag.reader import Reading
from rag.schema import Answer, Candidate, Passage, Span, Turn
from rag.settings import Settings
from tests.deferred import Deferred

metrics = Deferred("sklearn.metrics")

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


MTRAG = {
    "task_id": "t<::>2",
    "contexts": [
        {"document_id": "d1", "title": "Ada", "text": "Ada wrote notes.\n"},
        {"document_id": "d2", "title": None, "text": "Babbage built engines."},
    ],
    "input": [
        {"speaker": "user", "text": "Who wrote notes?"},
        {"speaker": "agent", "text": "Ada."},
        {"speaker": "user", "text": "When?"},
    ],
    "targets": [],
    "answerability": ["PARTIAL"],
}


def test_mtrag_tasks_become_one_corpus(tmp_path):
    """The last turn is asked after those before it, of the passages of all tasks together."""
    alone = MTRAG | {"task_id": "u", "contexts": [], "answerability": ["UNDERSPECIFIED"]}
    path = _zipped(tmp_path / "m.jsonl.gz", f"{json.dumps(MTRAG)}\n{json.dumps(alone)}\n")
    collection = read_mtrag(path)
    first, second = collection.examples
    assert ("t<::>2", "When?", True, "partial") == (
        first.query_id, first.question, first.answerable, first.kind,
    )  # fmt: skip
    assert Turn(role="assistant", text="Ada.") == first.history[-1]
    assert (None, "underspecified") == (second.answerable, second.kind)
    assert {"t<::>2": {"d1": 1, "d2": 1}, "u": {}} == collection.qrels
    assert ["Ada wrote notes.", "Babbage built engines."] == [s.text for s in collection.sources]


def test_mtrag_searches_for_what_is_answered(tmp_path):
    """As officially, only answerable and partly answerable questions are searched for."""
    kinds = ("ANSWERABLE", "PARTIAL", "UNDERSPECIFIED", "UNANSWERABLE")
    tasks = [json.dumps(MTRAG | {"task_id": kind, "answerability": [kind]}) for kind in kinds]
    collection = read_mtrag(_zipped(tmp_path / "m.jsonl.gz", "\n".join(tasks)))
    assert ["ANSWERABLE", "PARTIAL"] == [e.query_id for e in collection.answerable().examples]


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
        (read_mtrag, '{"task_id": "t"}', "line 1 is no mtRAG task: KeyError 'contexts'"),
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
    assert compared.figure("second", "Success@5").value == 1.0
    assert compared.figure("second", "MAP@10").value == 0.5


def test_follow_ups_are_searched_by_the_query_made_of_them(tmp_path):
    """What is searched is what the pipeline would search, not the bare question."""
    collection = read_squad(_zipped(tmp_path / "dev.json.gz", json.dumps(SQUAD)))
    asked = []

    class Listening(_Fixed):
        def search_sources(self, query: str, k: int) -> Sequence[str]:
            asked.append(query)
            return super().search_sources(query, k)

    compare_retrieval(
        collection, {"any": Listening()}, query_of=lambda e: f"{e.question} ({e.query_id})"
    )
    assert ["Who wrote notes? (a)", "Who sold notes? (b)"] == asked


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


# --- What a path holds ---------------------------------------------------------------------------

CANARD = {
    "History": ["Ada", "Notes"], "QuAC_dialog_id": "C", "Question": "When was it?", "Question_no": 1,
    "Rewrite": "When was Ada's machine made?",
}  # fmt: skip
SUPPORT = {"claim": "Ada wrote notes.", "evidence": "Ada wrote notes.", "label": "supported"}


@pytest.mark.parametrize(
    ("record", "layout"),
    [(SQUAD, "squad"), ([CANARD], "canard"), (SUPPORT, "support"), (MTRAG, "mtrag")],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_file_is_recognised_by_what_it_holds(tmp_path, record, layout, indent):
    """Whatever a file is called, and whether it is one line or many, its layout is seen."""
    if layout in {"support", "mtrag"} and indent:
        return  # JSONL has one object a line
    assert layout == recognise(_zipped(tmp_path / "x.gz", json.dumps(record, indent=indent)))


def test_folders_are_recognised_by_their_files(tmp_path):
    """A corpus makes a BEIR folder, files of claims a folder of support."""
    (tmp_path / "beir").mkdir()
    assert "beir" == recognise(_beir(tmp_path / "beir"))
    (tmp_path / "claims").mkdir()
    _zipped(tmp_path / "claims" / "s.jsonl.gz", json.dumps(SUPPORT))
    assert "support" == recognise(tmp_path / "claims")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "holds no JSON"),
        ("question,answers", "holds no JSON"),
        ('{"questions": []}', "holds a JSON object with 'questions'"),
        ('[{"a": 1}]', "holds a JSON list of something else"),
        ("[]", "holds a JSON list of something else"),
    ],
)
def test_what_is_no_benchmark_is_told(tmp_path, text, found):
    """The error says what was found and what could be read."""
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(
        DatasetError, match=rf"x\.json is no benchmark .*{found}.*Wanted: SQuAD 1.1"
    ):
        recognise(tmp_path / "x.json")
    (tmp_path / "f").mkdir()
    with pytest.raises(DatasetError, match=r"f is no benchmark .* it holds nothing"):
        recognise(tmp_path / "f")
    with pytest.raises(DatasetError, match="cannot be read"):
        recognise(tmp_path / "none.json")


# --- Measures of their own -----------------------------------------------------------------------


def test_bleu_is_the_published_formula():
    """Clipped n-grams over the whole set, their geometric mean, and a penalty for being short."""
    made = ["the cat is on the mat", "there it is"]
    wanted = ["The cat sat on the mat", "there it was then"]
    # 1-grams: 5 of 6 and 2 of 3; 2-grams: 3 of 5 and 1 of 2; 3-grams: 1 of 4 and 0 of 1; 4-grams: none.
    assert 0.0 == bleu(made, wanted)
    made[0] = "on the mat the cat sat"  # 6 of 6, 4 of 5, 2 of 4, 0 of 3
    assert 0.0 == bleu(made, wanted)
    made[0] = "the cat sat on a mat"  # 5 of 6, 3 of 5, 2 of 4, 1 of 3
    precision = (7 / 9) * (4 / 7) * (2 / 5) * (1 / 3)
    assert pytest.approx(precision**0.25 * math.exp(1 - 10 / 9)) == bleu(made, wanted)
    assert pytest.approx(1.0) == bleu(wanted, wanted)
    assert 0.0 == bleu([""], ["what now?"])


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2).filter(
    lambda rows: len({true for _, true in rows}) == 2
))  # fmt: skip
def test_balanced_accuracy_is_that_of_scikit_learn(rows):
    """Recall and specificity count alike, however rare one class is."""
    said, true = zip(*rows, strict=True)
    assert pytest.approx(metrics.balanced_accuracy_score(true, said)) == balanced_accuracy(
        said, true
    )


def test_balanced_accuracy_wants_both_classes():
    """Where one class is missing there is nothing to say."""
    assert math.isnan(balanced_accuracy([True], [True]))
    assert math.isnan(balanced_accuracy([], []))


def test_a_claim_has_the_verdict_of_its_worst_sentence():
    """One sentence that the evidence lacks makes the whole claim unsupported."""
    evidence = "Ada Lovelace wrote notes in 1843."

    def of(claim: str) -> str:
        return verdict(SupportPair(claim=claim, evidence=evidence, label=""), lexical_support)

    assert "supported" == of(evidence)
    assert "unsupported" == of(f"{evidence} Babbage sold 12 engines to Turkey.")


@given(st.lists(st.booleans(), min_size=1), st.integers(1, 60), st.integers())
def test_a_stratified_sample_is_even_and_in_order(items, n, seed):
    """Each stratum has its share, give or take one; order stays, nothing comes twice."""
    numbered = list(enumerate(items))
    chosen = stratified(numbered, n, seed=seed, stratum=lambda item: item[1])
    assert min(n, len(items)) == len(chosen)
    assert sorted(set(chosen)) == list(chosen)
    for sort in (True, False):
        share = len(chosen) * items.count(sort) / len(items)
        assert abs(share - sum(item[1] is sort for item in chosen)) < 1
    with pytest.raises(ValueError, match="at least 1, got 0"):
        stratified(numbered, 0)


def test_what_rounding_leaves_goes_to_the_largest_remainder():
    """Of five and three, three are two and one: 15/8 lacks less of the next whole than 9/8."""
    chosen = stratified([True] * 5 + [False] * 3, 3, stratum=lambda item: item)
    assert (True, True, False) == chosen


def test_a_report_shows_what_is_undefined_as_such():
    """A figure without an interval, or without a value, is neither invented nor broken JSON."""
    nan = float("nan")
    rows = {
        "a": {"X": Interval(value=12.34, low=1.0, high=20.0, n=3), "Y": Interval(value=5, low=nan, high=nan, n=3)},
        "b": {"X": Interval(value=nan, low=nan, high=nan, n=0), "Y": Interval(value=6, low=5, high=7, n=0)},
    }  # fmt: skip
    report = BenchmarkReport(name="set", what="What it is.", rows=rows, remarks=("A remark.",))
    assert (
        "What it is.\n\n| set | n | X | Y |\n|---|---|---|---|\n"
        "| a | 3 | 12.3 [1.0, 20.0] | 5.0 |\n| b | 0 | – | 6.0 [5.0, 7.0] |\n\nA remark.\n"
    ) == report.to_markdown()
    assert (
        None is json.loads(json.dumps(report.to_dict(), allow_nan=False))["rows"]["b"]["X"]["value"]
    )


# --- Reading and ranking with the program's own parts --------------------------------------------


def _candidate(source_id: str, text: str) -> Candidate:
    passage = Passage(
        passage_id=f"{source_id}#0-{len(text)}", source_id=source_id, start=0, end=len(text),
        text=text, n_tokens=3,
    )  # fmt: skip
    return Candidate(passage=passage, dense=0.0, lexical=0.0, fused=0.0, sentences=())


class _Shelf:
    """Finds one candidate a source, in the order of the sources, and remembers what was asked."""

    def __init__(self, **texts: str) -> None:
        self._texts = texts
        self.asked: list[tuple[str, tuple[str, ...] | None]] = []

    def retrieve(self, query, k=None, *, sources=None, method="fusion"):
        """Return the candidates of these sources, backwards for any method but fusion."""
        self.asked.append((query, tuple(sources) if sources else None))
        found = [
            _candidate(name, text)
            for name, text in self._texts.items()
            if name in (sources or self._texts)
        ]
        return tuple(found if method == "fusion" else found[::-1])[:k]


class _LongestFirst:
    """Reads the longest text as the likeliest answer, these words of it; reads nothing in nothing."""

    name, threshold = "longest", 0.5

    def __init__(self, words=None):
        self.words = words

    def read(self, query, candidates):  # noqa: ARG002
        """Return a reading a candidate."""
        order = sorted(range(len(candidates)), key=lambda i: -len(candidates[i].passage.text))
        return tuple(self._reading(i, candidates[i].passage.text) for i in order)

    def _reading(self, i, text):
        return Reading(
            candidate=i, start=0, end=len(text), text=text, probability=0.75, words=self.words
        )


def test_each_question_is_read_on_its_own_passage(tmp_path):
    """The reader sees the passage that was asked of and no other; where it reads nothing, nothing is said."""
    collection = read_squad(_zipped(tmp_path / "dev.json.gz", json.dumps(SQUAD)))
    shelf = _Shelf(**{"Ada/0": "Ada wrote notes.", "Ada/1": "Something much longer than that."})
    said = read_one_passage_each(collection, shelf, _LongestFirst())
    assert {
        "a": Prediction("Ada wrote notes.", 0.25),
        "b": Prediction("Ada wrote notes.", 0.25),
    } == said
    assert {("Ada/0",)} == {sources for _, sources in shelf.asked}
    assert {"a": NOTHING, "b": NOTHING} == read_one_passage_each(
        collection, _Shelf(), _LongestFirst()
    )
    pointing = _LongestFirst(words=Span(start=4, end=9))
    said = read_one_passage_each(collection, shelf, pointing)
    assert {"a": Prediction("wrote", 0.25), "b": Prediction("wrote", 0.25)} == said


def test_ways_of_ranking_give_sources_once():
    """A method's order is kept, and the reader's is that of its readings."""
    shelf = _Shelf(a="x", b="xxx", c="xx")
    ranked = {
        way: Ranking(rag=shelf, way=way, reader=_LongestFirst()).search_sources("?", 2)
        for way in ("fusion", "dense", "reader")
    }
    assert {"fusion": ["a", "b"], "dense": ["c", "b"], "reader": ["b", "c"]} == ranked
    one_read = Ranking(rag=shelf, way="reader", reader=_LongestFirst(), n_read=1)
    assert ["a", "b"] == one_read.search_sources("?", 2)


class _Oracle:
    """Says "Ada." to whatever mentions notes, and nothing to all else."""

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:  # noqa: ARG002
        """Return an answer of no citations."""
        knows = "notes" in question
        return Answer(
            question=question,
            query=question,
            status="answered" if knows else "unanswered",
            reason=None,
            text="It was Ada. [1]" if knows else "Ada is not in the sources.",
            statements=(),
            citations=(),
            evidence=(),
            confidence=0.9 if knows else 0.3,
            model="oracle",
        )


def test_what_the_program_answers_is_judged_by_accepted_wordings():
    """A wording counts where it is said as an answer; an abstention holds none, whatever its words."""
    said = {"Who wrote the notes?": ("Ada",), "Who sold it?": ("Ada",), "Which notes?": ()}
    collection = Collection(
        name="ada",
        sources=(),
        examples=tuple(
            Example(query_id=question, question=question, answers=answers, answerable=bool(answers))
            for question, answers in said.items()
        ),
        qrels={},
    )
    asked = ask_all(collection, _Oracle())
    assert [1.0, 0.0, 0.0] == [one.contained for one in asked]
    assert ["stated", "silent", "stated"] == [one.degree for one in asked]
    assert [1.0, 0.0, -2.0] == [one.reliability for one in asked]
    assert [0.9, 0.3, 0.9] == [one.confidence for one in asked]


def test_a_guess_is_judged_and_counted_apart():
    """What calls itself likely is looked at as an answer is, and is worth half."""

    class Guessing(_Oracle):
        def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
            return replace(super().ask(question, history), status="likely")

    examples = tuple(
        Example(query_id=question, question=question, answers=answers, answerable=bool(answers))
        for question, answers in {"Who wrote the notes?": ("Ada",), "Which notes?": ()}.items()
    )
    collection = Collection(name="ada", sources=(), examples=examples, qrels={})
    asked = ask_all(collection, Guessing())
    assert [("guessed", 1.0, 0.5), ("guessed", 0.0, -0.5)] == [
        (one.degree, one.contained, one.reliability) for one in asked
    ]


@pytest.fixture
def settings(monkeypatch) -> Settings:
    """Return settings that nobody's environment has a say in."""
    for name in [name for name in os.environ if name.startswith("RAG_")]:
        monkeypatch.delenv(name)
    return Settings()


@pytest.mark.model
def test_squad_is_measured_in_every_mode(tmp_path, settings):
    """One passage at a time gives EM and F1 of both sorts, all together the rankings, or what the program answers."""
    path = _zipped(tmp_path / "dev.json.gz", json.dumps(SQUAD))
    told = []
    read = run_benchmark(path, settings=settings, progress=lambda *step: told.append(step))
    assert ["all", "HasAns", "NoAns"] == list(read.rows)
    assert ["EM", "F1"] == list(read.rows["all"])
    assert ("reading", 2, 2) == told[-1]
    assert "Best thresholds" in read.to_markdown()
    found = run_benchmark(path, mode="corpus", settings=settings)
    assert ["dense", "lexical", "convex", "fusion", "reader"] == list(found.rows)
    assert 1 == found.rows["fusion"]["Success@1"].n  # the unanswerable question is left out
    assert 100.0 == found.rows["fusion"]["Success@1"].value
    assert "reader - fusion, Success@1: +0.0 points" in found.to_markdown()
    asked = run_benchmark(path, mode="answers", settings=settings)
    assert ["answerable", "unanswerable"] == list(asked.rows)
    assert 1 == asked.rows["answerable"]["answer contained"].n
    assert 1 == asked.rows["answerable"]["and stated"].n
    assert 1 == asked.rows["unanswerable"]["stated"].n == asked.rows["unanswerable"]["guessed"].n
    assert 0 == asked.rows["unanswerable"]["answer contained"].n
    assert "Effective reliability" in asked.to_markdown()
    assert "AUROC of the confidence" in asked.to_markdown()


@pytest.mark.model
def test_folders_and_conversations_are_measured_as_corpora(tmp_path, settings):
    """BEIR and mtRAG are searched whole; a follow-up is searched by the query made of it."""
    assert ["dense", "lexical", "convex", "fusion", "reader"] == list(
        run_benchmark(_beir(tmp_path), settings=settings).rows
    )
    path = _zipped(tmp_path / "m.jsonl.gz", json.dumps(MTRAG))
    assert 100.0 == run_benchmark(path, settings=settings).rows["lexical"]["Success@1"].value


def test_canard_and_support_need_no_model(tmp_path, settings):
    """Rewrites are compared with a person's, claims with their labels, a row a file."""
    path = _zipped(tmp_path / "c.json.gz", json.dumps([CANARD, CANARD | {"Question_no": 2}]))
    report = run_benchmark(path, sample=1, settings=settings)
    assert ["question alone", "standalone"] == list(report.rows)
    assert 1 == report.rows["standalone"]["BLEU"].n
    folder = tmp_path / "claims"
    folder.mkdir()
    wrong = SUPPORT | {"claim": "Babbage sold 12 engines.", "label": "not_supported"}
    _zipped(folder / "s.jsonl.gz", f"{json.dumps(SUPPORT)}\n{json.dumps(wrong)}\n")
    (folder / "notes.txt").touch()
    rows = run_benchmark(folder, settings=settings).rows
    assert ["s"] == list(rows)
    assert 100.0 == rows["s"]["balanced accuracy"].value
    assert (1, 1) == (rows["s"]["recall"].n, rows["s"]["specificity"].n)


@pytest.mark.parametrize(
    ("record", "mode", "message"),
    [
        ([CANARD], "corpus", r"\(canard\) has no documents to search"),
        (SUPPORT, "corpus", r"\(support\) has no documents to search"),
        (MTRAG, "reading", r"\(mtrag\) has no answers to read for"),
        (MTRAG, "answers", r"\(mtrag\) has no answers to read for"),
        ({"data": []}, "reading", r"\(squad\) holds no questions"),
    ],
)
def test_a_mode_that_a_layout_lacks_is_told(tmp_path, settings, record, mode, message):
    """What cannot be measured of a collection is refused before any work is done."""
    path = _zipped(tmp_path / "x.gz", json.dumps(record))
    with pytest.raises(DatasetError, match=message):
        run_benchmark(path, mode=mode, settings=settings)

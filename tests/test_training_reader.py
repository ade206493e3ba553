"""The training of the reader: what it learns from, that it can be stopped anywhere, and what comes out."""

from __future__ import annotations

import json
import shutil
from functools import cache
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rag
from rag.schema import Span
from tests.deferred import Deferred
from tests.reader_fakes import candidate
from tests.training_fakes import (
    documents,
    reading_data,
    save_documents,
    save_reading_data,
    save_tiny_bert,
)
from training.reader.batches import CLS, SEP, batches
from training.reader.data import (
    DOCUMENTS_HELD_OUT,
    MINED,
    NEIGHBOUR,
    PARAGRAPH,
    PASSAGE,
    Documents,
    Prepared,
    load_tokenizer,
    prepare,
    training_articles,
)
from training.reader.documents import read_out
from training.reader.evaluation import best_span
from training.reader.squad import (
    Article,
    Judged,
    Paragraph,
    Question,
    hold_out,
    hold_out_documents,
    read_articles,
)
from training.support.written import as_articles, read_passages

pytestmark = [
    pytest.mark.slow,  # torch and transformers take seconds to import
    pytest.mark.skipif(
        find_spec("sklearn") is None, reason="comes with `make .venv/.ready-training`"
    ),
]

torch = Deferred("torch")
calibrate = Deferred("training.reader.calibrate")
export = Deferred("training.reader.export")
model = Deferred("training.reader.model")
train = Deferred("training.reader.train")

TOKENIZER = Path(rag.__file__).parents[1] / "rag" / "data" / "minilm" / "tokenizer.json"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A set to train on, with what is judged beside it."""
    return save_reading_data(tmp_path_factory.mktemp("reading"))


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Path:
    """A BERT that a test can train."""
    return save_tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def prepared(data, tmp_path_factory) -> Prepared:
    """What is trained on."""
    kept_in = tmp_path_factory.mktemp("cache") / "data.npz"
    return prepare(data, [data.with_name("squad2_dev.json")], TOKENIZER, kept_in, seed=0)


@cache
def tokenizer():
    """The tokenizer of the data and the model."""
    return load_tokenizer(TOKENIZER)


def words(prepared, view) -> str:
    """The answer that a view points at."""
    _, _, text, first, last = view
    return tokenizer().decode(prepared.texts[text][first : last + 1].tolist())


def test_what_is_judged_is_not_trained_on(tmp_path):
    """Of what is judged no title, no paragraph, no 13 words in a row and no question is left to train on."""
    judged = reading_data("judged", articles=3, seed=5)
    mixed = reading_data("train", articles=14, seed=6)
    mixed["data"][0]["title"] = judged["data"][0]["title"].upper()
    stolen = judged["data"][1]["paragraphs"][0]["context"]
    mixed["data"][1]["paragraphs"][0]["context"] += f" As was said: {stolen}"
    asked = judged["data"][2]["paragraphs"][0]["qas"][0]["question"]
    mixed["data"][2]["paragraphs"][0]["qas"][0]["question"] = f"  {asked.upper()} "
    for name, content in (("judged", judged), ("train", mixed)):
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    judge = Judged(read_articles(tmp_path / "judged.json"))
    before = judge.overlap(read_articles(tmp_path / "train.json"))

    articles, _ = training_articles(tmp_path / "train.json", [tmp_path / "judged.json"], seed=0)

    assert (1, 1, 1) == (before.titles, before.paragraphs, before.questions)
    assert not judge.overlap(articles)
    assert articles


def test_held_out_articles_are_not_trained_on(data):
    """What calibrates is drawn by the seed, and is apart from what trains."""
    articles = read_articles(data)
    rest, held = hold_out(articles, 5, 3)

    assert 5 == len(held)
    assert sorted(one.title for one in articles) == sorted(one.title for one in (*rest, *held))
    assert hold_out(articles, 5, 3) == (rest, held)
    assert hold_out(articles, 5, 4) != (rest, held)


def test_views_point_at_the_answer_or_do_not_hold_it(prepared, data):
    """A view with an answer points at its words; a neighbour or a mined passage does not say them."""
    articles, _ = training_articles(data, [data.with_name("squad2_dev.json")], seed=0)
    wanted = [
        {text.lower() for _, text in question.answers}
        for article in articles
        for paragraph in article.paragraphs
        for question in paragraph.questions
    ]
    kinds = set()
    for view in prepared.views.tolist():
        kinds.add(view[1])
        if view[3] >= 0:
            assert words(prepared, view) in wanted[view[0]]
            assert view[1] in (PARAGRAPH, PASSAGE)
        elif wanted[view[0]]:
            assert view[1] in (NEIGHBOUR, MINED)
            text = tokenizer().decode(prepared.texts[view[2]].tolist())
            assert not any(one in text for one in wanted[view[0]])
    assert {PARAGRAPH, PASSAGE, MINED} <= kinds


def test_the_cache_is_used_only_for_the_same_files(data, tmp_path):
    """Preparing again reads the cache; with other data it is made anew."""
    own = Path(shutil.copyfile(data, tmp_path / "train.json"))
    kept_in, judged = tmp_path / "data.npz", [data.with_name("squad2_dev.json")]
    first = prepare(own, judged, TOKENIZER, kept_in, seed=0)
    written = kept_in.stat().st_mtime_ns
    again = prepare(own, judged, TOKENIZER, kept_in, seed=0)
    kept = kept_in.stat().st_mtime_ns

    own.write_text(json.dumps(reading_data("other", articles=14, seed=9)), encoding="utf-8")
    other = prepare(own, judged, TOKENIZER, kept_in, seed=0)

    assert written == kept
    assert first.made == again.made
    assert np.array_equal(first.views, again.views)
    assert first.made["data"] != other.made["data"]


def test_questions_on_documents_are_asked_several_times_an_epoch(data, prepared, tmp_path):
    """With documents their questions come as often as is said, those of the articles once; the cache is made anew."""
    path = save_documents(tmp_path)
    judged, kept_in = [data.with_name("squad2_dev.json")], tmp_path / "data.npz"
    prepare(data, judged, TOKENIZER, kept_in, seed=0)

    both = prepare(data, judged, TOKENIZER, kept_in, seed=0, documents=Documents(path, 3))

    kept, _ = hold_out_documents(read_articles(path), DOCUMENTS_HELD_OUT, 0)
    n = len(prepared.questions.lengths)
    assert n + 3 * sum(1 for each in kept for _ in each.questions) == len(both.questions.lengths)
    asked = [
        tokenizer().decode(both.questions[i].tolist())
        for i in range(n, len(both.questions.lengths))
    ]
    assert {3} == {asked.count(one) for one in asked}
    assert prepare(data, judged, TOKENIZER, kept_in, seed=0).made == prepared.made


def test_documents_are_trained_on_as_they_are_read_out(tmp_path):
    """A cell stands behind its column's name, and answers are where they were."""
    for document in read_out(read_articles(save_documents(tmp_path))):
        (paragraph,) = document.paragraphs
        assert "Zone: North | Price: 4.20" in paragraph.text
        for question in paragraph.questions:
            for start, wording in question.answers:
                assert wording == paragraph.text[start : start + len(wording)]
        price, listed, _ = paragraph.questions
        assert ["4.20"] == [wording for _, wording in price.answers]
        assert ["a pen\n- a cap"] == [wording for _, wording in listed.answers]


def test_a_document_stays_where_it_was_drawn():
    """Documents that come later move none of those before from training to what is kept back, or the other way."""
    documents = [Article(title=f"document {i}", paragraphs=()) for i in range(200)]

    rest, held = hold_out_documents(documents[:100], 12, 0)
    more, later = hold_out_documents(documents, 12, 0)

    assert set(rest) <= set(more)
    assert set(held) <= set(later)
    assert 8 <= len(later) <= 30
    assert hold_out_documents(documents, 12, 1) != (more, later)


def test_half_of_a_list_is_enough_for_a_passage(data, tmp_path):
    """A passage that cuts off the end of a list answers with what it has of it."""
    content = documents(1)
    paragraph = content["data"][0]["paragraphs"][0]
    long = " and a long word more" * 3
    items = [f"- item {i}{long}" for i in range(9)]
    paragraph["context"] = "All there is:\n\n" + "\n".join(items)
    at = paragraph["context"].index(items[0])
    paragraph["qas"] = [
        {"id": "1", "question": "What items are there?", "is_impossible": False,
         "answers": [{"text": "\n".join(items), "answer_start": at}]}
    ]  # fmt: skip
    (tmp_path / "long.json").write_text(json.dumps(content), encoding="utf-8")

    prepared = prepare(
        data, [], TOKENIZER, tmp_path / "data.npz", seed=0, documents=Documents(tmp_path / "long.json", 1)
    )  # fmt: skip

    last = prepared.views[:, 0].max()
    views = [one for one in prepared.views.tolist() if one[0] == last]
    assert {PARAGRAPH, PASSAGE} <= {one[1] for one in views if one[3] >= 0}
    said = [words(prepared, one) for one in views if one[1] == PASSAGE]
    assert all(one.startswith("- item 0") and "item 8" not in one for one in said)


def test_the_documents_share_nothing_with_what_is_judged():
    """No question or claim and no 13 words in a row are in the sets that the program is judged on."""
    root = TOKENIZER.parents[3]
    rows = [
        json.loads(line)
        for path in (root / "eval" / "data").rglob("*.jsonl")
        if "sources" not in path.parts
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    texts = [
        path.read_text(encoding="utf-8")
        for folder in (*(root / "eval" / "data").rglob("sources"), root / "seeds")
        for path in folder.iterdir()
        if path.suffix in {".txt", ".md", ".html", ".csv"}
    ]
    asked = tuple(Question(question_id="", text=one["question"], answers=()) for one in rows)
    judged = Judged(
        [Article(title="", paragraphs=(Paragraph(text=text, questions=asked),)) for text in texts]
    )

    assert texts
    assert rows
    for found in (
        read_articles(root / "training" / "documents.json.gz"),
        as_articles(read_passages(root / "training" / "claims.json.gz")),
    ):
        assert found
        assert not judged.overlap(found)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 40), st.integers(120, 700), st.integers(0, 3))
def test_any_step_can_be_the_first(prepared, first, pieces, seed):
    """The batches from a step on are those that come there anyway, whatever the epoch."""
    drawn = {"seed": seed, "pieces": pieces, "longest": 100}

    whole = list(islice(batches(prepared, **drawn), first + 2))
    seen = sum(one.n for one in whole[:first])
    resumed = list(islice(batches(prepared, seen=seen, **drawn), 2))

    for one, other in zip(whole[first:], resumed, strict=True):
        assert np.array_equal(one.ids, other.ids)
        assert np.array_equal(one.start, other.start)


def test_an_epoch_asks_every_question_once(prepared):
    """No question is left out of an epoch and none comes twice."""
    n, count, seen = len(prepared.questions.lengths), 0, set()
    for batch in batches(prepared, seed=0, pieces=600, longest=256):
        count += batch.n
        seen |= {
            tuple(row[row.tolist().index(CLS) + 1 : row.tolist().index(SEP)]) for row in batch.ids
        }
        if count >= n:
            break

    assert n == count
    assert n == len(seen)


@settings(max_examples=8, deadline=None)
@given(st.integers(24, 256), st.integers(0, 5))
def test_a_window_keeps_the_answer(prepared, longest, seed):
    """However little of a text is read, what is marked as the answer is its words, inside the text."""
    answers = {words(prepared, view) for view in prepared.views.tolist() if view[3] >= 0}
    for batch in islice(batches(prepared, seed=seed, pieces=600, longest=longest), 3):
        assert batch.ids.shape[1] <= longest
        for row in np.flatnonzero(batch.start):
            inside = slice(batch.start[row], batch.end[row] + 1)
            assert tokenizer().decode(batch.ids[row, inside].tolist()) in answers
            assert batch.types[row, inside].all()


@given(st.lists(st.tuples(*[st.floats(-9, 9, width=32)] * 2), min_size=1, max_size=40))
def test_the_judged_span_is_the_best_of_all(logits):
    """The span that judging takes is the best of all of at most 30 pieces."""
    start, end = (np.array(values, np.float32) for values in zip(*logits, strict=True))
    n = len(start)

    first, last = best_span(start, end)

    assert 0 <= last - first < 30
    assert start[first] + end[last] == max(
        start[i] + end[j] for i in range(n) for j in range(i, min(n, i + 30))
    )


def run(data, bert, out, *more) -> None:
    """Train as the command line does."""
    train.main(
        [
            *("--data", str(data), "--dev", str(data.with_name("squad2_dev.json"))),
            *("--weights", str(bert), "--out", str(out), "--threads", "1", "--pieces", "600"),
            *("--sample", "6", "--evaluate-every", "1000", "--device", "cpu", *more),
        ]
    )


def logged(folder) -> list[dict[str, float]]:
    """The lines of a run's log."""
    return [
        json.loads(line) for line in (folder / train.LOG).read_text(encoding="utf-8").splitlines()
    ]


def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(data, bert, tmp_path):
    """Stopped after 3 steps and taken up again, 7 steps give bit for bit what 7 in one go give."""
    run(data, bert, tmp_path / "whole", "--steps", "7", "--dropout", "0.1")
    run(data, bert, tmp_path / "parts", "--steps", "3", "--dropout", "0.1")
    run(data, bert, tmp_path / "parts", "--steps", "7", "--dropout", "0.1")

    whole, parts = (tmp_path / name / train.CHECKPOINT for name in ("whole", "parts"))
    one, other = model.read_tensors(whole), model.read_tensors(parts)
    assert model.about(whole) == model.about(parts)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_is_not_taken_up_with_another_recipe(data, bert, tmp_path):
    """Other options than the run began with are refused, and what to do is said."""
    run(data, bert, tmp_path, "--steps", "1")

    with pytest.raises(SystemExit, match="another --out"):
        run(data, bert, tmp_path, "--steps", "2", "--rate", "1e-5")


@pytest.mark.parametrize("shipped", [False, True])
def test_a_run_follows_another(data, bert, tmp_path, shipped):
    """It begins with the other's weights, from a checkpoint or an ONNX file, and learns from what that had not seen."""
    run(data, bert, tmp_path / "first", "--steps", "2")
    before = tmp_path / "first" / train.CHECKPOINT
    if shipped:
        export_reader(tmp_path / "first", data, bert, tmp_path / "shipped")
        before = tmp_path / "shipped" / "model.onnx"

    run(data, bert, tmp_path / "second", "--steps", "1", "--rate", "0", "--begin", str(before))

    one, other = (
        model.read_tensors(tmp_path / name / train.CHECKPOINT) for name in ("first", "second")
    )
    weights = [name for name in one if name.startswith("weight/")]
    step = 0.5 / 127 if shipped else 0
    assert all(
        torch.allclose(one[name], other[name], rtol=0, atol=1e-7 + step * one[name].abs().max())
        for name in weights
    )
    seen = model.about(tmp_path / "first" / train.CHECKPOINT)["examples"]
    assert seen < model.about(tmp_path / "second" / train.CHECKPOINT)["examples"]


def test_a_run_does_not_follow_one_of_another_seed(data, bert, tmp_path):
    """The seed decides what is kept back for calibrating: with another one, some of it would have been seen."""
    run(data, bert, tmp_path / "first", "--steps", "1")
    before = str(tmp_path / "first" / train.CHECKPOINT)

    with pytest.raises(SystemExit, match="give the same"):
        run(data, bert, tmp_path / "second", "--steps", "1", "--seed", "1", "--begin", before)


def test_two_runs_do_not_share_a_folder(data, bert, tmp_path):
    """While one run is at work in a folder, a second one stops at once."""
    with train.locked(tmp_path), pytest.raises(SystemExit, match="Another run"):
        run(data, bert, tmp_path, "--steps", "1")


def test_cooling_down_leaves_the_run_alone_and_goes_on_after_a_stop(data, bert, tmp_path):
    """A cooled copy ends at a rate of nearly nothing; the run's own checkpoint stays as it was."""
    run(data, bert, tmp_path, "--steps", "2")
    before = (tmp_path / train.CHECKPOINT).read_bytes()

    run(data, bert, tmp_path, "--cooldown", "4")

    folder = tmp_path / "cooled-0000002-4"
    assert before == (tmp_path / train.CHECKPOINT).read_bytes()
    assert 6 == model.about(folder / train.CHECKPOINT)["step"]
    assert model.recipe_of(folder / train.CHECKPOINT).rate / 4 == pytest.approx(
        logged(folder)[0]["rate"]
    )

    shutil.copyfile(
        tmp_path / train.CHECKPOINT, folder / train.CHECKPOINT
    )  # as if stopped at its first step
    run(data, bert, tmp_path, "--steps", "3")
    assert (folder, 2, 6) == train.cooling_folder(tmp_path, 4)


def test_articles_and_documents_count_alike_in_calibrating():
    """However few the questions on documents are, they weigh as much; and so many of both have an answer as is said."""
    reads = [
        calibrate.Read(
            x=np.zeros((1, 1)),
            right=np.array([answerable]),
            candidate=np.zeros(1, dtype=np.int64),
            evidence=np.array([answerable]),
            answerable=answerable,
            title="",
            kind=kind,
        )
        for kind, answerable in [("articles", i % 2 == 0) for i in range(30)]
        + [("documents", i < 4) for i in range(6)]
    ]

    even, weights = calibrate.evenly(reads), calibrate.importance(reads, 0.8)

    assert even[:30].sum() == pytest.approx(even[30:].sum())
    assert len(reads) == pytest.approx(weights.sum())
    assert 0.8 * len(reads) == pytest.approx(weights[[one.answerable for one in reads]].sum())


def test_each_kind_is_measured_by_a_fit_on_the_others(monkeypatch):
    """No kind has a part in the fit that it is measured by; the mean is of the kinds, however many questions each has."""
    from training.reader import calibrate as module

    reads = [
        module.Read(
            x=np.zeros((1, 1)),
            right=np.array([True]),
            candidate=np.zeros(1, dtype=np.int64),
            evidence=np.array([True]),
            answerable=True,
            title="",
            kind=kind,
        )
        for kind in ("news", "news", "news", "rules")
    ]

    def kinds(reads, **_):
        return {one.kind for one in reads}

    def figures(reads, fitted, **_):
        return {"seen": float(reads[0].kind in fitted), "n": len(reads)}

    monkeypatch.setattr(module, "fit", kinds)
    monkeypatch.setattr(module, "report", figures)

    found = module.left_out(reads, share=0.8)

    assert {
        "news": {"seen": 0.0, "n": 3},
        "rules": {"seen": 0.0, "n": 1},
        "mean": {"seen": 0.0, "n": 2.0},
    } == found


def test_texts_are_short_until_a_run_cools_down(data, bert, tmp_path):
    """Most steps read windows; those that decide the weights that ship read as the program does."""
    run(data, bert, tmp_path, "--steps", "1")
    stages = [
        train.stage_of(args, train.recipe_from(args))
        for more in ([], ["--cooldown", "4"])
        for args in [train.read_arguments(["--data", str(data), "--out", str(tmp_path), *more])]
    ]

    assert [128, 256] == [one.longest for one in stages]


def test_the_log_has_losses_and_official_figures(data, bert, tmp_path):
    """Every run leaves its losses and what it was judged, under the official names."""
    run(data, bert, tmp_path, "--steps", "2")

    losses, figures = logged(tmp_path)
    assert {"step", "examples", "span_loss", "answerable_loss", "rate"} <= losses.keys()
    assert {"exact", "f1", "best_f1", "auroc", "HasAns_f1", "NoAns_f1"} <= figures.keys()


def test_the_network_can_learn(data, bert, tmp_path):
    """On a set this small the loss falls: what is learned from is what is asked for."""
    run(data, bert, tmp_path, "--steps", "120", "--rate", "3e-3", "--no-freeze-embeddings")

    spans = [line["span_loss"] for line in logged(tmp_path) if "span_loss" in line]
    assert spans[-1] < 0.6 * spans[0]


def test_the_exported_file_reads_as_the_network_does(data, bert, tmp_path):
    """In fp32 the file's logits are the network's, and the program's reader loads what is written."""
    from rag.reader.onnx import open_folder

    run(data, bert, tmp_path / "run", "--steps", "3")
    network = export.load_network(tmp_path / "run" / train.CHECKPOINT, bert)
    forms = export.export_forms(network, tmp_path)
    batch = next(batches(prepare_again(data, tmp_path), seed=0, pieces=600, longest=256))
    said = export.onnx_model(forms["fp32"], 1)(batch)
    with torch.inference_mode():
        meant = network(*(torch.from_numpy(one) for one in (batch.ids, batch.mask, batch.types)))

    real = batch.mask.astype(bool)
    assert np.allclose(meant.start.numpy()[real], said.start[real], atol=1e-4)
    assert np.allclose(meant.answer.numpy(), said.answer, atol=1e-4)

    export_reader(tmp_path / "run", data, bert, tmp_path / "reader")
    reader = open_folder(tmp_path / "reader", threads=1)
    words = reader.read("Where was Ada?", [candidate("Ada was in Rome.", "Ben left.")])[0].words
    assert isinstance(words, Span)


def export_reader(run_in, data, bert, out) -> None:
    """Write a run's reader as it ships."""
    export.main(
        [
            *("--checkpoint", str(run_in), "--data", str(data), "--weights", str(bert)),
            *("--dev", str(data.with_name("squad2_dev.json")), "--out", str(out)),
        ]
    )


def prepare_again(data, tmp_path) -> Prepared:
    """What a run in `tmp_path / "run"` trained on."""
    judged = [data.with_name("squad2_dev.json")]
    return prepare(data, judged, TOKENIZER, tmp_path / "run" / "data.npz", seed=0)

"""The neural reader: from logits to sentences, its ONNX file, and any model of Hugging Face in its place."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import ModelError
from rag.reader import load_reader, neural
from rag.reader.layout import spoken
from rag.reader.neural import LONGEST_ANSWER, Calibration, NeuralReader, SpanLogits
from rag.reader.onnx import inked
from rag.schema import Span
from tests.reader_fakes import (
    FixedModel,
    WordModel,
    candidate,
    laid_out,
    save_tiny_reader,
    save_word_reader,
)

PLAIN = Calibration(rank={"margin": 1.0}, sure={"margin": 1.0}, sure_bias=0.0, threshold=0.5)
TALKS = candidate("Shoigu met Kim on Friday.", "They ate fish.", begin=100)


def reader(worth, *, null=0.0, calibration=PLAIN, threads=1) -> NeuralReader:
    """A neural reader to which words are worth what the test says."""
    return NeuralReader(
        WordModel(worth, null=null), name="words/1", calibration=calibration, threads=threads
    )


def test_the_sentence_of_the_best_span_is_first():
    """The span's sentence is the likeliest; its words are given in offsets of the source."""
    first, second = reader({"Shoigu": 3.0}).read("Who met Kim?", [TALKS])

    assert "Shoigu met Kim on Friday." == first.text
    assert Span(start=100, end=106) == first.words
    assert first.probability > second.probability


def test_the_probability_is_the_logistic_of_margin_and_answer():
    """Margin, answer logit and bias enter with the weights of the calibration."""
    fitted = Calibration(
        rank={"margin": 1.0}, sure={"margin": 0.5, "answer": 0.25}, sure_bias=-1.0, threshold=0.5
    )

    found = reader({"Shoigu": 3.0}, null=1.0, calibration=fitted).read("Who?", [TALKS])[0]

    odds = 0.5 * (3.0 + 3.0 - 1.0) + 0.25 * 3.0 - 1.0
    assert 1 / (1 + math.exp(-odds)) == pytest.approx(found.probability)


def test_the_first_candidates_are_weighed_by_all():
    """What is read first has the probability that it has among the rest, which is not read; nothing is read twice."""
    other = laid_out("Putin met nobody.", begin=500)
    model = CountingModel({"Shoigu": 3.0, "nobody.": 2.0})
    both = NeuralReader(model, name="x", calibration=PLAIN, threads=1)

    first = both.read_first("Who met Kim?", [TALKS, other], 1)
    rest = both.read("Who met Kim?", [TALKS, other])

    assert first == tuple(one for one in rest if one.candidate == 0)
    assert [spoken(TALKS)[0], spoken(other)[0]] == model.seen


def test_a_space_before_a_word_is_no_part_of_it():
    """Some tokenizers count it to the word; of a piece that is nothing but space nothing is left."""
    text = "ab  cd\n"

    found = inked(text, np.array([[0, 2], [2, 6], [2, 3], [6, 7], [5, 6]]))

    assert [[0, 2], [4, 6], [3, 3], [7, 7], [5, 6]] == found.tolist()


class CountingModel(WordModel):
    """Remembers the texts that it read."""

    def __init__(self, worth):
        super().__init__(worth)
        self.seen = []

    def read(self, question, text):
        """Note the text."""
        self.seen.append(text)
        return super().read(question, text)


def test_a_span_never_crosses_a_sentence():
    """Start in one sentence and end in the next is no answer of either."""
    window = WordModel({}).read("", TALKS.passage.text)[0]
    start, end = window.start.copy(), window.end.copy()
    start[0], end[-1] = 9.0, 9.0
    model = FixedModel(SpanLogits(start=start, end=end, offsets=window.offsets, null=0.0))

    found = NeuralReader(model, name="x", calibration=PLAIN, threads=1).read("", [TALKS])

    for one in found:
        assert one.start <= one.words.start < one.words.end <= one.end


BOX = laid_out("Contents \n\nThe box holds: \n- one kettle \n- one base \n\nIt is red.", begin=100)


def test_a_span_over_items_is_an_answer_of_their_list():
    """It starts in one item and ends in another: the sentence that announces them is read with the list."""
    text, read = BOX.passage.text, spoken(BOX)[0]
    window = WordModel({}).read("", read)[0]
    start, end = window.start.copy(), window.end.copy()
    words = read.split(" ")
    start[words.index("kettle")], end[words.index("base")] = 9.0, 9.0
    model = FixedModel(SpanLogits(start=start, end=end, offsets=window.offsets, null=0.0))

    first = NeuralReader(model, name="x", calibration=PLAIN, threads=1).read("", [BOX])[0]

    assert "The box holds: \n- one kettle \n- one base" == first.text
    assert "kettle \n- one base" == text[first.words.start - 100 : first.words.end - 100]


def test_words_within_an_item_are_the_item_s_answer():
    """The list is not said where one of its items answers."""
    first = reader({"kettle": 3.0}).read("What?", [BOX])[0]

    assert "- one kettle" == first.text


def test_a_cell_is_read_with_the_name_of_its_column():
    """The name counts for it, and what is found stands where the passage has it."""
    text = "name | price\nsea | 80\nhill | 60"
    table = laid_out(text, begin=100)
    read = spoken(table)[0]
    at = read.index("60") - len("price: ")
    offsets = np.array([(at, at + 6), (at + 7, at + 9)])
    logits = np.array([2.0, 3.0], np.float32)
    model = FixedModel(SpanLogits(start=logits, end=logits, offsets=offsets, null=0.0))

    first = NeuralReader(model, name="x", calibration=PLAIN, threads=1).read("", [table])[0]

    assert ("hill | 60", "60") == (
        first.text,
        text[first.words.start - 100 : first.words.end - 100],
    )


def test_a_heading_answers_only_where_the_model_points_at_it():
    """Whatever its words weigh, another sentence with a better span comes first."""
    fitted = Calibration(
        rank={"margin": 0.1, "phrase": 9.0}, sure={"margin": 1.0}, sure_bias=0.0, threshold=0.5
    )

    pointed = reader({"Contents": 3.0}, calibration=fitted).read("Contents", [BOX])
    other = reader({"red.": 3.0}, calibration=fitted).read("Contents", [BOX])

    assert ("Contents", "It is red.") == (pointed[0].text, other[0].text)
    assert "Contents" == other[-1].text


@given(
    st.lists(
        st.sampled_from(["- one", "It has:", "A heading", "Said. In full.", "a | b", "7 | 8", ""])
    ).map("\n".join)
)
def test_offsets_are_those_of_the_passage(text):
    """Every character that was read stands where the passage has it, whatever was put in before it."""
    read, put_in = spoken(laid_out(text))
    at = np.arange(len(read))
    zeros = np.zeros(len(read), np.float32)
    window = SpanLogits(start=zeros, end=zeros, offsets=np.stack([at, at + 1], axis=1), null=0.0)

    offsets = neural._as_written(window, put_in).offsets

    written = [read[place] for place, (start, end) in enumerate(offsets) if start < end]
    assert text == "".join(written) == "".join(text[start:end] for start, end in offsets)
    assert sorted(offsets[:, 0]) == list(offsets[:, 0])


def test_words_that_were_put_in_are_no_answer():
    """A model that points at a heading read out before a sentence points at no words of it."""
    cut = replace(
        BOX,
        sentences=BOX.sentences[-1:],
        passage=replace(BOX.passage, start=BOX.sentences[-1].start, text="It is red."),
    )
    at = spoken(cut)[0].index("Contents")
    logits = np.array([3.0], np.float32)
    model = FixedModel(
        SpanLogits(start=logits, end=logits, offsets=np.array([(at, at + 8)]), null=0.0)
    )

    found = NeuralReader(model, name="x", calibration=PLAIN, threads=1).read("", [cut])

    assert ("It is red.", None) == (found[0].text, found[0].words)


@given(
    st.lists(
        st.tuples(st.floats(-20, 20, width=32), st.floats(-20, 20, width=32)),
        min_size=1,
        max_size=45,
    )
)
def test_the_best_span_is_the_best_of_all_spans(logits):
    """What is found in a sentence is what trying every span finds."""
    words = " ".join(f"w{i}" for i in range(len(logits)))
    one = candidate(words)
    start, end = (np.array(values, np.float32) for values in zip(*logits, strict=True))
    offsets = WordModel({}).read("", words)[0].offsets
    model = FixedModel(SpanLogits(start=start, end=end, offsets=offsets, null=0.0))

    found = NeuralReader(model, name="x", calibration=PLAIN, threads=1).look("", [one])[0]

    n = len(logits)
    best = max(start[i] + end[j] for i in range(n) for j in range(i, min(n, i + LONGEST_ANSWER)))
    assert float(best) == pytest.approx(found.values[0], abs=1e-5)


def test_a_sentence_that_the_model_did_not_reach_is_next_to_impossible():
    """A sentence without a word piece, such as one cut off, is read all the same, as no answer."""
    blind = NeuralReader(FixedModel(), name="x", calibration=PLAIN, threads=1)

    found = blind.read("Who?", [TALKS])

    assert [None, None] == [one.words for one in found]
    assert all(one.probability < 1e-6 for one in found)


def test_a_sentence_in_two_candidates_is_read_in_the_better_one():
    """Overlap of passages does not double a sentence; the better candidate is the first."""
    again = candidate("They ate fish.", "Then they left.", begin=126)

    found = reader({}).read("What did they eat?", [TALKS, again])

    assert [100, 126, 141] == sorted(one.start for one in found)
    assert 0 == next(one.candidate for one in found if one.start == 126)


def test_equal_readings_are_in_order_of_candidate_and_place():
    """Ties do not depend on chance."""
    found = reader({}).read("Who?", [TALKS, candidate("Nothing here.", source="b.txt")])

    assert [(0, 100), (0, 126), (1, 0)] == [(one.candidate, one.start) for one in found]


def test_threads_change_nothing():
    """Several candidates at once are read as one after the other."""
    many = [candidate(f"Number {i} is Shoigu.", source=f"{i}.txt") for i in range(9)]

    assert reader({"Shoigu.": 2.0}).read("Who?", many) == reader({"Shoigu.": 2.0}, threads=4).read(
        "Who?", many
    )


def test_nothing_to_read_gives_nothing():
    """No candidates, no readings."""
    assert () == reader({}).read("Who?", [])


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> Path:
    """A folder as `training/reader/export.py` writes it; [CLS] is worth 0, so that nothing is worth 0."""
    pytest.importorskip(
        "onnx", reason="makes the small model; comes with `make .venv/.ready-training`"
    )
    return save_word_reader(tmp_path_factory.mktemp("words"), {"[CLS]": 0.0, "kim": 3.0})


def test_a_folder_is_loaded_as_an_onnx_reader(words):
    """RAG_READER may name the folder of an exported reader; name and threshold are the manifest's."""
    found = load_reader(str(words))

    assert ("words/1", 0.4) == (found.name, found.threshold)
    assert Span(start=111, end=114) == found.read("Whom did he meet?", [TALKS])[0].words


def test_a_long_passage_is_read_to_its_end(words):
    """What stands beyond the bound of the model is read in another window, with the right offsets."""
    long = candidate(*["Rain fell on the hills all day long."] * 30, "He met Kim.")

    best = load_reader(str(words)).read("Whom?", [long])[0]

    assert "He met Kim." == best.text
    assert "Kim" == long.passage.text[best.words.start : best.words.end]


@given(st.text(max_size=60), st.text(max_size=200))
def test_any_text_can_be_read(words, question, sentence):
    """No question and no sentence makes the reader fail, and it reads the same way twice."""
    loaded = load_reader(str(words))
    given_one = [candidate(sentence)]

    assert loaded.read(question, given_one) == loaded.read(question, given_one)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_changed_file_is_refused(words, tmp_path, name):
    """One changed byte in what was shipped, and the reader is not used."""
    for file in words.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)

    changed = load_reader(str(tmp_path))
    with pytest.raises(ModelError, match="SHA-256"):
        changed.read("Who?", [TALKS])


@pytest.mark.parametrize("damage", ["", "[]", '{"files": 3}', '{"files": {}}'])
def test_a_damaged_manifest_is_refused(tmp_path, damage):
    """A manifest that says nothing useful is an error that says what to do."""
    (tmp_path / "manifest.json").write_text(damage, encoding="utf-8")

    with pytest.raises(ModelError, match="RAG_READER"):
        load_reader(str(tmp_path))


def test_a_missing_file_is_named(words, tmp_path):
    """Where a file of the manifest is gone, the message says which."""
    manifest = json.loads((words / "manifest.json").read_text(encoding="utf-8"))
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")

    with pytest.raises(ModelError, match=r"model\.onnx"):
        load_reader(str(tmp_path))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """A random BERT for question answering, as Hugging Face saves it."""
    return save_tiny_reader(tmp_path_factory.mktemp("tiny"))


@pytest.mark.slow  # torch and transformers take seconds to import
def test_a_model_of_hugging_face_reads_as_the_library_reads(tiny):
    """Margins are those of the library's own logits, and the words lie in their sentence."""
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer

    found = load_reader(str(tiny)).read("Whom did he meet?", [TALKS])

    framed = AutoTokenizer.from_pretrained(tiny)(
        "Whom did he meet?", TALKS.passage.text, return_tensors="pt"
    )
    with torch.inference_mode():
        said = AutoModelForQuestionAnswering.from_pretrained(tiny).eval()(**framed)
    start, end = said.start_logits[0].tolist(), said.end_logits[0].tolist()
    opens = framed.input_ids[0].tolist().index(102) + 1
    second = TALKS.passage.text.index("They")
    places = [
        i
        for i in range(opens, len(start) - 1)
        if (framed.token_to_chars(i).start < second) == (found[0].start == 100)
    ]
    margin = max(start[i] + end[j] for i in places for j in places if i <= j) - start[0] - end[0]
    assert 1 / (1 + math.exp(-margin)) == pytest.approx(found[0].probability, abs=1e-5)
    assert all(one.start <= one.words.start < one.words.end <= one.end for one in found)


@pytest.mark.slow  # as above
def test_a_long_passage_is_read_in_windows_by_any_model(tiny):
    """Every sentence of a passage beyond the model's bound has words of its own, however long the question."""
    long = candidate(*[f"On day {i} rain fell on the hills." for i in range(30)])

    found = load_reader(str(tiny)).read("Where did it rain, " + "and where " * 60 + "?", [long])

    assert 30 == len(found)
    assert all(one.words is not None for one in found)


def test_pickled_weights_are_never_read(tmp_path):
    """A folder with pickled weights only is refused before anything is loaded."""
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")

    with pytest.raises(ModelError, match="safetensors"):
        load_reader(str(tmp_path))


def test_loading_the_room_loads_no_model_library():
    """Whoever imports the reader's room pays for no model library."""
    script = "import sys, rag.reader, rag.reader.onnx, rag.reader.hugging_face as _;" + (
        "print([m for m in ('torch', 'transformers', 'onnxruntime', 'tokenizers') if m in sys.modules])"
    )

    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout

    assert "[]" == found.strip()

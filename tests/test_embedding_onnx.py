"""The encoder in the package: int8 all-MiniLM-L6-v2 by ONNX Runtime."""

from __future__ import annotations

import json
import random
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from rag.embedding.onnx import SHIPPED, OnnxEncoder
from rag.embedding.pooling import well_formed
from rag.errors import ModelError
from rag.schema import Span

pytestmark = pytest.mark.model

# Cosines by sentence-transformers in fp32 with the official weights. Of all pairs of paragraphs of
# SQuAD 2.0 dev, 95 in 100 are within 0.018 of fp32.
GOLDEN = [
    (
        "Who is the secretary of the security council?",
        "Sergei Shoigu heads Russia's Security Council.",
        0.5685,
    ),
    (
        "Who is the secretary of the security council?",
        "Wheat prices fell for the third week in a row.",
        -0.1201,
    ),
    ("The meeting was held in Pyongyang.", "They met in the capital of North Korea.", 0.6377),
    ("A man is eating food.", "A man is eating a piece of bread.", 0.7553),
    (
        "The treaty was signed on Wednesday.",
        "The treaty was not signed on Wednesday.",
        0.7836,
    ),
    ("How do I reset my password?", "Choose 'Forgotten password' on the sign-in page.", 0.6922),
]
SENTENCES = [text for one, other, _ in GOLDEN for text in (one, other)]


@pytest.fixture(scope="module")
def encoder() -> OnnxEncoder:
    return OnnxEncoder.open(threads=2)


@pytest.fixture
def folder(tmp_path) -> Path:
    """A copy of the shipped folder, to damage."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "minilm"))


def split(text: str) -> list[Span]:
    """Spans of a text of sentences that end in a full stop."""
    ends = [index + 1 for index, char in enumerate(text) if char == "."]
    return [Span(start=a, end=b) for a, b in zip([0, *ends[:-1]], ends, strict=True)]


@pytest.mark.parametrize(("one", "other", "cosine"), GOLDEN)
def test_cosines_are_those_of_fp32(encoder, one, other, cosine):
    """Two texts are as alike as the fp32 model finds them, within 0.03."""
    vectors = encoder.encode_queries([one, other])
    assert cosine == pytest.approx(float(vectors[0] @ vectors[1]), abs=0.03)


def test_the_stamp_is_the_manifests(encoder):
    """Name, dimension and bound are the ones that were exported."""
    assert encoder.name == "all-MiniLM-L6-v2-int8/1"
    assert (encoder.dimension, encoder.max_tokens) == (384, 256)


def test_the_manifest_records_what_the_export_must_reach():
    """The shipped file agrees with fp32: mean cosine at least 0.99, Recall@10 within 1 point."""
    manifest = json.loads((SHIPPED / "manifest.json").read_text(encoding="utf-8"))
    found = manifest["agreement"]
    assert found["questions"]["texts"] >= 2000
    assert (
        min(found[texts]["mean_cosine"] for texts in ("article", "paragraphs", "questions")) >= 0.99
    )
    assert found["recall_at_10"]["int8"] >= found["recall_at_10"]["fp32"] - 0.01
    assert manifest["files"]["model.onnx"]["bytes"] <= 30_000_000


def test_vectors_do_not_depend_on_what_else_is_encoded(encoder):
    """A text has bitwise the same vector alone, in any company and on any number of threads."""
    alone = {text: encoder.encode_queries([text])[0].tobytes() for text in SENTENCES}
    for seed in range(3):
        company = [*random.Random(seed).sample(SENTENCES, k=7), "word " * 90 * seed]
        found = encoder.encode_queries(company)
        assert [alone[text] for text in company[:7]] == [row.tobytes() for row in found[:7]]
    single = OnnxEncoder.open(threads=1).encode_queries(SENTENCES)
    assert single.tobytes() == encoder.encode_queries(SENTENCES).tobytes()


def test_sentence_vectors_do_not_depend_on_other_passages(encoder):
    """Adding passages to a sync leaves every vector of those that were there bitwise the same."""
    text = " ".join(SENTENCES[i] for i in (1, 3, 4))
    alone = encoder.encode_passages([text], [split(text)])
    among = encoder.encode_passages([*SENTENCES, text], [[]] * len(SENTENCES) + [split(text)])
    assert alone.passages[0].tobytes() == among.passages[-1].tobytes()
    assert alone.sentences[0].tobytes() == among.sentences[-1].tobytes()


def test_one_encoder_serves_several_threads(encoder):
    """Concurrent queries get the vectors that they would get one after another."""
    expected = [encoder.encode_queries([text]).tobytes() for text in SENTENCES]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda t: encoder.encode_queries([t]).tobytes(), SENTENCES * 3))
    assert expected * 3 == found


def test_a_sentence_is_nearest_to_itself_in_its_passage(encoder):
    """Late chunking keeps sentences apart: each is most like the same sentence encoded alone."""
    own = [SENTENCES[i] for i in (1, 3, 4)]
    text = " ".join(own)
    late = encoder.encode_passages([text], [split(text)]).sentences[0]
    assert (encoder.encode_queries(own) @ late.T).argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.parametrize("text", ["", "Hello, world", "Größe naïve 😀 北京", "wheat " * 400])
def test_counting_is_that_of_the_tokenizer(encoder, text):
    """Word pieces are counted as the official tokenizer makes them, when it cuts nothing off."""
    oracle = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    oracle.no_padding()
    oracle.no_truncation()
    assert len(oracle.encode(text).ids) == encoder.count_tokens(text)


@given(st.text(max_size=200))
@example("a\x1cb \x85 \u2028c\ufeffd\u200be \xa0f")
def test_counting_word_by_word_is_counting_the_whole(encoder, text):
    """Whatever stands in it."""
    whole = encoder._tokenizer.encode(well_formed(text))
    assert len(whole) == encoder.count_tokens(text)


def test_as_many_pieces_are_read_as_are_promised(encoder):
    """The last piece inside the bound changes the vector; the first one outside does not."""
    room = encoder.max_tokens - 2
    inside, full, over = ("wheat " * n for n in (room - 1, room, room + 1))
    vectors = encoder.encode_queries([inside, full, over])
    assert encoder.max_tokens == encoder.count_tokens(full)
    assert not np.array_equal(vectors[0], vectors[1])
    assert vectors[1].tobytes() == vectors[2].tobytes()


def test_a_sentence_that_is_cut_off_gets_its_passages_vector(encoder):
    """A sentence past the bound is never a vector of nothing."""
    text = "wheat " * 400
    found = encoder.encode_passages([text], [[Span(start=2000, end=2100)]])
    assert found.passages.tobytes() == found.sentences[0].tobytes()


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_damaged_file_is_refused(folder, name):
    """One flipped bit in a file is found before anything is made of it, and the message names it."""
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    encoder = OnnxEncoder.open(folder)
    with pytest.raises(ModelError, match=rf"{name}.*damaged.*Install the package again"):
        encoder.encode_queries(["x"])


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "manifest.json"])
def test_a_missing_file_is_named(folder, name):
    """A file that is not there is named, with what to do."""
    (folder / name).unlink()
    with pytest.raises(ModelError, match=rf"{name}.*Install the package again"):
        OnnxEncoder.open(folder)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"files": {"model.onnx": {}}}', "\x00"])
def test_a_damaged_manifest_is_refused(folder, content):
    """A manifest that is not one is told from damaged weights."""
    (folder / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=r"manifest\.json.*damaged"):
        OnnxEncoder.open(folder)


class FakeSession:
    """Gives each word piece a state of its own, so that a vector shows which pieces it is made of."""

    def __init__(self, *, seconds: float = 0) -> None:
        self.n_runs = 0
        self._seconds = seconds

    def run(self, _outputs, feed):
        self.n_runs += 1
        time.sleep(self._seconds)
        return [np.eye(feed["input_ids"].shape[1], 16, dtype=np.float32)[np.newaxis]]


def encoder_on(session: FakeSession) -> OnnxEncoder:
    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    tokenizer.no_padding()
    return OnnxEncoder(
        session=session, tokenizer=tokenizer, name="fake", dimension=16, max_tokens=256, threads=2
    )


def test_each_sentence_takes_its_own_pieces():
    """Of two sentences the first takes the opening piece, the last the closing one, none both."""
    text = "Wheat fell. Rice rose."  # [CLS] wheat fell . rice rose . [SEP]
    found = encoder_on(FakeSession()).encode_passages([text], [split(text)]).sentences[0]
    assert [[0, 1, 2, 3], [4, 5, 6, 7]] == [np.flatnonzero(row).tolist() for row in found]


def test_stopping_ends_the_work():
    """An interrupt while encoding reaches the caller; texts that wait are not encoded later."""
    session = FakeSession(seconds=0.001)

    def interrupt(done: int) -> None:
        raise KeyboardInterrupt(done)

    with pytest.raises(KeyboardInterrupt) as held:  # and with it the frames that were at work
        encoder_on(session).encode_passages(["text"] * 1000, [[]] * 1000, progress=interrupt)
    stopped_after = session.n_runs
    time.sleep(0.05)
    assert stopped_after == session.n_runs < 500
    assert held.value.args == (1,)

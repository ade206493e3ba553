"""Encoders: what each of them promises, whichever it is."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from rag.embedding import Encoder, load_encoder
from rag.errors import ModelError
from rag.schema import Span
from tests.embedding_fakes import save_tiny_model

LONG = "The secretary arrived in the capital on Wednesday for talks with the leader. "
TEXTS = (
    LONG * 3,
    "Short.",
    "",
    "Größe, naïve café 😀, Москва, 北京, \x00 and a lone \ud800 surrogate.",
    LONG * 40,
    "Wheat prices fell again.",
)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("builtin", marks=pytest.mark.model),
        pytest.param("mean", marks=pytest.mark.slow),  # imports torch
        pytest.param("cls", marks=pytest.mark.slow),
        pytest.param("prompted", marks=pytest.mark.slow),
    ],
)
def encoder(request, tmp_path_factory) -> Encoder:
    """The encoder in the package, and sentence-transformers models that pool in several ways."""
    if request.param == "builtin":
        return load_encoder("builtin")
    return load_encoder(str(save_tiny_model(tmp_path_factory.mktemp("models"), request.param)))


def test_a_name_and_sizes_are_given(encoder):
    """An encoder has a name to stamp, a dimension and a bound on what it reads."""
    assert encoder.name
    assert encoder.dimension == encoder.encode_queries(["a"]).shape[1]
    assert encoder.max_tokens > 2


def test_rows_are_float32_of_unit_length(encoder):
    """Every vector is float32 and of unit length, whatever the text."""
    found = encoder.encode_passages(TEXTS, [[Span(start=0, end=3)]] * len(TEXTS))
    for vectors in (encoder.encode_queries(TEXTS), found.passages, *found.sentences):
        assert np.float32 == vectors.dtype
        assert np.allclose(1, np.linalg.norm(vectors, axis=1), atol=1e-5)


def test_the_order_of_texts_is_kept(encoder):
    """Texts of any lengths come back in their order, as passages and as queries."""
    alone = np.vstack([encoder.encode_passages([text], [[]]).passages for text in TEXTS])
    assert np.allclose(alone, encoder.encode_passages(TEXTS, [[]] * len(TEXTS)).passages, atol=1e-5)
    queries = np.vstack([encoder.encode_queries([text]) for text in TEXTS])
    assert np.allclose(queries, encoder.encode_queries(TEXTS), atol=1e-5)


def test_nothing_to_encode_is_encoded(encoder):
    """Empty lists give empty arrays of the right width, and no progress is told."""
    assert (0, encoder.dimension) == encoder.encode_queries([]).shape
    told: list[int] = []
    found = encoder.encode_passages([], [], progress=told.append)
    assert (0, encoder.dimension) == found.passages.shape
    assert found.sentences == ()
    assert told == []


def test_sentences_come_passage_by_passage_in_order(encoder):
    """Each passage has one row per sentence of its own, none where it has none."""
    spans = [[], [Span(start=0, end=6)], [], [Span(start=0, end=3), Span(start=4, end=9)]]
    found = encoder.encode_passages(TEXTS[:4], spans)
    assert [len(one) for one in spans] == [len(vectors) for vectors in found.sentences]
    assert {encoder.dimension} == {vectors.shape[1] for vectors in found.sentences}


def test_a_sentence_that_is_the_whole_passage_has_its_vector(encoder):
    """The vector of a passage with a single sentence is also that of the sentence."""
    found = encoder.encode_passages(TEXTS, [[Span(start=0, end=len(text))] for text in TEXTS])
    assert np.allclose(found.passages, np.vstack(found.sentences), atol=1e-5)


def test_a_span_without_words_has_its_passages_vector(encoder):
    """A blank or empty span gets the vector of the passage it stands in."""
    text = "One sentence.   Another one."
    found = encoder.encode_passages([text], [[Span(start=4, end=4), Span(start=14, end=15)]])
    assert np.allclose(found.passages, found.sentences[0], atol=1e-5)


def test_progress_counts_passages_done(encoder):
    """Progress rises to the number of passages."""
    told: list[int] = []
    encoder.encode_passages(TEXTS, [[]] * len(TEXTS), progress=told.append)
    assert len(TEXTS) == told[-1]
    assert all(earlier < later for earlier, later in pairwise(told))


def test_texts_and_sentences_must_match(encoder):
    """A list of sentences that does not fit the list of texts is a fault of the caller."""
    with pytest.raises(ValueError, match=r"shorter|longer"):
        encoder.encode_passages(["a", "b"], [[]])


def test_truncation_is_visible(encoder):
    """A text of more pieces than are read is counted in full, and its end changes nothing."""
    inside, outside = LONG * 2, LONG * 40
    assert encoder.count_tokens(inside) <= encoder.max_tokens < encoder.count_tokens(outside)
    vectors = encoder.encode_passages([outside, outside + "wheat " * 50], [[], []]).passages
    assert np.allclose(vectors[0], vectors[1], atol=1e-5)


def test_longer_texts_have_no_fewer_pieces(encoder):
    """Counting grows with the text, and two special pieces are there from the start."""
    counts = [encoder.count_tokens("wheat " * n) for n in range(5)]
    assert counts[0] >= 2
    assert [later - earlier for earlier, later in pairwise(counts)] == [1] * 4


def test_importing_the_room_is_cheap():
    """`import rag.embedding` loads neither torch nor onnxruntime, nor the tokenizers."""
    heavy = "torch onnxruntime tokenizers transformers sentence_transformers"
    code = f"import sys, rag.embedding; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.model
def test_the_builtin_encoder_answers_without_torch():
    """A query is encoded by the builtin encoder in a process that never loads torch."""
    code = (
        "import sys; from rag.embedding import load_encoder;"
        "print(load_encoder('builtin').encode_queries(['Who?']).shape, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1, 384) False"


def test_a_folder_that_is_not_there_is_named(tmp_path):
    """A path to nothing fails with the path, what was looked for, and the setting to mend."""
    with pytest.raises(ModelError, match=r"nowhere.*modules\.json.*RAG_ENCODER"):
        load_encoder(str(tmp_path / "nowhere"))

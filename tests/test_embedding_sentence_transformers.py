"""Any sentence-transformers model as an encoder."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rag.embedding.sentence_transformers import SentenceTransformerEncoder
from rag.errors import ModelError
from rag.schema import Span
from tests.embedding_fakes import PROMPTS, save_tiny_model

pytestmark = pytest.mark.slow  # torch and sentence-transformers take seconds to import

TEXT = "The secretary arrived on Wednesday. Talks with the leader followed."
SPANS = [Span(start=0, end=35), Span(start=36, end=len(TEXT))]


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    return {kind: save_tiny_model(root / kind, kind) for kind in ("mean", "cls", "prompted")}


@pytest.fixture
def folder(models, tmp_path) -> Path:
    """A copy of a model, to change."""
    return Path(shutil.copytree(models["mean"], tmp_path / "model"))


def oracle(path: Path):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(path), device="cpu", local_files_only=True)


@pytest.mark.parametrize("kind", ["mean", "cls", "prompted"])
def test_vectors_are_those_of_the_library(models, kind):
    """Queries and passages get the vectors of encode_query and encode_document."""
    encoder, model = SentenceTransformerEncoder.open(str(models[kind])), oracle(models[kind])
    texts = [TEXT, "Short.", TEXT * 9]
    assert np.allclose(model.encode_query(texts), encoder.encode_queries(texts), atol=1e-5)
    found = encoder.encode_passages(texts, [[], [], []]).passages
    assert np.allclose(model.encode_document(texts), found, atol=1e-5)


def test_prompts_of_the_model_are_honoured(models):
    """A model that tells queries from passages gets its prompts, which are counted as well."""
    encoder = SentenceTransformerEncoder.open(str(models["prompted"]))
    plain = SentenceTransformerEncoder.open(str(models["mean"]))
    assert np.allclose(
        plain.encode_queries([PROMPTS["query"] + TEXT]), encoder.encode_queries([TEXT]), atol=1e-5
    )
    assert plain.count_tokens(PROMPTS["document"] + TEXT) == encoder.count_tokens(TEXT)


@pytest.mark.parametrize("kind", ["mean", "prompted"])
def test_a_mean_pooling_model_pools_sentences_from_the_passage(models, kind):
    """A sentence's vector is the mean of the passage's own states between its ends."""
    path = models[kind]
    prompt = PROMPTS["document"] if kind == "prompted" else ""
    model = oracle(path)
    states = model.encode(prompt + TEXT, output_value="token_embeddings").numpy()
    starts = [
        start
        for start, _ in model.tokenizer(prompt + TEXT, return_offsets_mapping=True)[
            "offset_mapping"
        ]
    ]
    second = [i for i, start in enumerate(starts[:-1]) if start >= len(prompt) + SPANS[1].start]
    expected = states[[*second, len(starts) - 1]].mean(axis=0)
    found = SentenceTransformerEncoder.open(str(path)).encode_passages([TEXT], [SPANS])
    assert np.allclose(expected / np.linalg.norm(expected), found.sentences[0][1], atol=1e-5)


def test_a_model_that_does_not_pool_by_mean_encodes_sentences_apart(models):
    """Where a passage's vector is one piece's state, a sentence is encoded as a text by itself."""
    encoder = SentenceTransformerEncoder.open(str(models["cls"]))
    found = encoder.encode_passages([TEXT], [SPANS])
    own = encoder.encode_passages([TEXT[s.start : s.end] for s in SPANS], [[], []]).passages
    assert np.allclose(own, found.sentences[0], atol=1e-5)


def test_one_encoder_serves_several_threads(models):
    """Threads that encode and count at once are all answered: the library's tokenizer is not safe."""
    encoder = SentenceTransformerEncoder.open(str(models["mean"]))
    texts = [f"question {'why ' * n}" for n in range(64)]

    def both(text: str) -> tuple[np.ndarray, int]:
        return encoder.encode_queries([text])[0], encoder.count_tokens(text)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(both, texts))
    assert np.allclose(encoder.encode_queries(texts), [vector for vector, _ in found], atol=1e-5)
    assert [encoder.count_tokens(text) for text in texts] == [count for _, count in found]


def test_the_name_tells_models_apart(models, tmp_path):
    """Two trainings of a model have two names; a copy of a model elsewhere has the same one."""
    name = SentenceTransformerEncoder.open(str(models["mean"])).name
    other = save_tiny_model(tmp_path / "other", "mean", seed=1)
    copy = shutil.copytree(models["mean"], tmp_path / "tiny-mean")
    assert name.startswith("tiny-mean/")
    assert name != SentenceTransformerEncoder.open(str(other)).name
    assert name == SentenceTransformerEncoder.open(str(copy)).name


def test_a_static_model_can_be_used(tmp_path):
    """A model that is a table of vectors, with a plain tokenizer and no bound, encodes as well."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    from rag.embedding.onnx import SHIPPED

    tokenizer = Tokenizer.from_file(str(SHIPPED / "tokenizer.json"))
    tokenizer.no_padding()
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=16)]).save(
        str(tmp_path / "m")
    )
    encoder = SentenceTransformerEncoder.open(str(tmp_path / "m"))
    found = encoder.encode_passages([TEXT], [SPANS])
    assert found.sentences[0].shape == (2, 16)
    assert encoder.count_tokens("two words") <= encoder.max_tokens


def test_a_damaged_weight_file_is_refused(folder):
    """Weights that are cut off fail as a sentence with the folder and the setting to mend."""
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"model.*cannot be loaded.*RAG_ENCODER"):
        SentenceTransformerEncoder.open(str(folder))


def test_pickles_are_refused(folder):
    """A model whose weights are a pickle is refused, not unpickled."""
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin.*pickle.*safetensors"):
        SentenceTransformerEncoder.open(str(folder))


def test_code_of_a_model_is_not_run(folder):
    """A module that is code in the model's folder is refused; the code is not executed."""
    (folder / "evil.py").write_text("raise SystemExit('ran')\n", encoding="utf-8")
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    modules[2]["type"] = "evil.Evil"
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be loaded"):
        SentenceTransformerEncoder.open(str(folder))


def test_an_unknown_hub_name_fails_as_a_sentence(tmp_path, monkeypatch):
    """A name that is no folder and cannot be fetched says what to check."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"nobody/nothing.*no folder.*connection"):
        SentenceTransformerEncoder.open("nobody/nothing")

"""The support model: from logits to probabilities, its ONNX file, and what it makes of any text."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.citations import ground
from rag.errors import ModelError
from rag.reader.support import SupportModel, open_support
from tests.reader_fakes import TOKENIZER

onnx = pytest.importorskip(
    "onnx", reason="makes the small model; comes with `make .venv/.ready-training`"
)


def save_word_support(folder: Path, worth: dict[str, float], *, max_tokens: int = 64) -> Path:
    """Save a network whose logit is the worth of the best word piece it reads, in claim or text."""
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    table = np.full(tokenizer.get_vocab_size(), -5.0, dtype=np.float32)
    for word, value in worth.items():
        table[tokenizer.token_to_id(word)] = value
    names = ("input_ids", "attention_mask", "token_type_ids")
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["each"]),
            helper.make_node("ReduceMax", ["each"], ["support"], axes=[1], keepdims=0),
        ],
        "words",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["n", "length"]) for n in names],
        [helper.make_tensor_value_info("support", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    shutil.copyfile(TOKENIZER, folder / "tokenizer.json")
    manifest = {
        "name": "words-support/1",
        "max_tokens": max_tokens,
        "calibration": {"slope": 2.0, "bias": -1.0},
        "files": {
            name: {"sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest()}
            for name in ("model.onnx", "tokenizer.json")
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A support model to which `kim` supports everything."""
    return save_word_support(tmp_path_factory.mktemp("support"), {"kim": 3.0, "fish": -1.0})


@pytest.fixture(scope="module")
def model(folder) -> SupportModel:
    """The same, loaded."""
    return open_support(folder, threads=1)


def test_the_probability_is_the_logistic_of_the_logit(model):
    """Slope and bias are the manifest's; there is one probability a sentence, in their order."""
    found = model.support("They met.", ["He met Kim.", "They ate fish."])

    assert [1 / (1 + math.exp(-5.0)), 1 / (1 + math.exp(3.0))] == pytest.approx(found)


def test_a_long_text_supports_as_well_as_its_best_part(model):
    """What stands beyond the bound of the network is read in another window."""
    rain = "Rain fell on the hills all day long. " * 30

    first, second = model.support("They met.", [rain + "He met Kim.", rain])

    assert first > 0.99
    assert second < 0.01


def test_a_score_does_not_depend_on_what_else_is_read(folder, model):
    """Alone, among others, and by several threads at once a sentence has the same score."""
    texts = [f"Kim saw {i} fish." if i % 3 else f"There were {i} fish." for i in range(12)]
    alone = [open_support(folder, threads=1).support("They met.", [one])[0] for one in texts]

    assert alone == model.support("They met.", texts)
    assert alone == open_support(folder, threads=4).support("They met.", texts)


def test_nothing_supports_nothing(model):
    """No sentences have no scores; an empty claim and an empty text have 0."""
    assert [] == model.support("They met.", [])
    assert [0.0] == model.support("", ["He met Kim."])
    assert [0.0] == model.support("They met Kim.", [" "])


@given(claim=st.text(max_size=300), text=st.text(max_size=300))
def test_any_text_can_be_read(model, claim, text):
    """No claim and no text makes the model fail; a score is within 0..1."""
    assert 0 <= model.support(claim, [text])[0] <= 1


def test_the_checks_take_it_as_it_is(model):
    """`ground` accepts the method as its support score."""
    from rag.citations import CitablePassage
    from rag.schema import Span

    words = "He met Kim in the spring of that year."
    passage = CitablePassage(
        source_id="a.txt",
        title="",
        sha256="",
        pages=(),
        start=0,
        text=words,
        sentences=(Span(start=0, end=len(words)),),
    )

    said = ground("He had a meeting with Kim [1].", [passage], model.support)

    assert ["supported"] == [one.verdict for one in said.statements]


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_changed_file_is_refused(folder, tmp_path, name):
    """One changed byte in what was shipped, and the model is not used."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)

    changed = open_support(tmp_path)
    with pytest.raises(ModelError, match="SHA-256"):
        changed.support("He met Kim.", ["He met Kim."])


@pytest.mark.parametrize("damage", ["", "[]", '{"files": 3}', '{"files": {}}'])
def test_a_damaged_manifest_is_refused(tmp_path, damage):
    """A manifest that says nothing useful is an error that says what to do."""
    (tmp_path / "manifest.json").write_text(damage, encoding="utf-8")

    with pytest.raises(ModelError, match="RAG_SUPPORT"):
        open_support(tmp_path)


def test_loading_the_room_loads_no_model_library():
    """Whoever imports the support model's room pays for no model library."""
    script = "import sys, rag.reader.support as _;" + (
        "print([m for m in ('torch', 'transformers', 'onnxruntime', 'tokenizers') if m in sys.modules])"
    )

    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout

    assert "[]" == found.strip()

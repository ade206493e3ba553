"""Files of shipped models: whole or refused, and run without a report to anybody."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rag import weights
from rag.errors import ModelError
from rag.weights import PRODUCT, open_session, open_tokenizer, read_weights


@pytest.fixture
def folder(tmp_path):
    """A model of one file."""
    (tmp_path / "a.bin").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    manifest = {"name": "a", "files": {"a.bin": {"sha256": digest, "bytes": 7}}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return tmp_path


def test_a_whole_model_is_read(folder):
    """Manifest and files come as they were written."""
    weights = read_weights(folder, remedy="Do that.")

    assert "a" == weights.manifest["name"]
    assert b"weights" == weights.checked("a.bin").read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.bin", b"longer than it was", "is damaged: its SHA-256"),
        ("a.bin", b"WEIGHTS", "is damaged: its SHA-256"),
        ("a.bin", None, "cannot be read"),
        ("manifest.json", None, "cannot be read"),
        ("manifest.json", b"{", "is damaged"),
        ("manifest.json", b"[]", "is damaged"),
        ("manifest.json", b'{"files": {"a.bin": {}}}', "is damaged"),
    ],
)
def test_anything_else_is_refused_with_what_to_do(folder, name, content, said):
    """A file that is missing or differs is named, with the remedy, before anything is made of it."""
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)

    with pytest.raises(ModelError, match=rf"{name}.*{said}.*Do that\.$"):
        read_weights(folder, remedy="Do that.").checked("a.bin")


@pytest.mark.model
def test_nothing_is_kept_or_reported(tmp_path):
    """Running the shipped encoder leaves no device id in a home folder, as ONNX Runtime does by itself."""
    code = "from rag.embedding import load_encoder; load_encoder('builtin').encode_queries(['a'])"
    env = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    env.pop("ORT_DISABLE_TELEMETRY", None)

    subprocess.run([sys.executable, "-c", code], env=env, check=True)

    assert [] == list(tmp_path.iterdir())


EARLY = """
import onnxruntime, time
from rag.weights import PRODUCT, open_session
open_session(PRODUCT)
time.sleep({seconds})
"""


def test_a_runtime_that_was_loaded_first_keeps_nothing(tmp_path):
    """A program that imports onnxruntime before rag has made a device id and reports by then: they are gone again.

    Seen to fail with the variable alone, which is looked at when the library is loaded.
    """
    assert [] == _kept(EARLY.format(seconds=2), tmp_path)


def test_a_runtime_that_was_loaded_first_is_told_to_report_no_more(monkeypatch):
    """By the library's own call, before the first model of ours is run."""
    import onnxruntime

    told = []
    monkeypatch.setattr(onnxruntime, "disable_telemetry_events", lambda: told.append(True))
    weights._silent_runtime.cache_clear()

    open_session(PRODUCT)
    open_session(PRODUCT)

    assert [True] == told


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere its files are left alone")
def test_an_id_that_was_there_before_stays(tmp_path):
    """What other programs made is theirs."""
    folder = tmp_path / "cache" / "Microsoft" / "DeveloperTools" / ".onnxruntime"
    folder.mkdir(parents=True)
    (folder / "deviceid").write_text("7d3c7a4e-5c0e-4f0b-9d38-0f1c8f6f3c11", encoding="utf-8")
    os.utime(folder / "deviceid", (1e9, 1e9))

    assert "deviceid" in _kept(EARLY.format(seconds=0), tmp_path)


@pytest.mark.parametrize("first", ["import rag", "from rag import Rag"])
def test_a_runtime_that_is_loaded_after_rag_makes_nothing(first, tmp_path):
    """Not even for a moment, and though no model of ours is used."""
    assert [] == _kept(f"{first}\nimport onnxruntime, time; time.sleep(1)", tmp_path)


def _kept(code, home):
    """Run a program with a home folder, and return the names of the files that are in it then."""
    env = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    env.pop("ORT_DISABLE_TELEMETRY", None)
    subprocess.run([sys.executable, "-c", code], env=env, check=True)
    return [path.name for path in home.rglob("*") if path.is_file()]


def test_a_tokenizer_neither_pads_nor_cuts(tmp_path):
    """What a file asks for is left out: each text has its own length."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    made = Tokenizer(WordLevel({"a": 0, "?": 1}, unk_token="?"))
    made.pre_tokenizer = Whitespace()
    made.enable_padding(length=9)
    made.enable_truncation(max_length=2)

    (tmp_path / "tokenizer.json").write_text(made.to_str(), encoding="utf-8")
    tokenizer = open_tokenizer(tmp_path / "tokenizer.json")

    assert [1, 4] == [len(tokenizer.encode(text)) for text in ("a", "a a a a")]


def test_int8_products_are_summed_exactly():
    """The largest products overflow nothing, whatever the processor: the same model gives the same numbers."""
    session = open_session(_product(np.full((64, 16), 127, dtype=np.int8)))

    (sums,) = session.run(["c"], {"a": np.full((1, 64), 255, dtype=np.uint8)})

    assert {64 * 127 * 255} == set(sums.ravel().tolist())


def test_products_are_widened_where_the_processor_needs_it(monkeypatch):
    """What takes nearly twice the time is asked for on processors that cannot do without, and on no other."""
    asked = {}
    for exact in (True, False):
        monkeypatch.setattr("rag.weights.sums_exactly", lambda exact=exact: exact)
        options = open_session(_product()).get_session_options()
        asked[exact] = options.get_session_config_entry("session.x64quantprecision")
    assert {True: "0", False: "1"} == asked


def test_no_more_runs_at_once_than_cores(monkeypatch, folder):
    """Whoever asks, and of whichever model: each run at once keeps memory for good."""
    running, most = [], []

    class Session:
        def run(self, _names, feed):
            running.append(1)
            most.append(len(running))
            time.sleep(0.01)
            running.pop()
            return [feed["a"]]

    manifest = folder / "manifest.json"
    manifest.write_text(
        manifest.read_text(encoding="utf-8").replace("a.bin", "model.onnx"), encoding="utf-8"
    )
    (folder / "a.bin").rename(folder / "model.onnx")
    monkeypatch.setattr(weights, "open_session", lambda _: Session())
    monkeypatch.setattr(weights, "available_cores", lambda: 2)
    weights._lanes.cache_clear()
    try:
        models = [read_weights(folder, remedy="").session() for _ in range(2)]
        with ThreadPoolExecutor(8) as executor:
            runs = executor.map(lambda n: models[n % 2].run(["c"], {"a": n}), range(24))
            assert [[n] for n in range(24)] == list(runs)
    finally:
        weights._lanes.cache_clear()
    assert 2 == max(most)


def test_what_is_tried_is_one_product():
    """The bytes that stand in the code are the file that they are said to be."""
    assert _product() == PRODUCT


def _product(weights=None):
    """An ONNX file that multiplies a by b, the latter an input or these weights."""
    from onnx import TensorProto, helper, numpy_helper

    shapes = {} if weights is None else {"a": [1, len(weights)], "c": [1, weights.shape[1]]}
    inputs = {"a": TensorProto.UINT8} | ({"b": TensorProto.INT8} if weights is None else {})
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["a", "b"], ["c"])],
        "g",
        [helper.make_tensor_value_info(name, of, shapes.get(name)) for name, of in inputs.items()],
        [helper.make_tensor_value_info("c", TensorProto.INT32, shapes.get("c"))],
        [] if weights is None else [numpy_helper.from_array(weights, "b")],
    )
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()

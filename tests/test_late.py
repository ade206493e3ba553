"""What is made when it is first used."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from rag.late import Late


def test_what_comes_late_is_made_once_and_only_when_it_is_used():
    """By whoever uses it first, from however many threads; what goes wrong then is tried again."""
    made = []
    late = Late(lambda: made.append(1) or "word")
    assert [] == made
    with ThreadPoolExecutor(8) as executor:
        assert ["WORD"] * 50 == list(executor.map(lambda _: late.upper(), range(50)))
    assert [1] == made

    broken = Late(lambda: [][0])
    for _ in range(2):
        with pytest.raises(IndexError):
            broken.upper()


@pytest.mark.parametrize(
    ("command", "unwanted"),
    [
        (
            "sources",
            ("numpy", "onnxruntime", "faiss", "tiktoken", "tokenizers", "PIL", "rag.citations"),
        ),
        (
            "roots",
            ("numpy", "onnxruntime", "faiss", "tiktoken", "tokenizers", "PIL", "rag.citations"),
        ),
        (
            "search",
            ("tiktoken", "rag.reader.onnx", "rag.citations", "langchain", "torch", "gradio"),
        ),
        (
            "ask",
            ("tiktoken", "rag.chat", "rag.citations.grounding", "rag.pipeline.generative", "torch"),
        ),
    ],
)
def test_a_command_loads_what_it_needs(command, unwanted, tmp_path):
    """Listing sources loads no model and no numpy; searching loads no reader; the reader's answer nothing of chat models."""
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "a.txt").write_text("The harbour was built in 1871.", encoding="utf-8")
    program = """
import sys
from rag import Rag, Settings
settings = Settings(seeds_dir="seeds", index_dir="index")
with Rag.open(settings, answerers=None if sys.argv[1] == "ask" else ()) as rag:
    {
        "sources": rag.sources,
        "roots": rag.roots,
        "search": lambda: rag.search("harbour"),
        "ask": lambda: rag.ask("When was the harbour built?"),
    }[sys.argv[1]]()
print(*sys.modules)
"""
    for _ in range(2):  # the first one makes the index
        run = subprocess.run(
            [sys.executable, "-c", program, command],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        )
    loaded = set(run.stdout.split())
    assert set() == loaded & set(unwanted)

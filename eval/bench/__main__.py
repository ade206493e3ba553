"""All benchmarks one after another: `make bench`, or `python -m eval.bench --data FOLDER`.

The data folder is laid out like the project's: `reading/squad2_dev.json.gz`, `retrieval/time`, `retrieval/cranfield`,
`conversation/canard_dev.json.gz`, `support/`, `security/`. What is missing in it is left out, and said.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path


def main() -> None:
    """Run each benchmark as a process of its own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--questions", type=int, default=2000, help="of SQuAD, for retrieval and reading"
    )
    args = parser.parse_args()
    squad = args.data / "reading" / "squad2_dev.json.gz"
    canard = args.data / "conversation" / "canard_dev.json.gz"
    support = args.data / "support"
    steps: list[tuple[str, Path | None, list[str]]] = [
        ("One question, whole process", None, ["process"]),
        ("Encoding 2,000 passages", squad, ["encode", str(squad)]),
        ("Searching 100,000 passages", squad, ["search", "--data", str(squad)]),
        ("A question at 100,000 passages", squad, ["question", "--data", str(squad)]),
        ("Retrieval", squad, ["retrieval", "--data", str(squad), "--questions", str(args.questions)]),
        *(
            (f"Retrieval, {name}", args.data / "retrieval" / name,
             ["retrieval", "--data", str(args.data / "retrieval" / name)])
            for name in ("time", "cranfield")
        ),
        ("Reading", squad, ["reading", "--data", str(squad), "--questions", str(args.questions)]),
        ("The time of reading", squad, ["reading_time", str(squad)]),
        ("Typed in haste", squad, ["spelling", str(squad)]),
        ("Opening the page", None, ["page"]),
        ("Fifty people at once", None, ["crowd"]),
        ("Follow-ups", canard, ["followups", str(canard)]),
        ("Verdicts by rules", support, ["support", str(support)]),
        ("An obedient model", args.data / "security", ["obedience", str(args.data / "security")]),
    ]  # fmt: skip
    for title, needed, (module, *rest) in steps:
        print(f"\n## {title}\n", flush=True)
        if needed is not None and not needed.exists():
            print(f"Left out: {needed} is not there.")
            continue
        subprocess.run([sys.executable, "-m", f"eval.bench.{module}", *rest], check=True)  # noqa: S603


if __name__ == "__main__":
    main()

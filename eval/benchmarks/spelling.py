"""Questions typed in haste: what a slip of the pen costs, and what respelling brings back.

    python -m eval.benchmarks.spelling squad2_dev.json.gz [--questions 500] [--seed 0]

All paragraphs of the file are one corpus. One word of each question, of five letters or more and not its first, gets
one slip: a letter left out, doubled, replaced, or put in its neighbour's place. Asked are the questions as they are,
with the slips as the program takes them, and with the slips taken as typed. "Changed" is what was searched instead of
what was typed; "put right" is where that is the question without the slip, whatever its capitals.
"""

from __future__ import annotations

import argparse
import random
import re
import string
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eval.benchmarks import Collection, read_squad
from eval.benchmarks.answers import ask_all
from rag import Answer, Rag, Settings, Turn
from rag.evaluation.grid import shown
from rag.evaluation.intervals import bootstrap_interval

_WORD = re.compile(r"[A-Za-z]{5,}")


class AsTyped(Rag):
    """The program without respelling."""

    def _respelled(self, _snapshot: object, question: str, _only: object) -> str:
        return question


def main() -> None:
    """Ask, count and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    asked = read_squad(args.data).sample(args.questions, seed=args.seed)
    rng = random.Random(args.seed)
    slipped = replace(
        asked,
        examples=tuple(replace(one, question=slip(one.question, rng)) for one in asked.examples),
    )
    print("| | answer contained | unanswerable recognised | changed | put right |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(seeds_dir=Path(folder) / "none", index_dir=Path(folder) / "index")
        with Rag.open(settings, sync=False) as rag:
            rag.add_sources(asked.sources)
            print_row("as they are", asked, asked, rag)
            print_row("with a slip", slipped, asked, rag)
        with AsTyped.open(settings, sync=False) as plain:
            print_row("with a slip, as typed", slipped, asked, plain)


def slip(question: str, rng: random.Random) -> str:
    """Return a question with one slip of the pen, as it is where no word is long enough."""
    words = [match for match in _WORD.finditer(question) if match.start()]
    if not words:
        return question
    word = rng.choice(words)
    at = rng.randrange(word.start() + 1, word.end() - 1)
    one, two = question[at], question[at + 1]
    other = rng.choice(string.ascii_lowercase)
    typed = rng.choice([two, one + one + two, other + two, two + one])
    return question[:at] + typed + question[at + 2 :]


class Noting:
    """Asks, and remembers what was searched."""

    def __init__(self, rag: Rag) -> None:
        self._rag = rag
        self.searched: list[str] = []

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Return the answer to a question."""
        answer = self._rag.ask(question, history)
        self.searched.append(answer.query)
        return answer


def print_row(name: str, typed: Collection, meant: Collection, rag: Rag) -> None:
    """Ask the questions and print what came back."""
    noting = Noting(rag)
    asked = ask_all(typed, noting)
    contained = bootstrap_interval([one.contained for one in asked if one.answerable])
    recognised = bootstrap_interval([one.degree == "silent" for one in asked if not one.answerable])
    questions = [
        (one.question, other.question, searched)
        for one, other, searched in zip(
            typed.examples, meant.examples, noting.searched, strict=True
        )
    ]
    changed = sum(one != searched for one, _, searched in questions)
    slipped = [(other, searched) for one, other, searched in questions if one != other]
    right = sum(other.lower() == searched.lower() for other, searched in slipped)
    print(
        f"| {name} | {shown(contained)} | {shown(recognised)} | {changed} of {len(questions)}"
        f" | {f'{right} of {len(slipped)}' if slipped else ''} |",
        flush=True,
    )


if __name__ == "__main__":
    main()

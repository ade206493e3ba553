"""How well verdicts tell supported claims from others, with the rules alone, on sets of claims and evidence.

    python -m eval.benchmarks.verdicts DIRECTORY [--dev]

reads every `*.jsonl.gz` in the directory (lines with `claim`, `evidence` and `label`) and prints,
for each, the balanced accuracy of "supported" against everything else. What the thresholds and
word lists were made by looking at is left out of the figures: all of `begin_dev_wow` and the part
`evaluation` of `summedits`; `--dev` shows these instead.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.citations import CitablePassage, ground, lexical_support
from rag.language.sentences import split_claims
from rag.schema import Span, Verdict

_DEV_FILE, _DEV_PART = "begin_dev_wow", "evaluation"


@dataclass(slots=True, kw_only=True)
class Tally:
    """Verdicts counted by what is true."""

    supported: dict[Verdict, int]
    others: dict[Verdict, int]

    def recall(self) -> float:
        """Return the share of supported claims that are called so."""
        return self.supported["supported"] / max(sum(self.supported.values()), 1)

    def specificity(self) -> float:
        """Return the share of other claims that are not called supported."""
        return 1 - self.others["supported"] / max(sum(self.others.values()), 1)


def records(path: Path, *, dev: bool) -> Iterator[dict[str, str]]:
    """Yield the records of a file that belong to the part asked for."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            looked_at = path.name.startswith(_DEV_FILE) or record.get("split") == _DEV_PART
            if looked_at == dev:
                yield record


def passage_of(text: str) -> CitablePassage:
    """Return the evidence as one passage, a span a sentence."""
    spans: list[Span] = []
    at = 0
    for line in text.splitlines(keepends=True):
        spans.extend(Span(start=at + span.start, end=at + span.end) for span in split_claims(line))
        at += len(line)
    return CitablePassage(
        source_id="evidence",
        title="",
        sha256="",
        pages=(),
        start=0,
        text=text,
        sentences=tuple(spans),
    )


def judge(claim: str, evidence: str) -> Verdict:
    """Return the least verdict of the claim's sentences."""
    draft = ground(claim, [passage_of(evidence)], lexical_support)
    verdicts = {statement.verdict for statement in draft.statements}
    order: tuple[Verdict, ...] = ("unsupported", "weak", "supported")
    return next((one for one in order if one in verdicts), "unsupported")


def tally(path: Path, *, dev: bool) -> Tally:
    """Judge every record of a file."""
    empty: dict[Verdict, int] = {"supported": 0, "weak": 0, "unsupported": 0}
    counts = Tally(supported=dict(empty), others=dict(empty))
    for record in records(path, dev=dev):
        true = counts.supported if record["label"] == "supported" else counts.others
        true[judge(record["claim"], record["evidence"])] += 1
    return counts


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--dev", action="store_true", help="the part that was looked at")
    options = parser.parse_args()
    paths = sorted(options.directory.glob("*.jsonl.gz"))
    if not paths:
        sys.exit(f"There is no *.jsonl.gz in {options.directory}.")
    print(
        f"{'set':<28}{'n':>6}  {'balanced':>8}  {'recall':>7}  {'specif.':>7}  weak of supported / others"
    )
    for path in paths:
        counts = tally(path, dev=options.dev)
        n_supported, n_others = sum(counts.supported.values()), sum(counts.others.values())
        if not n_supported or not n_others:
            continue
        balanced = (counts.recall() + counts.specificity()) / 2
        weak = counts.supported["weak"] / n_supported, counts.others["weak"] / n_others
        print(
            f"{path.name.removesuffix('.jsonl.gz'):<28}{n_supported + n_others:>6}  {balanced:>8.3f}"
            f"  {counts.recall():>7.3f}  {counts.specificity():>7.3f}  {weak[0]:.2f} / {weak[1]:.2f}"
        )


if __name__ == "__main__":
    main()

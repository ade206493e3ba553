"""Pairs of what a language model wrote about passages: true claims with the words that bear each out, and false ones.

A file of them is JSON: `data` holds passages, each with title, kind, text and `claims`; a claim has its wording,
whether it is `supported`, and `needs`, the stretches of the text, half-open, that are needed for it together. A true
claim is read with the sentences that it needs, with those around them too, and without one of them, which bears it out
no more (as MiniCheck makes its hard negatives: Tang, Laban and Durrett 2024); a false one with those of the true claim
that is most like it.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from training.reader.documents import sentences_of
from training.reader.squad import Article, Paragraph, Question
from training.support.crossed import Pair

MOST_WORDS = 150
"""Words of an evidence, at most."""
_WORD = re.compile(r"\w+")


class Claim(NamedTuple):
    """What is said of a passage."""

    text: str
    supported: bool
    needs: tuple[tuple[int, int], ...]
    """Stretches of the passage's text that bear it out together; none of a false claim."""


class Passage(NamedTuple):
    """A passage and what is said of it."""

    title: str
    text: str
    claims: tuple[Claim, ...]


def read_passages(path: Path) -> list[Passage]:
    """Read a file of claims, packed by gzip or not."""
    raw = path.read_bytes()
    content = json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw)
    return [
        Passage(
            title=one["title"],
            text=one["text"],
            claims=tuple(
                Claim(
                    text=claim["claim"],
                    supported=claim["supported"],
                    needs=tuple((start, end) for start, end in claim["needs"]),
                )
                for claim in one["claims"]
            ),
        )
        for one in content["data"]
    ]


def as_articles(passages: Sequence[Passage]) -> list[Article]:
    """Return passages as articles whose questions are their claims, to be compared with what is judged."""
    return [
        Article(
            title=one.title,
            paragraphs=(
                Paragraph(
                    text=one.text,
                    questions=tuple(
                        Question(question_id="", text=claim.text, answers=())
                        for claim in one.claims
                    ),
                ),
            ),
        )
        for one in passages
    ]


def written_groups(passage: Passage, *, seed: int) -> Iterator[list[Pair]]:
    """Yield the pairs of a passage, those with the same sentences together."""
    rng = random.Random(f"{seed} {passage.title}")
    sentences = sentences_of(passage.text)
    true = [one for one in passage.claims if one.supported]
    false = [one for one in passage.claims if not one.supported]
    if not true:
        return
    paired: dict[Claim, list[Claim]] = {one: [] for one in true}
    for one in false:
        paired[max(true, key=lambda other: _alike(one.text, other.text))].append(one)
    for claim, others in paired.items():
        needed = [
            at
            for at, (start, end) in enumerate(sentences)
            if any(a < end and start < b for a, b in claim.needs)
        ]
        if not needed:
            continue
        around = _around(needed, len(sentences), rng)
        for chosen in (needed, around):
            yield _group(passage.text, sentences, chosen, needed, claim, others, rng)
    whole = " ".join(passage.text[start:end] for start, end in sentences)
    if len(whole.split()) <= MOST_WORDS:
        yield [Pair(one.text, whole, one.supported, "written") for one in passage.claims]


def _group(
    text: str,
    sentences: Sequence[tuple[int, int]],
    chosen: Sequence[int],
    needed: Sequence[int],
    claim: Claim,
    others: Sequence[Claim],
    rng: random.Random,
) -> list[Pair]:
    """Return a true claim and the false ones like it with some sentences, and the true one without one of these."""

    def joined(places: Sequence[int]) -> str:
        said = " ".join(text[slice(*sentences[at])] for at in places)
        return " ".join(said.split()[:MOST_WORDS])

    pairs = [Pair(claim.text, joined(chosen), True, "written")]
    pairs += [Pair(one.text, joined(chosen), False, "written") for one in others]
    gone = rng.choice(needed)
    if rest := [at for at in chosen if at != gone]:
        pairs.append(Pair(claim.text, joined(rest), False, "written, one sentence less"))
    return pairs


def _around(needed: Sequence[int], n: int, rng: random.Random) -> list[int]:
    """Return the needed sentences with some that stand before, between and behind them."""
    first = max(needed[0] - rng.randint(0, 3), 0)
    last = min(needed[-1] + rng.randint(1, 3), n - 1)
    return list(range(first, last + 1))


def _alike(one: str, other: str) -> float:
    """Return the share of words that two claims have in common, 0..1."""
    mine, theirs = (set(_WORD.findall(text.lower())) for text in (one, other))
    return len(mine & theirs) / max(len(mine | theirs), 1)

"""What the support model is trained on: pairs of claim and evidence, cut into word pieces and kept in one .npz file.

Nothing of what it is judged on is among them: no title, no 13 words in a row, no question and no claim.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from eval.benchmarks.readers import read_support
from training.files import replace_file, sha256
from training.reader.batches import SPECIAL, Batch, frame
from training.reader.data import BATCH, DOCUMENTS_HELD_OUT, HELD_OUT, Ragged, load_tokenizer
from training.reader.squad import (
    Article,
    Judged,
    Overlap,
    Paragraph,
    Question,
    hold_out,
    hold_out_documents,
    read_articles,
)
from training.support.crossed import Pair
from training.support.marks import UNKNOWN, PiecePair, marks
from training.support.pairs import PairMaker
from training.support.verbs import Verbs
from training.support.wordnet import read_words, thesaurus_sha256
from training.support.written import Passage, as_articles, read_passages, written_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

FORMAT = 4
"""Raised with every change of what is made of the same files."""
LONGEST = 256
"""Word pieces of claim, evidence and frame."""
LONGEST_CLAIM = 96
STRANGERS = 0.08
"""Pairs of a claim and another's evidence, as a share of the others."""
POOL = 1024
"""Groups among which those of like length are brought together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Pairs as word pieces."""

    texts: Ragged
    rows: NDArray[np.int32]
    """Text of the claim, text of the evidence, 1 for supported, group; shape (n, 4), groups ascending."""
    made: dict[str, object]
    """How they were made, with the SHA-256 of the data; equal for equal content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked(Batch):
    """Pairs framed, with what of each claim its evidence does not bear out."""

    wrong: NDArray[np.int64]
    """`BORNE_OUT`, `WRONG` or `UNKNOWN`, shape (n, length); unknown outside the claim."""


class Written(NamedTuple):
    """Claims that were written to train on; see `training.support.written`."""

    path: Path
    times: int
    """How often an epoch, each time with other sentences around them."""
    share: float
    """Of the pairs made by rules that are kept beside them, 0..1."""


def prepare(
    data: Sequence[Path],
    judged: Sequence[Path],
    tokenizer: Path,
    cache: Path,
    *,
    seed: int,
    thesaurus: Path | None = None,
    written: Written | None = None,
) -> Pairs:
    """Return what to train on, from the cache where it was made of the same files, else made and kept there.

    Args:
        data: files in SQuAD 2.0 layout; nothing of them that is in a judged file is used.
        judged: files of reading data or of claims that a model will be judged on.
        tokenizer: tokenizer.json.
        cache: .npz file to read or write.
        seed: which articles are held out, and which pairs are made.
        thesaurus: folder of WordNet's files, for more words to change than the tables have.
        written: claims that were written to train on, beside those that are made by rules.
    """
    made: dict[str, object] = {
        "format": FORMAT,
        "seed": seed,
        "data": {path.name: sha256(path) for path in data},
        "tokenizer": sha256(tokenizer),
        "judged": {path.name: sha256(path) for path in sorted(judged)},
        "thesaurus": thesaurus_sha256(thesaurus) if thesaurus else "",
    }
    if written:
        made["written"] = {**written._asdict(), "path": sha256(written.path)}
    kept = _load(cache)
    if kept and made.items() <= kept.made.items() and ("written" in kept.made) == bool(written):
        return kept
    judge = Judged(chain.from_iterable(judged_articles(path) for path in judged))
    articles, shared = training_articles(data, judge, seed=seed)
    groups = without_judged(made_groups(articles, seed=seed, thesaurus=thesaurus), judge)
    if written:
        rng = np.random.default_rng(seed)
        groups = (one for one in groups if rng.random() < written.share)
        groups = chain(groups, _written_groups(written, judge, seed=seed))
    pairs = encode(groups, load_tokenizer(tokenizer), made | {"left_out": shared})
    replace_file(cache, lambda file: _save(file, pairs))
    return pairs


def _written_groups(written: Written, judge: Judged, *, seed: int) -> Iterator[list[Pair]]:
    """Yield the pairs of written claims, as often as is said, each time with other sentences around them."""
    for passage in written_passages(written.path, seed=seed)[0]:
        if judge.overlap(as_articles([passage])):
            continue
        for time in range(written.times):
            yield from written_groups(passage, seed=seed + time)


def written_passages(path: Path, *, seed: int) -> tuple[list[Passage], list[Passage]]:
    """Return the passages to train on and those kept back, of a file of written claims."""
    passages = {one.title: one for one in read_passages(path)}
    rest, held = hold_out_documents(as_articles(list(passages.values())), DOCUMENTS_HELD_OUT, seed)
    return [passages[one.title] for one in rest], [passages[one.title] for one in held]


def judged_articles(path: Path) -> Iterator[Article]:
    """Yield what a judged file holds; of claims, evidence and claim as paragraphs, and the claim as a question."""
    if ".jsonl" not in path.name:
        yield from read_articles(path)
        return
    for number, pair in enumerate(read_support(path)):
        claim = Question(question_id=str(number), text=pair.claim, answers=())
        texts = (
            Paragraph(text=pair.evidence, questions=(claim,)),
            Paragraph(text=pair.claim, questions=()),
        )
        yield Article(title="", paragraphs=texts)


def training_articles(
    data: Sequence[Path], judge: Judged, *, seed: int
) -> tuple[tuple[Article, ...], dict[str, dict[str, int]]]:
    """Return the articles to train on, and by file how much of it was left out as judged."""
    found: list[Article] = []
    shared = {}
    for path in data:
        articles = hold_out(read_articles(path), HELD_OUT, seed)[0]
        overlap: Overlap = judge.overlap(articles)
        shared[path.name] = {
            "titles": overlap.titles,
            "paragraphs": overlap.paragraphs,
            "questions": overlap.questions,
        }
        found += judge.remove_from(articles)
    return tuple(found), shared


def held_out_written(written: Path | None, *, seed: int) -> list[Pair]:
    """Return the pairs of written claims that are never trained on."""
    passages = written_passages(written, seed=seed)[1] if written else []
    return [pair for one in passages for group in written_groups(one, seed=seed) for pair in group]


def held_out_groups(
    data: Sequence[Path], *, seed: int, thesaurus: Path | None = None
) -> list[list[Pair]]:
    """Return pairs of the articles that are never trained on."""
    articles = [one for path in data for one in hold_out(read_articles(path), HELD_OUT, seed)[1]]
    return list(made_groups(articles, seed=seed, thesaurus=thesaurus))


def made_groups(
    articles: Sequence[Article], *, seed: int, thesaurus: Path | None = None
) -> Iterator[list[Pair]]:
    """Yield the pairs that can be made of articles."""
    verbs = Verbs.counted(paragraph.text for one in articles for paragraph in one.paragraphs)
    maker = PairMaker(verbs, read_words(thesaurus, verbs))
    for article in articles:
        yield from maker.groups(article, seed=seed)


def without_judged(groups: Iterable[list[Pair]], judge: Judged) -> Iterator[list[Pair]]:
    """Leave out groups with a claim that is judged."""
    for group in groups:
        claims = tuple(Question(question_id="", text=one.claim, answers=()) for one in group)
        asked = Article(title="", paragraphs=(Paragraph(text="", questions=claims),))
        if not judge.overlap([asked]).questions:
            yield group


def encode(groups: Iterable[list[Pair]], tokenizer: Tokenizer, made: dict[str, object]) -> Pairs:
    """Cut pairs into word pieces; one that is too long to be read whole is left out."""
    numbers: dict[str, int] = {}
    rows = [
        (
            numbers.setdefault(pair.claim, len(numbers)),
            numbers.setdefault(pair.evidence, len(numbers)),
            int(pair.supported),
            group,
        )
        for group, members in enumerate(groups)
        for pair in members
    ]
    texts = ragged(list(numbers), tokenizer)
    lengths = texts.lengths
    table = np.array(rows, dtype=np.int32).reshape(-1, 4)
    whole = (lengths[table[:, 0]] <= LONGEST_CLAIM) & (
        lengths[table[:, 0]] + lengths[table[:, 1]] + SPECIAL <= LONGEST
    )
    return Pairs(texts=texts, rows=table[whole], made=made)


def ragged(texts: Sequence[str], tokenizer: Tokenizer) -> Ragged:
    """Cut texts into word pieces."""
    pieces: list[NDArray[np.uint16]] = []
    for start, end in pairwise([*range(0, len(texts), BATCH), len(texts)]):
        encoded = tokenizer.encode_batch(list(texts[start:end]), add_special_tokens=False)
        pieces += [np.array(one.ids, dtype=np.uint16) for one in encoded]
    starts = np.cumsum([0, *(len(one) for one in pieces)], dtype=np.int64)
    return Ragged(pieces=np.concatenate([np.zeros(0, dtype=np.uint16), *pieces]), starts=starts)


def batches(
    pairs: Pairs, *, seed: int, pieces: int, longest: int = LONGEST, first: int = 0
) -> Iterator[Marked]:
    """Yield the batches of a run from step `first` on, without end; supported pairs are framed as answered.

    Groups stay together. Which ones a step sees is a function of the seed and the step alone.

    Args:
        pairs: what to draw from; each epoch sees all.
        seed: of the run.
        pieces: word pieces in a batch at most, padding included.
        longest: word pieces of one pair at most; groups with a longer one are left out.
        first: steps to leave out, since they were taken already.
    """
    yield from islice(_endless(pairs, seed, pieces, longest), first, None)


def _endless(pairs: Pairs, seed: int, pieces: int, most: int) -> Iterator[Marked]:
    lengths = pairs.texts.lengths[pairs.rows[:, :2]].sum(axis=1) + SPECIAL
    bounds = np.flatnonzero(np.diff(pairs.rows[:, 3], prepend=-1, append=-1))
    longest = np.array([lengths[a:b].max() for a, b in pairwise(bounds)])
    epoch = 0
    while True:
        rng = np.random.default_rng((seed, epoch))
        order = rng.permutation(np.flatnonzero(longest <= most))
        for start in range(0, len(order), POOL):
            pool = order[start : start + POOL]
            pool = pool[np.argsort(longest[pool], kind="stable")]
            together = list(_cut(pool, bounds, longest, pieces))
            for place in rng.permutation(len(together)):
                yield _collate(pairs, together[place], rng)
        epoch += 1


def _cut(
    groups: NDArray[np.int64], bounds: NDArray[np.int64], longest: NDArray[np.int64], pieces: int
) -> Iterator[NDArray[np.int64]]:
    """Cut groups, ascending by length, into batches of rows."""
    members: list[int] = []
    for group in groups:
        own = range(bounds[group], bounds[group + 1])
        if members and (len(members) + len(own)) * longest[group] > pieces:
            yield np.array(members)
            members = []
        members.extend(own)
    yield np.array(members)


def _collate(pairs: Pairs, rows: NDArray[np.int64], rng: np.random.Generator) -> Marked:
    table = np.concatenate([pairs.rows[rows], _strangers(pairs.rows[rows], rng)])
    texts = [(pairs.texts[claim], pairs.texts[evidence]) for claim, evidence in table[:, :2]]
    framed = frame(texts, [(0, 0) if supported else (-1, -1) for supported in table[:, 2]])
    wrong = np.full(framed.ids.shape, UNKNOWN, dtype=np.int64)
    opens = np.flatnonzero(np.diff(table[:, 3], prepend=-1))
    for bounds in pairwise([*opens, len(table)]):
        members = range(*bounds)
        group = [
            PiecePair(tuple(texts[i][0].tolist()), tuple(texts[i][1].tolist()), bool(table[i, 2]))
            for i in members
        ]
        for i, marked in zip(members, marks(group), strict=True):
            wrong[i, 1 : 1 + len(marked)] = marked
    return Marked(
        ids=framed.ids,
        mask=framed.mask,
        types=framed.types,
        start=framed.start,
        end=framed.end,
        wrong=wrong,
    )


def _strangers(table: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.int32]:
    """Return claims with the evidence of other groups, each a group of its own."""
    n = int(len(table) * STRANGERS)
    claims, evidence = rng.integers(len(table), size=(2, n))
    apart = table[claims, 3] != table[evidence, 3]
    claims, evidence = claims[apart], evidence[apart]
    made = np.zeros((len(claims), 4), dtype=np.int32)
    made[:, 0], made[:, 1] = table[claims, 0], table[evidence, 1]
    made[:, 3] = table[:, 3].max(initial=0) + 1 + np.arange(len(made))
    return made


def _save(path: Path, pairs: Pairs) -> None:
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            pieces=pairs.texts.pieces,
            starts=pairs.texts.starts,
            rows=pairs.rows,
            made=np.frombuffer(json.dumps(pairs.made).encode(), dtype=np.uint8),
        )


def _load(path: Path) -> Pairs | None:
    """Return what the cache holds, None where there is none."""
    if not path.is_file():
        return None
    with np.load(path) as kept:
        return Pairs(
            texts=Ragged(pieces=kept["pieces"], starts=kept["starts"]),
            rows=kept["rows"],
            made=json.loads(kept["made"].tobytes()),
        )

"""A benchmark from its path to its official figures, with this program's own parts."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeVar, get_args

import numpy as np
from pydantic import SecretStr

from eval.benchmarks.answers import Asked, ask_all
from eval.benchmarks.collection import Collection, FollowUp, SupportPair
from eval.benchmarks.readers import (
    read_beir,
    read_canard,
    read_mtrag,
    read_squad,
    read_support,
)
from eval.benchmarks.reading import read_one_passage_each
from eval.benchmarks.recognition import Layout, recognise, support_files
from eval.benchmarks.report import BenchmarkReport, Figures
from eval.benchmarks.retrieval import RETRIEVAL, Ranking, Way, compare_retrieval
from eval.benchmarks.rewriting import bleu_counts, bleu_of_counts
from eval.benchmarks.sampling import stratified
from eval.benchmarks.squad import score_reading
from eval.benchmarks.support import balanced_accuracy, verdict
from rag.errors import DatasetError
from rag.evaluation import measures
from rag.evaluation.dataset import Example
from rag.evaluation.grid import shown
from rag.evaluation.intervals import Interval, bootstrap_interval, bootstrap_statistic
from rag.pipeline import Progress, Rag
from rag.pipeline.build import load_pooled_support
from rag.queries import standalone
from rag.reader import load_reader
from rag.reader.selection import threshold_at
from rag.retrieval import Method
from rag.settings import Settings

T = TypeVar("T")

Mode = Literal["reading", "corpus", "answers"]
WAYS: tuple[Way, ...] = ("dense", "lexical", "convex", "fusion", "reader")
"""What is compared on a corpus: the two searches, their scores combined, what the program uses, and that
reranked by the reader."""

_READERS: Mapping[Layout, Callable[[Path], Collection]] = {
    "squad": read_squad,
    "beir": read_beir,
    "mtrag": read_mtrag,
}


def run_benchmark(
    path: Path,
    *,
    mode: Mode | None = None,
    sample: int | None = None,
    seed: int = 0,
    ways: Sequence[str] = WAYS,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> BenchmarkReport:
    """Recognise what a path holds, and measure it as it is officially measured.

    | layout | mode | figures |
    |---|---|---|
    | SQuAD | `reading` (default): the reader on the question's own passage | EM and F1, all and both sorts |
    | | `corpus`: all passages are searched | Success@k, MRR, MAP, Recall@k, nDCG@k |
    | | `answers`: all passages are asked, as a person asks | share contained, stated or guessed; AUROC of abstaining |
    | BEIR, mtRAG | `corpus` | the same |
    | CANARD | | BLEU of the queries made of follow-ups |
    | support | | balanced accuracy of `supported` |

    Args:
        path: a file or folder.
        mode: what to measure where there is a choice.
        sample: only so many questions, claims or follow-ups, evenly over their sorts; of a folder of
            files so many of each.
        seed: of the sample.
        ways: what is compared on a corpus, each a method of retrieval or `reader`.
        settings: encoder, reader, passages and strictness; where documents and index are kept is not
            looked at, since a benchmark has its own index for as long as it runs.
        progress: told about long work.

    Raises:
        DatasetError: the path holds no benchmark that can be read, or none of this mode, or a way is unknown.
    """
    layout = recognise(path)
    if mode in {"reading", "answers"} and layout != "squad":
        raise DatasetError(f"{path} ({layout}) has no answers to read for; leave the mode out.")
    if mode == "corpus" and layout in {"canard", "support"}:
        raise DatasetError(f"{path} ({layout}) has no documents to search; leave the mode out.")
    if layout == "support":
        pairs = _pairs(path, sample, seed)
        support = (settings or Settings()).support
        return verdicts(path.name.split(".")[0], pairs, support=support, progress=progress)
    if layout == "canard":
        asked = _chosen(read_canard(path), sample, seed)
        return follow_ups(path.name.split(".")[0], asked)
    collection = _READERS[layout](path)
    if not collection.examples:
        raise DatasetError(f"{path} ({layout}) holds no questions.")
    settings = settings or Settings()
    if mode == "answers":
        return answers(_asked(collection, sample, seed), settings, progress=progress)
    if layout == "squad" and mode != "corpus":
        asked_of = _asked(collection, sample, seed).asked()
        return reading(asked_of, settings, progress=progress)
    return corpus(
        _asked(collection.answerable(), sample, seed), settings, ways=_ways(ways), progress=progress
    )


def reading(
    collection: Collection, settings: Settings, *, progress: Progress | None = None
) -> BenchmarkReport:
    """Let the reader read each question's own passage, and score it by SQuAD's rules."""
    reader = load_reader(settings.reader)
    with _indexed(collection, settings, progress) as rag:
        predictions = read_one_passage_each(collection, rag, reader, progress=progress)
    threshold = 1 - threshold_at(reader.threshold, settings.strictness)
    scores = score_reading(predictions, collection.examples, threshold=threshold)
    rows: dict[str, Figures] = {}
    for name, answerable in (("all", None), ("HasAns", True), ("NoAns", False)):
        exact, f1 = (scores.figure(one, answerable=answerable) for one in ("exact", "f1"))
        if exact.n:
            rows[name] = {"EM": exact, "F1": f1}
    auroc = scores.no_answer_auroc
    return BenchmarkReport(
        name=collection.name,
        what=f"The reader {reader.name} on the passage that each question was asked of,"
        f" {len(collection.examples)} questions.",
        rows=rows,
        remarks=(
            f"Best thresholds: EM {scores.best_exact:.1f} with no-answer at most"
            f" {scores.best_exact_threshold:.3f}, F1 {scores.best_f1:.1f} at most"
            f" {scores.best_f1_threshold:.3f}; used was {threshold:.3f}.",
            *(() if math.isnan(auroc) else (f"AUROC of the no-answer decision: {auroc:.3f}.",)),
        ),
    )


def corpus(
    collection: Collection,
    settings: Settings,
    *,
    ways: Sequence[Way] = WAYS,
    progress: Progress | None = None,
) -> BenchmarkReport:
    """Search all sources of a collection in several ways side by side."""
    reader = load_reader(settings.reader)
    with _indexed(collection, settings, progress) as rag:
        compared = compare_retrieval(
            collection,
            {way: Ranking(rag=rag, way=way, reader=reader, n_read=settings.top_k) for way in ways},
            query_of=_query,
            progress=progress,
        )
    gains = [
        f"{way} - fusion, Success@1: {100 * gain.value:+.1f} points"
        f" [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}], paired."
        for way in ways
        if way != "fusion" and "fusion" in ways
        for gain in [compared.difference(way, "fusion", "Success@1")]
    ]
    return BenchmarkReport(
        name=collection.name,
        what=f"{compared.n} questions on {len(collection.sources)} documents as one corpus; a question's"
        " documents are to be found.",
        rows={
            way: {measure: _per_cent(compared.figure(way, measure)) for measure in RETRIEVAL}
            for way in ways
        },
        remarks=tuple(gains),
    )


def answers(
    collection: Collection, settings: Settings, *, progress: Progress | None = None
) -> BenchmarkReport:
    """Ask the whole program every question, all sources of the collection being one corpus."""
    with _indexed(collection, settings, progress, answers=True) as rag:
        asked = ask_all(collection, rag, progress=progress)
        model = rag.models[0]
    rows: dict[str, Figures] = {}
    for name, answerable in (("answerable", True), ("unanswerable", False)):
        if own := [one for one in asked if one.answerable is answerable]:
            rows[name] = _answer_figures(own, answerable=answerable)
    sure, reliability = (
        bootstrap_interval(values)
        for values in (
            [one.contained for one in asked if one.degree == "stated"],
            [one.reliability for one in asked],
        )
    )
    apart = bootstrap_statistic(
        measures.auroc, [one.confidence for one in asked], [one.answerable for one in asked]
    )
    return BenchmarkReport(
        name=collection.name,
        what=f"{len(asked)} questions put to {model}, {len(collection.sources)} documents as one corpus.",
        rows=rows,
        remarks=(
            "AUROC of the confidence, answerable questions from others:"
            f" {apart.value:.3f} [{apart.low:.3f}, {apart.high:.3f}].",
            f"Right of the {sure.n} stated: {shown(sure)} %. Effective reliability: {shown(reliability)}.",
        ),
    )


def _answer_figures(asked: Sequence[Asked], *, answerable: bool) -> Figures:
    """Return how surely questions of one sort were answered, and how rightly where they have an answer."""
    figures = {
        "stated": _rate([one.degree == "stated" for one in asked]),
        "guessed": _rate([one.degree == "guessed" for one in asked]),
    }
    rightly = [one for one in asked if answerable]
    for name, degrees in (
        ("answer contained", ("stated", "guessed")),
        ("and stated", ("stated",)),
    ):
        shares = [one.contained if one.degree in degrees else 0.0 for one in rightly]
        figures[name] = _per_cent(bootstrap_interval(shares))
    return figures


def follow_ups(name: str, asked: Sequence[FollowUp]) -> BenchmarkReport:
    """Compare the queries made of follow-ups with a person's rewrites."""
    ways: Mapping[str, Callable[[FollowUp], str]] = {
        "question alone": lambda one: one.question,
        "standalone": lambda one: standalone(one.question, one.history).text,
    }
    wanted = [one.rewrite for one in asked]
    rows: dict[str, Figures] = {}
    for way, query_of in ways.items():
        counts = bleu_counts([query_of(one) for one in asked], wanted)
        score = bootstrap_statistic(
            lambda rows, counts=counts: bleu_of_counts(counts[rows].sum(axis=0)),
            np.arange(len(asked)),
        )
        rows[way] = {"BLEU": _per_cent(score)}
    return BenchmarkReport(
        name=name,
        what=f"{len(asked)} follow-ups, each made to stand alone; beside what a person made of it.",
        rows=rows,
    )


def verdicts(
    name: str,
    named: Mapping[str, Sequence[SupportPair]],
    *,
    support: str,
    progress: Progress | None = None,
) -> BenchmarkReport:
    """Judge claims against their evidence; `supported` is right for those labelled so, and no others."""
    bears_out = load_pooled_support(support)
    rows: dict[str, Figures] = {}
    for file, pairs in named.items():
        true = [pair.label == "supported" for pair in pairs]
        said = []
        for done, pair in enumerate(pairs, start=1):
            said.append(verdict(pair, bears_out) == "supported")
            if progress is not None:
                progress(file, done, len(pairs))
        rows[file] = {
            "balanced accuracy": _per_cent(bootstrap_statistic(balanced_accuracy, said, true)),
            "recall": _rate([a for a, b in zip(said, true, strict=True) if b]),
            "specificity": _rate([not a for a, b in zip(said, true, strict=True) if not b]),
        }
    return BenchmarkReport(
        name=name,
        what="Claims called supported by the checks that an LLM's sentences go through.",
        rows=rows,
    )


@contextmanager
def _indexed(
    collection: Collection,
    settings: Settings,
    progress: Progress | None,
    *,
    answers: bool = False,
) -> Iterator[Rag]:
    """Index a collection for the time being; to be asked too where `answers` is set."""
    with tempfile.TemporaryDirectory() as folder:
        own = settings.model_copy(
            update={
                "seeds_dir": Path(folder) / "none",
                "index_dir": Path(folder) / "index",
                "store": SecretStr(""),
            }
        )
        with Rag.open(own, sync=False, answerers=None if answers else ()) as rag:
            rag.add_sources(collection.sources, progress=progress)
            yield rag


def _ways(names: Sequence[str]) -> tuple[Way, ...]:
    known: tuple[Way, ...] = (*get_args(Method), "reader")
    if unknown := [name for name in names if name not in known]:
        raise DatasetError(
            f"There is no way {unknown[0]!r} of ranking; there are: {', '.join(known)}."
        )
    return tuple(way for way in known if way in names)


def _asked(collection: Collection, sample: int | None, seed: int) -> Collection:
    return collection if sample is None else collection.sample(sample, seed=seed)


def _pairs(path: Path, sample: int | None, seed: int) -> Mapping[str, tuple[SupportPair, ...]]:
    files = support_files(path) if path.is_dir() else (path,)
    return {
        file.name.split(".")[0]: _chosen(
            read_support(file), sample, seed, stratum=lambda pair: pair.label
        )
        for file in files
    }


def _chosen(
    items: Sequence[T],
    sample: int | None,
    seed: int,
    *,
    stratum: Callable[[T], Hashable] = lambda _: None,
) -> tuple[T, ...]:
    if sample is None:
        return tuple(items)
    return stratified(items, sample, seed=seed, stratum=stratum)


def _query(example: Example) -> str:
    return standalone(example.question, example.history).text


def _per_cent(figure: Interval) -> Interval:
    return Interval(
        value=100 * figure.value, low=100 * figure.low, high=100 * figure.high, n=figure.n
    )


def _rate(right: Sequence[bool]) -> Interval:
    return _per_cent(bootstrap_interval(right))

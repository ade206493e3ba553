"""Runs: every question asked once, the answers kept in a folder that outlives the process.

`answers.jsonl` holds one record a question, appended as it is answered, so that a run that was
stopped goes on where it was. `manifest.json` says what made it; a run never mixes two makings. What
is made of the records is decided elsewhere, as often as one likes.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import rag
from rag.errors import ChatError, DatasetError, QuestionError
from rag.evaluation.dataset import Example, example_to_dict
from rag.privacy import make_folder
from rag.schema import Answer, ScoredPassage, Source, SourceInfo, Turn

if TYPE_CHECKING:
    from rag.pipeline import Progress

FORMAT = 2
RETRIEVED = 10
"""Passages that are searched for the retrieval measures."""

_ANSWERS, _MANIFEST = "answers.jsonl", "manifest.json"
# Half of a surrogate pair has no UTF-8, and written so it is the escape that JSON reads back.
_ESCAPED = "backslashreplace"
_PACKAGES = ("footnote-rag", "numpy", "onnxruntime", "tokenizers", "faiss-cpu", "tantivy")

Record = Mapping[str, object]
"""One question: example, answer, retrieved passages, whether each quote is exact, and costs.

`number` is its place in the question set, from 1; `expected` holds the words of each evidence. So all
that a reader of the run wants to see is in it, without the sources.
"""


class Pipeline(Protocol):
    """The pipeline to evaluate: `rag.Rag`, or anything like it."""

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Answer a question."""

    def search(self, query: str, k: int | None = None) -> tuple[ScoredPassage, ...]:
        """Return the k best passages, best first."""

    def source(self, source_id: str) -> Source:
        """Return a source with its text."""

    def sources(self) -> Sequence[SourceInfo]:
        """Return the indexed sources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished run; its records stay on disk until they are asked for."""

    folder: Path
    manifest: Mapping[str, object]

    def records(self) -> Iterator[Record]:
        """Yield each question's record, in the order in which they were answered.

        Raises:
            DatasetError: a record is damaged; names file and line.
        """
        yield from _read_records(self.folder / _ANSWERS)


def evaluate(
    pipeline: Pipeline,
    examples: Sequence[Example],
    *,
    out_dir: Path,
    settings: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Run:
    """Ask each question through the pipeline and record everything that came back.

    A folder that holds part of the same run is completed; questions that a chat model failed on are
    asked again.

    Args:
        pipeline: what is evaluated.
        examples: the questions, with evidence as spans.
        out_dir: folder of the run; made if missing.
        settings: what made the pipeline, for the manifest.
        progress: told after each question.

    Raises:
        DatasetError: the folder holds another run, or cannot be written.
    """
    manifest = _manifest(pipeline, examples, settings or {})
    try:
        make_folder(out_dir)
        _claim(out_dir, manifest)
        done = _keep_whole_records(out_dir / _ANSWERS)
        with (out_dir / _ANSWERS).open("a", encoding="utf-8", errors=_ESCAPED) as file:
            for number, example in enumerate(examples, start=1):
                if example.query_id not in done:
                    record = {"number": number, **_record(pipeline, example)}
                    file.write(json.dumps(record, ensure_ascii=False) + "\n")
                    file.flush()
                if progress is not None:
                    progress("questions", number, len(examples))
    except OSError as exc:
        raise DatasetError(f"The run in {out_dir} cannot be written: {exc}.") from exc
    return Run(folder=out_dir, manifest=manifest)


def load_run(folder: Path) -> Run:
    """Return a run that was made before.

    Raises:
        DatasetError: the folder holds none, or one of another format.
    """
    path = folder / _MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise DatasetError(f"{folder} holds no run: {path.name} cannot be read ({exc}).") from exc
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise DatasetError(f"{path} has another format than {FORMAT}; make the run again.")
    return Run(folder=folder, manifest=manifest)


def finished(
    pipeline: Pipeline,
    examples: Sequence[Example],
    *,
    out_dir: Path,
    settings: Mapping[str, object] | None = None,
) -> Run | None:
    """Return the run that `evaluate` would make if its folder holds all of it already, else None.

    Args:
        pipeline: has the sources of the one that is evaluated; nothing is asked.
        examples: as in `evaluate`.
        out_dir: as in `evaluate`.
        settings: as in `evaluate`.
    """
    try:
        run = load_run(out_dir)
        answered = {record["query_id"] for record in run.records() if not record["error"]}
    except DatasetError:
        return None
    wanted = _manifest(pipeline, examples, settings or {})
    same = not _differing(run.manifest, wanted)
    return run if same and answered == {example.query_id for example in examples} else None


def _record(pipeline: Pipeline, example: Example) -> Record:
    """Ask one question; record errors of the question itself, raise all others."""
    started = time.perf_counter()
    answer, error = None, ""
    retrieved: Sequence[ScoredPassage] = ()
    try:
        answer = pipeline.ask(example.question, history=example.history)
        asked = time.perf_counter()
        retrieved = pipeline.search(answer.query, k=RETRIEVED)
    except (ChatError, QuestionError) as exc:
        error = f"{type(exc).__name__}: {exc}"
        asked = time.perf_counter()
    searched = time.perf_counter()
    return {
        "query_id": example.query_id,
        "example": example_to_dict(example),
        "expected": _evidence_texts(pipeline, example),
        "answer": answer.to_dict() if answer is not None else None,
        "retrieved": [_retrieved_to_dict(passage) for passage in retrieved],
        "quotes_exact": _quotes_exact(pipeline, answer) if answer is not None else [],
        "error": error,
        "cost": {
            "ask_seconds": asked - started,
            "search_seconds": searched - asked,
            "peak_megabytes": peak_megabytes(),
        },
    }


def _quotes_exact(pipeline: Pipeline, answer: Answer) -> list[bool]:
    """Compare each quote with the source as it is now; only now is the source at hand."""
    texts = {c.source_id: pipeline.source(c.source_id).text for c in answer.citations}
    return [c.quote == texts[c.source_id][c.start : c.end] for c in answer.citations]


def _evidence_texts(pipeline: Pipeline, example: Example) -> list[str]:
    """Return the words of each evidence; only now is the source at hand."""
    named = {evidence.source_id for evidence in example.evidence}
    texts = {source_id: pipeline.source(source_id).text for source_id in named}
    return [texts[e.source_id][e.start : e.end] for e in example.evidence]


def _retrieved_to_dict(scored: ScoredPassage) -> dict[str, object]:
    passage = scored.passage
    return {
        "source_id": passage.source_id,
        "start": passage.start,
        "end": passage.end,
        "score": scored.score,
        "text": passage.text,
    }


def _manifest(
    pipeline: Pipeline, examples: Sequence[Example], settings: Mapping[str, object]
) -> dict[str, object]:
    """Return the run's manifest; runs with equal manifests may share a folder."""
    questions = json.dumps([example_to_dict(e) for e in examples], ensure_ascii=False)
    indexed = sorted((info.source_id, info.sha256) for info in pipeline.sources())
    return {
        "format": FORMAT,
        "questions": {"n": len(examples), "sha256": _sha256(questions)},
        "sources": {"n": len(indexed), "sha256": _sha256(json.dumps(indexed))},
        "settings": dict(settings),
        "program": program_sha256(),
        "versions": {
            "python": platform.python_version(),
            **{name: version for name in _PACKAGES if (version := _version(name))},
        },
    }


def program_sha256() -> str:
    """Hash the package with its weights, so that a changed program never completes an old run."""
    return _folder_sha256(Path(rag.__file__).parent)


@cache
def _folder_sha256(root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(path.relative_to(root).as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors=_ESCAPED)).hexdigest()


def _claim(folder: Path, manifest: Mapping[str, object]) -> None:
    """Write the manifest, or check that the one there is the same."""
    path = folder / _MANIFEST
    if not path.exists():
        if (folder / _ANSWERS).exists():
            raise DatasetError(f"{folder} holds answers without a manifest; choose another folder.")
        _replace(path, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
        return
    if changed := _differing(load_run(folder).manifest, manifest):
        raise DatasetError(
            f"{folder} holds a run that other {' and '.join(changed)} made. Choose another folder,"
            " or delete this one."
        )


def _differing(held: Mapping[str, object], manifest: Mapping[str, object]) -> list[str]:
    """Return the names of the manifest entries that differ from the stored ones."""
    wanted = json.loads(json.dumps(manifest))  # as the one held went
    return sorted(key for key in wanted if held.get(key) != wanted[key])


def _keep_whole_records(path: Path) -> frozenset[str]:
    """Drop truncated records and failed questions; return the ids of the answered ones."""
    if not path.exists():
        return frozenset()
    done: set[str] = set()
    fresh = _fresh(path)
    # A stop may cut a character in two; the line is dropped with it.
    with (
        path.open(encoding="utf-8", errors="replace") as file,
        fresh.open("w", encoding="utf-8") as kept,
    ):
        for line in file:
            record = _parsed(line)
            if record is not None and not record["error"]:
                kept.write(line)
                done.add(str(record["query_id"]))
    fresh.replace(path)
    return frozenset(done)


def _read_records(path: Path) -> Iterator[Record]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                record = _parsed(line)
                if record is None:
                    raise DatasetError(
                        f"{path}, line {number}: the record is damaged. Run the evaluation again"
                        " into the same folder to complete it."
                    )
                yield record
    except (OSError, UnicodeDecodeError) as exc:
        raise DatasetError(f"{path} cannot be read: {exc}.") from exc


def _parsed(line: str) -> Record | None:
    """Return the record of a line, or None if the line is no whole record."""
    if not line.endswith("\n"):
        return None
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        return None
    whole = isinstance(record, dict) and {"query_id", "example", "answer", "error"} <= set(record)
    return record if whole else None


def _replace(path: Path, text: str) -> None:
    fresh = _fresh(path)
    fresh.write_text(text, encoding="utf-8", errors=_ESCAPED)
    fresh.replace(path)


def _fresh(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def peak_megabytes() -> float | None:
    """Return the most memory that this process has held, in 10^6 bytes; None where nobody tells.

    Linux says it as `VmHWM` (proc(5)); its `ru_maxrss` begins with what the parent held. Elsewhere it
    is `ru_maxrss` (getrusage(2)), which is in bytes on macOS and in KiB on other systems.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6

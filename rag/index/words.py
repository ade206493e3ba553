"""Word search: BM25 over the stemmed words of passages, by tantivy.

The words lie in parts, each one file that packs a small tantivy index over a range of passage keys and never changes.
Removing a passage writes its part anew without it, so that no dictionary keeps a word of what was removed, and
document frequencies are those of what is there. Tantivy merges what was analysed before, which takes a twentieth of
the time of analysing it again. A reader unpacks the parts of one state into a folder of its own, as
the segments of one index, and deletes that folder as soon as they are open: the index folder may be read-only, and
what is being read is never pulled away.

Terms, counts and keys are kept, but no text.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import time
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import TYPE_CHECKING, Any

from rag.index.files import DamagedFileError, FileRecord, write_error, writing
from rag.language.languages import own_stems

if TYPE_CHECKING:
    import tantivy

PART_PASSAGES = 16_384
"""Most passages of a part: fewer parts are searched faster, and tantivy merges segments that are no larger at once."""

_COMMON_SHARE = 0.25
_COMMON_PASSAGES = 2_000
_MOST_TERMS = 64
_SPARE = 28
"""Results looked at beyond those wanted, to see where a tie at the end of the list ends."""
_LONGEST_TERM = 128
_HEAP = 256_000_000
_ANALYZER = "footnote"
_PREFIX = "footnote-"
_MERGED = 8
"""Segments of one size, as small ones all are, that tantivy merges into one."""
_REMOVALS = 50
"""Times that a folder is removed which fills again meanwhile."""

# Scripts written without spaces are searched by pairs of characters, as Lucene's CJKAnalyzer does; Korean too, whose
# particles hang on to their words.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana, Han
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af\U00020000-\U0003ffff]+"  # Hangul, rarer Han
)
# Marks inside words that tantivy does not count as letters: it would cut the word there.
_INNER_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u064b-\u0652\u0670\u093c\u094d\u09bc\u09cd\u0a3c\u0a4d\u0abc\u0acd\u0b3c\u0b4d\u0bcd"
    "\u0c4d\u0cbc\u0ccd\u0d4d\u0dca\u0e47-\u0e4e\u0ebc\u0ec8-\u0ecd\u1037\u1039\u103a\u17c9-\u17d3\u200c\u200d]+"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The words of all passages whose key is in a range, both ends included."""

    first: int
    last: int
    passages: int
    file: FileRecord


class Analyzer:
    """Text to terms: normalised (NFKC), cut at what is no letter or digit, lower-cased, unaccented, stemmed.

    Stems are English; a text in another language has its own besides, where they differ.

    Any string is text: nothing in it is a command.
    """

    def __init__(self) -> None:
        import tantivy

        self.engine = (
            tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
            .filter(tantivy.Filter.remove_long(_LONGEST_TERM))
            .filter(tantivy.Filter.lowercase())
            .filter(tantivy.Filter.ascii_fold())
            .filter(tantivy.Filter.stemmer("english"))
            .build()
        )

    def __call__(self, text: str) -> list[str]:
        """Return the terms in order, repeated as often as they occur."""
        terms: list[str] = self.engine.analyze(spaced(text))
        return terms


def spaced(text: str) -> str:
    """Return a text whose words tantivy can find, whatever its script and its language's endings."""
    text = " ".join((text, *own_stems(text)))
    if text.isascii():
        return text
    whole = unicodedata.normalize("NFKC", text.encode("utf-8", "replace").decode())
    return _UNSPACED.sub(_pairs, _INNER_MARKS.sub("", whole))


def _pairs(run: re.Match[str]) -> str:
    """Return the overlapping pairs of a run of characters, spaced."""
    text = run.group()
    pairs = [text[i : i + 2] for i in range(len(text) - 1)] or [text]
    return f" {' '.join(pairs)} "


@cache
def analyzer() -> Analyzer:
    """Return the one analyzer: documents and questions must be analysed alike."""
    return Analyzer()


def build(
    rows: Iterable[tuple[int, int, str]],
    write: Callable[[bytes], FileRecord],
    *,
    first: int,
    last: int,
) -> list[Part]:
    """Make parts of the words of passages.

    Args:
        rows: (key, number of the source, text), ascending by key.
        write: keeps the content of a part's file.
        first: start of the range of keys that the parts cover together.
        last: end of it, included.

    Returns:
        The parts, ascending; none without rows.

    Raises:
        IndexWriteError: no space or no permission.
    """
    rows = iter(rows)
    parts: list[Part] = []
    ahead = list(islice(rows, PART_PASSAGES))
    while ahead:
        some, ahead = ahead, list(islice(rows, PART_PASSAGES))
        stop = ahead[0][0] - 1 if ahead else last
        file = write(pack(some))
        parts.append(Part(first=first, last=stop, passages=len(some), file=file))
        first = stop + 1
    return parts


def pack(rows: Iterable[tuple[int, int, str]]) -> bytes:
    """Return the content of a part's file: a line of JSON that says what follows, and the files of an index."""
    # What tantivy flushes to the disk here is thrown away again; in memory that costs nothing.
    with _writing() as folder:
        index = tantivy_index(folder)
        writer = index.writer(_HEAP, 1)
        for row in rows:
            writer.add_document(_document(row))
        writer.commit()
        writer.wait_merging_threads()
        return _packed(folder)


def repack(
    packed: Iterable[bytes],
    *,
    gone: Sequence[int],
    fresh: Sequence[tuple[int, int, str]],
    again: Sequence[tuple[int, int, str]],
) -> bytes | None:
    """Return the content of one part made of others, without analysing again what these hold.

    Tantivy merges segments of its own accord only, as soon as there are eight small ones: so some passages are put
    into segments of their own. The segment that comes of it has no term that only passages hold that are gone.

    Numbers of passages, and of those that hold a term, are those of what is left. Where something was taken out the
    average length, which BM25 compares with, is estimated by tantivy from the lengths that it keeps: to the word up to
    40 words, to an eighth above.

    Args:
        packed: the content of each part's file, ascending by key, checked against its record.
        gone: keys of passages to leave out, ascending.
        fresh: (key, number of the source, text) of passages that no part holds.
        again: the same of some that one holds, to make up the number of segments.

    Returns:
        None where tantivy did not merge all into one.

    Raises:
        IndexWriteError: no space or no permission.
    """
    with _writing() as folder:
        _unpack(packed, folder)
        before = _segments(folder)
        again = again[: max(0, _MERGED - len(before) - len(fresh))]
        index = tantivy_index(folder)
        writer = index.writer(_HEAP, 1)
        for first, last in _runs(sorted([*gone, *(key for key, _, _ in again)])):
            writer.delete_documents_by_query(_between(first, last))
        single = max(1, _MERGED - len(before))
        rows = [*fresh, *again]
        for row in rows[single:]:
            writer.add_document(_document(row))
        for row in rows[:single]:
            writer.add_document(_document(row))
            writer.commit()
        if not rows:
            writer.commit()
        writer.wait_merging_threads()
        kept = sum(one["max_doc"] for one in before) - len(gone) + len(fresh)
        after = [(one["max_doc"], one["deletes"]) for one in _segments(folder)]
        return _packed(folder) if after == [(kept, None)] else None


@contextmanager
def _writing() -> Iterator[Path]:
    """Yield a folder for an index that need not last, and translate what tantivy says of the disk."""
    scratch = _scratch()
    with writing(Path(scratch)), _passing(scratch) as name:
        try:
            yield Path(name)
        except ValueError as exc:
            # tantivy-py reports every failure of the disk as a ValueError.
            raise write_error(Path(name), None, str(exc)) from exc


def tantivy_index(folder: Path) -> tantivy.Index:
    """Return the index in a folder, a new one where there is none, that knows the analyzer."""
    import tantivy

    index = tantivy.Index(_schema(), path=str(folder), reuse=True)
    index.register_tokenizer(_ANALYZER, analyzer().engine)
    return index


def _document(row: tuple[int, int, str]) -> tantivy.Document:
    """Return what is indexed of a passage."""
    import tantivy

    key, source, text = row
    document = tantivy.Document()
    document.add_text("words", spaced(text))
    document.add_unsigned("source", source)
    document.add_unsigned("key", key)
    return document


def _between(first: int, last: int) -> tantivy.Query:
    """Return a query for the passages of a range of keys, both ends included."""
    import tantivy

    unsigned = tantivy.FieldType.Unsigned
    return tantivy.Query.range_query(_schema(), "key", unsigned, first, last)


def _runs(keys: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of each run of keys that follow each other."""
    first = last = None
    for key in keys:
        if last is not None and first is not None and key != last + 1:
            yield first, last
            first = None
        first, last = key if first is None else first, key
    if first is not None and last is not None:
        yield first, last


def _segments(folder: Path) -> list[dict[str, Any]]:
    """Return what tantivy says of the segments of an index in a folder."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    segments: list[dict[str, Any]] = meta["segments"]
    return segments


@contextmanager
def _passing(where: str | None = None) -> Iterator[str]:
    """Yield a folder that is gone afterwards, though a thread of tantivy may still put its lock file there."""
    with TemporaryDirectory(prefix=_PREFIX, dir=where, ignore_cleanup_errors=True) as name:
        yield name
    for _ in range(_REMOVALS):
        if not Path(name).exists():
            return
        time.sleep(0.01)
        shutil.rmtree(name, ignore_errors=True)


def _packed(folder: Path) -> bytes:
    """Return the files of an index in a folder as one."""
    meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    ids = [segment["segment_id"].replace("-", "") for segment in meta["segments"]]
    files = sorted(path for one in ids for path in folder.glob(f"{one}.*"))
    head = {"meta": meta, "files": [[path.name, path.stat().st_size] for path in files]}
    return b"".join([json.dumps(head).encode(), b"\n", *(path.read_bytes() for path in files)])


def _unpack(packed: Iterable[bytes], folder: Path) -> bool:
    """Lay parts into a folder as the segments of one index; False if there are none."""
    whole: dict[str, Any] = {}
    for content in packed:
        line, _, _ = content.partition(b"\n")
        head, at = json.loads(line), len(line) + 1
        for name, size in head["files"]:
            # Without Python's own file objects: at a million passages they would take a third of opening all parts.
            descriptor = os.open(
                folder / name, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600
            )
            try:
                os.write(descriptor, content[at : at + size])
            finally:
                os.close(descriptor)
            at += size
        whole = whole or {**head["meta"], "segments": []}
        whole["segments"] += head["meta"]["segments"]
    (folder / "meta.json").write_text(json.dumps(whole), encoding="utf-8")
    return bool(whole)


def _scratch() -> str:
    """Return a folder for what need not last: in memory, where there is such a one with room."""
    memory = "/dev/shm"  # noqa: S108  (a fresh folder of our own is made in it)
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _HEAP:
        return memory
    return gettempdir()


@cache
def _schema() -> tantivy.Schema:
    """Return the fields: words with their counts, the source to filter by, the key to give back."""
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("words", tokenizer_name=_ANALYZER, index_option="freq")
    builder.add_unsigned_field("source", indexed=True)
    builder.add_unsigned_field("key", fast=True)
    return builder.build()


class WordIndex:
    """Parts, open for searching together; safe to share between threads.

    Args:
        packed: the content of each part's file, checked against its record; asked for one after another.

    Raises:
        DamagedFileError: tantivy cannot make sense of it.
    """

    def __init__(self, packed: Iterable[bytes]) -> None:
        import tantivy

        with _passing() as name:
            try:
                any_parts = _unpack(packed, Path(name))
                index = tantivy.Index.open(name) if any_parts else tantivy.Index(_schema())
                # No thread that watches the folder: it is about to go, and the files stay open.
                index.config_reader("manual")
                self._searcher = index.searcher()
            except (ValueError, OSError) as exc:
                raise DamagedFileError(f"words cannot be opened: {exc}") from exc

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def weights(self, terms: Collection[str]) -> dict[str, float]:
        """Return the idf of each term, above 0: `ln(1 + (N - n + 0.5) / (n + 0.5))`, as in BM25 (Lucene)."""
        total = len(self)
        return {
            term: math.log1p((total - n + 0.5) / (n + 0.5))
            for term, n in ((term, self._frequency(term)) for term in terms)
        }

    def search(
        self, terms: Collection[str], k: int, *, sources: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """Return (key, BM25) of the passages with any of the terms, best first, and all that tie with the last.

        Args:
            terms: as the analyzer made them.
            k: at least 1; fewer are returned where fewer match.
            sources: numbers of the only sources to look at; None for all.
        """
        query = self._query(terms, sources)
        total = len(self)
        if query is None or total == 0:
            return []
        depth = min(k + _SPARE, total)
        while True:
            hits = self._searcher.search(query, depth, count=False).hits
            scores = [round(score, 4) for score, _ in hits]
            if len(hits) < depth or depth == total or scores[-1] < scores[k - 1]:
                break
            depth = min(depth * 4, total)
        keep = [i for i, score in enumerate(scores) if i < k or score == scores[k - 1]]
        addresses = [hits[i][1] for i in keep]
        keys = self._searcher.fast_field_values("key", addresses) if addresses else []
        return [(int(key), scores[i]) for key, i in zip(keys, keep, strict=True) if key is not None]

    def _query(self, terms: Collection[str], sources: Sequence[int] | None) -> tantivy.Query | None:
        """Return a query for any of the terms that are worth looking for, None if there is none."""
        import tantivy

        occur, make = tantivy.Occur, tantivy.Query
        chosen = self._worthwhile(terms)
        if not chosen or (sources is not None and not sources):
            return None
        words = make.boolean_query(
            [(occur.Should, make.term_query(_schema(), "words", term, "freq")) for term in chosen]
        )
        if sources is None:
            return words
        inside = make.term_set_query(_schema(), "source", list(sources))
        return make.boolean_query(
            [(occur.Must, words), (occur.Must, make.const_score_query(inside, 0.0))]
        )

    def _worthwhile(self, terms: Collection[str]) -> list[str]:
        """Return the terms that occur, rarest first, without those that cost much and tell little.

        A term of a quarter of a large index is left out if there is another: its weight is below
        1.4 where a rare one has 10, and reading its list takes most of the time. In a small index
        none is left out.
        """
        known = sorted((n, term) for term in set(terms) if (n := self._frequency(term)))
        common = max(_COMMON_PASSAGES, _COMMON_SHARE * len(self))
        telling = [term for n, term in known if n <= common]
        return (telling or [term for _, term in known])[:_MOST_TERMS]

    def _frequency(self, term: str) -> int:
        """Return the number of passages that hold a term."""
        return int(self._searcher.doc_freq("words", term))

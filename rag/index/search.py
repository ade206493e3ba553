"""What one state is searched with: read from its files, or built from the catalogue where these cannot be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from rag.index.catalogue import Catalogue
from rag.index.database import corrupt
from rag.index.files import DamagedFileError, Layout, read_checked
from rag.index.state import State
from rag.index.vectors import VectorFile, VectorIndex, VectorSegments, kind_for
from rag.index.words import Part, WordIndex, pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Structures:
    """What a state is searched with; safe to share between threads."""

    stored: str
    """The state as it is stored; the structures answer for no other."""
    state: State
    vectors: VectorSegments
    words: WordIndex


def load(
    catalogue: Catalogue,
    layout: Layout,
    *,
    dimension: int,
    before: Structures | None,
    trust_files: bool = True,
) -> Structures:
    """Return the structures of the state that a transaction of the catalogue sees.

    Args:
        catalogue: in a transaction.
        layout: where the files are.
        dimension: of the vectors.
        before: structures of another state, from which is taken what has not changed.
        trust_files: False builds in memory what its files do not give.

    Raises:
        DamagedFileError: a file is missing, stale or damaged, and files are trusted.
        IndexCorruptError: the catalogue is damaged.
    """
    stored = catalogue.state_json()
    state = State.from_json(stored)
    return Structures(
        stored=stored,
        state=state,
        vectors=_vectors(catalogue, layout, state, dimension, before, trust_files=trust_files),
        words=_words(catalogue, layout, state, before, trust_files=trust_files),
    )


def build_vectors(
    catalogue: Catalogue,
    first: int,
    last: int,
    *,
    dimension: int,
    exact_up_to: int,
    trained: VectorIndex | None = None,
) -> VectorIndex:
    """Make a segment of what the catalogue holds in a range of keys, both ends included."""
    keys, vectors = catalogue.vectors(dimension, first, last)
    kind = kind_for(len(keys), dimension, exact_up_to=exact_up_to)
    return VectorIndex.build(keys, vectors, kind=kind, trained=trained)


def is_whole(part: Part | VectorFile, layout: Layout) -> bool:
    """Whether the file of a part or segment is there and undamaged."""
    try:
        read_checked(layout.folder / part.file.name, part.file)
    except DamagedFileError:
        return False
    return True


def read_vectors(wanted: VectorFile, layout: Layout, dimension: int) -> VectorIndex:
    """Return the segment that lies in a file.

    Raises:
        DamagedFileError: it is missing, stale or damaged.
    """
    data = read_checked(layout.folder / wanted.file.name, wanted.file)
    return VectorIndex.from_bytes(data, wanted, dimension=dimension)


def _vectors(
    catalogue: Catalogue,
    layout: Layout,
    state: State,
    dimension: int,
    before: Structures | None,
    *,
    trust_files: bool,
) -> VectorSegments:
    """Return the segments of a state; those of the state before are not read again."""
    known: dict[VectorFile, VectorIndex] = {}
    if before:
        known.update(zip(before.state.vectors, before.vectors.segments, strict=False))
    if state.has_all_vectors():
        segments = [
            known.get(wanted)
            or _segment(catalogue, layout, wanted, dimension, trust_files=trust_files)
            for wanted in state.vectors
        ]
    elif trust_files:
        raise DamagedFileError("the vectors have yet to be written")
    else:
        segments = [_in_memory(catalogue, 1, catalogue.last_key(), dimension)]
    vectors = VectorSegments(segments, dimension)
    if len(vectors) != state.passages:
        raise corrupt(
            catalogue.path, f"it has {len(vectors)} vectors for {state.passages} passages"
        )
    return vectors


def _segment(
    catalogue: Catalogue, layout: Layout, wanted: VectorFile, dimension: int, *, trust_files: bool
) -> VectorIndex:
    """Return one segment, from its file or else built in memory."""
    try:
        return read_vectors(wanted, layout, dimension)
    except DamagedFileError:
        if trust_files:
            raise
    return _in_memory(catalogue, wanted.first, wanted.last, dimension)


def _in_memory(catalogue: Catalogue, first: int, last: int, dimension: int) -> VectorIndex:
    """Return a segment of one process and soon replaced: a quantiser would take longer to train than it saves."""
    return build_vectors(catalogue, first, last, dimension=dimension, exact_up_to=last - first + 1)


def _words(
    catalogue: Catalogue,
    layout: Layout,
    state: State,
    before: Structures | None,
    *,
    trust_files: bool,
) -> WordIndex:
    if before and before.state.parts == state.parts:
        return before.words
    packed: list[bytes] = []
    for part in state.parts:
        try:
            packed.append(read_checked(layout.folder / part.file.name, part.file))
        except DamagedFileError:
            if trust_files:
                raise
            packed.append(pack(catalogue.words(part.first, part.last)))
    words = WordIndex(packed)
    if len(words) != state.passages:
        raise corrupt(
            catalogue.path, f"it has words of {len(words)} passages, not of {state.passages}"
        )
    return words

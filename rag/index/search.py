"""What one state is searched with: read from its files, or built from the catalogue where these cannot be trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rag.index.catalogue import Catalogue
from rag.index.database import corrupt
from rag.index.files import DamagedFileError, Layout, read_checked
from rag.index.state import State
from rag.index.vectors import VectorFile, VectorIndex, VectorSegments
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


def is_whole(part: Part | VectorFile, layout: Layout) -> bool:
    """Whether the file of a part or segment is there and undamaged; all of it is read."""
    try:
        read_checked(layout.folder / part.file.name, part.file)
    except DamagedFileError:
        return False
    return True


def repaired(structures: Structures, catalogue: Catalogue, *, dimension: int) -> Structures:
    """Return structures of which every vector was read and checked, with damaged segments built in memory.

    Args:
        structures: of which a file was found damaged when it was searched.
        catalogue: in a transaction of their state.
        dimension: of the vectors.
    """
    segments = []
    for wanted, segment in zip(structures.state.vectors, structures.vectors.segments, strict=True):
        try:
            segment.check()
        except DamagedFileError:
            segments.append(_in_memory(catalogue, wanted.first, wanted.last, dimension))
        else:
            segments.append(segment)
    return replace(structures, vectors=VectorSegments(segments, dimension))


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
        return VectorIndex.open(layout.folder / wanted.file.name, wanted, dimension=dimension)
    except DamagedFileError:
        if trust_files:
            raise
    return _in_memory(catalogue, wanted.first, wanted.last, dimension)


def _in_memory(catalogue: Catalogue, first: int, last: int, dimension: int) -> VectorIndex:
    """Return a segment of one process and soon replaced: a quantiser would take longer to train than it saves."""
    return VectorIndex.build(*catalogue.vectors(dimension, first, last), kind="SQfp16")


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
    # One part is read after another, so that no more than one is in memory.
    words = WordIndex(
        _packed(catalogue, layout, part, trust_files=trust_files) for part in state.parts
    )
    if len(words) != state.passages:
        raise corrupt(
            catalogue.path, f"it has words of {len(words)} passages, not of {state.passages}"
        )
    return words


def _packed(catalogue: Catalogue, layout: Layout, part: Part, *, trust_files: bool) -> bytes:
    """Return the content of a part, from its file or else made anew."""
    try:
        return read_checked(layout.folder / part.file.name, part.file)
    except DamagedFileError:
        if trust_files:
            raise
        return pack(catalogue.words(part.first, part.last))

"""What one state is searched with: read from its files, or built from the catalogue where these cannot be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from rag.index.catalogue import Catalogue
from rag.index.database import corrupt
from rag.index.files import DamagedFileError, Layout, read_checked
from rag.index.state import State
from rag.index.vectors import VectorIndex, kind_for
from rag.index.words import Part, WordIndex, pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Structures:
    """What a state is searched with; safe to share between threads."""

    stored: str
    """The state as it is stored; the structures answer for no other."""
    state: State
    vectors: VectorIndex
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
    catalogue: Catalogue, passages: int, *, dimension: int, exact_up_to: int
) -> VectorIndex:
    """Make the vector index of what the catalogue holds.

    Raises:
        IndexCorruptError: it does not hold as many passages as it should.
    """
    keys, vectors = catalogue.vectors(dimension)
    if len(keys) != passages:
        raise corrupt(catalogue.path, f"it has {len(keys)} vectors for {passages} passages")
    kind = kind_for(passages, dimension, exact_up_to=exact_up_to)
    return VectorIndex.build(keys, vectors, kind=kind)


def is_whole(part: Part, layout: Layout) -> bool:
    """Whether the file of a part is there and undamaged."""
    try:
        read_checked(layout.folder / part.file.name, part.file)
    except DamagedFileError:
        return False
    return True


def read_vectors(state: State, layout: Layout, dimension: int) -> VectorIndex:
    """Return the vector index that lies in its file.

    Raises:
        DamagedFileError: it is missing, stale or damaged.
    """
    wanted = state.vectors
    if wanted is None:
        raise DamagedFileError("the vector index has yet to be written")
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
) -> VectorIndex:
    if before and state.vectors and before.state.vectors == state.vectors:
        return before.vectors
    try:
        return read_vectors(state, layout, dimension)
    except DamagedFileError:
        if trust_files:
            raise
    # Of one process and soon replaced: a quantiser would take longer to train than it saves.
    return build_vectors(catalogue, state.passages, dimension=dimension, exact_up_to=state.passages)


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

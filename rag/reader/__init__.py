"""Reading: which sentence of the candidates answers the query, and how surely; and which bears out a claim.

Knows questions, claims and sentences; it does not know where candidates come from or what becomes of its readings.
Importing this room loads neither torch nor onnxruntime.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rag.reader.linear import WEIGHTS_FILE, LinearReader, LinearWeights
from rag.reader.protocol import Reader, Reading, StagedReader
from rag.reader.selection import Selection, reranked, select

if TYPE_CHECKING:
    from rag.reader.support import SupportModel

__all__ = [
    "LinearReader",
    "Reader",
    "Reading",
    "Selection",
    "StagedReader",
    "load_reader",
    "load_support",
    "reranked",
    "select",
]

_DATA = Path(__file__).parent.parent / "data"
"""Folder of what is trained and ships in the package."""


def load_reader(name: str) -> Reader:
    """Load a reader.

    Args:
        name: `builtin` for the trained one in the package, `linear` for the one beside it that sees words only and
            takes a tenth of the time, the folder of one that `training/reader/export.py` wrote, or an extractive
            question-answering model by its folder or by its name on the Hugging Face hub.

    Raises:
        ModelError: there is no such reader, or its files cannot be used.
    """
    if name == "linear":
        return LinearReader(LinearWeights.from_file(WEIGHTS_FILE))
    from rag.reader.onnx import open_folder
    from rag.weights import MANIFEST

    folder = _DATA / "reader" if name == "builtin" else Path(name).expanduser()
    if (folder / MANIFEST).is_file():
        return open_folder(folder)
    from rag.reader.hugging_face import open_model

    return open_model(name)


def load_support(name: str) -> SupportModel:
    """Load a model that says whether sentences bear out a claim.

    Args:
        name: `builtin` for the one in the package, or the folder of one that `training/support/export.py` wrote.

    Raises:
        ModelError: its files cannot be used.
    """
    from rag.reader.support import open_support

    return open_support(_DATA / "support" if name == "builtin" else Path(name).expanduser())

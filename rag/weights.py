"""Models that are shipped as files: read once, when first used, compared with their checksums, and run by ONNX Runtime.

The one place that imports ONNX Runtime. Its official builds report to Microsoft unless told not to, and keep a
device id in the home folder; nothing here may do either. Where a program has loaded it before `rag`, it has begun:
it is told to stop, and the id and the reports that it has just made are taken away.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from rag.errors import ModelError
from rag.late import Late, Made

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

MANIFEST = "manifest.json"
PRODUCT = (
    b'\x08\x08:>\n\x18\n\x01a\n\x01b\x12\x01c"\rMatMulInteger\x12\x01gZ\t\n\x01a\x12\x04\n\x02\x08\x02'
    b"Z\t\n\x01b\x12\x04\n\x02\x08\x03b\t\n\x01c\x12\x04\n\x02\x08\x06B\x04\n\x00\x10\x11"
)
"""An ONNX file that multiplies two matrices, unsigned times signed int8: c = a b."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A folder of a model, as a script below `training/` wrote it; what is in it is loaded when it is first used."""

    folder: Path
    manifest: Mapping[str, Any]
    remedy: str

    def checked(self, name: str) -> Path:
        """Return a file, its content compared with its SHA-256.

        Raises:
            ModelError: it is missing, or differs.
        """
        path = self.folder / name
        with _naming(self.folder, self.remedy), path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self.manifest["files"][name]["sha256"]:
            raise self._damaged(name)
        return path

    def session(self) -> InferenceSession:
        """Return what runs the model, on no more cores at once than there are.

        It is loaded when it first runs, which raises a ModelError if it cannot be.
        """
        late = Late(lambda: self._loaded(open_session, "model.onnx"))
        return cast("InferenceSession", _InLanes(late))

    def tokenizer(self) -> Tokenizer:
        """Return its tokenizer, loaded when it is first used; see `session`."""
        return cast("Tokenizer", Late(lambda: self._loaded(open_tokenizer, "tokenizer.json")))

    def _loaded(self, load: Callable[[Path], Made], name: str) -> Made:
        path = self.checked(name)
        try:
            return load(path)
        except Exception as exc:  # the libraries raise classes without a base of their own
            raise ModelError(
                f"The model's file {str(self.folder / name)!r} cannot be loaded: {exc}. {self.remedy}"
            ) from exc

    def _damaged(self, name: str) -> ModelError:
        return ModelError(
            f"The model's file {str(self.folder / name)!r} is damaged: its SHA-256 is not the one in"
            f" {MANIFEST}. {self.remedy}"
        )


def read_weights(folder: Path, *, remedy: str) -> Weights:
    """Read a model's manifest; every file that it lists must be there in its size.

    Args:
        folder: holds `manifest.json`, whose `files` gives a `sha256`, and as a rule `bytes`, by name.
        remedy: a sentence on what to do, for the message.

    Raises:
        ModelError: a file is missing, or is of another size.
    """
    with _naming(folder, remedy):
        content = (folder / MANIFEST).read_text(encoding="utf-8")
    try:
        manifest = json.loads(content)
        sizes = {name: one.get("bytes") for name, one in manifest["files"].items() if one["sha256"]}
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ModelError(f"{str(folder / MANIFEST)!r} is damaged. {remedy}") from exc
    weights = Weights(folder=folder, manifest=manifest, remedy=remedy)
    for name, size in sizes.items():
        with _naming(folder, remedy):
            found = (folder / name).stat().st_size
        if size not in {None, found}:
            raise weights._damaged(name)
    return weights


@contextmanager
def _naming(folder: Path, remedy: str) -> Iterator[None]:
    """Turn what goes wrong with a file of a model into a sentence."""
    try:
        yield
    except OSError as exc:
        raise ModelError(
            f"The model's file {exc.filename or str(folder)!r} cannot be read ({exc.strerror}). {remedy}"
        ) from exc
    except ValueError as exc:  # no UTF-8
        raise ModelError(f"{str(folder / MANIFEST)!r} is damaged. {remedy}") from exc


def open_session(model: Path | bytes, *, threads: int = 1) -> InferenceSession:
    """Return a session that reports to nobody and gives the same numbers on every x64 processor.

    Args:
        model: an ONNX file, or the content of one, which takes twice its memory.
        threads: that share a run; 1 is the calling thread.
    """
    return _start(model, threads=threads, widened=not sums_exactly())


@cache
def sums_exactly() -> bool:
    """Return whether this processor sums products of int8 without overflow.

    Those with VNNI instructions do, and ARM's; with AVX2 alone two products are added in 16 bits, which is too few.
    The library does not tell, so the largest products are tried.
    """
    import numpy as np

    a, b = np.full((4, 64), 255, np.uint8), np.full((64, 16), 127, np.int8)
    (sums,) = _start(PRODUCT, threads=1, widened=False).run(["c"], {"a": a, "b": b})
    return bool((sums == 64 * 255 * 127).all())


def _start(model: Path | bytes, *, threads: int, widened: bool) -> InferenceSession:
    """Return a session; with products of int8 `widened` to 16 bits, which takes nearly twice the time."""
    onnxruntime = _silent_runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors; warnings are for those who export
    options.add_session_config_entry("session.x64quantprecision", "1" if widened else "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@cache
def _silent_runtime() -> ModuleType:
    """Load ONNX Runtime so that it reports nothing, or keep one that is loaded already from reporting more."""
    was_loaded = "onnxruntime" in sys.modules
    # Read by the library when it is loaded: no report, no uploader, no device id (its Privacy.md).
    os.putenv("ORT_DISABLE_TELEMETRY", "1")
    runtime = import_module("onnxruntime")
    runtime.disable_telemetry_events()
    if was_loaded:
        with suppress(OSError, ValueError, AttributeError):  # another system than Linux
            _take_away_reports(_started_at())
    return runtime


def _take_away_reports(since: float) -> None:
    """Remove what ONNX Runtime keeps in the cache folder if it made its device id after a time; an older id stays."""
    from platformdirs import user_cache_path

    folder = user_cache_path("Microsoft", appauthor=False) / "DeveloperTools" / ".onnxruntime"
    if (folder / "deviceid").stat().st_mtime < since:
        return
    for path in folder.glob("*"):
        if path.name.startswith(("deviceid", "onnxruntime.db")):
            path.unlink()


def _started_at() -> float:
    """Return when this process started, in seconds since the epoch; see proc(5)."""
    fields = (
        Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    )
    up = float(fields.split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - up)


def open_tokenizer(path: Path) -> Tokenizer:
    """Return a tokenizer without the padding and truncating that its file may ask for."""
    return _tokenizer(path.read_bytes())


@cache
def _tokenizer(content: bytes) -> Tokenizer:
    """Return the tokenizer that a file describes; the models of the package have one vocabulary."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_buffer(content)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


class _InLanes:
    """A session whose runs wait for a core: each run at once keeps memory of its own for good, and is no faster."""

    def __init__(self, session: Late[InferenceSession]) -> None:
        self._session = session

    def run(self, names: Sequence[str] | None, feed: Mapping[str, Any]) -> Sequence[Any]:
        """Run the model once a core is free; as `InferenceSession.run`."""
        with _lanes():
            answers: Sequence[Any] = self._session.run(names, feed)
        return answers


@cache
def _lanes() -> threading.BoundedSemaphore:
    """Return the cores that all models of this process share."""
    return threading.BoundedSemaphore(available_cores())


def available_cores() -> int:
    """Return how many cores this process may use, which in a container are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""Models that are shipped as files: read once, compared with their checksums, and run by ONNX Runtime.

The one place that imports ONNX Runtime. Its official builds report to Microsoft unless told not to, and keep a
device id in the home folder; nothing here may do either. Where a program has loaded it before `rag`, it has begun:
it is told to stop, and the id and the reports that it has just made are taken away.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.errors import ModelError

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
    """A folder of a model, as a script below `training/` wrote it."""

    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    """Content by name; what was checked is what is used, nothing is read a second time."""


def read_weights(folder: Path, *, remedy: str) -> Weights:
    """Read the manifest and every file it lists, each compared with its SHA-256.

    Args:
        folder: holds `manifest.json`, whose `files` gives a `sha256` by name.
        remedy: a sentence on what to do, for the message.

    Raises:
        ModelError: a file is missing, or differs.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        digests = {name: entry["sha256"] for name, entry in manifest["files"].items()}
        files = {name: (folder / name).read_bytes() for name in digests}
    except OSError as exc:
        raise ModelError(
            f"The model's file {exc.filename!r} cannot be read ({exc.strerror}). {remedy}"
        ) from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ModelError(f"{str(folder / MANIFEST)!r} is damaged. {remedy}") from exc
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != digests[name]:
            raise ModelError(
                f"The model's file {str(folder / name)!r} is damaged: its SHA-256 is not the one in"
                f" {MANIFEST}. {remedy}"
            )
    return Weights(manifest=manifest, files=files)


def open_session(model: bytes, *, threads: int = 1) -> InferenceSession:
    """Return a session that reports to nobody and gives the same numbers on every x64 processor.

    Args:
        model: content of an ONNX file.
        threads: that share a run; 1 is the calling thread.
    """
    return _start(model, threads=threads, widened=not sums_exactly())


@cache
def sums_exactly() -> bool:
    """Return whether this processor sums products of int8 without overflow.

    Those with VNNI instructions do, and ARM's; with AVX2 alone two products are added in 16 bits, which is too few.
    The library does not tell, so the largest products are tried.
    """
    a, b = np.full((4, 64), 255, np.uint8), np.full((64, 16), 127, np.int8)
    (sums,) = _start(PRODUCT, threads=1, widened=False).run(["c"], {"a": a, "b": b})
    return bool((sums == 64 * 255 * 127).all())


def _start(model: bytes, *, threads: int, widened: bool) -> InferenceSession:
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


def open_tokenizer(content: bytes) -> Tokenizer:
    """Return a tokenizer without the padding and truncating that its file may ask for."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_buffer(content)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def available_cores() -> int:
    """Return how many cores this process may use, which in a container are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""Files are parsed in a process of their own, with limits on memory and time: a bad one costs itself alone.

    parent  {"path", "source_id", "max_bytes"}     one JSON line a file     ─▶  child
    parent  ◀─  {"source", "reason", "message"}  or  {"reason", "message"}      child

Parsers of PDF, Office and HTML run over whatever people are sent; a PDF of 2 KB can ask for 2 GB. Plain text
has no parser and is read in this process. Limits on memory and processor time need POSIX; the limit on time
holds everywhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any, Self, cast

from rag.errors import SourceError
from rag.language.blocks import blocks_as_json, blocks_of
from rag.schema import Source
from rag.sources.files import FoundFile
from rag.sources.loading import Loaded, load

MAX_MEMORY_MB = 1024
"""Address space of the child, its libraries included."""
SECONDS = 10.0
"""Of processor time, for any file."""
SECONDS_PER_MB = 3.0
"""On top of them."""

_PATIENCE = 6
"""Times its processor time that a file may take on a busy machine."""
_UNPARSED = frozenset((".txt",))


class Worker:
    """Loads files as `rag.sources.load` does, in a child that is started when first needed.

    Not to be shared between threads.

    Args:
        max_memory_mb: address space of the child.
        seconds: of processor time, for any file; larger ones get `SECONDS_PER_MB` more.
    """

    def __init__(self, *, max_memory_mb: int = MAX_MEMORY_MB, seconds: float = SECONDS) -> None:
        self._max_memory_mb = max_memory_mb
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Of the child; None while there is none."""
        return None if self._child is None else self._child.pid

    def close(self) -> None:
        """Stop the child, if there is one."""
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None

    def load(self, file: FoundFile, *, max_bytes: int) -> Loaded:
        """Read one file, see `rag.sources.load`.

        Raises:
            SourceError: as there; `unreadable` too for a file that takes more memory or time than allowed.
        """
        if file.path.suffix.lower() in _UNPARSED:
            return load(file, max_bytes=max_bytes)
        request = {
            "path": str(file.path),
            "source_id": file.source_id,
            "max_bytes": max_bytes,
            "seconds": self._limit(file.path),
        }
        reply = self._exchange(request)
        if reply is None:
            raise SourceError(
                "unreadable",
                f"{file.source_id!r} takes more memory or time to read than one file may"
                f" ({self._max_memory_mb} MB, {request['seconds']:.0f} s); split it, or save it anew.",
            )
        if reply["last"]:
            self.close()
        if reply["source"] is None:
            raise SourceError(reply["reason"], reply["message"])
        source = reply["source"] | {
            "pages": tuple(reply["source"]["pages"]),
            "blocks": blocks_of(reply["source"]["blocks"]),
        }
        return Loaded(source=Source(**source), reason=reply["reason"], message=reply["message"])

    def _limit(self, path: Path) -> float:
        """Return the seconds that a file may take."""
        try:
            return self._seconds + SECONDS_PER_MB * path.stat().st_size / 2**20
        except OSError:  # gone or out of reach: the child says so in its own words
            return self._seconds

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Return the child's reply; None if it died of the file, or had to be killed."""
        child = self._child = self._child or self._start()
        talk_in, talk_out = cast("IO[bytes]", child.stdin), cast("IO[bytes]", child.stdout)
        # Processor time ends the child first where that can be limited; this ends a sleeping one too.
        alarm = threading.Timer(_PATIENCE * request["seconds"], child.kill)
        alarm.start()
        try:
            talk_in.write(json.dumps(request).encode() + b"\n")
            talk_in.flush()
            line = talk_out.readline()
        except BrokenPipeError:
            line = b""
        finally:
            alarm.cancel()
        if not line.endswith(b"\n"):
            self.close()
            return None
        return cast("dict[str, Any]", json.loads(line))

    def _start(self) -> subprocess.Popen[bytes]:
        # -P: no module is taken from the current folder, which may be a folder of documents. Of the
        # environment the child gets nothing: it may hold keys.
        return subprocess.Popen(  # noqa: S603  (this very module, by this very interpreter)
            [sys.executable, "-P", "-m", "rag.sources.worker", str(self._max_memory_mb)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )


def limits_supported() -> bool:
    """Return whether this system can limit the memory and the processor time of the child."""
    try:
        import resource  # noqa: F401  (is it there?)
    except ImportError:
        return False
    return True


def main() -> None:
    """Answer requests until there are no more, or memory has grown so far that a new child is better."""
    max_memory = int(sys.argv[1]) * 2**20
    _limit_child(max_memory)
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints is no reply
    for line in requests:
        request = json.loads(line)
        _limit_seconds(request["seconds"])
        reply = _reply(request)
        reply["last"] = _grown() > max_memory // 2
        replies.write(json.dumps(reply).encode() + b"\n")
        replies.flush()


def _reply(request: dict[str, Any]) -> dict[str, Any]:
    """Load one file and return what is said of it."""
    file = FoundFile(request["source_id"], Path(request["path"]))
    try:
        loaded = load(file, max_bytes=request["max_bytes"])
    except SourceError as exc:
        return {"source": None, "reason": exc.reason, "message": str(exc)}
    return {
        "source": asdict(replace(loaded.source, blocks=()))
        | {"blocks": blocks_as_json(loaded.source.blocks)},
        "reason": loaded.reason,
        "message": loaded.message,
    }


def _limit_child(max_memory: int) -> None:
    """Bound this process's memory, and let it write no file and leave no core."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (max_memory, max_memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_seconds(seconds: float) -> None:
    """Allow this process so much more processor time; it dies of a signal after that."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _grown() -> int:
    """Return the most memory that this process has held, in bytes; 0 where nobody says.

    Not `ru_maxrss`, which on Linux starts with what the parent held.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0
    peak = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")), "0")
    return int(peak) * 1024


if __name__ == "__main__":
    main()

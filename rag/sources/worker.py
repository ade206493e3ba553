"""Files are parsed in a process of their own, with limits on memory and time: a bad one costs itself alone.

    parent  {"path", "source_id", "max_bytes"}     one JSON line a file     ─▶  child
    parent  ◀─  {"page", "of", "key", "read"}      one for each scanned page    child
    parent  {"path", "source_id", "max_bytes", "draw"}     asks for a picture   ─▶  child
    parent  ◀─  {"picture", "sha256"}  or  {"reason", "message"}                    child
    parent  ◀─  {"source", "reason", "message", "parts", "faults"}  or  {"reason", "message"}      child

Parsers of PDF, Office and HTML run over whatever people are sent; a PDF of 2 KB can ask for 2 GB. Plain text
has no parser and is read in this process. Limits on memory and processor time need POSIX; the limit on time
holds everywhere.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self, cast

from rag.errors import SourceError
from rag.language.blocks import blocks_as_json, blocks_of, pages_as_json, pages_of
from rag.schema import FileReport, Source
from rag.sources.files import FoundFile
from rag.sources.loading import Loaded, load
from rag.sources.ocr import AUTO, Ocr
from rag.sources.scan_pages import KeptPages

if TYPE_CHECKING:
    from rag.sources.picture import Picture

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
        seconds: of processor time, for any file; larger ones get `SECONDS_PER_MB` more, and each scanned page as much.
        languages: how scans are read, as `Ocr` has it.
        pages: keeps the pages of scans that were read, for where a sync is stopped; None keeps none.
        on_page: told how many pages of a scan are behind us, of how many.
    """

    def __init__(
        self,
        *,
        max_memory_mb: int = MAX_MEMORY_MB,
        seconds: float = SECONDS,
        languages: str = AUTO,
        pages: KeptPages | None = None,
        on_page: Callable[[int, int], None] | None = None,
    ) -> None:
        self._max_memory_mb = max_memory_mb
        self._seconds = seconds
        self._languages = languages
        self._pages = pages
        self._on_page = on_page
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
        folder = None if self._pages is None else str(self._pages.folder)
        asked = {"languages": self._languages, "folder": folder}
        return _loaded_of(self._ask(file, max_bytes, asked))

    def draw(self, file: FoundFile, number: int, *, max_bytes: int) -> Picture:
        """Draw a page of a file, its number from 0, see `rag.sources.picture.draw_page`.

        Raises:
            SourceError: as there; `unreadable` too for a file that takes more memory or time than allowed.
        """
        from rag.sources.picture import Picture

        reply = self._ask(file, max_bytes, {"draw": number})
        return Picture(base64.b64decode(reply["picture"]), reply["sha256"])

    def _ask(self, file: FoundFile, max_bytes: int, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the child says of one file.

        Raises:
            SourceError: what it says is that something is wrong with it; or it said nothing.
        """
        request = {
            "path": str(file.path),
            "source_id": file.source_id,
            "max_bytes": max_bytes,
            "seconds": self._limit(file.path),
            **asked,
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
        if "sha256" not in reply and reply.get("source") is None:
            raise SourceError(reply["reason"], reply["message"])
        return reply

    def _limit(self, path: Path) -> float:
        """Return the seconds that a file may take."""
        try:
            return self._seconds + SECONDS_PER_MB * path.stat().st_size / 2**20
        except OSError:  # gone or out of reach: the child says so in its own words
            return self._seconds

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Return the child's reply; None if it died of the file, or had to be killed."""
        child = self._child = self._child or self._start()
        try:
            for reply in self._replies(child, request):
                if "page" not in reply:
                    return reply
                self._note_page(reply)
        except BaseException:
            self.close()  # it may be in the middle of a file
            raise
        self.close()
        return None

    def _replies(
        self, child: subprocess.Popen[bytes], request: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """Yield what the child says of a file; nothing more once it died, or was silent for too long."""
        talk_in, talk_out = cast("IO[bytes]", child.stdin), cast("IO[bytes]", child.stdout)
        line = (json.dumps(request) + "\n").encode()
        while True:
            # Processor time ends the child first where that can be limited; this ends a sleeping one too.
            alarm = threading.Timer(_PATIENCE * request["seconds"], child.kill)
            alarm.start()
            try:
                talk_in.write(line)
                talk_in.flush()
                reply = talk_out.readline()
            except BrokenPipeError:
                return
            finally:
                alarm.cancel()
            if not reply.endswith(b"\n"):
                return
            line = b""
            yield cast("dict[str, Any]", json.loads(reply))

    def _note_page(self, reply: dict[str, Any]) -> None:
        """Keep what was read of a page, and tell of it."""
        if self._pages is not None and reply["read"]:
            self._pages.add(reply["key"], reply["page"], reply["read"])
        if self._on_page is not None:
            self._on_page(reply["page"] + 1, reply["of"])

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

        def say(reply: dict[str, Any]) -> None:
            replies.write(json.dumps(reply).encode() + b"\n")
            replies.flush()

        reply = _reply(request, say)
        reply["last"] = _grown() > max_memory // 2
        say(reply)


def _reply(request: dict[str, Any], say: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Load one file and return what is said of it; tell of the pages of scans between."""
    file = FoundFile(request["source_id"], Path(request["path"]))
    if "draw" in request:
        return _drawn(request, file)

    def tell(key: str, page: int, n_pages: int, read: str) -> None:
        say({"page": page, "of": n_pages, "key": key, "read": read})
        _limit_seconds(request["seconds"])

    folder = request["folder"]
    ocr = Ocr(
        languages=request["languages"], folder=None if folder is None else Path(folder), tell=tell
    )
    try:
        loaded = load(file, max_bytes=request["max_bytes"], ocr=ocr)
    except SourceError as exc:
        return {"source": None, "reason": exc.reason, "message": str(exc)}
    return _told(loaded)


def _drawn(request: dict[str, Any], file: FoundFile) -> dict[str, Any]:
    """Draw a page of a file."""
    from rag.sources.picture import draw_page

    try:
        picture = draw_page(file, request["draw"], max_bytes=request["max_bytes"])
    except SourceError as exc:
        return {"reason": exc.reason, "message": f"{file.source_id!r} {exc}."}
    return {"picture": base64.b64encode(picture.data).decode(), "sha256": picture.sha256}


def _told(loaded: Loaded) -> dict[str, Any]:
    """Return what was read as plain data."""
    source = loaded.source
    return {
        "source": asdict(replace(source, pages=(), blocks=(), places=()))
        | {
            "pages": pages_as_json(source.pages, source.places),
            "blocks": blocks_as_json(source.blocks),
        },
        "reason": loaded.reason,
        "message": loaded.message,
        "parts": [_told(one) for one in loaded.parts],
        "faults": [asdict(one) for one in loaded.faults],
    }


def _loaded_of(told: dict[str, Any]) -> Loaded:
    """Return what `_told` says."""
    pages, places = pages_of(told["source"]["pages"])
    read = {"pages": pages, "places": places, "blocks": blocks_of(told["source"]["blocks"])}
    return Loaded(
        source=Source(**(told["source"] | read)),
        reason=told["reason"],
        message=told["message"],
        parts=tuple(map(_loaded_of, told["parts"])),
        faults=tuple(FileReport(**one) for one in told["faults"]),
    )


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

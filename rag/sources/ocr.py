"""Words on the image of a page, by Tesseract where that is installed, in a process of its own that writes nothing.

Called in the child that parses (see `worker`), whose limits on memory, time and files it inherits.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import SourceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
else:
    from rag.late import numpy as np

PROGRAM = "tesseract"
_PLACES = (
    "/usr/local/bin",
    "/opt/homebrew/bin",
    "/opt/local/bin",
    r"C:\Program Files\Tesseract-OCR",
)
AUTO, OFF = "auto", "off"
MOST_PAGES = 1_000
"""That are read of one file."""
_FEWEST_PAGES, _PAGE_BYTES = 20, 4_000
_KEPT = 1
"""Version of what is kept of a page."""
_SECONDS = 60
"""For one page, on a busy machine."""
_MOST_LANGUAGES = 4
"""Installed ones that are all tried; with more, English alone, unless a setting says which."""
_LEAST_SURE = 25.0
_INK = 145
"""Grey of what is ink, or darker."""
_PAGE, _SPARSE = "3", "11"
"""Tesseract's ways to lay out what it reads."""
_WORD = 5
"""Level of a word in Tesseract's table."""
_N_COLUMNS = 12
_ROTATE = re.compile(r"^Rotate: (\d+)", re.MULTILINE)
_ENVIRONMENT = {"OMP_THREAD_LIMIT": "1"}
"""More threads take more time of processors, and address space."""


@dataclass(frozen=True, slots=True)
class ScannedWord:
    """A word where it stands on an image, in pixels from its top left corner."""

    text: str
    left: int
    top: int
    right: int
    bottom: int
    sure: float
    """0..100, by Tesseract."""
    line: tuple[int, int, int]
    """Its block, paragraph and line."""
    stroke: float = 0.0
    """How thick its strokes are, in pixels; 0 where that cannot be told."""


OnScanPage = Callable[[str, int, int, str], None]
"""Told of each page that was read: the key of its document, its number from 0, of how many, and what was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ocr:
    """How scans are read, and where the pages are kept that were read by a sync that was stopped."""

    languages: str = AUTO
    """`auto` for those that are installed, `off` for not at all, or such as `eng+deu`."""
    folder: Path | None = None
    """Holds a file for each document, named by its key, with a line a page."""
    tell: OnScanPage | None = None
    key: str = ""
    """Of the document that is read; empty for none."""
    known: Mapping[int, str] = field(default_factory=dict)
    """What was read of its pages before, by number from 0."""
    most: int = MOST_PAGES
    """Pages that are read: the fewer the smaller the file is, since a page of a scan takes some room."""

    def of(self, data: bytes) -> Ocr:
        """Return how one document is read, with what is known of its pages."""
        key = hashlib.sha256(f"{_KEPT} {self.languages} ".encode() + data).hexdigest()
        known = {} if self.folder is None else dict(_kept(self.folder / f"{key}.jsonl"))
        most = min(MOST_PAGES, _FEWEST_PAGES + len(data) // _PAGE_BYTES)
        return replace(self, key=key, known=known, most=most)

    def check(self, n_pages: int) -> None:
        """Refuse more pages than a file may have.

        Raises:
            SourceError: `too_large`.
        """
        if n_pages > self.most:
            what = f"has more than {self.most:,} pages that are images, too many for its size; split it"
            raise SourceError("too_large", what)

    def told(self, number: int, n_pages: int, read: str) -> None:
        """OnScanPage of a page that was read; of one that was known already that it is done."""
        if self.tell is not None:
            self.tell(self.key, number, n_pages, "" if number in self.known else read)


def _kept(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and content of the pages that are kept; a line that is not whole was being written."""
    if not path.is_file():
        return
    for line in path.read_text("utf-8", "replace").splitlines():
        number, _, read = line.partition(" ")
        if number.isdigit() and read.endswith("]"):
            yield int(number), read


def install_command(languages: str = AUTO) -> str:
    """Return what installs Tesseract on this system, with languages where they are named."""
    if sys.platform == "darwin":
        return "brew install tesseract tesseract-lang"
    if sys.platform == "win32":
        return "winget install UB-Mannheim.TesseractOCR"
    named = [] if languages in {AUTO, OFF} else languages.split("+")
    packages = [f"tesseract-ocr-{name.lower().replace('_', '-')}" for name in named]
    return " ".join(["apt-get install tesseract-ocr", *packages])


def _program() -> str | None:
    """Return where Tesseract is; only places of installed programs are looked at, since the child has no PATH."""
    return shutil.which(PROGRAM, path=os.pathsep.join((os.defpath, *_PLACES)))


@lru_cache(maxsize=1)
def installed_languages() -> tuple[str, ...]:
    """Return the languages that Tesseract can read here; none where it is not installed."""
    program = _program()
    if program is None:
        return ()
    try:
        said = subprocess.run(  # noqa: S603  (found above, constant arguments)
            [program, "--list-langs"], capture_output=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    names = said.stdout.decode("utf-8", "replace").split("\n")[1:]
    return tuple(sorted(name.strip() for name in names if name.strip() not in {"", "osd", "equ"}))


def chosen_languages(setting: str) -> str:
    """Return the languages to read, as Tesseract wants them.

    Raises:
        SourceError: `no_text_layer`: it is turned off or not installed, or lacks a language that is wanted.
    """
    if setting == OFF:
        raise SourceError(
            "no_text_layer", "is a scan, and reading scans is turned off; set ocr = 'auto'"
        )
    have = installed_languages()
    if not have:
        raise SourceError(
            "no_text_layer",
            f"is a scan, and Tesseract, which reads its text, is not installed: {install_command()}",
        )
    if setting == AUTO:
        return "+".join(have) if len(have) <= _MOST_LANGUAGES else _usual(have)
    missing = [name for name in setting.split("+") if name not in have]
    if missing:
        raise SourceError(
            "no_text_layer",
            f"is a scan, and Tesseract has not learnt {', '.join(missing)}: {install_command('+'.join(missing))}",
        )
    return setting


def _usual(have: tuple[str, ...]) -> str:
    return "eng" if "eng" in have else have[0]


def find_words(
    image: Image, languages: str, *, dpi: int, sparse: bool = False
) -> list[ScannedWord]:
    """Read the words of a grey image, in the order of the page.

    Args:
        image: what is read.
        languages: as `chosen_languages` returns them.
        dpi: pixels of an inch.
        sparse: there are but a few words, anywhere.

    Raises:
        SourceError: `unreadable`: Tesseract failed or took too long.
    """
    mode = _SPARSE if sparse else _PAGE
    options = ["-l", languages, "--dpi", str(dpi), "--psm", mode, "-c", "tessedit_create_tsv=1"]
    try:
        table = _run(image, options)
    except (OSError, subprocess.SubprocessError) as exc:
        raise SourceError(
            "unreadable", f"cannot be read: Tesseract failed ({type(exc).__name__}); scan it anew"
        ) from exc
    ink = np.asarray(image) < _INK
    return [_fitted(word, ink) for word in _words(table)]


def _fitted(word: ScannedWord, ink: NDArray[np.bool_]) -> ScannedWord:
    """Return a word with how thick it is, and no higher than it is: Tesseract's boxes may reach into the gap below."""
    inside = ink[word.top : word.bottom, word.left : word.right]
    rows = np.flatnonzero(inside.any(axis=1))
    if not rows.size:
        return word
    top, bottom = word.top + int(rows[0]), word.top + int(rows[-1]) + 1
    return replace(word, top=top, bottom=bottom, stroke=_stroke(inside))


def find_turn(image: Image) -> int:
    """Return by how many degrees to turn a grey image with the clock so that it is upright; 0 where nobody can tell."""
    try:
        said = _ROTATE.search(_run(image, ["--psm", "0"]))
    except (OSError, subprocess.SubprocessError):
        return 0  # too few letters, or the data for it are not installed
    return int(said[1]) % 360 if said else 0


def _run(image: Image, options: list[str]) -> str:
    """Return what Tesseract says of an image."""
    data = io.BytesIO()
    image.save(data, "PPM")
    said = subprocess.run(  # noqa: S603  (constants, and languages that are installed)
        [_program() or PROGRAM, "stdin", "stdout", *options],
        input=data.getvalue(),
        capture_output=True,
        timeout=_SECONDS,
        check=True,
        env=_ENVIRONMENT,
    )
    return said.stdout.decode("utf-8", "replace")


def _stroke(ink: NDArray[np.bool_]) -> float:
    """Return how thick strokes are: their area by the edges that they have along the rows."""
    edges = np.count_nonzero(ink[:, 1:] != ink[:, :-1])
    return float(2 * np.count_nonzero(ink) / edges) if edges else 0.0


def _words(table: str) -> Iterator[ScannedWord]:
    """Yield the words of Tesseract's table that it is not quite unsure of."""
    for row in table.split("\n")[1:]:
        cells = row.split("\t")
        if len(cells) < _N_COLUMNS or int(cells[0]) != _WORD:
            continue
        block, paragraph, line = (int(cell) for cell in cells[2:5])
        left, top, width, height = (int(cell) for cell in cells[6:10])
        sure, text = float(cells[10]), cells[11].strip()
        if text and sure >= _LEAST_SURE:
            place = (block, paragraph, line)
            yield ScannedWord(text, left, top, left + width, top + height, sure, place)

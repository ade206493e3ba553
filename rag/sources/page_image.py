"""The image of a page, made ready to be read: within limits, upright, evenly lit, its rules found and taken out."""

from __future__ import annotations

import io
import math
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from rag.errors import SourceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_PIXELS = 60_000_000
"""Of an image that is decoded whole; a JPEG is shrunk while it is decoded."""
MOST_JPEG_PIXELS = 260_000_000
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "MPO")
WORKED_ON = 7_500_000
"""Pixels of a page that is read: A4 at 270 dpi."""
WIDEST, HIGHEST = 1_200, 3_600
"""Pixels of a page that is shown."""
_NARROWEST = 1_700
"""Pixels across: smaller images are enlarged, at most twice."""
_WIDEST_SKEW = 6.0
_LEAST_SKEW = 0.15
LEAST_SIDE = 24
"""Pixels; a smaller image holds no words."""
_AROUND = 20
"""Pixels on each side of one that it is compared with."""
_SMALL, _SHARE, _RIM = 4, 12, 7
"""Dark bands are looked for on an image this many times smaller; they are wider than this share; and their rim."""
_CLEARLY, _PALEST, _DARK = 45, 190, 140
"""Greys by which ink differs from what is around, that it has at most, and that the ground of light words has."""
_COARSE, _INK, _MARGIN = 2, 150, 2
"""Rules are looked for on an image this many times smaller, in what is this dark; and are taken out with a margin."""
_GROUND = 96
"""Pixels across of the image that the paper's brightness is measured on."""


@dataclass(frozen=True, slots=True)
class PageGeometry:
    """How the image that is read lies on the original one."""

    shape: tuple[int, int]
    """Width and height of the image that is read, in pixels."""
    skew: float
    """Degrees that it was turned by, against the clock."""
    rules: tuple[tuple[int, int, int, int], ...]
    """Left, top, right and bottom of each rule that was taken out."""
    turned: int = 0
    """Degrees, a multiple of 90, that it was turned by before, with the clock."""

    def original(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the image is on the original, as shares of its width and height."""
        width, height = self.shape
        turn = math.radians(self.skew)
        dx, dy = x - width / 2, y - height / 2
        at_x = dx * math.cos(turn) - dy * math.sin(turn) + width / 2
        at_y = dx * math.sin(turn) + dy * math.cos(turn) + height / 2
        share_x, share_y = (min(1.0, max(0.0, share)) for share in (at_x / width, at_y / height))
        for _ in range(self.turned // 90):
            share_x, share_y = share_y, 1 - share_x
        return share_x, share_y


class Frames:
    """The images of a file: one, or the pages of a TIFF file.

    Args:
        data: bytes of the file.

    Raises:
        SourceError: `too_large` or `unreadable`.
    """

    def __init__(self, data: bytes) -> None:
        with _translated():
            _check_pixels(*_webp_size(data))
            self._file = Image.open(io.BytesIO(data), formats=FORMATS)
            many = self._file.format == "TIFF"
            self.count: int = getattr(self._file, "n_frames", 1) if many else 1

    def draw(self, number: int) -> Image.Image:
        """Return a frame, grey and turned as the camera was held.

        Raises:
            SourceError: `too_large` or `unreadable`.
        """
        with _translated():
            self._file.seek(number)
            _check_size(self._file)
            return _grey(ImageOps.exif_transpose(self._file))

    def show(self, number: int) -> Image.Image:
        """Return a frame in its colours, turned as the camera was held, no larger than a page is shown.

        Raises:
            SourceError: `too_large` or `unreadable`.
        """
        with _translated():
            self._file.seek(number)
            _check_size(self._file, "RGB")
            image = ImageOps.exif_transpose(self._file)
            if image.mode not in {"L", "RGB", "RGBA"}:  # others cannot be made smaller as they are
                image = _coloured(image)
            image.thumbnail((WIDEST, HIGHEST))
            return _coloured(image)


@contextmanager
def _translated() -> Iterator[None]:
    """Say of what Pillow raises that the image is damaged; its warnings are of no use to anybody."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Image.DecompressionBombError as exc:
        raise SourceError("too_large", "is an image of too many pixels; save it smaller") from exc
    except (OSError, ValueError, SyntaxError, EOFError, struct.error) as exc:
        raise SourceError("unreadable", "is a damaged image, or none; save it anew") from exc


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return width and height of a WebP image, whose memory is taken when it is opened; 0 and 0 of another."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return 0, 0
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _check_pixels(width: int, height: int, most: int = MOST_PIXELS) -> None:
    """Refuse an image that decodes to more than may be.

    Raises:
        SourceError: `too_large`.
    """
    if width * height > most:
        raise SourceError(
            "too_large", f"is an image of {width:,} by {height:,} pixels; save it smaller"
        )


def _check_size(file: Image.Image, mode: str = "L") -> None:
    """Refuse what decodes to more than may be, before it is decoded; shrink a large JPEG while it is."""
    width, height = file.size
    shrinks = file.format in {"JPEG", "MPO"}
    _check_pixels(width, height, MOST_JPEG_PIXELS if shrinks else MOST_PIXELS)
    if shrinks and width * height > WORKED_ON:
        less = math.sqrt(width * height / WORKED_ON)
        file.draft(mode, (int(width / less), int(height / less)))


def _on_paper(image: Image.Image) -> Image.Image:
    """Return an image on white where it lets something through."""
    if image.mode not in {"RGBA", "LA", "PA"} and "transparency" not in image.info:
        return image
    whole = image.convert("RGBA")
    ground = Image.new("RGBA", whole.size, "white")
    ground.alpha_composite(whole)
    return ground


def _coloured(image: Image.Image) -> Image.Image:
    """Return an image in its colours on white."""
    image = _on_paper(image)
    is_deep = image.mode.startswith("I") or image.mode == "F"
    return (_grey(image) if is_deep else image).convert("RGB")


def _grey(image: Image.Image) -> Image.Image:
    """Return an image in grey on white."""
    image = _on_paper(image)
    if image.mode.startswith("I") or image.mode == "F":
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image.convert("L")


def make_ready(image: Image.Image, *, turn: int = 0) -> tuple[Image.Image, PageGeometry]:
    """Return a grey image as it is read, turned by a multiple of 90 degrees first, and how it lies on the one given."""
    if turn:
        image = image.rotate(-turn, expand=True)
    width, height = image.size
    scale = min(math.sqrt(WORKED_ON / (width * height)), max(1.0, min(2.0, _NARROWEST / width)))
    if abs(scale - 1) > 0.05:
        new = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = image.resize(new, Image.Resampling.BICUBIC)
    image = _evenly_lit(image)
    skew = _skew(image)
    if skew:
        image = image.rotate(skew, Image.Resampling.BICUBIC, fillcolor=255)
    image, rules = _without_rules(_on_white(image))
    return image, PageGeometry(image.size, skew, rules, turn)


def _evenly_lit(image: Image.Image) -> Image.Image:
    """Return an image with the paper white everywhere, as shadows and stains are not."""
    width, height = image.size
    less = max(width, height) / _GROUND
    small = image.resize(
        (max(1, round(width / less)), max(1, round(height / less))), Image.Resampling.BOX
    )
    ground = small.filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.GaussianBlur(2))
    paper = np.asarray(ground.resize(image.size, Image.Resampling.BICUBIC), dtype=np.float32)
    lit = np.asarray(image, dtype=np.float32) * (255.0 / np.maximum(paper, 32.0))
    return Image.fromarray(np.minimum(lit, 255.0).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    """Return an image with white wherever nothing is clearly darker than what is around, and light words made dark."""
    small = image.reduce(_SMALL)
    around = np.asarray(small.filter(ImageFilter.BoxBlur(_AROUND // _SMALL)))
    bands = Image.fromarray(_opened(around < _DARK, max(1, small.width // _SHARE)).astype(np.uint8))
    inside = np.asarray(bands.resize(image.size)) > 0
    rim = np.asarray(bands.filter(ImageFilter.MaxFilter(_RIM)).resize(image.size)) > inside
    pixels = np.asarray(image, dtype=np.int16)
    pixels = np.where(inside, 255 - pixels, pixels)
    image = Image.fromarray(pixels.astype(np.uint8))
    around = np.asarray(image.filter(ImageFilter.BoxBlur(_AROUND)), dtype=np.int16)
    ink = (pixels < around - _CLEARLY) & (pixels < _PALEST) & ~rim
    kept = Image.fromarray(ink.astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(3))
    return Image.fromarray(np.where(np.asarray(kept) > 0, pixels, 255).astype(np.uint8))


def _skew(image: Image.Image) -> float:
    """Return by how many degrees to turn an image against the clock so that its lines are level; 0 for nearly none."""
    small = image.copy()
    small.thumbnail((900, 900), Image.Resampling.BOX)
    ink = small.point(lambda value: 255 - value if value < 170 else 0)
    best = _sharpest(ink, np.arange(-_WIDEST_SKEW, _WIDEST_SKEW + 0.1, 0.5))
    best = _sharpest(ink, np.arange(best - 0.5, best + 0.51, 0.1))
    return best if abs(best) >= _LEAST_SKEW else 0.0


def _sharpest(ink: Image.Image, angles: NDArray[np.float64]) -> float:
    """Return the angle at which lines and what is between them differ most."""

    def sharpness(angle: float) -> float:
        rows = np.asarray(ink.rotate(angle), dtype=np.float64).sum(axis=1)
        return float(np.square(np.diff(rows)).sum())

    # What is level already is turned only where that is clearly better.
    return max(
        (float(angle) for angle in angles),
        key=lambda angle: sharpness(angle) * (1 - 0.002 * abs(angle)),
    )


def _without_rules(
    image: Image.Image,
) -> tuple[Image.Image, tuple[tuple[int, int, int, int], ...]]:
    """Return an image without its long thin lines, and where these are."""
    ink = np.asarray(image.reduce(_COARSE)) < _INK
    shortest, thickest = ink.shape[1] // 16, max(3, ink.shape[1] // 180)
    found = [
        *_boxes(_long_runs(ink, shortest, thickest)),
        *(
            (top, left, bottom, right)
            for left, top, right, bottom in _boxes(_long_runs(ink.T, shortest, thickest))
        ),
    ]
    if not found:
        return image, ()
    rules = [(_COARSE * a, _COARSE * b, _COARSE * c, _COARSE * d) for a, b, c, d in found]
    for left, top, right, bottom in rules:
        box = (max(0, left - _MARGIN), max(0, top - _MARGIN), right + _MARGIN, bottom + _MARGIN)
        image.paste(255, box)
    return image, tuple(rules)


def _long_runs(ink: NDArray[np.bool_], shortest: int, thickest: int) -> NDArray[np.bool_]:
    """Return where runs of ink along the rows are long, and thin across them but where others cross."""
    long = _opened(ink, shortest)
    thin = long & ~_opened(ink.T, thickest).T
    sums = np.cumsum(np.pad(thin, ((0, 0), (thickest + 1, thickest))), axis=1, dtype=np.int32)
    return long & (sums[:, 2 * thickest + 1 :] > sums[:, : -2 * thickest - 1])


def _opened(ink: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    """Return where a row has a run of nearly nothing but ink of at least a length."""
    if ink.shape[1] <= length:
        return np.zeros_like(ink)
    sums = np.cumsum(np.pad(ink, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    full = (sums[:, length:] - sums[:, :-length]) >= length
    edges = np.zeros((ink.shape[0], ink.shape[1] + 1), dtype=np.int32)
    edges[:, : full.shape[1]] += full
    edges[:, length:] -= full
    return np.cumsum(edges, axis=1)[:, :-1] > 0


def _boxes(found: NDArray[np.bool_]) -> Iterator[tuple[int, int, int, int]]:
    """Yield the box of each run along the rows; runs below each other that overlap are one."""
    open_boxes: list[list[int]] = []
    for row in np.flatnonzero(found.any(axis=1)):
        steps = np.flatnonzero(np.diff(np.pad(found[row], 1).astype(np.int8)))
        still: list[list[int]] = []
        for left, right in zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True):
            above = next(
                (
                    one
                    for one in open_boxes
                    if one[0] < right and one[2] > left and one[3] >= row - 1
                ),
                None,
            )
            box = above or [left, int(row), right, int(row)]
            box[:] = [min(box[0], left), box[1], max(box[2], right), int(row)]
            if box not in still:
                still.append(box)
        for box in open_boxes:
            if not any(box is one for one in still):
                yield box[0], box[1], box[2], box[3] + 1
        open_boxes = still
    for box in open_boxes:
        yield box[0], box[1], box[2], box[3] + 1

"""What stands on a page of a PDF file: lines and their pieces, rules, and where each is. Nouns only.

Places are points from the lower left corner of the page.
"""

from __future__ import annotations

from dataclasses import dataclass

HYPHEN = "\ufffe"
"""Where PDFium took a hyphen away to join two lines."""


_EMS_HIGH = 1.15


@dataclass(frozen=True, slots=True)
class Fragment:
    """Words of a line that a wide gap parts from the others."""

    text: str
    left: float
    right: float
    top: float
    """Baseline of its first character."""
    value: str = ""
    """What a form's field says whose label this is."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page and where it stands."""

    text: str
    left: float
    """Of its first character; lines that PDFium joined at a hyphen count as one."""
    right: float
    """Of its last character."""
    top: float
    """Baseline of its first character."""
    bottom: float
    """Baseline of its last character."""
    size: float
    """Of the font, about; 0 where the place of the line is unknown."""
    em: float = 0.0
    """Of the font, exactly, in the middle of the line."""
    bold: bool = False
    """All of it."""
    mono: bool = False
    """Its characters are all of one width, as those of a command are."""
    repeated: bool = False
    """It stands at the edge of other pages too."""
    heading: int = 0
    """How deep the file's outline nests what it names by this line, from 1; 0 where it does not."""
    pieces: tuple[Fragment, ...] = ()
    """Two or more where gaps part it or one is a field's label, from left to right; else none."""

    @property
    def height(self) -> float:
        """How high it is at least, whatever its font says of its characters."""
        return max(self.size, _EMS_HIGH * self.em)

    @property
    def parts(self) -> tuple[Fragment, ...]:
        """Its pieces; one where nothing parts it."""
        return self.pieces or (Fragment(self.text, self.left, self.right, self.top),)


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line drawn along the page or down it, or the edge of a box."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def is_level(self) -> bool:
        """Whether it runs along the page."""
        return self.right - self.left >= self.top - self.bottom


@dataclass(frozen=True, slots=True)
class PdfPage:
    """What one page shows."""

    names: frozenset[str]
    """What may be printed as its number."""
    lines: tuple[Line, ...]
    """In reading order."""
    rules: tuple[Stroke, ...] = ()
    shades: tuple[Stroke, ...] = ()
    """Boxes filled with colour, such as a row that is set off."""

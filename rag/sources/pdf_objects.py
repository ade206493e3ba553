"""What stands on a page of a PDF file beside its text: rules, boxes, bullets that are drawn, and a form's fields.

The caller holds PDFium's lock. Nothing of PDFium outlives a call.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from ctypes import byref, c_float, c_int, create_string_buffer
from dataclasses import dataclass, field, replace
from typing import Any

from rag.sources.pdf_page import Fragment, Line, Stroke

_MOST_OBJECTS = 10_000
"""A page with more is a drawing, and nothing is looked for in it."""
_MOST_SEGMENTS = 400
_THIN = 2.5
_SHORTEST = 8.0
_BULLET = (1.5, 8.0)
"""Least and greatest width of a bullet that is drawn."""
_DEEPEST = 2
_HIDDEN = 2 | 32
"""Flags of an annotation that is hidden, or shown in print only."""
_PASSWORD = 1 << 13
_LONGEST_VALUE = 20_000
_FARTHEST = 320.0
"""A label stands nearer to its field, in points."""
_TOUCHING = 3.0


@dataclass(slots=True)
class Drawing:
    """What is drawn on a page."""

    rules: list[Stroke] = field(default_factory=list)
    shades: list[Stroke] = field(default_factory=list)
    bullets: list[tuple[float, float]] = field(default_factory=list)
    """Right edge and middle height of each small mark."""


@dataclass(frozen=True, slots=True)
class Widget:
    """A field of a form where it stands on a page."""

    name: str
    """What the form calls it, for people where it says so."""
    value: str
    left: float
    bottom: float
    right: float
    top: float
    marked: bool = False
    """It is a box or a button to mark; its label stands behind it."""


_Matrix = tuple[float, float, float, float, float, float]
_UNMOVED: _Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def find_drawing(page: Any) -> Drawing:  # noqa: ANN401  (pypdfium2 has no types)
    """Return the rules, boxes and bullets of a page."""
    from pypdfium2 import raw

    drawing = Drawing()
    count = raw.FPDFPage_CountObjects(page.raw)
    if count <= _MOST_OBJECTS:
        objects = (raw.FPDFPage_GetObject(page.raw, number) for number in range(count))
        for item, matrix in _paths(objects, _UNMOVED, 0):
            _draw(drawing, item, matrix)
    return drawing


def _paths(objects: Iterator[Any], matrix: _Matrix, depth: int) -> Iterator[tuple[Any, _Matrix]]:
    """Yield the paths among objects, and those of the forms among them, each with what moves it to its place."""
    from pypdfium2 import raw

    kind_of = raw.FPDFPageObj_GetType
    for item in objects:
        kind = kind_of(item)
        if kind == raw.FPDF_PAGEOBJ_PATH:
            yield item, matrix
        elif kind == raw.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            count = min(raw.FPDFFormObj_CountObjects(item), _MOST_OBJECTS)
            inner = (raw.FPDFFormObj_GetObject(item, number) for number in range(count))
            yield from _paths(inner, _times(_matrix(item), matrix), depth + 1)


def _draw(drawing: Drawing, path: Any, matrix: _Matrix) -> None:  # noqa: ANN401
    """Add what a path draws."""
    from pypdfium2 import raw

    box = [c_float() for _ in range(4)]
    if not raw.FPDFPageObj_GetBounds(path, *(byref(side) for side in box)):
        return
    left, bottom, right, top = (side.value for side in box)
    if matrix != _UNMOVED:
        corners = [_moved(x, y, matrix) for x in (left, right) for y in (bottom, top)]
        left, bottom = (min(corner[axis] for corner in corners) for axis in (0, 1))
        right, top = (max(corner[axis] for corner in corners) for axis in (0, 1))
    width, height = right - left, top - bottom
    if min(width, height) <= _THIN and max(width, height) >= _SHORTEST:
        drawing.rules.append(Stroke(left, bottom, right, top))
    elif _BULLET[0] <= width <= _BULLET[1] and abs(width - height) < 1:
        drawing.bullets.append((right, (bottom + top) / 2))
    elif max(width, height) >= _SHORTEST:
        _add_edges(drawing, path, _times(_matrix(path), matrix), Stroke(left, bottom, right, top))


def _add_edges(drawing: Drawing, path: Any, matrix: _Matrix, box: Stroke) -> None:  # noqa: ANN401
    """Add the straight edges of a path that is stroked, or the box of one that is filled."""
    from pypdfium2 import raw

    filled, stroked = c_int(), c_int()
    raw.FPDFPath_GetDrawMode(path, byref(filled), byref(stroked))
    count = raw.FPDFPath_CountSegments(path)
    if not stroked.value:
        if filled.value and count <= 6:
            drawing.shades.append(box)
        return
    if count <= _MOST_SEGMENTS:
        drawing.rules.extend(_edges(path, count, matrix))


def _edges(path: Any, count: int, matrix: _Matrix) -> Iterator[Stroke]:  # noqa: ANN401
    """Yield the edges of a path that run along the page or down it."""
    from pypdfium2 import raw

    x, y = c_float(), c_float()
    begin = before = (0.0, 0.0)
    for number in range(count):
        segment = raw.FPDFPath_GetPathSegment(path, number)
        raw.FPDFPathSegment_GetPoint(segment, byref(x), byref(y))
        here = _moved(x.value, y.value, matrix)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind == raw.FPDF_SEGMENT_MOVETO:
            begin = here
        elif kind == raw.FPDF_SEGMENT_LINETO:
            yield from _edge(before, here)
        if raw.FPDFPathSegment_GetClose(segment):
            yield from _edge(here, begin)
        before = here


def _edge(one: tuple[float, float], other: tuple[float, float]) -> Iterator[Stroke]:
    left, right = sorted((one[0], other[0]))
    bottom, top = sorted((one[1], other[1]))
    sides = sorted((right - left, top - bottom))
    if sides[0] <= 1 and sides[1] >= _SHORTEST:
        yield Stroke(left, bottom, right, top)


def _matrix(item: Any) -> _Matrix:  # noqa: ANN401
    from pypdfium2 import raw

    matrix = raw.FS_MATRIX()
    if not raw.FPDFPageObj_GetMatrix(item, byref(matrix)):
        return _UNMOVED
    return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f


def _times(first: _Matrix, then: _Matrix) -> _Matrix:
    """Return the matrix that moves as the first and then as the second."""
    a, b, c, d, e, f = first
    g, h, i, j, k, m = then
    return (
        a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m,
    )  # fmt: skip


def _moved(x: float, y: float, matrix: _Matrix) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def find_widgets(page: Any, form: Any) -> list[Widget]:  # noqa: ANN401
    """Return the fields of a form that stand on a page and say something; a choice is a field for each mark.

    Args:
        page: an open page.
        form: the form environment that was open before it.
    """
    from pypdfium2 import raw

    widgets = []
    for number in range(raw.FPDFPage_GetAnnotCount(page.raw)):
        annotation = raw.FPDFPage_GetAnnot(page.raw, number)
        try:
            shown = not raw.FPDFAnnot_GetFlags(annotation) & _HIDDEN
            if shown and raw.FPDFAnnot_GetSubtype(annotation) == raw.FPDF_ANNOT_WIDGET:
                widget = _widget(annotation, form.raw)
                if widget is not None and widget.value:
                    widgets.append(widget)
        finally:
            raw.FPDFPage_CloseAnnot(annotation)
    return widgets


def _widget(annotation: Any, form: Any) -> Widget | None:  # noqa: ANN401
    """Return a field; none where it is a button, a signature or a password, or has no place."""
    from pypdfium2 import raw

    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    box = raw.FS_RECTF()
    if not raw.FPDFAnnot_GetRect(annotation, byref(box)):
        return None
    marked = kind in {raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON}
    name = _string(raw.FPDFAnnot_GetFormFieldAlternateName, form, annotation)
    name = name or _spelt_out(_string(raw.FPDFAnnot_GetFormFieldName, form, annotation))
    if marked:
        value = "Yes" if raw.FPDFAnnot_IsChecked(form, annotation) else "No"
    elif kind in {
        raw.FPDF_FORMFIELD_TEXTFIELD,
        raw.FPDF_FORMFIELD_COMBOBOX,
        raw.FPDF_FORMFIELD_LISTBOX,
    }:
        secret = raw.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD
        value = "" if secret else _string(raw.FPDFAnnot_GetFormFieldValue, form, annotation)
    else:
        return None
    return Widget(name, value, box.left, box.bottom, box.right, box.top, marked)


def _string(get: Any, form: Any, annotation: Any) -> str:  # noqa: ANN401
    """Return what a function of PDFium writes into a buffer, on one line."""
    from pypdfium2 import raw

    size = get(form, annotation, None, 0)
    if not 2 < size <= 2 * _LONGEST_VALUE:
        return ""
    buffer = create_string_buffer(size)
    get(form, annotation, raw.cast(buffer, raw.POINTER(raw.FPDF_WCHAR)), size)
    return " ".join(buffer.raw[: size - 2].decode("utf-16-le", "replace").split())


def _spelt_out(name: str) -> str:
    """Return the last part of a field's full name in words: `form.first_name` is `first name`."""
    return " ".join(name.rpartition(".")[2].replace("_", " ").split())


def scale_of(matrix: Any) -> float:  # noqa: ANN401
    """Return how much a matrix of PDFium enlarges what is upright."""
    return math.hypot(matrix.c, matrix.d)


def with_bullets(lines: Sequence[Line], bullets: Sequence[tuple[float, float]]) -> list[Line]:
    """Write a bullet before each line that a drawn one stands before."""
    return [
        replace(line, text=f"• {line.text}", pieces=_behind_bullet(line.pieces))
        if any(_precedes(bullet, line) for bullet in bullets)
        else line
        for line in lines
    ]


def _precedes(bullet: tuple[float, float], line: Line) -> bool:
    right, middle = bullet
    return 0 < line.left - right < 2 * line.em and 0 < middle - line.top < line.em


def _behind_bullet(pieces: tuple[Fragment, ...]) -> tuple[Fragment, ...]:
    return (replace(pieces[0], text=f"• {pieces[0].text}"), *pieces[1:]) if pieces else ()


def with_values(lines: Sequence[Line], widgets: Sequence[Widget]) -> list[Line]:
    """Give what a form's fields say to their labels, and a line of its own to what has none on the page."""
    labelled = list(lines)
    for widget in widgets:
        found = _label(labelled, widget, widgets)
        if found is None:
            _insert(labelled, widget)
            continue
        at, number = found
        pieces = list(labelled[at].parts)
        said = f"{pieces[number].value} {widget.value}".strip()
        pieces[number] = replace(pieces[number], value=said)
        labelled[at] = replace(labelled[at], pieces=tuple(pieces))
    return labelled


def _label(
    lines: Sequence[Line], widget: Widget, widgets: Sequence[Widget]
) -> tuple[int, int] | None:
    """Return the line and piece that names a field: behind a box to mark, else before it or above it."""
    beside, above = [], []
    for at, line in enumerate(lines):
        level = widget.bottom - 2 <= line.top <= widget.top
        over = 0 <= line.top - widget.top + 2 <= 2 * line.em
        for number, piece in enumerate(line.parts if level or over else ()):
            if level and not _lies_between(piece, widget, widgets):
                beside.append((_distance(piece, widget), at, number))
            elif over and piece.left < widget.right and piece.right > widget.left - 2:
                above.append((line.top, at, number))
    for found in (beside, above):
        near = [one for one in found if one[0] < _FARTHEST or found is above]
        if near:
            return min(near)[1:]
    return None


def _distance(piece: Fragment, widget: Widget) -> float:
    """Return how far a piece stands from a field that it may name: on the usual side, a little less."""
    behind, before = piece.left - widget.right, widget.left - piece.right
    if behind > -_TOUCHING:
        return behind if widget.marked and behind < _FARTHEST / 8 else _FARTHEST
    if before > -_TOUCHING:
        return before + (_FARTHEST / 8 if widget.marked else 0)
    return _FARTHEST


def _lies_between(piece: Fragment, widget: Widget, widgets: Sequence[Widget]) -> bool:
    """Tell whether another field stands between a piece and a field on its level."""
    low = min(piece.right, widget.right) - _TOUCHING
    high = max(piece.left, widget.left) + _TOUCHING
    return any(
        one.left >= low
        and one.right <= high
        and one.bottom < widget.top
        and one.top > widget.bottom
        and one is not widget
        for one in widgets
    )


def _insert(lines: list[Line], widget: Widget) -> None:
    """Add a line for a field without a label, behind the nearest that stands above it."""
    piece = Fragment(widget.name, widget.left, widget.right, widget.bottom, widget.value)
    line = Line(
        widget.name or widget.value,
        widget.left,
        widget.right,
        widget.bottom,
        widget.bottom,
        size=10.0,
        em=10.0,
        pieces=(piece,),
    )
    above = [(one.top, -at) for at, one in enumerate(lines) if one.top >= widget.bottom]
    lines.insert(1 - min(above)[1] if above else 0, line)

"""The border to the terminal: nothing that a document, a question or a file name holds acts on it.

Text goes out as `Paragraph`s, through `Screen`, and nowhere else. On a terminal rich wraps and colours
them; in a pipe they are plain, unwrapped, and rich is not even loaded. What the lines say is
decided elsewhere.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, ConsoleRenderable
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID
    from rich.segment import Segment
    from rich.text import Text

    from rag.pipeline import Progress

_BIDI_MARKS = (0x061C, 0x200E, 0x200F)
_BIDI_CONTROLS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_REPLACEMENT = 0xFFFD
_INERT: dict[int, int | None] = {
    # Control pictures show what was there, and keep the length, so that offsets still fit.
    **{code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"},
    0x7F: 0x2421,
    **dict.fromkeys((*range(0x80, 0xA0), *range(0xD800, 0xE000), *_BIDI_CONTROLS), _REPLACEMENT),
    # Marks are usual in Hebrew and Arabic text and reorder nothing that is not theirs.
    **dict.fromkeys(_BIDI_MARKS),
    0x2028: ord("\n"),
    0x2029: ord("\n"),
}
_BREAKS = {ord("\n"): "\u240a", ord("\t"): "\u2409"}
_SLOW_SECONDS = 0.5


def make_printable(text: str) -> str:
    r"""Return text that a terminal only prints, without control and bidi characters.

    `\n` and `\t` stay and `\r\n` becomes `\n`; other C0 characters become their pictures (`␛`), C1
    characters, bidi embeddings and lone surrogates `�`; bidi marks go.
    """
    return text.replace("\r\n", "\n").translate(_INERT)


def in_line(text: str) -> str:
    """Return neutralised text that stays on its line: a newline in a name forges no other line."""
    return make_printable(text).translate(_BREAKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StyledText:
    """Text in one style."""

    text: str
    style: str = ""
    """A rich style, such as `bold cyan`; dropped in a pipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph of the output."""

    pieces: tuple[StyledText, ...] = ()
    indent: int = 0
    """Columns before each of its lines."""

    @classmethod
    def of(cls, text: str, style: str = "", *, indent: int = 0) -> Paragraph:
        """Make a line of one style."""
        return cls(pieces=(StyledText(text=text, style=style),), indent=indent)


class Report(Protocol):
    """A report that renders itself: tables on a terminal, Markdown elsewhere."""

    def print(self, console: Console) -> None:
        """Draw tables."""

    def to_markdown(self) -> str:
        """Return the same as Markdown."""


class OnText(Protocol):
    """How a provisional answer is shown as it grows."""

    def __call__(self, text: str) -> None:
        """Take all of the text so far."""


class OutputClosedError(Exception):
    """Nobody reads the output any more, as in `rag sources | head -1`."""


class Screen:
    """The output of a command: results to `out`, everything else to `err`.

    Args:
        out: where answers go.
        err: where notes, progress and failures go.
        quiet: leave notes and progress out; failures are always told.
    """

    def __init__(self, *, out: TextIO, err: TextIO, quiet: bool = False) -> None:
        self._out = out
        self._err = err
        self._quiet = quiet
        self.on_terminal = out.isatty()

    def hushed(self) -> Screen:
        """Return the same screen without notes and progress."""
        return Screen(out=self._out, err=self._err, quiet=True)

    def show(self, lines: Iterable[Paragraph]) -> None:
        """Write a result."""
        _write(self._out, lines)

    def show_json(self, value: Mapping[str, object]) -> None:
        """Write one JSON object; indented for a person, on one line for a program.

        ASCII only, so that it is the same in every encoding and harmless on every terminal.
        """
        text = json.dumps(value, allow_nan=False, indent=2 if self.on_terminal else None)
        _write_plain(self._out, [text])

    def show_report(self, report: Report) -> None:
        """Write a report."""
        if not self.on_terminal:
            self.show([Paragraph.of(report.to_markdown())])
            return
        report.print(_inert_console(self._out))

    def note(self, text: str) -> None:
        """Tell something beside the result."""
        if not self._quiet:
            _write(self._err, [Paragraph.of(text, "dim")])

    def fail(self, text: str) -> None:
        """Tell a failure."""
        _write(self._err, [Paragraph.of(text, "red")])

    @contextmanager
    def progress(self) -> Iterator[Progress | None]:
        """Give a progress bar on a terminal, and None in a pipe."""
        if self._quiet or not self._err.isatty():
            yield None
            return
        bar = _Bar(self._err)
        try:
            yield bar
        finally:
            bar.close()

    @contextmanager
    def provisional(self) -> Iterator[OnText | None]:
        """Give a place for text that is wiped at the end, on a terminal only."""
        if not self.on_terminal:
            yield None
            return
        from rich.live import Live
        from rich.text import Text

        console = _console(self._out)
        with Live(console=console, transient=True, auto_refresh=False) as live:

            def grow(text: str) -> None:
                rows = Text(make_printable(text), "dim").wrap(
                    console, console.width, overflow="fold"
                )
                # Only what fits can be wiped again, so a long text shows its end.
                live.update(Text("\n").join(rows[-max(1, console.height - 2) :]), refresh=True)

            yield grow


class _Inert:
    """Renders as something else does, but for characters that act."""

    def __init__(self, renderable: ConsoleRenderable) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Render."""
        from rich.segment import Segment

        for segment in console.render(self._renderable, options):
            yield (
                segment if segment.control else Segment(make_printable(segment.text), segment.style)
            )


class _Bar:
    """A progress bar that appears only when the work takes long enough to wonder."""

    def __init__(self, err: TextIO) -> None:
        self._err = err
        self._since = time.monotonic()
        self._progress: RichProgress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` steps of a stage are behind us."""
        if self._progress is None:
            if time.monotonic() - self._since < _SLOW_SECONDS:
                return
            self._progress = _progress(self._err)
            self._progress.start()
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(in_line(stage), total=None)
        self._progress.update(self._tasks[stage], completed=done, total=total or None)

    def close(self) -> None:
        """Wipe the bar."""
        if self._progress is not None:
            self._progress.stop()


def _progress(err: TextIO) -> RichProgress:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=_console(err),
        transient=True,
    )


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    return Console(file=stream, markup=False, highlight=False, emoji=False)


def _inert_console(stream: TextIO) -> Console:
    """Return a console for renderables that use markup; its output is made printable."""
    from rich.console import Console, RenderHook

    class InertRendering(RenderHook):
        """Takes the place of everything that is shown."""

        def process_renderables(self, renderables: list[Any]) -> list[Any]:
            """Wrap each of them."""
            return [_Inert(renderable) for renderable in renderables]

    console = Console(file=stream, highlight=False, emoji=False)
    console.push_render_hook(InertRendering())
    return console


def _write(stream: TextIO, lines: Iterable[Paragraph]) -> None:
    if not stream.isatty():
        _write_plain(stream, (_plain(line) for line in lines))
        return
    console = _console(stream)
    for line in lines:
        for row in _rows(line, console):
            console.print(row, no_wrap=True, overflow="ignore", crop=False)


def _write_plain(stream: TextIO, rows: Iterable[str]) -> None:
    try:
        stream.writelines(f"{row}\n" for row in rows)
        stream.flush()
    except BrokenPipeError as exc:
        raise OutputClosedError from exc


def _plain(line: Paragraph) -> str:
    text = make_printable("".join(piece.text for piece in line.pieces))
    margin = " " * line.indent
    return "\n".join(f"{margin}{row}" if row else "" for row in text.split("\n"))


def _rows(line: Paragraph, console: Console) -> Iterator[Text]:
    from rich.text import Text

    text = Text()
    for piece in line.pieces:
        text.append(make_printable(piece.text), piece.style or None)
    margin = min(line.indent, console.width // 4)
    for row in text.wrap(console, max(1, console.width - margin), overflow="fold"):
        yield Text(" " * margin).append_text(row)

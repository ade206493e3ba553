"""A conversation on the terminal: Ctrl-C stops an answer, Ctrl-D ends it all."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from rag.cli.answer import follow, tell_making
from rag.cli.layout import answer_lines, count, source_lines
from rag.cli.render import Paragraph, in_line
from rag.cli.session import Exit
from rag.errors import RagError

if TYPE_CHECKING:
    from typing import TextIO

    from rag.cli.render import Screen
    from rag.pipeline import Rag

_HELP = """\
Ask in your own words; a follow-up such as "When was that?" is understood from what was said before.
/sources       what can be cited
/model [NAME]  who answers, or who is to
/new           forget what was said before
/help          this
/quit          leave, as does Ctrl-D; Ctrl-C stops an answer"""


class ChatSession:
    """A conversation with a person, or with a file of questions in a pipe.

    Args:
        rag: the pipeline.
        screen: where answers go.
        stdin: where questions come from, one a line.
    """

    def __init__(self, rag: Rag, *, screen: Screen, stdin: TextIO) -> None:
        self._rag = rag
        self._screen = screen
        self._stdin = stdin
        self._interactive = stdin.isatty() and screen.on_terminal
        self._talk = rag.conversation()
        self._model = rag.models[0]
        self._failed = False

    def run(self) -> Exit:
        """Answer until the questions end; FAILURE if one in a pipe failed."""
        if self._interactive:
            with suppress(ImportError):  # Windows has none
                import readline  # noqa: F401  (gives `input` its editing keys)
            n_sources = count(len(self._rag.sources()), "source")
            self._screen.note(f"{n_sources}. Ask a question, or /help.")
        while (line := self._read()) is not None:
            if line == "/quit":
                break
            if line:
                self._deal_with(line)
        return Exit.FAILURE if self._failed and not self._interactive else Exit.ANSWERED

    def _read(self) -> str | None:
        """Return the next line without its ends, or None when there is no more."""
        if not self._interactive:
            line = self._stdin.readline()
            return line.strip().lstrip("\ufeff") if line else None
        try:
            return input("> ").strip()
        except EOFError:
            self._screen.show([Paragraph()])
            return None
        except KeyboardInterrupt:
            self._screen.show([Paragraph()])
            self._screen.note("/quit or Ctrl-D leaves.")
            return ""

    def _deal_with(self, line: str) -> None:
        try:
            if line.startswith("/"):
                self._obey(line)
            else:
                self._answer(line)
        except RagError as exc:
            self._failed = True
            self._screen.fail(in_line(str(exc)))
        except KeyboardInterrupt:
            if not self._interactive:
                raise
            self._screen.note("Stopped.")

    def _obey(self, command: str) -> None:
        if command == "/sources":
            self._screen.show(source_lines(self._rag.sources()))
        elif command.split()[0] == "/model":
            self._choose(command.removeprefix("/model").strip())
        elif command == "/new":
            self._talk = self._rag.conversation()
            self._screen.note("Forgotten. Ask a question.")
        elif command == "/help":
            self._screen.show([Paragraph.of(_HELP)])
        else:
            self._screen.note(f"There is no {in_line(command)}; /help lists what there is.")

    def _choose(self, name: str) -> None:
        if name in self._rag.models:
            self._model = name
        elif name:
            self._screen.note(f"There is no model {in_line(name)}; RAG_LLM says which there are.")
        self._screen.show(
            [
                Paragraph.of(f"{'*' if one == self._model else ' '} {one}")
                for one in self._rag.models
            ]
        )

    def _answer(self, question: str) -> None:
        answer = follow(self._talk.stream(question, model=self._model), self._screen)
        self._screen.show([*answer_lines(answer), Paragraph()])
        tell_making(answer, self._screen)

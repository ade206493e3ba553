"""Trust in the settings file of a project folder, given and taken back; what the file sets is shown as it is given."""

from __future__ import annotations

from pathlib import Path

from rag.cli.render import Paragraph, StyledText, in_line
from rag.cli.session import Session
from rag.config import NAME, distrust, trust
from rag.privacy import without_secrets
from rag.settings import Settings

_SENDING = frozenset({"llm", "llm_base_url"})
"""Settings that send questions and passages somewhere."""


def trust_file(path: Path, session: Session) -> None:
    """Have a project's settings file obeyed as it is now, and show what it sets.

    Raises:
        SettingsError: there is none, a setting of it cannot work, or it lies among the documents.
    """
    named = path / NAME if path.is_dir() else path
    settings = Settings(config=named)  # each value is checked
    file = trust(path, documents=settings.seeds_dir)
    for name, value in file.values.items():
        said = without_secrets(in_line(f"{value!r}"), session.environ)
        session.screen.show(
            [Paragraph(pieces=(StyledText(text=f"{name} = ", style="bold"), StyledText(text=said)))]
        )
    session.screen.note(f"These settings hold from now on in {in_line(str(file.path.parent))}.")
    if any(file.values.get(name) for name in _SENDING):
        session.screen.note(
            "They name a language model: it is sent the questions, passages of the documents, and the"
            " provider's key of your environment."
        )


def forget_file(path: Path, session: Session) -> None:
    """Have a project's settings file obeyed no more."""
    was = distrust(path)
    place = in_line(str(path.resolve()))
    session.screen.note(
        f"The settings of {place} are obeyed no more."
        if was
        else f"The settings of {place} were not trusted."
    )

"""A keyring in memory."""

from __future__ import annotations

from collections.abc import Mapping

from rag.keys import SERVICE


class Drawer:
    """Keeps keys as a backend of `keyring` does."""

    name = "Drawer"
    priority = 5

    def __init__(self, kept: Mapping[str, str] | None = None) -> None:
        self.kept = dict(kept or {})

    def get_password(self, service: str, username: str) -> str | None:
        """Return what is kept."""
        assert SERVICE == service
        return self.kept.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""
        assert SERVICE == service
        self.kept[username] = password


class Stuck(Drawer):
    """A backend that cannot be opened, and fails with what it was told."""

    def get_password(self, service: str, username: str) -> str | None:
        """Fail."""
        raise RuntimeError(f"locked: {service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Fail."""
        raise RuntimeError(f"locked: {service} {username} {password}")

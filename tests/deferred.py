"""Modules that are imported when a test first uses them: collecting tests must not load heavy libraries."""

from __future__ import annotations

from importlib import import_module


class Deferred:
    """A module by its name.

    Args:
        name: the dotted name.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> object:
        """Import the module and return its attribute; what pytest asks of everything imports nothing."""
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        return getattr(import_module(self._name), attribute)

"""What is made when it is first used, so that a command pays only for what it needs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any, Generic, TypeVar

Made = TypeVar("Made")


class Late(Generic[Made]):
    """Something that is made when it is first used, once, whoever uses it first; then it does what that does."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (as what was made)
        with self._lock:
            if "made" not in self.__dict__:
                self.made = self._make()
        return getattr(self.made, name)


numpy = Late(lambda: import_module("numpy"))
"""The library, for rooms that most commands enter without reckoning anything."""

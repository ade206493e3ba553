"""Whether a row of a table names its columns. Knows no format."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST_NAME = 100
"""Characters of the name of a column."""
_WORDS_OF_A_NAME = 3
_YEAR = re.compile(r"(?:19|20)\d\d")
_ENDS = (".", "!", "?")


def are_names(row: Sequence[str]) -> bool:
    """Tell whether a row names columns: short, distinct names with letters, and no sentences."""
    names = [name for name in row if name]
    shortest = _WORDS_OF_A_NAME if len(names) > 1 else 0
    if not any(char.isalpha() for name in names for char in name):
        return False
    return len(set(names)) == len(names) and all(
        len(name) <= LONGEST_NAME
        and (any(map(str.isalpha, name)) or (len(names) > 1 and _YEAR.fullmatch(name)))
        # "Art. no." is a name that is cut short, no sentence.
        and not (name.endswith(_ENDS) and len(name.split()) > shortest)
        for name in names
    )

"""Unanswerable questions: a name or year of a good question replaced by another of the same source.

Nobody can be sure of that without reading, so each is marked for a person to check.
"""

from __future__ import annotations

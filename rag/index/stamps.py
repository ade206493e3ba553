"""What two stamps differ in, said to a person."""

from __future__ import annotations

from rag.store import IndexStamp


def differing(*, wanted: IndexStamp, found: IndexStamp) -> str:
    """Return what an index was built with and would not be now; empty where there is nothing."""
    return ", ".join(
        f"{name} {getattr(found, name)!r} (now {getattr(wanted, name)!r})"
        for name in IndexStamp.__dataclass_fields__
        if getattr(found, name) != getattr(wanted, name)
    )

"""The containers of old office files (.doc, .xls): streams by their names."""

from __future__ import annotations


def streams_of(data: bytes, *names: str) -> dict[str, bytes]:
    """Return the streams of these names that are there.

    Raises:
        OSError: the container is damaged.
    """
    import olefile

    with olefile.OleFileIO(data) as file:
        return {name: file.openstream(name).read() for name in names if file.exists(name)}

"""Mails as Outlook saves them, written by hand: an OLE container (MS-CFB) with the streams of a message (MS-OXMSG)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import UTC, datetime

_SECTOR, _SHORT = 512, 4096
_END, _FREE, _FAT, _NONE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF

Tree = Mapping[str, "bytes | Tree"]


def container(tree: Tree) -> bytes:
    """Return an OLE container of streams and storages."""
    entries: list[list[object]] = [["Root Entry", 5, _NONE, 0, b""]]

    def add(inside: Tree) -> int:
        """Add the members of a storage as a chain of right siblings; return the first."""
        first, before = _NONE, None
        # Siblings are sorted by length and then by letters.
        for name in sorted(inside, key=lambda one: (len(one), one.upper())):
            held = inside[name]
            at = len(entries)
            entries.append([name, 2 if isinstance(held, bytes) else 1, _NONE, _NONE, b""])
            if isinstance(held, bytes):
                entries[at][4] = held
            else:
                entries[at][3] = add(held)
            if before is None:
                first = at
            else:
                entries[before][2] = at
            before = at
        return first

    entries[0][3] = add(tree)
    return _written(entries)


def _chained(streams: list[bytes], size: int) -> tuple[bytes, list[int], list[int]]:
    """Return streams in whole sectors, the chain of the sectors, and where each stream starts."""
    body, chain, starts = b"", [], []
    for data in streams:
        starts.append(len(chain) if data else _END)
        count = -(-len(data) // size)
        chain += [len(chain) + n + 1 for n in range(count - 1)] + [_END] * bool(count)
        body += data.ljust(count * size, b"\0")
    return body, chain, starts


def _written(entries: list[list[object]]) -> bytes:
    streams = [bytes(entry[4]) for entry in entries]  # type: ignore[call-overload]
    short = [one if len(one) < _SHORT else b"" for one in streams]
    mini, mini_chain, starts = _chained(short, 64)
    mini_table = struct.pack(f"<{len(mini_chain)}I", *mini_chain)
    mini_table += b"\xff" * (-len(mini_table) % _SECTOR)
    long = [mini_table, mini, *(one if len(one) >= _SHORT else b"" for one in streams)]
    body, chain, (mini_at, root_at, *long_starts) = _chained(long, _SECTOR)
    starts = [a if one else b for one, a, b in zip(short, starts, long_starts, strict=True)]
    sizes = [len(mini), *map(len, streams[1:])]
    starts[0] = root_at
    directory = b""
    for (name, kind, right, child, _), start, size in zip(entries, starts, sizes, strict=True):
        encoded = str(name).encode("utf-16-le") + b"\0\0"
        directory += encoded.ljust(64, b"\0") + struct.pack(
            "<HBBIII16sIQQIQ", len(encoded), kind, 1, _NONE, right, child, b"", 0, 0, 0, start, size
        )
    first = len(chain)
    more, more_chain, _ = _chained([directory], _SECTOR)
    chain += [one if one == _END else one + first for one in more_chain]
    body += more
    tables = 1
    while (len(chain) + tables) * 4 > tables * _SECTOR:
        tables += 1
    places = [len(chain) + n for n in range(tables)]
    chain += [_FAT] * tables
    chain += [_FREE] * (tables * _SECTOR // 4 - len(chain))
    head = struct.pack(
        "<8s16sHHHHH6sIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, b"",
        0, tables, first, 0, _SHORT, mini_at, len(mini_table) // _SECTOR, _END, 0,
    )  # fmt: skip
    head += struct.pack("<109I", *places, *[_FREE] * (109 - tables))
    return head + body + struct.pack(f"<{len(chain)}I", *chain)


def outlook_mail(
    *, sender: str, address: str, to: str, subject: str, text: str, sent: datetime,
    attached: Mapping[str, bytes | Tree] | None = None,
) -> Tree:  # fmt: skip
    """Return the streams of a mail; what is attached is bytes of a file, or the streams of a mail."""

    def said(number: int, value: str) -> tuple[str, bytes]:
        return f"__substg1.0_{number:04X}001F", value.encode("utf-16-le")

    ticks = int((sent - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000
    sent_at = struct.pack("<IIQ", 0x00390040, 6, ticks)
    tree: dict[str, bytes | Tree] = {"__properties_version1.0": b"\0" * 32 + sent_at}
    tree |= dict(
        [said(0x0C1A, sender), said(0x5D01, address), said(0x0E04, to), said(0x0037, subject)]
    )
    tree |= dict([said(0x1000, text)])
    for number, (name, held) in enumerate((attached or {}).items()):
        inside: dict[str, bytes | Tree] = dict([said(0x3707, name)])
        inside["__substg1.0_37010102" if isinstance(held, bytes) else "__substg1.0_3701000D"] = held
        tree[f"__attach_version1.0_#{number:08X}"] = inside
    return tree

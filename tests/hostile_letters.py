"""Hostile mails, data files, talks, marked-up texts and programs, each with the reason it is refused for."""

from __future__ import annotations

from rag.schema import FateReason

_HEAD = b"From: a@example.org\nTo: b@example.org\nSubject: Hello\nMIME-Version: 1.0\n"
_LAUGHS = b'<!DOCTYPE d [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><d>&b;</d>'
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def attached(count: int) -> bytes:
    """A mail with so many files attached."""
    part = b'--x\nContent-Disposition: attachment; filename="%d.txt"\n\nhello\n'
    parts = b"".join(part % number for number in range(count))
    return _HEAD + b"Content-Type: multipart/mixed; boundary=x\n\n" + parts + b"--x--\n"


def nested_parts(depth: int) -> bytes:
    """A mail whose parts lie in each other."""
    kind = b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n"
    return _HEAD + b"".join(kind % (n, n) for n in range(depth)) + b"\n\nhello\n"


def laughing_yaml() -> bytes:
    """Aliases of aliases: a few hundred bytes that stand for thousands of millions of values."""
    lines = [b"a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [
        b"a%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 10)
    ]
    return b"\n".join(lines)


LETTERS: dict[str, tuple[bytes, FateReason]] = {
    "attached.eml": (attached(10_000), "too_large"),
    "nested.eml": (nested_parts(5_000), "unreadable"),
    "attached.mbox": (b"From a Mon Jan  1 10:00:00 2024\n" + attached(2_000), "too_large"),
    "no_mails.mbox": (b"Dear all,\n\nthis is only text.\n", "unreadable"),
    "text.msg": (b"only text", "unreadable"),
    "noise.msg": (_OLE + bytes(range(256)) * 9, "unreadable"),
    "deep.json": (b"[" * 200_000, "unreadable"),
    "deep_records.json": (b'{"a":' * 150 + b'{"a":1' + b"}" * 151, "unreadable"),
    "cut.json": (b'{"name": "Ada", ', "unreadable"),
    "cut.jsonl": (b'{"a": 1}\n{"a": \n', "unreadable"),
    "laughs.yaml": (laughing_yaml(), "too_large"),
    "deep.yaml": (b"[" * 50_000, "unreadable"),
    "tabs.yaml": (b"a:\n\t- b: [", "unreadable"),
    "deep.toml": (b"a = " + b"[" * 50_000, "unreadable"),
    "cut.toml": (b"a = ", "unreadable"),
    "laughs.xml": (_LAUGHS, "unreadable"),
    "deep.xml": (b"<a>" * 200_000, "unreadable"),
    "deep_whole.xml": (b"<a>" * 100_000 + b"x" + b"</a>" * 100_000, "unreadable"),
    "empty.ipynb": (b"{}", "unreadable"),
    "odd.ipynb": (b'{"cells": [1, 2]}', "unreadable"),
    "empty.ics": (b"BEGIN:VCALENDAR\nEND:VCALENDAR\n", "unreadable"),
    "nested.ics": (b"BEGIN:VEVENT\n" * 100_000, "unreadable"),
    "params.vcf": (b"BEGIN:VCARD\nFN" + b';a="' * 400_000 + b"\nEND:VCARD", "unreadable"),
    "no_cues.vtt": (b"WEBVTT\n\nonly text\n", "unreadable"),
}

"""Characters: bytes to text, and text without what a person cannot see.

Quotes must read as in the document, so only what never shows is removed: it could hide words from
the reader of a quote, or carry instructions that only a language model sees.
"""

from __future__ import annotations

import codecs
import re

from rag.errors import SourceError
from rag.language.characters import without_unseen

_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_SURROGATE = re.compile("[\ud800-\udfff]")

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 65_536
_NOT_TEXT = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
_MOST_NOT_TEXT = 0.02
_MOST_ACCENTED = 0.3
"""Share of letters above ASCII in a language that cp1252 can write; French has 0.05, Russian in cp1251 has 1."""


def clean(text: str) -> str:
    """Return `text` with every line break a line feed, and without characters that do not show."""
    text = _BREAKS.sub("\n", text)
    if "\x1b" in text:
        text = _TERMINAL.sub("", text)
    return _SURROGATE.sub("\ufffd", without_unseen(text, joiners=True, selectors=True))


def decode(data: bytes) -> tuple[str, str]:
    """Decode a text file.

    Returns:
        The text, and the encoding where it was guessed (empty where it was certain).

    Raises:
        SourceError: it is no text (`binary`).
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, "replace"), ""
    sample = data[:_SAMPLE]
    if b"\x00" in sample:
        return data.decode(_utf16(sample), "replace"), ""
    if len(_NOT_TEXT.findall(data[: 16 * _SAMPLE])) > _MOST_NOT_TEXT * len(data[: 16 * _SAMPLE]):
        raise binary()
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        return _guess(data)


def binary() -> SourceError:
    """Return the error of a file that holds no text."""
    return SourceError(
        "binary", "holds no text but binary data; check that it is what its name says"
    )


def _utf16(sample: bytes) -> str:
    """Tell UTF-16 without a byte order mark by where its zero bytes stand."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd < 0.05 * half:
        return "utf-16-be"
    raise binary()


def _guess(data: bytes) -> tuple[str, str]:
    """Decode what is not UTF-8: Western European as cp1252, which detectors get wrong, the rest as a detector says."""
    letters = len(re.findall(rb"[A-Za-z\x80-\xff]", data[:_SAMPLE]))
    accented = len(re.findall(rb"[\x80-\xff]", data[:_SAMPLE]))
    if accented <= _MOST_ACCENTED * letters:
        try:
            return data.decode("cp1252"), "cp1252"
        except UnicodeDecodeError:
            pass  # a byte that cp1252 leaves undefined
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_SAMPLE]).best()
    if best is not None:
        return data.decode(best.encoding, "replace"), best.encoding
    if accented > _MOST_ACCENTED * letters:
        raise binary()
    return data.decode("cp1252", "replace"), "cp1252"

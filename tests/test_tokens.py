"""The token room: tiktoken's own counts, with no network and no traces left behind."""

from __future__ import annotations

import hashlib
import os
from importlib.resources import files
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from tiktoken_ext import openai_public

from rag.errors import ModelError
from rag.tokens import CACHE_KEY, NAME, SHA256, TokenCounter

RANKS = files("rag") / "data" / "cl100k" / CACHE_KEY
COUNTER = TokenCounter()


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> tiktoken.Encoding:
    """Tiktoken's own construction of the encoding, from a cache folder that holds a copy of our file."""
    cache = tmp_path_factory.mktemp("cache")
    (cache / CACHE_KEY).write_bytes(RANKS.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(cache))
        return tiktoken.Encoding(**openai_public.cl100k_base())


def test_the_encoding_is_tiktokens_own(oracle: tiktoken.Encoding) -> None:
    """Name, pattern, special tokens and ranks are those of tiktoken's `cl100k_base`."""
    ours = COUNTER._load()

    assert oracle.name == ours.name == COUNTER.name == NAME
    assert oracle._pat_str == ours._pat_str
    assert oracle._special_tokens == ours._special_tokens
    assert oracle._mergeable_ranks == ours._mergeable_ranks


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", 0), ("Hello world", 2), ("tiktoken is great!", 6), ("お誕生日おめでとう", 9)],
)
def test_known_texts_have_their_known_counts(text: str, expected: int) -> None:
    """Counts are those that OpenAI's cookbook prints for cl100k_base."""
    assert expected == COUNTER.count(text)


@settings(deadline=None)
@given(text=st.text(max_size=300))
def test_any_short_text_counts_as_in_tiktoken(oracle: tiktoken.Encoding, text: str) -> None:
    """Whatever the characters, lone surrogates too, the count is tiktoken's."""
    assert len(oracle.encode_ordinary(text)) == COUNTER.count(text)


WORDS = st.text("abcdefgXYZ.,'-\n0123éß", min_size=1, max_size=12)


@settings(max_examples=20, deadline=None)
@given(words=st.lists(WORDS, min_size=20, max_size=40), times=st.integers(30, 90))
def test_long_prose_counts_as_in_tiktoken(
    oracle: tiktoken.Encoding, words: list[str], times: int
) -> None:
    """Counting a long text in pieces does not change the count where words have spaces between."""
    text = " ".join([*words, "and"] * times)

    assert len(oracle.encode_ordinary(text)) == COUNTER.count(text)


def test_special_tokens_are_plain_text() -> None:
    """A document that holds `<|endoftext|>` is counted, not refused, and the marker is several tokens."""
    assert COUNTER.count("<|endoftext|>") == 7


@pytest.mark.parametrize("char", ["a", "^", " ", "\n", "あ", "1"])
def test_a_long_run_without_spaces_takes_no_longer_than_prose(char: str) -> None:
    """200,000 equal characters, on which tiktoken alone slows down or fails, are counted."""
    assert 0 < COUNTER.count(char * 200_000) <= 200_000


def test_the_shipped_file_is_the_official_one() -> None:
    """The SHA-256 is the one that tiktoken itself demands of cl100k_base."""
    assert hashlib.sha256(RANKS.read_bytes()).hexdigest() == SHA256
    assert SHA256 == "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"


def test_a_damaged_file_is_refused_and_kept(tmp_path: Path) -> None:
    """Damaged ranks are a ModelError that says what to do; the file is not deleted, as tiktoken would."""
    damaged = tmp_path / CACHE_KEY
    damaged.write_bytes(RANKS.read_bytes()[:-1] + b"9")

    with pytest.raises(ModelError, match=r"damaged.*Install footnote-rag again"):
        TokenCounter(damaged).count("text")

    assert damaged.exists()


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """Missing ranks are a ModelError that says what to do."""
    with pytest.raises(ModelError, match=r"cannot be read.*Install footnote-rag again"):
        TokenCounter(tmp_path / CACHE_KEY).count("text")


def test_counting_leaves_the_environment_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No variable is set, a cache folder of the user's is neither read nor written."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    before = dict(os.environ)

    TokenCounter().count("text")

    assert before == dict(os.environ)
    assert list(tmp_path.iterdir()) == []

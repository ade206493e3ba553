"""Pooling: from the states of word pieces to vectors."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rag.embedding.pooling import pool, unit, well_formed
from rag.schema import Span

SPECIAL = -1


def make_states(n: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 8)).astype(np.float32)


@st.composite
def pieces(draw) -> tuple[np.ndarray, np.ndarray]:
    """States, and starts that ascend between special pieces at both ends."""
    starts = sorted(draw(st.sets(st.integers(0, 99), min_size=1, max_size=20)))
    before, after = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    starts = [SPECIAL] * before + starts + [SPECIAL] * after
    return make_states(len(starts), seed=draw(st.integers(0, 9))), np.array(starts)


@given(pieces())
def test_a_span_over_the_whole_text_has_the_texts_own_vector(drawn):
    """A span over all of a text gets bitwise the vector of the text, special pieces included."""
    whole, spans = pool(*drawn, [Span(start=0, end=100)])
    assert whole.tolist() == spans[0].tolist()


@given(pieces(), st.integers(0, 100))
def test_every_piece_counts_for_exactly_one_of_two_adjoining_spans(drawn, cut):
    """Two spans that part a text part its pieces: their sums add up to the sum of the text."""
    states, starts = drawn
    counted = np.ones_like(states)  # with equal states a mean hides nothing but an absent piece
    _, spans = pool(counted, starts, [Span(start=0, end=cut), Span(start=cut, end=100)])
    expected = unit(np.ones(8, dtype=np.float32))
    assert np.allclose(expected, spans)
    text_starts = starts[starts >= 0]
    left = int((text_starts < cut).sum())
    whole, halves = pool(states, starts, [Span(start=0, end=cut), Span(start=cut, end=100)])
    if left in {0, len(text_starts)}:
        assert any(np.array_equal(whole, half) for half in halves)


@given(pieces(), st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=5))
def test_vectors_are_of_unit_length(drawn, ends):
    """Every vector has unit length, whatever the spans."""
    whole, spans = pool(*drawn, [Span(start=min(pair), end=max(pair)) for pair in ends])
    assert (len(ends), 8) == spans.shape
    assert np.allclose(1, np.linalg.norm(np.vstack([whole, spans]), axis=1), atol=1e-5)


def test_a_sentence_is_the_mean_of_its_own_pieces():
    """A span in the middle of a text takes the pieces that start in it and no others."""
    states = make_states(6)
    starts = np.array([SPECIAL, 0, 5, 9, 14, SPECIAL])
    _, spans = pool(states, starts, [Span(start=5, end=10)])
    assert np.allclose(unit(states[2:4].mean(axis=0)), spans[0])


def test_special_pieces_count_with_the_first_and_the_last_sentence():
    """The opening piece belongs to the first sentence and the closing piece to the last one."""
    states = make_states(4)
    starts = np.array([SPECIAL, 0, 5, SPECIAL])
    _, spans = pool(states, starts, [Span(start=0, end=5), Span(start=5, end=9)])
    assert np.allclose(unit(states[:2].mean(axis=0)), spans[0])
    assert np.allclose(unit(states[2:].mean(axis=0)), spans[1])


def test_a_span_without_pieces_gets_the_texts_vector():
    """An empty span, and one past the last piece that was read, get the text's own vector."""
    states, starts = make_states(4), np.array([SPECIAL, 0, 5, SPECIAL])
    whole, spans = pool(states, starts, [Span(start=3, end=3), Span(start=50, end=60)])
    assert [whole.tolist()] * 2 == spans.tolist()


def test_a_text_without_pieces_has_a_vector():
    """A blank text has the vector of its special pieces, and so have the spans in it."""
    whole, spans = pool(make_states(2), np.array([SPECIAL, SPECIAL]), [Span(start=0, end=1)])
    assert np.allclose(unit(make_states(2).mean(axis=0)), whole)
    assert whole.tolist() == spans[0].tolist()


def test_zeros_stay_zeros():
    """Scaling to unit length divides nothing by zero."""
    assert unit(np.zeros(8, dtype=np.float32)).tolist() == [0.0] * 8


@given(st.text())
def test_a_well_formed_text_stays_as_it_is(text):
    """Text without lone surrogates is not changed."""
    assert text == well_formed(text)


@given(st.text(st.characters()))
def test_any_text_becomes_well_formed_and_keeps_its_offsets(text):
    """With lone surrogates in it, a text can be encoded as UTF-8 afterwards, and is as long."""
    found = well_formed(text)
    assert len(text) == len(found)
    assert found == found.encode().decode()

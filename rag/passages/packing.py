"""Sentences packed whole into passages that neither the budget nor the encoder cuts short.

It knows nothing of encoders: how many tokens a text has, and whether an encoder takes it whole, are
functions that it is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from rag.errors import SettingsError, SourceError
from rag.language.paths import led
from rag.passages.units import find_pieces, halves
from rag.schema import Passage, Source, SplitPassage

_HALF_FULL = 0.5
"""From this share of the budget on, a passage may end early at a better place."""
_AT_THE_END = 0.5
_BEFORE_HEADING = 0.5
_AFTER_BLOCK = 0.25
_AFTER_HEADING = -0.6
_LEAVES_A_BIT = -0.35
"""What the place where a passage ends is worth, in shares of the budget."""
_BIT = 0.2
"""Below this share of the budget a last passage says too little to be found by."""
_OVERLAP = 0.4
"""The overlap takes at most this share of the budget."""
_CHARS_PER_TOKEN = 12
"""Rows of dots have more: an encoder, which sees each dot, takes no longer passage whole, and need not be asked."""
SECONDS = 10.0
"""Of processor time that the passages of one source may take."""
SECONDS_PER_MILLION = 10.0
"""On top of them for each million characters; prose takes one."""
MAX_PASSAGES = 40_000
"""Of one source: those of 20 million characters of prose, and a quarter of an hour for the encoder."""


def split(
    source: Source,
    *,
    max_tokens: int,
    overlap_sentences: int,
    count_tokens: Callable[[str], int],
    fits: Callable[[str], bool],
) -> tuple[SplitPassage, ...]:
    """Pack the sentences of a source into passages.

    A passage holds whole sentences up to `max_tokens`; once half full, it may end early where a
    paragraph or a section ends. A sentence above the limit is cut at a clause mark, else a space,
    else between characters. The next passage repeats the last `overlap_sentences` sentences, unless
    they take too much room or a heading begins there.

    Args:
        source: whose text is split.
        max_tokens: of `count_tokens`, at most, in one passage.
        overlap_sentences: that a passage shares with the one before.
        count_tokens: tokens of a text.
        fits: whether the encoder takes a text whole, without cutting it.

    Returns:
        Passages in order of their text; every non-blank character of the source is in one of them
        and in one of its sentences. Both limits hold for every passage; a single character above
        them is kept nevertheless. Left out are stretches of more than 200 characters without a letter or digit.

    Raises:
        SettingsError: `max_tokens` is below 1 or `overlap_sentences` below 0.
        SourceError: the source takes too long, or makes too many passages (`too_costly`).
    """
    if max_tokens < 1 or overlap_sentences < 0:
        raise SettingsError(
            "Passages need max_tokens of at least 1 and overlap_sentences of at least 0,"
            f" got {max_tokens!r} and {overlap_sentences!r}."
        )
    return tuple(_Packer(source, max_tokens, overlap_sentences, count_tokens, fits).passages())


_T = TypeVar("_T")


class _Budget:
    """The processor time that one source may take: a small file must not cost what a thousand others do."""

    def __init__(self, source: Source) -> None:
        self._source_id = source.source_id
        self._seconds = SECONDS + SECONDS_PER_MILLION * len(source.text) / 1_000_000
        self._end = time.thread_time() + self._seconds

    def checked(self, made: _T) -> _T:
        """Return what was made, or raise `too_costly`."""
        if time.thread_time() > self._end:
            raise self.exceeded(f"it takes more than {self._seconds:.0f} s to split")
        return made

    def exceeded(self, how: str) -> SourceError:
        """Return the error of a source that costs too much."""
        return SourceError(
            "too_costly",
            f"{self._source_id!r} is left out: {how}; split the file, or save it anew.",
        )


class _Packer:
    """The passages of one source, first to last."""

    def __init__(
        self,
        source: Source,
        max_tokens: int,
        overlap: int,
        count: Callable[[str], int],
        fits: Callable[[str], bool],
    ) -> None:
        self._source = source
        self._max = max_tokens
        self._overlap = overlap
        self._count = count
        self._fits = fits
        self._budget = _Budget(source)
        self._units = list(map(self._budget.checked, find_pieces(source, max_tokens, count)))
        self._tokens_left = sum(unit.tokens + unit.lead for unit in self._units)

    def passages(self) -> Iterator[SplitPassage]:
        """Yield the passages; each holds at least one unit that none before it held."""
        first = new = n_passages = 0
        while new < len(self._units):
            passage, end = self._next(first, new)
            yield self._budget.checked(passage)
            n_passages += 1
            if n_passages > MAX_PASSAGES:
                raise self._budget.exceeded(f"it makes more than {MAX_PASSAGES:,} passages")
            self._tokens_left -= sum(unit.tokens + unit.lead for unit in self._units[new:end])
            first, new = self._overlap_start(first, end), end

    def _next(self, first: int, new: int) -> tuple[SplitPassage, int]:
        """Make the passage whose units start at `first` and are new from `new` on; return it and its end."""
        limit = len(self._units)
        while True:
            end = self._best_end(first, new, limit)
            passage = self._passage(first, end)
            if passage.passage.n_tokens <= self._max and self._fits(_led(passage.passage)):
                return passage, end
            if first < new:
                first = new  # the overlap is the first to go
            elif end - new > 1:
                limit = new + (end - new) * 7 // 8
            else:
                parts = halves(self._source.text, self._units[new], self._count)
                if len(parts) == 1:
                    return passage, end
                self._units[new : new + 1] = parts
                limit = new + 1

    def _best_end(self, first: int, new: int, limit: int) -> int:
        """Choose the end that fills the budget best and stands at the best place."""
        best, best_worth = new + 1, float("-inf")
        used, left = -self._units[first].lead, self._tokens_left
        most = _CHARS_PER_TOKEN * self._max
        for index in range(first, limit):
            unit = self._units[index]
            used += unit.lead + unit.tokens
            if index < new:
                continue
            if used > self._max or (index > new and unit.end - self._units[first].start > most):
                break
            left -= unit.lead + unit.tokens
            share = used / self._max
            worth = share + (self._worth(index + 1, left) if share >= _HALF_FULL else 0)
            if worth >= best_worth:
                best, best_worth = index + 1, worth
        return best

    def _worth(self, end: int, left: int) -> float:
        """Value the place before unit `end` as the end of a passage, when `left` tokens come after it."""
        if end == len(self._units):
            return _AT_THE_END
        worth = _LEAVES_A_BIT if left < _BIT * self._max else 0.0
        if self._units[end - 1].heading:
            return worth + _AFTER_HEADING
        if self._units[end].heading:
            return worth + _BEFORE_HEADING
        return worth + (_AFTER_BLOCK if self._units[end].opens else 0)

    def _overlap_start(self, first: int, end: int) -> int:
        """Return where the passage after `end` starts: at most so many units earlier, and after `first`."""
        if end == len(self._units) or self._units[end].heading:
            return end
        start, room = end, _OVERLAP * self._max
        while start - 1 > first and end - start < self._overlap:
            room -= self._units[start - 1].tokens
            if room < 0:
                break
            start -= 1
        return start

    def _passage(self, first: int, end: int) -> SplitPassage:
        units = self._units[first:end]
        begin, stop = units[0].start, units[-1].end
        text = self._source.text[begin:stop]
        passage = Passage(
            passage_id=f"{self._source.source_id}#{begin}-{stop}",
            source_id=self._source.source_id,
            start=begin,
            end=stop,
            text=text,
            n_tokens=self._count(text),
            path=units[0].unit.path,
        )
        return SplitPassage(passage=passage, sentences=tuple(one.unit for one in units))


def _led(passage: Passage) -> str:
    """Return what an encoder takes in."""
    return led(passage.path, passage.text, passage.start)

"""Who says how well sentences bear out a claim, by the setting's name."""

from __future__ import annotations

from rag.citations import Support, lexical_support, pooled
from rag.reader import load_support


def support_of(name: str) -> Support:
    """Return a support score.

    Args:
        name: `words` for words alone; else a trained model, see `rag.reader.load_support`, pooled with them. Of what a
            model writes, words that the source has tell more than our model does; of what contradicts the source in
            its own words, the model tells more. eval/LOG.md has the figures.

    Raises:
        ModelError: the model's files cannot be used.
    """
    if name == "words":
        return lexical_support
    return pooled(lexical_support, load_support(name).support)

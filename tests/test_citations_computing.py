"""Does a number follow from others in one step?"""

from __future__ import annotations

import pytest

from rag.citations.computing import Text, derived
from rag.language.quantities import quantities


@pytest.mark.parametrize(
    ("claim", "texts", "printed"),
    [
        ("Together that is 223 euros.", ["The desk is 180 euros.", "The lamp is 43 euros."], "223"),
        ("It costs 137 euros more.", ["The desk is 180 euros.", "The lamp is 43 euros."], "137"),
        ("It grew by 25 percent.", ["It sold 80 chairs.", "Then it sold 100 chairs."], "25"),
        ("It ends at 11:30.", ["It starts at 10:00.", "It lasts 90 minutes."], "11:30"),
    ],
)
def test_what_follows_is_found(claim, texts, printed):
    """Sums, differences, shares and times follow, and from which texts is told."""
    wanted = [one for one in quantities(claim) if printed in one.printed]
    found = derived(claim, wanted, [Text(text=text, place=i) for i, text in enumerate(texts)])

    assert [{0, 1}] == [set(places) for places in found.values()]


@pytest.mark.parametrize("claim", ["Together that is 224 euros.", "Together that is 223 metres."])
def test_what_does_not_follow_is_not_found(claim):
    """A number that is off by one, or of another measure, follows from nothing."""
    texts = [Text(text="The desk is 180 euros. The lamp is 43 euros.", place=0)]

    assert {} == derived(claim, quantities(claim), texts)

"""Do a claim and what it cites say the opposite? Negations with what they negate, and plain opposites. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag.language.words import stemmed, word_set, words_of

_NEGATIONS = word_set("""not no never none neither nor without cannot nobody nothing nowhere hardly
scarcely barely unable
    deny denies denied denying refuse refuses refused refusing fail fails failed failing reject
    rejects rejected rejecting lack lacks lacked lacking absent absence excluding except false
    untrue nicht kein keine keinen keinem keiner nie niemals ohne pas jamais aucun aucune sans
    nunca jamas ninguno ninguna sin nao nem sem mai nessuno senza не нет ни без никогда никто
    ничего niet geen zonder""")
_LETTERS = frozenset("不没沒未無无非勿")
"""Chinese and Japanese signs of negation."""
_AUXILIARY = re.compile(r"n't$")
_CLAUSE = re.compile(
    r"[,;:—–()\n!?。，；：]|\.(?:\s|$)|\b(?:but|although|while|whereas|however|though|unless|because|since|until)\b",
    re.IGNORECASE,
)
_NO_NEGATION = re.compile(
    r"\bno (?:more|fewer|less|later|earlier|sooner) than\b|\bnot (?:only|just|least)\b|\bno doubt\b|\bno\. ?(?=\d)",
    re.IGNORECASE,
)
_SCOPE = 3
"""Content words after a negation that it may negate."""
_HEAD = 2
"""Those of them that it surely does: quotes are long, and what stands further on is often affirmed."""

_PAIRS = word_set("""increase/decrease increase/reduce rise/fall raise/lower raise/cut grow/shrink
gain/lose win/lose
    high/low higher/lower highest/lowest more/less more/fewer most/least include/exclude
    accept/reject accept/refuse approve/reject approve/oppose support/oppose allow/ban allow/forbid
    allow/prohibit permit/prohibit permit/forbid open/close opened/closed begin/end start/end
    start/stop start/finish begin/finish buy/sell bought/sold import/export before/after early/late
    earlier/later first/last best/worst better/worse above/below success/failure succeed/fail
    confirm/deny admit/deny true/false legal/illegal possible/impossible likely/unlikely
    able/unable positive/negative major/minor maximum/minimum strengthen/weaken strong/weak
    expand/contract enter/leave arrive/depart arrive/leave join/leave add/remove attack/defend
    love/hate like/dislike happy/unhappy agree/disagree safe/unsafe safe/dangerous male/female
    public/private internal/external inside/outside ancient/modern old/new old/young large/small
    big/small large/little long/short wide/narrow fast/slow easy/difficult easy/hard rich/poor
    hot/cold warm/cold dry/wet light/dark alive/dead live/dead born/died married/divorced
    friend/enemy ally/enemy guilty/innocent acquit/convict hire/fire upgrade/downgrade
    encourage/discourage improve/worsen profit/loss surplus/deficit majority/minority
    present/absent same/different similar/different common/rare popular/unpopular known/unknown
    official/unofficial complete/incomplete full/empty upper/lower top/bottom north/south east/west
    northern/southern eastern/western domestic/foreign temporary/permanent voluntary/compulsory
    active/inactive direct/indirect capable/incapable effective/ineffective sufficient/insufficient
    necessary/unnecessary lengthen/shorten accelerate/slow praise/criticize praise/criticise
    appoint/dismiss advance/retreat victory/defeat""")
"""Words that exclude each other when they are said of one thing."""


def _opposite_stems() -> dict[str, set[str]]:
    """Return the opposites of each stem."""
    found: dict[str, set[str]] = {}
    for pair in _PAIRS:
        one, other = (stemmed(word) for word in pair.split("/"))
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return found


_OPPOSITE_STEMS = _opposite_stems()


@dataclass(frozen=True, slots=True, kw_only=True)
class Polarity:
    """Which content words of a text are affirmed and which are negated, as stems."""

    affirmed: frozenset[str]
    negated: tuple[tuple[str, ...], ...]
    """What each negation reaches, in order, names left out."""

    @property
    def denied(self) -> frozenset[str]:
        """All words that some negation reaches."""
        return frozenset().union(*self.negated)


def opposed(claim: str, quotes: Sequence[str]) -> bool:
    """Tell whether the claim says the opposite of the quotes.

    So it is where one negates what the other affirms, where the claim negates and no quote does,
    or where the claim has a word whose opposite stands in the quotes in its place.
    """
    if not quotes:
        return False
    ours, theirs = polarity(claim), polarity("\n".join(quotes))
    if any(_affirms(theirs, reach) for reach in ours.negated):
        return True
    if any(_affirms(ours, reach[:_HEAD]) for reach in theirs.negated):
        return True
    if ours.negated and not theirs.negated and not _antonyms(ours.denied, theirs.affirmed):
        return True
    return bool(
        _antonyms(
            ours.affirmed - theirs.affirmed - theirs.denied,
            theirs.affirmed - ours.affirmed - ours.denied,
        )
    )


def _affirms(other: Polarity, reach: Sequence[str]) -> bool:
    """Tell whether a text affirms, and nowhere denies, what a negation of the other reaches."""
    return not other.affirmed.isdisjoint(reach) and other.denied.isdisjoint(reach)


def _antonyms(ours: frozenset[str], theirs: frozenset[str]) -> set[str]:
    """Return the words of ours whose opposite is among theirs."""
    return {stem for stem in ours if _OPPOSITE_STEMS.get(stem, set()) & theirs}


@lru_cache(maxsize=512)
def polarity(text: str) -> Polarity:
    """Return what the text affirms and negates; a negation reaches a few words on, within its clause."""
    affirmed: set[str] = set()
    names: set[str] = set()
    negated: list[Sequence[str]] = []
    for clause in _CLAUSE.split(_NO_NEGATION.sub(" ", text)):
        open_reaches: list[list[str]] = []
        negated_to = 0
        for word in words_of(clause):
            if _is_negation(word.folded):
                if word.start >= negated_to and not (word.folded == "nor" and open_reaches):
                    open_reaches.append([])
                negated_to = word.end
                continue
            if not word.content and word.stem not in _OPPOSITE_STEMS:
                continue
            reaching = [reach for reach in open_reaches if len(set(reach) - names) < _SCOPE]
            if word.text[0].isupper():
                names.add(word.stem)
            if len(reaching) % 2 == 0:
                affirmed.add(word.stem)
            for reach in reaching:
                reach.append(word.stem)
        negated.extend(_odd(open_reaches))
    return Polarity(
        affirmed=frozenset(affirmed),
        negated=tuple(tuple(stem for stem in reach if stem not in names) for reach in negated),
    )


def _odd(reaches: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return the reaches of negations that no other negation undoes."""
    kept: list[Sequence[str]] = []
    for reach in reaches:
        if kept and reach and set(reach) & set(kept[-1]):
            kept.pop()
        else:
            kept.append(reach)
    return kept


def negates(text: str) -> bool:
    """Tell whether a text has any word of negation, even one that another undoes."""
    return any(_is_negation(word.folded) for word in words_of(text))


def _is_negation(folded: str) -> bool:
    return folded in _NEGATIONS or bool(_AUXILIARY.search(folded)) or bool(_LETTERS & set(folded))

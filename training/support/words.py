"""Words that a claim is changed by: opposites, kin, stronger words, and words that mean the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


def _pairs(table: str) -> tuple[tuple[str, str], ...]:
    """Return the two sides of `one/other, ...`."""
    entries = (" ".join(entry.split()).partition("/") for entry in table.split(","))
    return tuple((one, other) for one, _, other in entries)


def _one_way(pairs: tuple[tuple[str, str], ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one, other in pairs:
        found[one] = (*found.get(one, ()), other)
    return found


def _both_ways(pairs: tuple[tuple[str, str], ...]) -> dict[str, tuple[str, ...]]:
    return _one_way(tuple(way for one, other in pairs for way in ((one, other), (other, one))))


OPPOSITES = _both_ways(
    _pairs("""increased/decreased, increase/decrease, increases/decreases, increasing/decreasing, rose/fell,
risen/fallen, rise/fall, rising/falling, raised/lowered, grew/shrank, growing/shrinking,
gained/lost, gain/lose, won/lost, win/lose, winning/losing, high/low, higher/lower,
highest/lowest, more/less, most/least, include/exclude, includes/excludes, included/excluded,
accepted/rejected, accept/reject, approved/rejected, supported/opposed, support/oppose,
supports/opposes, allowed/banned, allow/ban, allows/prohibits, permitted/prohibited,
opened/closed, open/closed, began/ended, begins/ends, beginning/end, started/stopped,
start/stop, bought/sold, buy/sell, imported/exported, before/after, early/late, earlier/later,
first/last, best/worst, better/worse, above/below, success/failure, succeeded/failed,
successful/unsuccessful, confirmed/denied, true/false, legal/illegal, possible/impossible,
likely/unlikely, able/unable, positive/negative, major/minor, maximum/minimum,
strengthened/weakened, strong/weak, stronger/weaker, expanded/reduced, entered/left,
arrived/departed, joined/left, added/removed, attacked/defended, loved/hated, happy/unhappy,
agreed/disagreed, safe/dangerous, male/female, men/women, man/woman, he/she, his/her,
father/mother, son/daughter, brother/sister, husband/wife, public/private, internal/external,
inside/outside, ancient/modern, old/new, older/younger, oldest/youngest, large/small,
larger/smaller, largest/smallest, big/small, long/short, longer/shorter, longest/shortest,
wide/narrow, fast/slow, faster/slower, easy/difficult, rich/poor, hot/cold, warm/cool, dry/wet,
light/dark, alive/dead, married/divorced, friends/enemies, guilty/innocent, improved/worsened,
profit/loss, majority/minority, same/different, similar/different, common/rare,
popular/unpopular, known/unknown, official/unofficial, complete/incomplete, full/empty,
upper/lower, top/bottom, north/south, east/west, northern/southern, eastern/western,
domestic/foreign, temporary/permanent, voluntary/compulsory, active/inactive, direct/indirect,
necessary/unnecessary, victory/defeat, against/for, with/without, over/under, all/none,
always/never, many/few, often/rarely, frequently/seldom, both/neither, everyone/nobody,
everything/nothing, inner/outer, urban/rural, national/local, formal/informal,
primary/secondary, former/current, previous/next, heavy/light, hard/soft, thick/thin, young/old,
cheap/expensive, clean/dirty, simple/complex, natural/artificial, normal/abnormal,
regular/irregular, demand/supply, import/export, ancestors/descendants, teacher/student,
professor/student, employer/employee, seller/buyer, parent/child, parents/children, king/queen,
prince/princess, actor/actress, encouraged/discouraged, praised/criticized, welcomed/condemned,
accepts/refuses, agreed/refused, liked/disliked, hired/fired, appointed/dismissed,
created/destroyed, built/destroyed, found/lost, remembered/forgot, remember/forget,
liberal/conservative, optional/mandatory, required/optional, fewer/more, less than/more than, up
to/at least, at most/at least, no longer/still""")
)
"""Words that exclude each other when they are said of one thing, both ways."""

KIN = {
    word: tuple(row.split())
    for row in """basketball football baseball hockey soccer tennis cricket rugby volleyball golf
actor singer politician writer dancer painter lawyer journalist scientist composer
novel film play poem opera album song game comic
comedy drama thriller documentary musical
guitar piano violin drums flute trumpet
rock jazz pop classical folk blues
king president minister general bishop judge governor mayor
war treaty election revolution famine strike
city village river island mountain lake country province
university school hospital museum library church factory
red blue green yellow black white brown orange
gold silver iron copper tin bronze steel
wood stone glass paper plastic brick
oil coal gas wheat rice cotton sugar tea coffee
horse dog cat cow pig sheep goat
north south east west
spring summer autumn winter
morning afternoon evening night
french german italian spanish english chinese russian japanese american british dutch swedish indian
catholic protestant muslim jewish buddhist hindu orthodox
army navy police parliament court senate
physics chemistry biology mathematics medicine philosophy economics
father brother uncle cousin grandfather son
mother sister aunt daughter grandmother
monday tuesday wednesday thursday friday saturday sunday
january february march april june july august september october november december
day week month year decade century
hours minutes days weeks months years
million billion thousand hundred
percent degrees miles dollars pounds
car train ship bus bicycle plane
bread meat fish milk fruit cheese beer wine
water air fire earth
brain heart liver lung skin kidney
engineer doctor nurse farmer soldier teacher
bridge tower castle palace temple tunnel
radio television newspaper magazine internet
europe asia africa australia
economic political military religious cultural social
agriculture industry trade tourism mining fishing""".splitlines()
    for word in row.split()
}
"""Words of one kind, of which a thing is mostly one; each word leads to its whole row."""

STRONGER = _pairs("""may/will, might/will, could/will, can/must, may/must, should/must, some/all, some/most,
many/all, several/all, often/always, sometimes/always, usually/always,
probably/certainly, possibly/certainly, partly/entirely, partially/completely, about/exactly,
nearly/more than, almost/more than, suggested/proved, believed/known, planned/completed,
proposed/adopted, considered/decided, tried/managed, hoped/managed, alleged/proven,
reportedly/certainly, attempted/managed, likely/certain, claimed/proved, expected/confirmed""")
"""The second says more than the first: where it is true, so is the first."""

ALIKE = _one_way(
    _pairs("""began/started, started/began, however/but, nevertheless/however, while/whereas,
approximately/about, about/around, large/big, big/large, also/too, many/numerous, numerous/many,
several/various, because/since, although/though, used/employed, obtained/got, received/got,
purchased/bought, ended/finished, assisted/helped, required/needed, primarily/mainly,
mainly/mostly, chiefly/mainly, frequently/often, often/frequently, located/situated,
situated/located, constructed/built, built/constructed, created/made, founded/established,
established/founded, shows/demonstrates, showed/demonstrated, people/individuals, children/kids,
error/mistake, allowed/permitted, enabled/allowed, entire/whole, purpose/goal,
important/significant, significant/important, difficult/hard, rapidly/quickly, quickly/rapidly,
film/movie, author/writer, attempted/tried, commenced/began, following/after, throughout/across,
movie/film, autumn/fall, town/city, physician/doctor, residence/home, concluded/ended,
vehicle/car, child/kid, acquired/bought, discovered/found, selected/chosen, chose/selected,
gave/provided, provided/gave, said/stated, stated/said, noted/said, called/named, named/called,
became/turned into, died/passed away, near/close to, in order to/to, due to/because of, because
of/due to, for example/for instance, as well as/and, United States/US, United States/USA, United
Kingdom/UK, percent/per cent, famous/well known, prior to/before, such as/like""")
)
"""The second may stand for the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What words may be changed into; each word, as it stands in a text, leads to others."""

    opposites: Mapping[str, tuple[str, ...]]
    """Others that exclude it."""
    kin: Mapping[str, tuple[str, ...]]
    """Others of its kind, of which a thing is mostly one."""
    alike: Mapping[str, tuple[str, ...]]
    """Others that may stand for it."""
    parts: Mapping[str, str]
    """What kind of word it is, in which form; words with the same fit the same place."""


TABLES = Words(
    opposites=OPPOSITES,
    kin=KIN | {word.capitalize(): row for word, row in KIN.items()},
    alike=ALIKE,
    parts={},
)
"""The tables of this module."""

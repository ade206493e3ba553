"""English verbs whose forms are told apart: only with these does a sentence become a question.

A sentence with any other verb is left alone, since a question with a wrong form helps nobody.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Tense = Literal["past", "singular", "plural"]
"""Past, and present with a singular or a plural subject."""


class VerbForm(NamedTuple):
    """One finite form of a verb."""

    base: str
    tense: Tense


AUXILIARIES = frozenset(
    "is are was were has have had will would can could may might must shall should".split()
)
"""Verbs that change places with the subject in a question."""

SPEAKING = frozenset(
    """accuse acknowledge admit allege announce argue assert believe claim conclude confirm contend
    declare demand deny emphasize estimate explain indicate insist mention note predict propose
    recommend reject report reveal say state stress suggest tell testify think threaten urge warn
    write""".split()
)
"""What people do in words: whoever does it is asked for with `who`."""

DOING = SPEAKING | frozenset(
    """abolish accept acquire adopt appoint arrest arrive ask attack attend award ban become begin build
    buy call capture choose coin compose conduct conquer create criticise criticize defeat defend
    demonstrate describe design develop die discover draw dispatch elect emigrate establish fight
    file find fire form found give grant hire honor ignore introduce invade invent invite join
    kill launch lead leave lose marry meet move name negotiate nominate oppose order organize
    oversee paint perform persuade pioneer play praise present propose prove publish receive
    refuse resign retire return rule send sign start study succeed support take teach travel try
    use visit vote win""".split()
)
"""What people and bodies of people do."""

_REGULAR = """abandon abolish absorb accept accompany accomplish account accuse achieve acknowledge acquire act add
admit adopt advance affect agree allege allow announce appear apply appoint approve argue arrest arrive ask assert
assign assist attack attempt attend attract award ban believe belong border call capture carry cause
celebrate change charge claim collapse collect combine comprise compose conclude conduct confirm connect
conquer consider consist constitute contain contend continue contribute convert cover create
criticise criticize cross declare decline decrease dedicate defeat defend define deliver demand demonstrate deny
depend deploy derive describe design destroy determine develop die discover discuss dispatch display divide
document dominate double earn elect emerge emigrate emphasize employ enable encourage end enter establish
estimate evolve examine exceed exist expand expect explain export express extend face fail feature file finish
fire flow follow force form found function fund gain generate govern grant happen highlight
hire honor identify ignore impact implement import improve include increase indicate influence inhabit insist
inspire install introduce invade invent invite involve issue join kill label lack last launch limit link live
maintain manage mark marry mention merge migrate move name need negotiate nominate note number
obtain occur offer open operate oppose order organize originate outline own paint participate pass
perform persuade pioneer place plan play possess praise predict prefer present preserve prevent proclaim produce
progress prohibit promise promote propose protect prove provide publish purchase pursue raise range reach
realize receive recognize recommend record reduce refer reflect refuse regulate reject release rely remain
remove rename replace report represent require resemble resign respond restore result retain retire return
reveal reverse rule sail save select separate serve settle share show sign signal specialize
spread stage start state stay stop stress stretch study succeed suffer suggest supply support surround
survive tend testify threaten total train transfer transform translate travel treat try turn
underscore urge use utilize vary view visit vote want warn win work"""

_IRREGULAR = """arise:arose become:became begin:began bind:bound blow:blew break:broke bring:brought build:built
buy:bought catch:caught choose:chose come:came cost:cost cut:cut deal:dealt draw:drew drive:drove eat:ate fall:fell
feel:felt fight:fought find:found fly:flew forbid:forbade get:got give:gave go:went grow:grew hear:heard
hit:hit hold:held keep:kept know:knew lay:laid lead:led leave:left lend:lent let:let lie:lay lose:lost make:made
mean:meant meet:met oversee:oversaw pay:paid put:put read:read ride:rode rise:rose run:ran say:said see:saw seek:sought
sell:sold send:sent set:set shoot:shot show:showed sing:sang sink:sank sit:sat speak:spoke spend:spent spread:spread
stand:stood steal:stole strike:struck swear:swore take:took teach:taught tell:told think:thought
throw:threw undergo:underwent understand:understood wear:wore win:won withdraw:withdrew write:wrote"""

_PRESENT = """affect allow apply arise become begin belong border cause comprise connect consist
constitute contain contribute control cost cover create defend define depend derive describe determine divide
emphasize enable encourage exist extend follow generate give govern highlight include increase indicate involve
lead lie maintain make mark mean need occur offer operate own prevent produce prohibit provide reach receive
reflect regulate remain remove represent require resemble run say serve show specialize stand suggest
surround take tend underscore use vary"""
"""Verbs whose present forms are seldom taken for nouns."""

_DOUBLING = frozenset("admit ban plan prefer refer stop transfer occur permit".split())
_VOWELS = "aeiou"


def _past(base: str) -> str:
    if base.endswith("e"):
        return f"{base}d"
    if base.endswith("y") and base[-2] not in _VOWELS:
        return f"{base[:-1]}ied"
    return f"{base}{base[-1] if base in _DOUBLING else ''}ed"


def singular(base: str) -> str:
    """Return the present form for one."""
    if base.endswith("y") and base[-2] not in _VOWELS:
        return f"{base[:-1]}ies"
    return f"{base}es" if base.endswith(("s", "sh", "ch", "x", "z", "o")) else f"{base}s"


def _forms() -> dict[str, VerbForm]:
    irregular = dict(pair.split(":") for pair in _IRREGULAR.split())
    pasts = {base: _past(base) for base in _REGULAR.split()} | irregular
    forms = {past: VerbForm(base, "past") for base, past in sorted(pasts.items())}
    for base in _PRESENT.split():
        forms[singular(base)] = VerbForm(base, "singular")
        forms.setdefault(base, VerbForm(base, "plural"))
    # Forms that two verbs share, or that are mostly something else.
    for form, known in {"found": VerbForm("find", "past"), "lay": VerbForm("lie", "past")}.items():
        forms[form] = known
    for doubtful in ("set", "put", "cut", "let", "hit", "read", "cost", "spread"):
        forms.pop(doubtful, None)
    return forms


FORMS = _forms()
"""Finite form ─▶ what it is."""

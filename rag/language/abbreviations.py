"""Abbreviations by what follows them: after which full stop a sentence goes on."""

from __future__ import annotations

from typing import Literal

AbbreviationKind = Literal["lead", "label", "measure", "date", "hour"]

_LISTS: dict[AbbreviationKind, str] = {
    "lead": """approx ca cf e.g i.e eg ie viz vs v resp al incl excl attn z.b bzw vgl ggf inkl mme mlle mfr govt
    avg est Tel Fax""",
    "label": """fig figs eq eqs no nos nr vol vols ch chap sec sect secs art arts para paras p pp pt app tab tabs ex
    ext extn tel apt ste rm col item cl abs gr lit div ser pos kap ziff s.v op par reg sched ann annex bd
    pág págs pag str kap sid blz стр""",
    "measure": """max min avg temp ed eds rev lb lbs oz ft yd yds gal mi sq cu hr hrs wk wks mo mos yr yrs tsp
    tbsp pkg qty amt dept dist inst ult prox orig num gr mfd wt ht dia""",
    "date": """Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Mon Tue Tues Wed Weds Thu Thur Thurs Fri Sat
    Sun""",
    "hour": "a.m p.m am pm",
}
ABBREVIATED = {short: kind for kind, listed in _LISTS.items() for short in listed.split()}
"""What a full stop may follow within a sentence, by what it takes for the sentence to go on: anything (lead), a number
or a letter (label), a small letter or a number (measure, date), a day or a time zone (hour)."""
ALSO_WORDS = frozenset("no fig figs art app tab col ex".split())
"""Those of them that end sentences as words."""

"""Which language a text is in: by its script, else by its small words.

tantivy brings the small words and the stemmers of many languages; where it has no list, a short one stands here.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache, lru_cache
from heapq import nlargest
from operator import itemgetter
from typing import TYPE_CHECKING

from rag.language.english import FUNCTION_WORDS

if TYPE_CHECKING:
    import tantivy

STEMMED = {
    "ar": "arabic", "da": "danish", "nl": "dutch", "en": "english", "fi": "finnish", "fr": "french", "de": "german",
    "el": "greek", "hu": "hungarian", "it": "italian", "no": "norwegian", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "es": "spanish", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
"""Languages that can be stemmed, by ISO 639-1, and what tantivy calls them."""
_LISTED = "da nl fi fr de hu it no pt es sv".split()
_SMALL_WORDS = {
    "en": FUNCTION_WORDS,
    "de": frozenset(
        "wie warum wer wo wann welche welcher welches wieviel ab gilt gibt wird kann".split()
    ),
    "fr": frozenset(
        "où combien comment quel quelle quels quand pourquoi qui quoi est-ce faut peut coûte".split()
    ),
    "es": frozenset("cuánto cuánta cuántos quién cuándo dónde cómo cuál cuáles qué cuesta".split()),
    "it": frozenset("quanto quanta quanti quando dove chi perché quale quali cosa costa".split()),
    "pt": frozenset("quanto quanta quantos quando onde quem qual quais porque custa".split()),
    "nl": frozenset("hoe waar wie wanneer waarom welke hoeveel kost".split()),
    "sv": frozenset("hur vad när var vem varför vilken kostar".split()),
    "da": frozenset("hvor hvad hvornår hvem hvorfor hvilken koster".split()),
    "no": frozenset("hvor hva når hvem hvorfor hvilken koster".split()),
    "fi": frozenset("ja ei eikä on ovat mikä missä milloin kuka miten paljonko".split()),
    "pl": frozenset(
        """i w z na do nie się jest że to o jak za od po dla czy są przez co kto gdzie kiedy który która które oraz
        lub także tego tej ten być był była może już tylko jego przy pod ale ich""".split()
    ),
    "cs": frozenset(
        """a v na se že je s z do to o k i pro si jako od za po který která které nebo není jsou být byl byla ale jak
        kdy kde kdo co jeho při tak podle také může již pouze ve ze""".split()
    ),
    "tr": frozenset(
        """ve bir bu da de için ile ne mi mı mu mü olarak çok daha gibi olan kadar sonra ancak veya ama nasıl nerede
        hangi olduğu var yok değil her en o ya""".split()
    ),
    "ro": frozenset(
        """și în de la cu pe care un o este nu din să se pentru că a ale al sau sunt fi prin dar ce cine unde când
        cum această acest după fost fără""".split()
    ),
    "id": frozenset(
        """yang dan di dari untuk dengan pada ini itu tidak adalah ke dalam akan oleh atau juga dapat apa siapa kapan
        bagaimana harus telah karena sebagai lebih anda""".split()
    ),
    "vi": frozenset(
        """và của là các có được cho không một trong với người này khi đã từ những để như về phải bạn hoặc theo tại
        nào gì ai""".split()
    ),
}
_PLAINLY_ENGLISH = frozenset(
    "the and that with from which this are have has by they their you when what how".split()
)
"""Words of no other language listed here: a few of them spare the comparison."""
_SCRIPTS = {
    "HANGUL": "ko", "HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "zh", "THAI": "th", "LAO": "lo", "KHMER": "km",
    "MYANMAR": "my", "GREEK": "el", "HEBREW": "he", "ARABIC": "ar", "DEVANAGARI": "hi", "BENGALI": "bn", "TAMIL": "ta",
    "TELUGU": "te", "KANNADA": "kn", "MALAYALAM": "ml", "GUJARATI": "gu", "GURMUKHI": "pa", "SINHALA": "si",
    "ARMENIAN": "hy", "GEORGIAN": "ka", "ETHIOPIC": "am", "CYRILLIC": "ru",
}  # fmt: skip
"""The language that a script is most often used for."""
_TELLING = (
    ("ru", "uk", re.compile("[іїєґ]")), ("ru", "be", re.compile("ў")), ("ru", "sr", re.compile("[ђјљњћџ]")),
    ("ar", "ur", re.compile("[ٹڈےں]")), ("ar", "fa", re.compile("[پچژگ]")),
)  # fmt: skip
"""Letters that another language of a script has."""
_RUSSIAN = re.compile("[ыэ]")
_NAMES = {
    "am": "Amharic", "ar": "Arabic", "be": "Belarusian", "bg": "Bulgarian", "bn": "Bengali", "cs": "Czech",
    "da": "Danish", "de": "German", "el": "Greek", "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French",
    "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "hy": "Armenian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "ka": "Georgian", "km": "Khmer", "kn": "Kannada", "ko": "Korean", "lo": "Lao",
    "ml": "Malayalam", "my": "Burmese", "nl": "Dutch", "no": "Norwegian", "pa": "Punjabi", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "si": "Sinhala", "sr": "Serbian", "sv": "Swedish",
    "ta": "Tamil", "te": "Telugu", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese",
    "zh": "Chinese",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_MOST_CHARS = 4_000
"""Characters that are looked at, half from the beginning and half from the middle."""
_LEAST_SHARE = 0.1
"""Small words among all of a text; running text has a third or more."""
_LEAST_LEAD = 1.2
"""How much more must speak for a language than for the next."""
_ENGLISH = 1.25
"""How much more an English word speaks for English: what is likelier beforehand."""
_LEAST = 0.3
_KANA = 0.05
"""Share of kana from which Chinese signs are Japanese."""


def language_of(text: str) -> str:
    """Return the language of a text as ISO 639-1; "" where it is unsure."""
    if len(text) > _MOST_CHARS:
        middle = len(text) // 2
        text = text[: _MOST_CHARS // 2] + " " + text[middle : middle + _MOST_CHARS // 2]
    return _language_of(text)


@lru_cache(maxsize=128)
def _language_of(sample: str) -> str:
    script = "LATIN" if sample.isascii() else _script_of(sample)
    if script == "LATIN":
        return _by_small_words([word.replace("’", "'") for word in _WORD.findall(sample.lower())])
    language = _SCRIPTS.get(script, "")
    for general, special, letters in _TELLING:
        if language == general and letters.search(sample.lower()):
            return special
    if language == "ru" and "ъ" in sample.lower() and not _RUSSIAN.search(sample.lower()):
        return "bg"
    return language


@lru_cache(maxsize=65536)
def stem_of(word: str, language: str = "en") -> str:
    """Return a word, in lower case, without its inflection (Snowball); as it is where the language has no stemmer."""
    if language not in STEMMED:
        return word
    return next(iter(_stemmer(language).analyze(word)), word)


def own_stems(text: str) -> list[str]:
    """Return the stems of a text's words in its own language where English would cut them elsewhere, without accents.

    What searches by English stems finds other languages by these besides.
    """
    language = language_of(text)
    if language == "en" or language not in STEMMED:
        return []
    stems = ((word, _unaccented(stem_of(word, language))) for word in _WORD.findall(text.lower()))
    return [own for word, own in stems if stem_of(own) != stem_of(_unaccented(word))]


def small_words(text: str) -> list[str]:
    """Return the function words of a text in its own language, in lower case; English has a list of its own."""
    language = language_of(text)
    if language in {"en", ""}:
        return []
    return [word for word in _WORD.findall(text.lower()) if language in _languages_with(word)]


def unread_language(text: str) -> str:
    """Return the name of a text's language where the embedded models do not read it; "" where they do or may."""
    language = language_of(text)
    return "" if language in {"en", ""} else _NAMES.get(language, language)


def _unaccented(text: str) -> str:
    split = unicodedata.normalize("NFKD", text)
    return "".join(char for char in split if not unicodedata.combining(char))


def _script_of(text: str) -> str:
    """Return the script of most letters, by the first word of their names in Unicode; kana before Chinese signs."""
    counts = Counter(
        unicodedata.name(char, "").partition(" ")[0] for char in text if char.isalpha()
    )
    kana = counts["HIRAGANA"] + counts["KATAKANA"]
    if kana > _KANA * counts.total():
        return "HIRAGANA"
    return max(counts, key=counts.__getitem__, default="")


def _by_small_words(words: Sequence[str]) -> str:
    """Return the language whose small words are among these; a word of several languages counts less for each."""
    if sum(word in _PLAINLY_ENGLISH for word in words) > max(1, _LEAST_SHARE * len(words)):
        return "en"
    scores: dict[str, float] = defaultdict(float)
    for word, times in Counter(words).items():
        languages = _languages_with(word)
        for language in languages:
            scores[language] += times / len(languages)
    scores["en"] *= _ENGLISH
    (best, score), (_, second) = [
        *nlargest(2, scores.items(), key=itemgetter(1)),
        ("", 0.0),
        ("", 0.0),
    ][:2]
    return best if score >= max(_LEAST_SHARE * len(words), _LEAST_LEAD * second, _LEAST) else ""


@lru_cache(maxsize=65536)
def _languages_with(word: str) -> tuple[str, ...]:
    """Return the languages that have a word among their small ones."""
    listed = [one for one in _LISTED if not _stopper(one).analyze(word)]
    return tuple({*listed, *(one for one, words in _SMALL_WORDS.items() if word in words)})


@cache
def _stemmer(language: str) -> tantivy.TextAnalyzer:
    import tantivy

    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
        .filter(tantivy.Filter.stemmer(STEMMED[language]))
        .build()
    )


@cache
def _stopper(language: str) -> tantivy.TextAnalyzer:
    import tantivy

    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
        .filter(tantivy.Filter.stopword(STEMMED[language]))
        .build()
    )

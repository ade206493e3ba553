"""Which language a text is in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language.languages import language_of, own_stems, small_words, stem_of, unread_language


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ("en", "What is the rent?"),
        ("en", "Who visited Pyongyang?"),
        ("en", "Storm damage to fences"),
        ("en", "How many people came?"),
        ("en", "Which port does it use?"),
        ("en", "Reset the admin password."),
        ("en", "Does the warranty cover batteries?"),
        ("en", "The contract holds from May 5 on, and whoever signs it is bound by it."),
        ("en", "ok thanks"),
        ("en", "when?"),
        ("", "Shoigu Pyongyang"),
        ("", "Error E-1042"),
        ("", "Kim Jong Un"),
        ("", "rag sync --folder"),
        ("de", "Wie hoch ist die Miete?"),
        ("de", "Was ist die Frist?"),
        ("de", "Wann wird gekündigt?"),
        ("de", "Der Vertrag gilt ab dem 5. Mai."),
        ("de", "Die Kündigungsfrist beträgt drei Monate zum Quartalsende."),
        ("fr", "Quel est le loyer ?"),
        ("fr", "Où habite Marie ?"),
        ("fr", "Le bail est conclu pour trois ans et renouvelable."),
        ("fr", "Combien coûte l'abonnement ?"),
        ("es", "¿Cuánto cuesta el alquiler?"),
        ("es", "El contrato se firma en la oficina de Madrid."),
        ("es", "¿Quién firmó el tratado?"),
        ("it", "Quanto costa l'affitto della casa?"),
        ("it", "Il contratto è valido per tre anni e si rinnova."),
        ("pt", "O contrato é válido por três anos e não se renova."),
        ("pt", "Quanto custa o aluguel?"),
        ("nl", "Wat is de huurprijs van het huis?"),
        ("nl", "Het contract geldt voor drie jaar en wordt niet verlengd."),
        ("sv", "Vad är hyran för lägenheten?"),
        ("sv", "Avtalet gäller i tre år och förlängs inte."),
        ("da", "Hvad er huslejen for lejligheden?"),
        ("da", "Kontrakten gælder i tre år og bliver ikke forlænget."),
        ("no", "Kontrakten gjelder i tre år og blir ikke forlenget."),
        ("fi", "Sopimus on voimassa kolme vuotta eikä se jatku."),
        ("hu", "A szerződés három évig érvényes és nem hosszabbítható meg."),
        ("pl", "Umowa jest ważna przez trzy lata i nie jest przedłużana."),
        ("pl", "Kto podpisał umowę?"),
        ("tr", "Sözleşme üç yıl için geçerlidir ve uzatılmaz."),
        ("ro", "Contractul este valabil pentru trei ani și nu se prelungește."),
        ("id", "Kontrak ini berlaku untuk tiga tahun dan tidak diperpanjang."),
        ("vi", "Hợp đồng này có hiệu lực trong ba năm và không được gia hạn."),
        ("ru", "Договор действует три года и не продлевается."),
        ("uk", "Договір діє три роки і не подовжується."),
        ("bg", "Договорът важи три години и не се удължава."),
        ("zh", "合同有效期为三年。"),
        ("ja", "契約は三年間有効です。"),
        ("ko", "계약은 3년간 유효합니다."),
        ("ar", "العقد صالح لمدة ثلاث سنوات."),
        ("he", "החוזה תקף לשלוש שנים."),
        ("el", "Η σύμβαση ισχύει για τρία χρόνια."),
        ("th", "สัญญามีอายุสามปี"),
        ("hi", "अनुबंध तीन साल के लिए वैध है।"),
        ("fa", "قرارداد برای سه سال معتبر است و چاپ گردید."),
    ],
)
def test_the_language_of_a_sentence_is_known(expected: str, text: str) -> None:
    """A question or a sentence is enough; names and codes alone are in no language."""
    assert expected == language_of(text)


def test_a_long_text_is_judged_by_parts_of_it() -> None:
    """A title page in one language does not make a book one in that language."""
    assert "de" == language_of(
        "Title of the book. " + "Das Haus ist alt und wird nicht mehr bewohnt. " * 400
    )


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("deployment", "deployed", "deploys")),
        ("de", ("vertrag", "verträge", "vertrages")),
        ("fr", ("contrat", "contrats")),
        ("es", ("contrato", "contratos")),
    ],
)
def test_forms_of_a_word_have_one_stem(language: str, words: tuple[str, ...]) -> None:
    """Each language has its own endings."""
    assert 1 == len({stem_of(word, language) for word in words})


def test_a_language_without_a_stemmer_keeps_its_words() -> None:
    """Nothing is cut off that may not be an ending."""
    assert "umowami" == stem_of("umowami", "pl")


def test_a_text_is_found_by_the_stems_of_its_own_language_too() -> None:
    """Where English would leave an ending on, or take a wrong one off; an English text needs nothing more."""
    assert "lauf" in own_stems("Die Verträge laufen über fünf Jahre und werden nicht verlängert.")
    assert [] == own_stems("The contracts run for five years and are not prolonged.")


def test_small_words_are_those_of_the_language_of_the_text() -> None:
    """They tell nothing of what is looked for."""
    assert ["wie", "ist", "die"] == small_words("Wie hoch ist die Kaltmiete?")
    assert [] == small_words("How high is the rent?")


def test_a_language_that_the_models_do_not_read_has_a_name_to_tell() -> None:
    """English, and what is in no language, is read."""
    assert "German" == unread_language("Wie hoch ist die Kaltmiete?")
    assert "" == unread_language("How high is the rent?")
    assert "" == unread_language("E-1042")


@given(st.text(max_size=60), st.sampled_from(["en", "de", "ar", "zh", ""]))
def test_any_text_has_a_language_and_any_word_a_stem(text: str, language: str) -> None:
    """Nothing raises, and no word loses all its letters."""
    assert len(language_of(text)) in {0, 2}
    assert bool(stem_of(text, language)) == bool(text)

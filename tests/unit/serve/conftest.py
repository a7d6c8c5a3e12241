"""The service on the cast, asked in this process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import cast
from tests.services import Client, Running, run_service


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A published list of the cast, without a model; small limits, so that they are met."""
    made = run_service(tmp_path, max_body_bytes=50_000, body_timeout_seconds=0.2)
    yield made
    made.service.close()


@pytest.fixture
def promoted(tmp_path: Path) -> Iterator[Running]:
    """The same with the model that made the list."""
    made = run_service(tmp_path, with_model=True, max_body_bytes=200_000)
    yield made
    made.service.close()


@pytest.fixture
def client(running: Running) -> Client:
    """Asks as the principal of Harbor Street."""
    return running.client(cast.ROSA)


@pytest.fixture
def nobody(running: Running) -> Client:
    """Asks without a token."""
    return running.client(None)

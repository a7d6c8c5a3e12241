"""What tests of the store share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ews.store.opening import Store
from tests.stores import DATABASES, store_with_cast


@pytest.fixture(params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store with the cast in it, on each database."""
    opened = store_with_cast(request.param, tmp_path)
    yield opened
    opened.close()

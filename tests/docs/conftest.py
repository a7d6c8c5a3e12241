"""Pages are held against the same district and service as the functional tests."""

from tests.functional.conftest import places, scored_home, service

__all__ = ["places", "scored_home", "service"]

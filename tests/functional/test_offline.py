"""Everything works on a machine without a network, and nothing so much as asks for one (O20, PRV-14)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.functional.conftest import Service
from tests.preloaded import asked, without_network

ASK = """
import contextlib
import socket
for ask in (
    lambda: socket.create_connection(("192.0.2.7", 443), 1),
    lambda: socket.create_connection(("2001:db8::7", 443), 1),
    lambda: socket.getaddrinfo("elsewhere.example", 443),
    lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("198.51.100.7", 53)),
    lambda: socket.create_connection(("127.0.0.1", 1), 1),
    lambda: socket.getaddrinfo("localhost", 443),
):
    with contextlib.suppress(OSError):
        ask()
"""


@pytest.fixture(autouse=True)
def needs_the_library(tmp_path: Path) -> None:
    if not without_network(tmp_path):
        pytest.skip("needs a C compiler and Linux")


def test_whoever_asks_for_another_machine_is_seen(tmp_path: Path):
    """Without this the next test could not fail."""
    env = {**os.environ, **without_network(tmp_path)}
    subprocess.run([sys.executable, "-W", "ignore", "-c", ASK], env=env, check=True)
    assert asked(tmp_path) == ["192.0.2.7", "2001:db8::7", "elsewhere.example", "198.51.100.7"]


def test_from_records_to_lists_and_pages_nothing_is_asked_of_the_network_O20(
    service: Service, places: dict[str, list[str]], keys: dict[str, str]
):
    """The demo ingests, trains, promotes, scores and publishes; the service answers what schools ask."""
    school_id, (first, *_) = next(iter(places.items()))
    with service.client() as client:
        for path in (f"schools/{school_id}/risk-list", f"schools/{school_id}/export", f"students/{keys[first]}",
                     f"students/{keys[first]}/explanation", f"students/{keys[first]}/history", "model"):  # fmt: skip
            assert client.get(f"/v1/{path}").status_code == 200, path
    assert asked(service.home.path.parent) == asked(service.log.parent) == []

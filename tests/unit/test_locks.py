"""What is installed is not older than the versions that mended what could be abused (SEC-20)."""

import re

import pytest
from packaging.version import Version

from tests.docs.pages import read

MENDED = {"lightgbm": "4.6.0", "starlette": "0.49.1", "pyarrow": "14.0.1", "mlflow": "3.10.2"}
"""For each library the first version without its known faults: those that read files or answer strangers."""

PINNED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-spark.lock", "requirements-peers.lock"])
def test_no_lock_pins_a_version_with_a_known_fault_SEC_20(lock: str):
    pinned = {name: Version(version) for name, version in PINNED.findall(read(lock))}
    assert pinned, "nothing was read"
    assert {name for name, first in MENDED.items() if name in pinned and pinned[name] < Version(first)} == set()


def test_every_library_that_reads_files_or_answers_strangers_is_locked_SEC_20():
    assert set(MENDED) <= {name for name, _ in PINNED.findall(read("requirements.lock"))}

"""Where tests find the real and foreign data that is never copied into the project."""

import os
from pathlib import Path

import pytest

_FOLDERS = (Path(__file__).parents[1] / ".." / "shared" / "data", Path(__file__).parents[1] / "shared" / "data")


def shared_data(name: str) -> Path:
    """The path of a shared data file; where it is absent the test skips, and in CI it fails."""
    for folder in _FOLDERS:
        if (folder / name).exists():
            return (folder / name).resolve()
    reason = f"shared data {name} is not beside this checkout"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}: in CI a skip is a failure")
    pytest.skip(reason)

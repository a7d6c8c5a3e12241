"""A disk that fails, or whose power goes: `fixtures/disk_faults.c`, preloaded into the process of a test."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def faulty_disk(folder: Path) -> Path:
    """The library for LD_PRELOAD, compiled into a folder."""
    return preloaded("disk_faults", folder)


def preloaded(name: str, folder: Path) -> Path:
    """A source of the fixtures as a library for LD_PRELOAD; the test skips where there is no compiler for it."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler and Linux")
    made = folder / f"{name}.so"
    source = Path(__file__).parent / "fixtures" / f"{name}.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return made

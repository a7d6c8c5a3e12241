"""What a test puts under a process: a disk that fails or loses power, a machine without a network (LD_PRELOAD)."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def faulty_disk(folder: Path) -> Path:
    """`fixtures/disk_faults.c` as a library, made in a folder; the test skips where there is no compiler for it."""
    made = _compiled("disk_faults", folder)
    if made is None:
        pytest.skip("needs a C compiler and Linux")
    return made


def without_network(folder: Path) -> dict[str, str]:
    """Variables for a process that may ask only this machine; empty where there is no compiler.

    Every line that `asked(folder)` gives is somebody it asked for in vain.
    """
    made = _compiled("no_network", folder)
    return {"LD_PRELOAD": str(made), "EWS_ASKED_THE_NETWORK": str(folder / "asked.txt")} if made else {}


def asked(folder: Path) -> list[str]:
    """Whom processes with those variables asked for."""
    file = folder / "asked.txt"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _compiled(name: str, folder: Path) -> Path | None:
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    made = folder / f"{name}.so"
    source = Path(__file__).parent / "fixtures" / f"{name}.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return made

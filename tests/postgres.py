"""A real PostgreSQL for tests: started once a session in a private folder, and a new database for whoever asks.

It listens on a socket in that folder only. Where PostgreSQL is not installed its tests skip with the reason; under CI
they fail, since there `.ci/run` installs it.
"""

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from functools import cache
from pathlib import Path

import pytest

MISSING = "PostgreSQL is not installed (make postgres)"
_PROGRAMS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_NEEDED = ("initdb", "pg_ctl", "createdb")
_SETTINGS = ("fsync=off", "synchronous_commit=off", "listen_addresses=''", "max_connections=60", "timezone=UTC")


def new_database() -> str:
    """The URL of a fresh, empty database; its language sorts unlike bytes, as in real life."""
    folder = _server()
    name = f"ews_{uuid.uuid4().hex}"
    language = ("--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8")
    _run("createdb", "-h", str(folder), "-U", "ews", "-T", "template0", "-E", "UTF8", *language, name)
    return f"postgresql://ews@/{name}?host={folder}"


def copied_database(url: str) -> str:
    """The URL of a copy of a database that nobody is connected to."""
    begin, _, end = url.partition("@/")
    origin, _, place = end.partition("?host=")
    name = f"ews_{uuid.uuid4().hex}"
    _run("createdb", "-h", place, "-U", "ews", "-T", origin, name)
    return f"{begin}@/{name}?host={place}"


@pytest.fixture
def postgresql() -> str:
    """The URL of a fresh database."""
    return new_database()


def programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`; None where PostgreSQL is not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += [folder for pattern in _PROGRAMS for folder in Path("/").glob(pattern.lstrip("/"))]
    return next((folder for folder in folders if all((folder / name).exists() for name in _NEEDED)), None)


@cache
def _server() -> Path:
    """Start the server, stopped when the tests end; the folder of its socket."""
    if programs() is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="ews-pg-"))
    data = folder / "data"
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    _run("initdb", "-D", str(data), "-U", "ews", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
    options = " ".join(["-k", str(folder), *(f"-c {setting}" for setting in _SETTINGS)])
    _run("pg_ctl", "-D", str(data), "-o", options, "-l", str(folder / "log"), "-w", "start")
    atexit.register(_stop, folder)
    return folder


def _stop(folder: Path) -> None:
    _run("pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


def _run(program: str, *words: str) -> None:
    """Run one of PostgreSQL's programs; it refuses to be root, so root runs it as the user that came with it."""
    path = programs()
    assert path is not None
    command = [str(path / program), *words]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd="/")
    assert done.returncode == 0, f"{program}: {done.stderr}{done.stdout}"

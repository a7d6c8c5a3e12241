"""What the commands share: their common options, progress, the clock and the code's version."""

import contextlib
import datetime
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

import ews
from ews.home import Home
from ews.policy import Policy
from ews.school_year import SchoolYear

if TYPE_CHECKING:
    from ews.engine import Engine

HomeOption = Annotated[
    Path, typer.Option("--home", envvar="EWS_HOME", help="Folder that holds everything of this district.")
]
TargetYearOption = Annotated[
    SchoolYear,
    typer.Option(
        "--target-year",
        parser=SchoolYear.parse,
        metavar="YEAR",
        help="School year predicted, named by its end: 2027 or 2026-27.",
    ),
]
AfterDayOption = Annotated[
    int,
    typer.Option("--after-day", min=0, help="Instructional days of the target year already seen; 0 is before day one."),
]
EngineOption = Annotated[
    Literal["duckdb", "polars", "spark"],
    typer.Option("--engine", help="Where features are computed; spark needs PySpark and Java (make spark)."),
]
StoreOption = Annotated[
    str,
    typer.Option(
        "--store", envvar="EWS_STORE", metavar="URL", help="postgresql://… or a file; empty: store.db of the home."
    ),
]
MasterOption = Annotated[
    str | None, typer.Option("--master", help="Spark's master, as local[2] or spark://host:7077; with --engine spark.")
]

POLICY_FILE = "policy.toml"
"""A district's own thresholds, in its home; without the file the defaults of `ews.policy` hold."""

out = Console()
_err = Console(stderr=True)


@contextlib.contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """A function that tells each step on stderr, with the seconds since the start."""
    start = time.perf_counter()
    with _err.status("") as status:

        def tell(message: str) -> None:
            _err.print(f"  {time.perf_counter() - start:5.1f} s  {message}", markup=False, highlight=False)
            status.update("")

        yield tell


def say(text: str = "") -> None:
    """Print text as it is, whatever brackets it holds."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def policy_of(home: Home) -> Policy:
    """The district's policy: `policy.toml` of its home, or the defaults."""
    path = home.path / POLICY_FILE
    return Policy.read(path if path.exists() else None)


def engine_of(engine: "Engine", master: str | None) -> "Engine":
    """The engine asked for, with Spark's session open on its master where it is Spark.

    Raises:
        EngineNotInstalled: Spark was asked for and is not here.
        typer.BadParameter: a master, but not for Spark.
    """
    if engine == "spark":
        from ews.engine import use_spark

        use_spark(master)
    elif master:
        raise typer.BadParameter(f"--master is Spark's; the engine is {engine}. Add --engine spark.")
    return engine


def now() -> str:
    """The time as ISO 8601 with time zone."""
    return moment().astimezone().isoformat(timespec="seconds")


def moment() -> datetime.datetime:
    """The time, with its zone."""
    return datetime.datetime.now(datetime.UTC)


def code_version() -> str:
    """The commit this code is, with `-dirty` where files were changed; empty outside a checkout."""
    here = Path(ews.__file__).parent
    try:
        _git(here, "ls-files", "--error-unmatch", "__init__.py")
        return _git(here, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return ""


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()

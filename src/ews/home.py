"""The home folder: where everything of one district is kept, and how it is written so that nothing is half there.

A file is written beside its place, flushed to disk and renamed; a folder is made under a temporary name
and renamed; a pointer file names the current one. Whatever is interrupted leaves the old state whole.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ews.errors import Busy, InputRefused, NotEnoughData


class Home:
    """Paths of one district's working folder, and its lock.

    ``edfi/`` records fetched from a live ODS;
    ``tables/<id>/`` one ingest: canonical tables, marks, stays, rejects, manifest; beside them what later ingests
    find again: ``tables/student_years/``, ``tables/features/``;
    ``bundles/<sha256>/`` verified model bundles; ``scoring_runs/<id>/`` lists with their reasons;
    ``evidence/<sha256>/`` out-of-time predictions of a training, by its bundle; ``mlflow.db`` and
    ``mlflow_artifacts/`` the registry; ``current_tables.json``, ``champion.json`` (of other as-of days
    ``champions/day-020.json``) and ``current_scoring_run.json`` name what is in force; ``promotions.jsonl`` and
    ``ingests.jsonl`` tell who put it there and why, ``withdrawn.parquet`` which students are no longer in the records;
    ``corrections.jsonl`` and ``consents.jsonl`` what families asked to have corrected and agreed to;
    ``effect/<round>/registration.json`` what will be measured of a round of mentoring, written before it began.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        if is_read_as_pattern(path):
            raise InputRefused(
                f"{self.path} has one of * ? [ in its name, which is read as a pattern of several names. "
                "Rename the folder."
            )
        self.edfi = self.path / "edfi"
        self.tables = self.path / "tables"
        self.bundles = self.path / "bundles"
        self.evidence = self.path / "evidence"
        self.scoring_runs = self.path / "scoring_runs"
        self.mlflow_db = self.path / "mlflow.db"
        self.mlflow_artifacts = self.path / "mlflow_artifacts"
        self.current_tables = self.path / "current_tables.json"
        self.withdrawn = self.path / "withdrawn.parquet"
        self.ingests = self.path / "ingests.jsonl"
        self.champion = self.path / "champion.json"
        self.champions = self.path / "champions"
        self.promotions = self.path / "promotions.jsonl"
        self.current_scoring_run = self.path / "current_scoring_run.json"

    def champion_of(self, after_day: int) -> Path:
        """The file that names the champion of an as-of day; 0 is before the target year's first day."""
        return self.champion if after_day == 0 else self.champions / f"day-{after_day:03d}.json"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home for writing.

        Raises:
            Busy: another command holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.path / ".lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Busy(f"Another command is writing to {self.path}. Wait until it ends, then try again.") from error
            yield

    def ingested(self) -> Path:
        """The folder of the tables in force.

        Raises:
            NotEnoughData: nothing was ingested yet.
        """
        if not self.current_tables.exists():
            raise NotEnoughData(
                f"No records in {self.path} yet. Bring them in with: ews ingest FOLDER --home {self.path}"
            )
        return self.tables / str(read_json(self.current_tables)["id"])


def is_read_as_pattern(path: Path) -> bool:
    """Whether engines would read the path, made absolute, as a pattern: no file or several, a neighbour's too."""
    return bool(set("*?[") & set(str(path.resolve())))


def read_json(path: Path) -> dict[str, object]:
    """The object in a JSON file."""
    return dict(json.loads(path.read_text(encoding="utf-8")))


def to_json(value: object) -> str:
    """JSON as people read it and as bytes compare: sorted keys, no NaN."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_atomically(path: Path, text: str) -> None:
    """Put `text` at `path` whole or not at all, on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync(path.parent)


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill, which appears at `path` whole when the block ends, and not at all when it fails.

    If a folder is at `path` already, it stays and the new one is dropped: folders are named by their content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=".tmp-"))
    try:
        yield temporary
        for file in temporary.rglob("*"):
            sync(file)
        if not path.exists():
            temporary.rename(path)
            sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what an interrupted command left under a temporary name; call it only while holding the lock."""
    for leftover in folder.glob(".tmp-*"):
        shutil.rmtree(leftover, ignore_errors=True) if leftover.is_dir() else leftover.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have a file's bytes, or the names in a folder, on disk when this returns."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

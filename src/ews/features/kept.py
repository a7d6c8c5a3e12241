"""What closed years tell is kept from one list of a target year to the next: a weekly list computes what is new."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import narwhals as nw

from ews.engine import Engine, keep, scan
from ews.features.closed_years import of_closed_years
from ews.home import to_json
from ews.policy import Policy
from ews.student_years import History

_BEHIND = ("features", "student_years", "absence.py", "tallies.py")
"""The code of which the rows are made: another code, other rows."""


def kept_of_closed_years(place: Path, history: History, policy: Policy, engine: Engine) -> nw.LazyFrame:
    """`of_closed_years`, computed once and kept in the folder `place` while it stays as it is.

    The file's name tells the target year, and in a hash the student years of which it is made, the policy and the
    code; of each target year only the one that was used last is kept.

    Args:
        place: the folder.
        history: what is known at the as-of point, its past in files (`history_as_of`).
        policy: what counts as chronic and as too short a stay.
        engine: where the expressions run.
    """
    of_year = f"target_year={history.target_year}"
    path = place / f"{of_year}-{_fingerprint(history, policy)}.parquet"
    return scan(keep(path, lambda: of_closed_years(history, policy), f"{of_year}-*.parquet"), engine)


def _fingerprint(history: History, policy: Policy) -> str:
    made_of = [f"{file.parent.name}/{file.name}" for file in history.past_files]
    told = to_json({"past": made_of, "policy": asdict(policy)}).encode()
    package = resources.files("ews")
    code = (text for name in _BEHIND for text in _texts(package / name))
    return hashlib.sha256(b"".join((told, *code))).hexdigest()[:16]


def _texts(file: Traversable) -> Iterator[bytes]:
    """The text of a module, or of all modules of a package, by name."""
    if not file.is_dir():
        yield file.read_bytes()
        return
    for one in sorted(file.iterdir(), key=lambda module: module.name):
        if one.name.endswith(".py"):
            yield one.read_bytes()

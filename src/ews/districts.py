"""Whose records these are: the districts that the schools of an ingest name."""

from pathlib import Path

import narwhals as nw

from ews.engine import scan, to_pandas
from ews.tables import PRETEND


def is_pretend(folder: Path) -> bool:
    """Whether every school of an ingest belongs to a simulated district, so that no student is real."""
    named = districts_of(folder)
    return bool(named) and all(name.startswith(PRETEND) for name in named)


def districts_of(folder: Path) -> tuple[str, ...]:
    """The district ids of an ingest's schools, sorted; empty where the source names none.

    Args:
        folder: the folder of one ingest.
    """
    path = folder / "schools.parquet"
    if not path.exists():
        return ()
    schools = scan(path)
    if "district_id" not in schools.collect_schema().names():
        return ()
    named = schools.select(nw.col("district_id").cast(nw.String)).drop_nulls().unique()
    return tuple(sorted(to_pandas(named)["district_id"]))

"""Where expressions over the tables run: DuckDB inside this process by default, Polars as the second engine.

Everything above this module is Narwhals expressions, so the same definition runs on either.
"""

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import duckdb
import narwhals as nw
import pandas as pd
import pyarrow as pa

Engine = Literal["duckdb", "polars"]


def scan(path: Path | str | Sequence[Path], engine: Engine = "duckdb") -> nw.LazyFrame:
    """A Parquet file, a pattern (`marks/*/*.parquet`) or a list of files, as a lazy frame.

    In a pattern, folders named `school_year=2026` are a column, and a filter on it skips the other folders.
    """
    files = str(path) if isinstance(path, (Path, str)) else [str(one) for one in path]
    by_folder = "*" in files
    if engine == "polars":
        import polars as pl

        return nw.from_native(pl.scan_parquet(files, hive_partitioning=by_folder))
    return nw.from_native(_connection().read_parquet(files, hive_partitioning=by_folder))


def to_pandas(frame: nw.LazyFrame) -> pd.DataFrame:
    """The rows as pandas, of the same types on every engine: truth values are nullable, text is text."""
    table = frame.collect("pyarrow").to_native()
    kinds = {pa.bool_(): pd.BooleanDtype()}
    return table.to_pandas(types_mapper=kinds.get)


def write_parquet(frame: nw.LazyFrame, path: Path) -> None:
    """Put the rows at `path` whole or not at all, on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    temporary = Path(name)
    try:
        frame.sink_parquet(temporary)
        os.fsync(descriptor)
        temporary.replace(path)
    finally:
        os.close(descriptor)
        temporary.unlink(missing_ok=True)


@functools.cache
def _connection() -> duckdb.DuckDBPyConnection:
    """One connection for the process: frames can be joined only within one.

    What does not fit into memory goes to a private folder, not to the current one: it holds records of students.
    """
    spill = tempfile.mkdtemp(prefix="ews-")
    atexit.register(shutil.rmtree, spill, ignore_errors=True)
    return duckdb.connect(config={"temp_directory": spill, "preserve_insertion_order": "false"})

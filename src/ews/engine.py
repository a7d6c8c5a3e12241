"""Where expressions over the tables run: DuckDB inside this process by default, Polars, or Spark on a cluster.

Everything above this module is Narwhals expressions, so the same definition runs on each.
"""

import atexit
import functools
import math
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ews.errors import EngineNotInstalled
from ews.home import sync

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Engine = Literal["duckdb", "polars", "spark"]

SOUND_PLANS = {"disabled_optimizers": "window_self_join"}
"""For every connection that asks for windows: DuckDB 1.5 to 2.0 makes a join of some, and reads all folders on one side
of it though a year's was asked for, so that rows are lost without a word (tests/unit/test_engine.py shows it)."""

_AS_WRITTEN = {"disabled_optimizers": f"{SOUND_PLANS['disabled_optimizers']},build_side_probe_side"}
"""Each join is written with the side to look things up in on the right; DuckDB, which guesses at how many rows there
will be, would lay down the wide rows of a million students instead, for a tenth more of all time."""

_SPARK = {
    "spark.app.name": "ews",
    "spark.sql.session.timeZone": "UTC",
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}
"""Everywhere. Debugging asks Java four times more for each of thousands of expressions."""

_LOCAL_SPARK = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.sql.shuffle.partitions": "4",
}
"""On one machine: nothing answers to the network, and no tasks are cut for two hundred workers."""


def scan(path: Path | str | Sequence[Path], engine: Engine = "duckdb") -> nw.LazyFrame:
    """A Parquet file, a pattern (`marks/*/*.parquet`) or a list of files, as a lazy frame.

    In a pattern, folders named `school_year=2026` are a column, and a filter on it skips the other folders.
    Spark takes the column from the files, which hold it as well. A folder that Spark wrote is read like a file.
    """
    files = [_file_or_parts(Path(one)) for one in ([path] if isinstance(path, (Path, str)) else path)]
    by_folder = isinstance(path, (Path, str)) and "*" in str(path)
    if engine == "spark":
        return nw.from_native(use_spark().read.parquet(*files))
    if engine == "polars":
        try:
            import polars as pl
        except ImportError:
            raise EngineNotInstalled("The engine polars needs polars. Install it, or use duckdb.") from None

        return nw.from_native(pl.scan_parquet(files, hive_partitioning=by_folder))
    return nw.from_native(_connection().read_parquet(files, hive_partitioning=by_folder))


_POOL = pa.jemalloc_memory_pool() if "jemalloc" in pa.supported_memory_backends() else pa.default_memory_pool()
"""Where columns are copied one after the other: Arrow's usual pool asks the system for fresh memory each time."""


def to_pandas(frame: nw.LazyFrame) -> pd.DataFrame:
    """The rows as pandas, of the same types on every engine: truth values are nullable, text is text."""
    return _as_pandas(frame.collect("pyarrow").to_native())


def _as_pandas(table: pa.Table) -> pd.DataFrame:
    kinds = {pa.bool_(): pd.BooleanDtype()}
    return table.to_pandas(types_mapper=kinds.get, memory_pool=_POOL)


def side_by_side(left: nw.LazyFrame, right: nw.LazyFrame, key: str, numbers: Sequence[str]) -> pd.DataFrame:
    """The rows of `left` in the order of their keys, with numbers of both frames, as pandas.

    Each number is put straight where it belongs: with many columns, a join and a sort would move all of them twice.

    Args:
        left: one row per key.
        right: one row per key, of other keys too; a key that is not in it has NaN.
        key: a text column of both.
        numbers: float64 columns of either, which come last, in this order; the other columns of `right` are left out.
    """
    rows = _collected(left)
    found = _collected(right, [key, *(name for name in numbers if name not in rows.column_names)])
    order, place = _places(rows[key], found[key])
    values = _fresh(len(numbers), len(rows))

    def put(name: str, row: np.ndarray) -> None:
        column, places = (rows[name], order) if name in rows.column_names else (found[name], place)
        np.take(_laid_flat(column), places, out=row, mode="clip")  # the default mode would fill a copy first

    def taken(name: str) -> pa.Array:
        return pc.take(rows[name].combine_chunks(_POOL), pa.array(order), memory_pool=_POOL)

    others = [name for name in rows.column_names if name not in numbers]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        texts = threads.map(taken, others)
        list(threads.map(put, numbers, values))
    told = _as_pandas(pa.table(dict(zip(others, texts, strict=True))))
    return pd.concat([told, pd.DataFrame(values.T, columns=list(numbers), copy=False)], axis=1)


def _places(left: pa.ChunkedArray, right: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Where each key of `left` lies in it, in the order of keys, and where in `right`: after its last, if nowhere."""
    of_left, of_right = (
        nw.from_native(_connection().from_arrow(pa.table({"key": keys, place: np.arange(len(keys))})))
        for place, keys in (("left", left), ("right", right))
    )
    found = (
        of_left.join(of_right, on="key", how="left").sort("key").select("left", nw.col("right").fill_null(len(right)))
    )
    places = found.collect("pyarrow").to_native()
    return places["left"].to_numpy(), places["right"].to_numpy()


def _fresh(rows: int, columns: int) -> np.ndarray:
    """Room for so many float64.

    Not numpy's own: it asks for huge pages, and a system that has to make them first takes several times as long.
    """
    room = pa.allocate_buffer(8 * rows * columns, memory_pool=pa.system_memory_pool())
    return np.frombuffer(room, "float64").reshape(rows, columns)


def _laid_flat(column: pa.ChunkedArray) -> np.ndarray:
    """The column's values; null is NaN, and so is what follows the last.

    Arrow uses again the memory of the column before; numpy would ask the system for fresh memory each time.
    """
    return pa.concat_arrays([*column.chunks, pa.array([math.nan])]).fill_null(math.nan).to_numpy()


_HELD: WeakKeyDictionary[duckdb.DuckDBPyRelation, pa.Table] = WeakKeyDictionary()
"""The tables that `once` made frames of."""


def _collected(frame: nw.LazyFrame, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows; what `once` holds is not copied."""
    held = _HELD.get(frame.to_native()) if frame.implementation.is_duckdb() else None
    if held is not None:
        return held
    return (frame if columns is None else frame.select(columns)).collect("pyarrow").to_native()


def once(frame: nw.LazyFrame) -> nw.LazyFrame:
    """The same rows, computed now and held in memory: for what several later frames read.

    Without it an engine works out a frame anew for each frame that is made of it.
    """
    if frame.implementation.is_pyspark():
        return nw.from_native(frame.to_native().cache())
    if frame.implementation.is_duckdb():
        table = frame.collect("pyarrow").to_native()
        relation = _connection().from_arrow(table)
        _HELD[relation] = table
        return nw.from_native(relation)
    return frame.collect().lazy()


def write_parquet(frame: nw.LazyFrame, path: Path) -> None:
    """Put the rows at `path` whole or not at all, on disk when this returns.

    Spark's tasks each write a part, so from Spark the path becomes a folder of parts, and must not exist yet.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".tmp-") as temporary:
        whole = Path(temporary) / path.name
        if frame.implementation.is_duckdb():
            quoted = str(whole).replace("'", "''")
            frame.to_native().query("kept_rows", f"copy kept_rows to '{quoted}' {_UNCOMPRESSED}")
        else:
            frame.sink_parquet(str(whole))
        for written in (whole, *whole.glob("*")):
            sync(written)
        whole.replace(path)
    sync(path.parent)


_UNCOMPRESSED = "(format parquet, compression uncompressed, dictionary_size_limit 4000)"
"""Compressing takes a third of the time it takes to write; numbers of few values take few bits by themselves."""


def keep(path: Path, make: Callable[[], nw.LazyFrame], outdated: str) -> Path:
    """The path, at which the rows are written first where there is nothing.

    Args:
        path: a name that tells the content: other rows, another name.
        make: what is to be kept there.
        outdated: the pattern of names beside it that it takes the place of; they go once it is there, whole.
    """
    if not path.exists():
        write_parquet(make(), path)
        for other in path.parent.glob(outdated):
            if other != path:
                shutil.rmtree(other) if other.is_dir() else other.unlink(missing_ok=True)
    return path


def use_spark(master: str | None = None) -> "SparkSession":
    """Spark's session, for this process: the one that runs, or a new one.

    Args:
        master: `local[2]`, `spark://host:7077`, `yarn` …; None takes what `spark-submit` set, or this machine.

    Raises:
        EngineNotInstalled: there is no PySpark, or no Java.
    """
    try:
        from pyspark import SparkConf, SparkContext
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError:
        raise EngineNotInstalled(_NO_SPARK) from None
    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    try:
        SparkContext._ensure_initialized()  # else SparkConf does not know what spark-submit set
        conf = SparkConf()
        chosen = master or conf.get("spark.master", "local[*]")
        settings = {**_SPARK, **(_LOCAL_SPARK if chosen.startswith("local") else {})}
        conf.setMaster(chosen).setAll(list(settings.items()))
        return SparkSession.builder.config(conf=conf).getOrCreate()
    except (PySparkRuntimeError, FileNotFoundError):
        raise EngineNotInstalled(_NO_SPARK) from None


_NO_SPARK = (
    "The engine spark needs PySpark 4 and Java 17 or newer. Install them with: make spark, "
    "and on Debian or Ubuntu: apt-get install default-jre-headless. The engine duckdb needs neither."
)


def _file_or_parts(path: Path) -> str:
    return str(path / "*.parquet" if path.is_dir() else path)


def _connection() -> duckdb.DuckDBPyConnection:
    """The thread's own connection to the one database of the process: frames can be joined only within one."""
    if not hasattr(_OF_THREAD, "connection"):
        _OF_THREAD.connection = _database().cursor()
    return _OF_THREAD.connection


_OF_THREAD = threading.local()


@functools.cache
def _database() -> duckdb.DuckDBPyConnection:
    """In memory; what does not fit goes to a private folder, not to the current one: it holds records of students."""
    spill = tempfile.mkdtemp(prefix="ews-")
    atexit.register(shutil.rmtree, spill, ignore_errors=True)
    return duckdb.connect(config={"temp_directory": spill, "preserve_insertion_order": "false", **_AS_WRITTEN})

"""Publishing, and scoring with reasons, beside the least that could do: `python -m benchmarks.store --home HOME`.

The students of a scored home are repeated under new ids until there are enough. Every pair is measured in turn in one
process, and the fastest of each counts: what else runs on the machine slows both.
"""

import argparse
import datetime as dt
import json
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd

from ews import score as scoring
from ews.bundle import Bundle
from ews.dataset import Dataset, dataset_for
from ews.home import Home, read_json
from ews.registry import champion_bundle
from ews.school_year import SchoolYear
from ews.score import current_run
from ews.store.bulk import BATCH
from ews.store.opening import Store
from ews.store.publishing import publish
from ews.store.schema import RISK_ROWS
from ews.store.upgrading import create_or_upgrade

AT = dt.datetime(2026, 8, 20, tzinfo=dt.UTC)
COPY = "student_id || '-' || i as student_id"
RAW = "create table rows (run_id, student_key, school_id, rank, grade_level, lane, risk, absent, enrolled, line, why)"


def main() -> None:
    """Score and publish, print seconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="a home with a scoring run, as make demo leaves it")
    parser.add_argument("--students", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--postgresql", default="", metavar="URL", help="an empty database; its server on this machine")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ews-bench-") as folder:
        large = _enlarged(Home(options.home), Path(folder) / "home", options.students)
        _score(large, Path(folder), options.repeat)
        _publish(large, Path(folder) / "store.db", options.students)
        if options.postgresql:
            _publish(large, options.postgresql, options.students)


def _score(home: Home, folder: Path, repeat: int) -> None:
    dataset, bundle = _dataset(home)
    x = dataset.x.to_numpy()
    booster = bundle.model.booster
    bare, whole = [], []
    for _ in range(repeat):
        bare.append(_taken(lambda: booster.predict(x, pred_contrib=True)))
        whole.append(_taken(lambda: scoring._write_run(folder, dataset, bundle, {})))
    for name, found in (("bare contributions", bare), ("scoring with reasons, written", whole)):
        seconds, processor = (min(values) for values in zip(*found, strict=True))
        print(f"{name:<32}{seconds:8.1f} s {processor:8.1f} CPU s {len(x) / seconds:10,.0f} students/s")
    wall, processor = (min(a) / min(b) for a, b in zip(zip(*bare, strict=True), zip(*whole, strict=True), strict=True))
    print(f"rows a second, scoring to bare: {wall:.2f} ({processor:.2f} by CPU seconds)")


def _publish(home: Home, where: str | Path, students: int) -> None:
    store = create_or_upgrade(where)
    name = store.engine.dialect.name
    begin, steps = time.perf_counter(), []
    publish(store, home, by="benchmark", at=AT, progress=lambda step: steps.append((step, time.perf_counter())))
    first = time.perf_counter() - begin
    written = begin + first - next(at for step, at in steps if step.startswith("writing"))
    again = _taken(lambda: publish(store, home, by="benchmark", at=AT))[0]
    print(f"{name}: {students:,} published in {first:.1f} s, {written:.1f} s of them writing; again {again:.2f} s")
    if store.is_sqlite:
        _beside_executemany(store)
    store.close()


def _beside_executemany(store: Store) -> None:
    """The list's rows alone, handed to a bare table of another file: no keys, no index, no references, one commit."""
    with store.reading() as connection:
        rows = connection.exec_driver_sql(f"select * from {RISK_ROWS.name}").fetchall()
    plain = [tuple(row) for row in rows]
    assert store.file is not None
    bare = store.file.with_name("bare.db")

    def insert() -> None:
        with closing(sqlite3.connect(bare)) as connection:
            connection.executescript(f"pragma journal_mode = wal; pragma synchronous = full; {RAW}")
            for start in range(0, len(plain), BATCH):
                connection.executemany(f"insert into rows values ({', '.join('?' * 11)})", plain[start : start + BATCH])
            connection.commit()

    seconds = _taken(insert)[0]
    size, of_bare = (file.stat().st_size >> 20 for file in (store.file, bare))
    print(f"bare executemany of {len(plain):,} list rows: {seconds:.1f} s, {of_bare} MiB; the store has {size} MiB")


def _dataset(home: Home) -> tuple[Dataset, Bundle]:
    _, bundle = champion_bundle(home, 0)
    year = SchoolYear(int(str(current_run(home).provenance["target_year"])))
    small = dataset_for(home.ingested(), [year], bundle.policy, with_outcomes=False)
    return replace(small, frame=_repeated(small.frame, _size(home))), bundle


def _size(home: Home) -> int:
    return int(dict(current_run(home).provenance["counts"])["students"])  # type: ignore[call-overload]  # of `ews.score`


def _repeated(rows: pd.DataFrame, count: int) -> pd.DataFrame:
    times = -(-count // len(rows))
    copies = [rows.assign(student_id=rows["student_id"] + f"-{number}") for number in range(times)]
    return pd.concat(copies, ignore_index=True).iloc[:count]


def _enlarged(origin: Home, place: Path, students: int) -> Home:
    """The home with every student so many times: roster, stays, marks, and the current run's list."""
    shutil.copytree(origin.path, place, ignore=shutil.ignore_patterns("pretend_district", "mlflow*", "store.db*", ".*"))
    home, run = Home(place), current_run(Home(place))
    listed = len(pd.read_parquet(run.folder / scoring.LIST))
    times = -(-students // listed)
    records = home.ingested()
    tables = ("students.parquet", "enrollments.parquet", "stays/*/*.parquet", "marks/*/*.parquet")
    for path in (path for name in tables for path in records.glob(name)):
        _repeat_file(path, times)
    _repeat_file(run.folder / scoring.LIST, times, f"{COPY}, (rank - 1) * {times} + i + 1 as rank")
    _repeat_file(run.folder / scoring.EXPLANATIONS, times)
    about = read_json(run.folder / scoring.PROVENANCE)
    counts = {"students": listed * times, "schools": dict(about["counts"])["schools"]}  # type: ignore[call-overload]  # as above
    (run.folder / scoring.PROVENANCE).write_text(json.dumps({**about, "counts": counts}), encoding="utf-8")
    manifest = read_json(records / "manifest.json")
    manifest["fingerprints"] = dict.fromkeys(dict(manifest["fingerprints"]), f"repeated {times}")  # type: ignore[call-overload]  # as above
    (records / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return home


def _repeat_file(path: Path, times: int, changed: str = COPY) -> None:
    target = path.with_suffix(".larger")
    copies = f"from read_parquet('{path}'), range({times}) copies(i)"
    changes = f"* exclude (i) replace ({changed})"
    duckdb.sql(f"copy (select {changes} {copies}) to '{target}' (format parquet)")
    target.replace(path)


def _taken(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and by the processor."""
    begin, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - used


if __name__ == "__main__":
    main()

import datetime as dt
import os
import stat
from pathlib import Path

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from ews import engine as engine_module
from ews.engine import Engine, keep, scan, side_by_side, to_pandas, write_parquet

ENGINES: tuple[Engine, ...] = ("duckdb", "polars")


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    for year in (2024, 2025):
        folder = tmp_path / "marks" / f"school_year={year}"
        folder.mkdir(parents=True)
        frame = pl.DataFrame({"student_id": ["007", "x7"], "absent": [True, None], "date": [dt.date(year, 1, 9)] * 2})
        frame.write_parquet(folder / "part.parquet")
    return tmp_path / "marks"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_folder_named_by_school_year_becomes_a_column(marks: Path, engine: Engine) -> None:
    frame = scan(marks / "*" / "*.parquet", engine).filter(nw.col("school_year") == 2025)
    assert len(to_pandas(frame)) == 2


@pytest.mark.parametrize("engine", ENGINES)
def test_a_list_of_files_is_one_frame(marks: Path, engine: Engine) -> None:
    files = [marks / f"school_year={year}" / "part.parquet" for year in (2024, 2025)]
    assert sorted(to_pandas(scan(files, engine).select("student_id"))["student_id"]) == ["007", "007", "x7", "x7"]


@pytest.mark.parametrize("engine", ENGINES)
def test_pandas_types_are_the_same_on_every_engine_and_with_or_without_unknowns(marks: Path, engine: Engine) -> None:
    frame = scan(marks / "*" / "*.parquet", engine).select("student_id", "absent", "school_year")
    expected = {"student_id": "str", "absent": "boolean", "school_year": "int64"}
    for rows in (frame, frame.filter(nw.col("absent"))):
        assert to_pandas(rows).dtypes.astype(str).to_dict() == expected


@pytest.mark.parametrize("engine", ENGINES)
def test_rows_are_written_in_the_order_asked_for(marks: Path, tmp_path: Path, engine: Engine) -> None:
    many = pl.DataFrame({"place": range(50_000)}).sample(fraction=1, shuffle=True, seed=1)
    many.write_parquet(tmp_path / "many.parquet")
    path = tmp_path / "the district's" / "sorted.parquet"
    write_parquet(scan(tmp_path / "many.parquet", engine).sort("place"), path)
    assert pl.read_parquet(path)["place"].to_list() == list(range(50_000))


def test_numbers_of_few_values_are_written_in_few_bits_and_nothing_is_compressed(tmp_path: Path) -> None:
    days = pl.DataFrame({"days": [place % 180 for place in range(50_000)], "id": [str(n) for n in range(50_000)]})
    days.write_parquet(tmp_path / "days.parquet")
    write_parquet(scan(tmp_path / "days.parquet"), tmp_path / "kept.parquet")
    group = pq.read_metadata(tmp_path / "kept.parquet").row_group(0)
    columns = {group.column(place).path_in_schema: group.column(place) for place in (0, 1)}
    assert {column.compression for column in columns.values()} == {"UNCOMPRESSED"}
    assert columns["days"].total_compressed_size < 2 * group.num_rows
    assert not columns["id"].has_dictionary_page
    assert pl.read_parquet(tmp_path / "kept.parquet").equals(days)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_was_written_and_its_name_are_on_disk_when_the_write_returns(
    marks: Path, tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed, really = set(), os.fsync

    def fsync(descriptor: int) -> None:
        flushed.add((os.fstat(descriptor).st_ino, os.fstat(descriptor).st_size))
        really(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    path = tmp_path / "kept" / "rows.parquet"
    write_parquet(scan(marks / "*" / "*.parquet", engine), path)
    assert (path.stat().st_ino, path.stat().st_size) in flushed
    assert path.parent.stat().st_ino in {inode for inode, _ in flushed}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_failed_write_leaves_the_old_file_whole_and_nothing_beside_it(
    marks: Path, tmp_path: Path, engine: Engine
) -> None:
    folder = tmp_path / "kept"
    path = folder / "rows.parquet"
    frame = scan(marks / "*" / "*.parquet", engine)
    write_parquet(frame.select("student_id"), path)
    before = path.read_bytes()
    broken = frame.select(nw.col("student_id").cast(nw.Int64))
    with pytest.raises(Exception, match=r"(?i)conver"):
        write_parquet(broken, path)
    assert path.read_bytes() == before
    assert [file.name for file in folder.iterdir()] == ["rows.parquet"]


def test_what_does_not_fit_into_memory_goes_to_a_private_folder() -> None:
    connection = engine_module._connection()
    [(folder,)] = connection.sql("select current_setting('temp_directory')").fetchall()
    assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
    assert Path(folder).resolve() != Path.cwd()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_window_over_one_year_sees_no_other(tmp_path: Path, engine: Engine) -> None:
    """DuckDB 2.0 makes a join of the window and forgets on one side which folder's rows were asked for."""
    for year in (2024, 2025):
        (tmp_path / f"school_year={year}").mkdir()
        stays = pl.DataFrame({"id": ["a", "b"], "entered": [year, year]})
        stays.write_parquet(tmp_path / f"school_year={year}" / "stays.parquet")
    of_year = scan(tmp_path / "*" / "*.parquet", engine).filter(nw.col("school_year") == 2024)
    last = of_year.filter(nw.col("entered") == nw.col("entered").max().over("id"))
    assert sorted(to_pandas(last.select("id"))["id"]) == ["a", "b"]


@pytest.mark.parametrize("engine", ENGINES)
def test_numbers_of_two_frames_stand_beside_the_key_they_belong_to(tmp_path: Path, engine: Engine) -> None:
    left = pl.DataFrame({"id": ["c", "a", "b"], "where": ["z", None, "x"], "own": [3.0, None, 2.0]})
    right = pl.DataFrame({"id": ["b", "d", "a"], "told": [20.0, 40.0, None], "left_out": [1.0, 1.0, 1.0]})
    left.write_parquet(tmp_path / "left.parquet")
    right.write_parquet(tmp_path / "right.parquet")
    frames = [scan(tmp_path / f"{name}.parquet", engine) for name in ("left", "right")]
    found = side_by_side(*frames, "id", ["told", "own"])
    expected = {"id": ["a", "b", "c"], "where": [None, "x", "z"], "told": [None, 20.0, None], "own": [None, 2.0, 3.0]}
    pd.testing.assert_frame_equal(found, pd.DataFrame(expected))


def test_beside_a_frame_without_rows_every_number_of_it_is_unknown(tmp_path: Path) -> None:
    pl.DataFrame({"id": ["b", "a"]}).write_parquet(tmp_path / "left.parquet")
    pl.DataFrame(schema={"id": pl.String, "told": pl.Float64}).write_parquet(tmp_path / "right.parquet")
    found = side_by_side(*(scan(tmp_path / f"{name}.parquet") for name in ("left", "right")), "id", ["told"])
    assert (found["id"].tolist(), found["told"].isna().tolist()) == (["a", "b"], [True, True])


def test_what_is_kept_is_made_once_and_takes_the_place_of_what_is_outdated(marks: Path, tmp_path: Path) -> None:
    frame = scan(marks / "*" / "*.parquet")
    first, second = (tmp_path / "kept" / f"rows-{number}.parquet" for number in (1, 2))
    assert keep(first, lambda: frame, "rows-*.parquet") == first
    assert keep(first, lambda: pytest.fail("made again"), "rows-*.parquet") == first
    (first.parent / "other-1.parquet").touch()
    keep(second, lambda: frame, "rows-*.parquet")
    assert sorted(file.name for file in first.parent.iterdir()) == ["other-1.parquet", "rows-2.parquet"]

"""Small histories written by hand: what a student year holds unless a test says otherwise."""

from typing import Any

import narwhals as nw
import polars as pl

from ews.engine import _connection, to_pandas
from ews.features import build_features
from ews.policy import Policy
from ews.school_year import SchoolYear
from ews.student_years import STUDENT_YEARS, History

TARGET = SchoolYear(2026)
_TEXT = {"student_id": "s1", "school_id": "north", "grade_level": "03"}
_SCHEMA = {name: pl.String if name in _TEXT else pl.Int64 for name in STUDENT_YEARS.column_names}
_UNLESS_TOLD = {
    **dict.fromkeys(STUDENT_YEARS.column_names, 0),
    **_TEXT,
    "school_year": 2025,
    "instructional_days": 180,
    "days_enrolled": 180,
    "stays": 1,
    "schools_attended": 1,
    **{f"days_enrolled_month_{month:02d}": 18 for month in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12)},
    **{f"days_enrolled_weekday_{day}": 36 for day in range(1, 6)},
    "days_enrolled_first_20": 20,
    "days_enrolled_last_30": 30,
    "days_enrolled_last_60": 60,
}
_SHEET_KNOWS = ("student_id", "school_id", "grade_level", "school_year", "days_enrolled", "days_absent")


def student_year(student_id: str = "s1", **told: Any) -> dict[str, Any]:
    """A student's year with daily records and no absence, but for what is told."""
    return {**_UNLESS_TOLD, "student_id": student_id, **told}


def sheet_year(student_id: str = "s1", **told: Any) -> dict[str, Any]:
    """A student's year from a yearly sheet: totals only."""
    row = student_year(student_id, **told)
    return {name: value if name in _SHEET_KNOWS else None for name, value in row.items()}


def member(student_id: str = "s1", grade_level: str = "04", school_id: str = "north") -> dict[str, Any]:
    """A student of the cohort."""
    return {
        "student_id": student_id,
        "school_id": school_id,
        "grade_level": grade_level,
        "school_year": TARGET.ending,
    }


def classmates(count: int, school_year: int = 2025, **told: Any) -> list[dict[str, Any]]:
    """Other students of the same grade, school and year."""
    return [student_year(f"other-{number}", school_year=school_year, **told) for number in range(count)]


def features_of(
    past: list[dict[str, Any]],
    cohort: list[dict[str, Any]] | None = None,
    so_far: list[dict[str, Any]] | None = None,
    engine: str = "polars",
    households: dict[str, str] | None = None,
) -> Any:
    """The features as pandas, one row per student id; `households` tells the household of some students."""
    members = pl.DataFrame(cohort or [member()])
    history = History(
        TARGET,
        20 if so_far is not None else 0,
        _lazy(pl.DataFrame(past, schema=_SCHEMA), engine),
        None if so_far is None else _lazy(pl.DataFrame(so_far, schema=_SCHEMA), engine),
        None if households is None else _lazy(_roster(households), engine),
    )
    frame = to_pandas(build_features(_lazy(members, engine), history, Policy()))
    return frame.set_index("student_id").sort_index()


def _roster(households: dict[str, str]) -> pl.DataFrame:
    return pl.DataFrame({"student_id": households.keys(), "household_id": households.values()})


def _lazy(frame: pl.DataFrame, engine: str) -> nw.LazyFrame:
    return nw.from_native(frame.lazy() if engine == "polars" else _connection().from_arrow(frame.to_arrow()))

"""The yardstick: the features and the outcome that `ews` makes, as one would write them in pandas.

It takes from ingest what is stored with each mark and stay (the place of a day in its year, in its month and in its
spell), but none of the packed tallies, which are `ews`'s own. Students, schools and grades are categoricals, days
enrolled are a difference of running totals, and nothing loops over students. It knows closed years with daily marks
only: neither yearly sheets nor an open year, which `ews` knows too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.by_pandas_features import FIRST_GRADE_LISTED, GRADES, MONTHS, features
from benchmarks.student_years import YEARS

_IDS = ["student_id", "school_id"]
_TEXTS = ["student_id", "school_id", "grade_level", "kind"]
_STAYS = [*_IDS, "entry_date", "grade_level", "first_index", "last_index"]
_MARKS = [
    "student_id", "day_index", "days_left", "is_before_break", "month", "weekday", "spell_day", "is_absent", "kind",
    "is_tardy", "is_early_departure", "missed_ten_thousandths",
]  # fmt: skip
_WEEKDAYS = range(1, 6)
_KINDS = {"excused": "days_excused", "unexcused": "days_unexcused", "suspension": "days_suspended"}
_THRESHOLDS = (8, 10, 12, 15, 20)
_MIN_DAYS = 10


@dataclass(frozen=True)
class _Source:
    """One ingest: its folder, all days of its calendar, and the categories of ids and grades.

    With the same categories in every year, a sum by student has a row for each of them, in the same order.
    """

    folder: Path
    calendar: pd.DataFrame
    categories: dict[str, pd.CategoricalDtype]

    def read(self, path: Path, columns: list[str]) -> pd.DataFrame:
        """Some columns of a file, texts as categoricals."""
        kinds = [(name, self.categories[name]) for name in _TEXTS if name in columns]
        texts = [name for name, _ in kinds]
        rows = pd.read_parquet(path, columns=columns, read_dictionary=texts, to_pandas_kwargs={"date_as_object": False})
        # Not astype: it leaves categories as they are where only their order differs.
        return rows.assign(
            **{name: rows[name].cat.set_categories(kind.categories, ordered=kind.ordered) for name, kind in kinds}
        )


def by_pandas(folder: Path) -> pd.DataFrame:
    """One row per student enrolled on the last year's first day: every feature of its term start, and its outcome.

    Returns:
        Indexed by student_id; features as `ews.features` names them (float64, NaN = not known), and `outcome_…`.
    """
    students = pd.read_parquet(folder / "students.parquet")
    source = _source(folder, students["student_id"])
    past = [_student_year(source, year) for year in YEARS[:-1]]
    households = students.astype({"student_id": source.categories["student_id"], "household_id": "category"})
    found = features(_cohort(source), pd.concat(past), households.set_index("student_id")["household_id"], YEARS[-1])
    return found.join(_outcomes(_days_of_target(source, YEARS[-1])))


def _source(folder: Path, students: pd.Series) -> _Source:
    calendar = pd.read_parquet(folder / "calendar.parquet", read_dictionary=["school_id"]).drop(columns="date")
    categories = {
        "student_id": pd.CategoricalDtype(students),
        "school_id": calendar["school_id"].dtype,
        "grade_level": pd.CategoricalDtype(GRADES, ordered=True),
        "kind": pd.CategoricalDtype(_KINDS),
    }
    return _Source(folder, calendar, categories)


def _stays(source: _Source, year: int) -> pd.DataFrame:
    stays = source.read(source.folder / "stays" / f"school_year={year}" / "stays.parquet", _STAYS)
    return stays.sort_values("entry_date", kind="stable", ignore_index=True)


def _cohort(source: _Source) -> pd.DataFrame:
    """School and grade of those enrolled on their school's first day; of two such schools, that entered last."""
    stays = _stays(source, YEARS[-1])
    first = stays[stays["first_index"] == 1].drop_duplicates("student_id", keep="last").set_index("student_id")
    return first.loc[first["grade_level"] >= FIRST_GRADE_LISTED, ["school_id", "grade_level"]]


def _days_of_target(source: _Source, year: int) -> pd.DataFrame:
    """Days enrolled and absent, and nothing else: outcomes ask for no more."""
    stays = _stays(source, year)
    enrolled = (stays["last_index"] - stays["first_index"] + 1).groupby(stays["student_id"], observed=True).sum()
    marks = source.read(source.folder / "marks" / f"school_year={year}" / "marks.parquet", ["student_id", "is_absent"])
    absent = marks["is_absent"].groupby(marks["student_id"], observed=False).sum()
    days = pd.DataFrame({"days_enrolled": enrolled, "days_absent": absent.reindex(enrolled.index)})
    return days.astype("int32")


def _outcomes(target: pd.DataFrame) -> pd.DataFrame:
    absent, enrolled = target["days_absent"], target["days_enrolled"]
    enough = enrolled >= _MIN_DAYS
    reaches = {percent: (absent * 100 >= enrolled * percent).astype("boolean").where(enough) for percent in _THRESHOLDS}
    return pd.DataFrame(
        {
            "outcome_days_enrolled": enrolled,
            "outcome_days_absent": absent,
            "outcome_rate": absent / enrolled,
            "outcome_is_chronic": reaches[10],
            **{f"outcome_reaches_{percent:02d}": value for percent, value in reaches.items()},
        }
    )


def _student_year(source: _Source, year: int) -> pd.DataFrame:
    """One row per student enrolled in the year: place, days enrolled and absent by month, weekday, window and kind."""
    days = source.calendar[source.calendar["school_year"] == year].sort_values(["school_id", "day_index"])
    enrolled = _enrolled(_stays(source, year), days)
    marks = source.read(source.folder / "marks" / f"school_year={year}" / "marks.parquet", _MARKS)
    counted = pd.concat([enrolled, _absences(marks), _other_marks(marks)], axis=1)
    rows = counted[counted["days_enrolled"] > 0].rename_axis("student_id").reset_index()
    return rows.assign(school_year=year)


def _enrolled(stays: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    """One row per student of the roster: sums over the stays, and the place of the last."""
    length = stays["school_id"].map(days.groupby("school_id", observed=False)["day_index"].max()).astype("int32")
    stays = stays.assign(
        instructional_days=length,
        late_entry_days=(stays["first_index"] - 1).astype("int32"),
        early_exit_days=(length - stays["last_index"]).astype("int32"),
    )
    summed = _days_of(stays, days).groupby(stays["student_id"], observed=False).sum().astype("int32")
    place = ["school_id", "grade_level", "instructional_days", "early_exit_days"]
    last = stays.drop_duplicates("student_id", keep="last").set_index("student_id")[place]
    first = stays.drop_duplicates("student_id").set_index("student_id")["late_entry_days"]
    schools = stays.drop_duplicates(_IDS)["student_id"].value_counts(sort=False).rename("schools_attended")
    return pd.concat([summed, last, first, schools.astype("int32")], axis=1)


def _days_of(stays: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    """What each stay's days count: the calendar's running totals at its last day less those before its first."""
    keys = ["school_id", "day_index"]
    running = _flags(days).groupby(days["school_id"], observed=False).cumsum().astype("int16")
    running.index = pd.MultiIndex.from_frame(days[keys])
    bounds = ["school_id", "first_index", "last_index"]
    different = stays[bounds].drop_duplicates(ignore_index=True)
    through = different.join(running, on=["school_id", "last_index"]).drop(columns=bounds)
    before = different.assign(before=different["first_index"] - 1).join(running, on=["school_id", "before"])
    counts = through - before[running.columns].fillna(0).astype("int16")
    counts["days_enrolled"] = (different["last_index"] - different["first_index"] + 1).astype("int16")
    counts["stays"] = 1
    return stays[bounds].merge(pd.concat([different, counts], axis=1), on=bounds, how="left").drop(columns=bounds)


def _flags(days: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            **{f"days_enrolled_month_{month}": days["month"] == month for month in MONTHS},
            **{f"days_enrolled_weekday_{day}": days["weekday"] == day for day in _WEEKDAYS},
            "days_enrolled_first_20": days["day_index"] <= 20,
            "days_enrolled_last_30": days["days_left"] < 30,
            "days_enrolled_last_60": days["days_left"] < 60,
            "days_enrolled_before_break": days["is_before_break"],
        }
    )


def _absences(marks: pd.DataFrame) -> pd.DataFrame:
    """One row per student of the roster: days absent by month, weekday, kind and window, and spells."""
    absent = marks[marks["is_absent"]]
    spell_day, first_day = absent["spell_day"], absent["spell_day"] == 1
    flags = pd.DataFrame(
        {
            "days_absent": True,
            "days_absent_first_20": absent["day_index"] <= 20,
            "days_absent_last_30": absent["days_left"] < 30,
            "days_absent_last_60": absent["days_left"] < 60,
            "days_absent_before_break": absent["is_before_break"],
            "spells": first_day,
            "spells_of_two_or_more": spell_day == 2,
            "monday_spells": first_day & (absent["weekday"] == 1),
        },
        index=absent.index,
    )
    by_student = absent["student_id"]
    sums = flags.groupby(by_student, observed=False).sum().astype("int32")
    longest = spell_day.groupby(by_student, observed=False).max().fillna(0).astype("int32").rename("longest_spell")
    months = _by(absent, "month", {month: f"days_absent_month_{month}" for month in MONTHS})
    weekdays = _by(absent, "weekday", {day: f"days_absent_weekday_{day}" for day in _WEEKDAYS})
    return pd.concat([sums, longest, months, weekdays, _by(absent, "kind", _KINDS)], axis=1)


def _by(absent: pd.DataFrame, column: str, names: Mapping[Any, str]) -> pd.DataFrame:
    values = absent[column].astype(pd.CategoricalDtype(names))
    sizes = absent.groupby(["student_id", values], observed=False).size()
    counts = sizes.unstack()  # noqa: PD010  a pivot_table would group once more, and be slower
    return counts.astype("int32").set_axis([names[value] for value in counts.columns], axis=1)


def _other_marks(marks: pd.DataFrame) -> pd.DataFrame:
    flags = pd.DataFrame(
        {
            "days_tardy": marks["is_tardy"],
            "days_early_departure": marks["is_early_departure"],
            "partial_ten_thousandths": marks["missed_ten_thousandths"].where(~marks["is_absent"], 0),
        }
    )
    return flags.groupby(marks["student_id"], observed=False).sum().astype("int32")

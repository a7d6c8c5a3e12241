"""The yardstick: counts of student years, some features and the outcome, as one would write them in pandas.

It is given what ingest stores with each mark, and makes fewer features than `ews` does: no context of school and grade,
no siblings, no months enrolled. So a ratio to it is rather too low than too high.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.student_years import YEARS

_MARKS = ["student_id", "school_id", "day_index", "spell_day", "month", "weekday", "is_absent", "kind", "is_tardy"]


def by_pandas(folder: Path) -> pd.DataFrame:
    """One row per student of the last year: counts and rates of the years before, and whether it was chronic."""
    calendar = pd.read_parquet(folder / "calendar.parquet")
    stays = pd.read_parquet(folder / "enrollments.parquet")
    years = pd.concat([_year(folder, calendar, stays, year) for year in YEARS])
    outcome = years[years["school_year"] == YEARS[-1]].set_index("student_id")
    past = years[years["school_year"] < YEARS[-1]].sort_values(["student_id", "school_year"])
    last = past.groupby("student_id").tail(1).set_index("student_id")
    sums = past.groupby("student_id")[["days_absent", "days_enrolled", "spells"]].sum()
    rows = outcome[["school_id", "grade_level"]].join(last.add_suffix("_last_year")).join(sums.add_suffix("_all_years"))
    return _rates(rows).assign(is_chronic=outcome["days_absent"] * 10 >= outcome["days_enrolled"])


def _rates(rows: pd.DataFrame) -> pd.DataFrame:
    monday_friday = rows["weekday_1_last_year"] + rows["weekday_5_last_year"]
    months = rows[[f"month_{month}_last_year" for month in range(1, 13) if f"month_{month}_last_year" in rows]]
    return rows.assign(
        rate_last_year=rows["days_absent_last_year"] / rows["days_enrolled_last_year"],
        rate_all_years=rows["days_absent_all_years"] / rows["days_enrolled_all_years"],
        spells_per_100_days=100 * rows["spells_last_year"] / rows["days_enrolled_last_year"],
        mean_spell=rows["days_absent_last_year"] / rows["spells_last_year"].replace(0, np.nan),
        monday_friday_share=monday_friday / rows["days_absent_last_year"].replace(0, np.nan),
        months_with_absence=(months > 0).sum(axis=1),
    )


def _year(folder: Path, calendar: pd.DataFrame, stays: pd.DataFrame, year: int) -> pd.DataFrame:
    days = calendar[calendar["school_year"] == year]
    students = _enrolled(days, stays)
    marks = pd.read_parquet(folder / "marks" / f"school_year={year}" / "marks.parquet", columns=_MARKS)
    marks["student_id"] = marks["student_id"].astype("category")
    absent = marks[marks["is_absent"]]
    counts = [
        _by(absent, "month"),
        _by(absent, "weekday"),
        _by(absent, "kind"),
        _sums(absent, days),
        marks.groupby("student_id", observed=True)["is_tardy"].sum(),
    ]
    found = pd.concat(counts, axis=1)
    found.index = found.index.astype(str)
    return students.set_index("student_id").join(found).fillna(0).reset_index().assign(school_year=year)


def _by(absent: pd.DataFrame, column: str) -> pd.DataFrame:
    counted = absent.groupby(["student_id", column], observed=True).size()
    counted = counted.unstack(fill_value=0)  # noqa: PD010  a pivot_table would group once more, and be slower
    return counted.add_prefix(f"{column}_")


def _sums(absent: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    left = absent["school_id"].map(days.groupby("school_id")["day_index"].max()) - absent["day_index"]
    flags = pd.DataFrame(
        {
            "student_id": absent["student_id"],
            "days_absent": True,
            "first_20": absent["day_index"] <= 20,
            "last_30": left < 30,
            "last_60": left < 60,
            "spells": absent["spell_day"] == 1,
            "spells_of_two": absent["spell_day"] == 2,
            "monday_spells": (absent["spell_day"] == 1) & (absent["weekday"] == 1),
        }
    )
    counts = flags.groupby("student_id", observed=True).sum()
    longest = absent.groupby("student_id", observed=True)["spell_day"].max().rename("longest_spell")
    return counts.join(longest)


def _enrolled(days: pd.DataFrame, stays: pd.DataFrame) -> pd.DataFrame:
    """Days enrolled of each student, from the place of each stay's first and last day."""
    place = days.set_index(["school_id", "date"])["day_index"]
    bounds = days.groupby("school_id")["date"].agg(["min", "max"])
    stays = stays.join(bounds, on="school_id")
    stays = stays[(stays["entry_date"] >= stays["min"]) & (stays["exit_date"] <= stays["max"])]
    first, last = (stays.join(place, on=["school_id", column])["day_index"] for column in ("entry_date", "exit_date"))
    stays = stays.assign(days_enrolled=(last - first + 1).to_numpy(), late=(first - 1).to_numpy())
    stays = stays.sort_values(["student_id", "entry_date"])
    grouped = stays.groupby("student_id", sort=False)
    return grouped.agg(
        school_id=("school_id", "last"),
        grade_level=("grade_level", "last"),
        days_enrolled=("days_enrolled", "sum"),
        stays=("school_id", "size"),
        late_entry_days=("late", "first"),
    ).reset_index()

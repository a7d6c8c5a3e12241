"""Enrolled days: each stay clipped to one school's year, counted from running totals on the calendar.

No student-days are made: an enrolled day of a month or weekday is the running total at the stay's last day
less the one before its first day, so the work grows with stays and calendar days, not with their product.
"""

import narwhals as nw

from ews.student_years.grades import promoted_within_stay
from ews.student_years.one_year import OneYear
from ews.student_years.packed import one_of, unpacked

MONTHS = tuple(range(1, 13))
WEEKDAYS = tuple(range(1, 6))
FIRST_DAYS = 20
LAST_DAYS = (30, 60)

WINDOWS = (f"first_{FIRST_DAYS}", *(f"last_{days}" for days in LAST_DAYS))

DAY_WORDS = {
    "months_1_to_5": tuple(f"month_{month:02d}" for month in MONTHS[:5]),
    "months_6_to_10": tuple(f"month_{month:02d}" for month in MONTHS[5:10]),
    "months_11_to_12": tuple(f"month_{month:02d}" for month in MONTHS[10:]),
    "weekdays": tuple(f"weekday_{day}" for day in WEEKDAYS),
}
"""Counts by month and weekday travel packed: the column, and what its places hold (`ews.student_years.packed`)."""

_STAY = ("school_id", "entry_date", "until_date")


def day_words() -> dict[str, nw.Expr]:
    """A day with a month and weekday, packed as in DAY_WORDS."""
    month, weekday = nw.col("month"), nw.col("weekday")
    by = ((month, MONTHS[:5]), (month, MONTHS[5:10]), (month, MONTHS[10:]), (weekday, WEEKDAYS))
    return {name: one_of(column, values) for name, (column, values) in zip(DAY_WORDS, by, strict=True)}


def stays_of_year(year: OneYear) -> nw.LazyFrame:
    """One row per stay with at least one enrolled day among the days that count.

    Returns:
        student_id, school_id, entry_date, until_date (the exit, or the last day that counts), `first_index` and
        `last_index` (the stay's first and last instructional day), instructional_days, grade_level in this
        year, enrolled days, also by window, and packed by month and weekday.
    """
    stays = _clipped(year.days, year.enrollments)
    windows = _windows(year.days, stays.select(*_STAY, "instructional_days").unique())
    began = _years_in_stay(year, stays.select("school_id", "entry_date").unique())
    placed = stays.drop("instructional_days").join(began, on=["school_id", "entry_date"])
    promoted = promoted_within_stay(placed, nw.col("years_in_stay")).drop("years_in_stay")
    return promoted.join(windows, on=list(_STAY))


def enrolled_by_student(stays: nw.LazyFrame) -> nw.LazyFrame:
    """One row per student: enrolled days summed over stays, and the place of the last one."""
    entry = nw.col("entry_date")
    windows = tuple(f"days_enrolled_{window}" for window in WINDOWS)
    last = ("school_id", "grade_level", "instructional_days", "early_exit_days")
    students = stays.with_columns(
        late_entry_days=nw.col("first_index") - 1,
        early_exit_days=nw.col("instructional_days") - nw.col("last_index"),
        is_first=entry == entry.min().over("student_id"),
        is_last=entry == entry.max().over("student_id"),
    ).group_by("student_id").agg(
        *(nw.when("is_last").then(nw.col(name)).max().alias(name) for name in last),
        *(nw.col(name).sum().cast(nw.Int64).alias(name) for name in ("days_enrolled", *windows, *DAY_WORDS)),
        nw.len().alias("stays"),
        nw.col("school_id").n_unique().alias("schools_attended"),
        nw.when("is_first").then(nw.col("late_entry_days")).max().alias("late_entry_days"),
    )  # fmt: skip
    of_day = {word: [f"days_enrolled_{part}" for part in parts] for word, parts in DAY_WORDS.items()}
    return students.with_columns(unpacked(of_day)).drop(*DAY_WORDS)


def _clipped(calendar: nw.LazyFrame, enrollments: nw.LazyFrame) -> nw.LazyFrame:
    years = calendar.group_by("school_id").agg(
        nw.col("date").min().alias("first_date"),
        nw.col("date").max().alias("last_date"),
        nw.col("day_index").max().cast(nw.Int64).alias("instructional_days"),
    )
    stays_on = nw.col("exit_date").is_null() | (nw.col("exit_date") > nw.col("last_date"))
    until = nw.when(stays_on).then(nw.col("last_date")).otherwise(nw.col("exit_date"))
    return (
        enrollments.join(years, on="school_id")
        .with_columns(until_date=until)
        .filter(nw.col("entry_date") <= nw.col("last_date"), nw.col("until_date") >= nw.col("first_date"))
        .select("student_id", *_STAY, "grade_level", "instructional_days")
    )


def _windows(calendar: nw.LazyFrame, windows: nw.LazyFrame) -> nw.LazyFrame:
    """Enrolled days of each distinct window of a school's year; windows without an instructional day vanish."""
    before = _totals_at(calendar, windows, "entry_date", inclusive=False)
    through = _totals_at(calendar, windows, "until_date", inclusive=True)
    joined = windows.join(before, on=["school_id", "entry_date"]).join(through, on=["school_id", "until_date"])
    first, last, days = nw.col("days_before") + 1, nw.col("days_through"), nw.col("instructional_days")
    recent = {f"days_enrolled_last_{k}": _overlap(first, last, days - k + 1, days) for k in LAST_DAYS}
    return joined.filter(first <= last).select(
        *_STAY,
        "instructional_days",
        *((nw.col(f"{word}_through") - nw.col(f"{word}_before")).alias(word) for word in DAY_WORDS),
        first_index=first,
        last_index=last,
        days_enrolled=last - first + 1,
        **{f"days_enrolled_first_{FIRST_DAYS}": _overlap(first, last, nw.lit(1), nw.lit(FIRST_DAYS))},
        **recent,
    )


def _overlap(first: nw.Expr, last: nw.Expr, start: nw.Expr, end: nw.Expr) -> nw.Expr:
    """The number of days that two closed ranges of day indexes share."""
    later = nw.when(first > start).then(first).otherwise(start)
    sooner = nw.when(last < end).then(last).otherwise(end)
    return nw.when(sooner >= later).then(sooner - later + 1).otherwise(nw.lit(0))


def _totals_at(calendar: nw.LazyFrame, windows: nw.LazyFrame, on: str, *, inclusive: bool) -> nw.LazyFrame:
    """Running totals of each school's calendar at given dates, with the date's own day or without it."""
    side, names = "through" if inclusive else "before", ("days", *DAY_WORDS)
    days = calendar.select("school_id", "date", place=nw.lit(1), days=nw.lit(1).cast(nw.Int64), **day_words())
    asked = windows.select("school_id", nw.col(on).alias("date")).unique()
    nothing = {name: nw.lit(0).cast(nw.Int64) for name in names}
    asked = asked.select("school_id", "date", place=nw.lit(2 if inclusive else 0), **nothing)
    running = nw.concat([days, asked], how="vertical").with_columns(
        nw.col(name).cum_sum().over("school_id", order_by=["date", "place"]).cast(nw.Int64).alias(f"{name}_{side}")
        for name in names
    )
    return running.filter(nw.col("place") != 1).select(
        "school_id", nw.col("date").alias(on), *(f"{name}_{side}" for name in names)
    )


def _years_in_stay(year: OneYear, entries: nw.LazyFrame) -> nw.LazyFrame:
    """School years between each entry and this one: 0 for who entered for this year.

    A stay belongs first to the year of its school's next instructional day; where the entry is older than
    the calendar, to the year that a summer date (July onward) opens.
    """
    this_year = year.days.group_by("school_id").agg(nw.col("school_year").max().cast(nw.Int64).alias("this_year"))
    years = year.all_days.group_by("school_id", "school_year").agg(
        nw.col("date").min().alias("opens"), nw.col("date").max().alias("closes")
    )
    known = years.group_by("school_id").agg(nw.col("opens").min().alias("known_since"))
    entry = nw.col("entry_date")
    by_calendar = nw.col("school_year").min().cast(nw.Int64).alias("by_calendar")
    by_date = entry.dt.year().cast(nw.Int64) + (entry.dt.month() >= 7).cast(nw.Int64)
    is_older = (entry < nw.col("known_since")) & (by_date < nw.col("by_calendar"))
    began = nw.when(is_older).then(by_date).otherwise(nw.col("by_calendar"))
    return (
        entries.join(years, on="school_id")
        .filter(nw.col("closes") >= entry)
        .group_by("school_id", "entry_date").agg(by_calendar)
        .join(known, on="school_id")
        .join(this_year, on="school_id")
        .select("school_id", "entry_date", years_in_stay=nw.col("this_year") - began)
    )  # fmt: skip

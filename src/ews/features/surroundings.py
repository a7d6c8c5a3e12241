"""The students around a student: sums over their school, their grade in it and their household, without the student.

What is summed lies wholly before the target year. The student's own record is taken out, so that a small
grade does not tell the student's own past twice.
"""

from functools import reduce
from operator import add

import narwhals as nw

from ews.absence import absence_rate, is_chronically_absent
from ews.features.columns import MONTHS
from ews.policy import Policy

SUMS = ("students", "days_absent", "days_enrolled", "chronic", "known")
"""Students, their days, how many were chronic, and of how many that is known."""

HOUSEHOLD_SUMS = (
    "students", "expected_days_absent", "days_absent", "weighted_days_absent", "weighted_days_enrolled",
    "spells", "expected_spells",
)  # fmt: skip
"""Sums over all known years of the others; whole numbers and halves of them, so that taking out the own is exact."""

_DAYS_OF_MONTHS = tuple(f"days_{of}_month_{month}" for of in ("absent", "enrolled") for month in MONTHS)

READ_BY_MONTHS = ("school_id", "school_year", *_DAYS_OF_MONTHS)
"""The columns of student years that the school's months are made of."""


def countable(past: nw.LazyFrame, policy: Policy) -> nw.LazyFrame:
    """One row per student and year, kept or open, with what the sums add up: key columns and `SUMS`."""
    return past.select("student_id", "school_id", "grade_level", "school_year", **_summands(policy))


def _summands(policy: Policy, prefix: str = "") -> dict[str, nw.Expr]:
    absent, enrolled = nw.col(f"{prefix}days_absent"), nw.col(f"{prefix}days_enrolled")
    chronic = nw.coalesce(is_chronically_absent(absent, enrolled, policy), nw.lit(False)).cast(nw.Int64)
    known = (enrolled >= policy.min_days_enrolled).cast(nw.Int64)
    return dict(zip(SUMS, (nw.lit(1), absent, enrolled, chronic, known), strict=True))


def _in_latest_year_of_school(rows: nw.LazyFrame) -> nw.LazyFrame:
    latest = rows.group_by("school_id").agg(nw.col("school_year").max().alias("latest"))
    return rows.join(latest, on="school_id").filter(nw.col("school_year") == nw.col("latest")).drop("latest")


def _sums(rows: nw.LazyFrame, *keys: str) -> nw.LazyFrame:
    return rows.group_by(*keys).agg(*(nw.col(name).sum().cast(nw.Int64) for name in SUMS))


def _without_own(wide: nw.LazyFrame, around: str, is_own: nw.Expr | None = None) -> nw.LazyFrame:
    """Turn sums into sums over the others; the own record counts where it lies in the group (`is_own`)."""

    def others(name: str) -> nw.Expr:
        own = nw.coalesce(nw.col(f"own_{name}"), nw.lit(0))
        own = own if is_own is None else nw.when(is_own).then(own).otherwise(nw.lit(0))
        return (nw.col(name) - own).alias(f"others_{around}_{name}")

    return wide.with_columns(*(others(name) for name in SUMS)).drop(*SUMS)


def _own(rows: nw.LazyFrame, *keys: str) -> nw.LazyFrame:
    """The student's own record, to be taken out: `keys` as they are, the rest with `own_` before it."""
    return rows.select(*keys, *(nw.col(name).alias(f"own_{name}") for name in (*SUMS, "grade_level")))


def with_school(wide: nw.LazyFrame, rows: nw.LazyFrame) -> nw.LazyFrame:
    """Add `others_school_…` and `others_school_grade_…`: the target school, and the target grade in it."""
    latest = _in_latest_year_of_school(rows)
    own_keys = ["student_id", "school_id"]
    grade_keys = ["school_id", "grade_level"]
    wide = wide.join(_own(latest, *own_keys), on=own_keys, how="left")
    wide = _without_own(wide.join(_sums(latest, "school_id"), on="school_id", how="left"), "school")
    wide = wide.join(_sums(latest, *grade_keys), on=grade_keys, how="left")
    is_own = nw.col("own_grade_level") == nw.col("grade_level")
    return _drop_own(_without_own(wide, "school_grade", is_own))


def with_classmates(wide: nw.LazyFrame, past: nw.LazyFrame, policy: Policy) -> nw.LazyFrame:
    """Add `others_classmates_…`: those of the grade, school and year of the student's own last known record.

    Args:
        wide: one row per student with any known year, with the last of them as `last_…`.
        past: all student years before the target year.
        policy: what counts as chronic and as too short a stay.
    """
    keys = ["school_id", "grade_level", "school_year"]
    last_keys = [f"last_{key}" for key in keys]
    sums = _sums(countable(past, policy), *keys).rename(dict(zip(keys, last_keys, strict=True)))
    own = _summands(policy, "last_")
    others = {f"others_classmates_{name}": nw.col(name) - own[name] for name in SUMS}
    return wide.join(sums, on=last_keys, how="left").select(*wide.collect_schema().names(), **others)


def _drop_own(wide: nw.LazyFrame) -> nw.LazyFrame:
    return wide.drop(*(f"own_{name}" for name in (*SUMS, "grade_level")))


def with_household(wide: nw.LazyFrame, known: nw.LazyFrame, households: nw.LazyFrame | None) -> nw.LazyFrame:
    """Add `others_household_…`: the other students of the household, over all years known of them.

    Args:
        wide: one row per student of the cohort, with `HOUSEHOLD_SUMS` of the student as `past_…`.
        known: one row per student with any known year, with the same.
        households: student_id and household_id; None where none is known.
    """
    others = {name: f"others_household_{name}" for name in HOUSEHOLD_SUMS}
    if households is None:
        return wide.with_columns(nw.lit(None).cast(nw.Float64).alias(name) for name in others.values())
    members = households.join(known.select("student_id", *(f"past_{name}" for name in others)), on="student_id")
    sums = members.group_by("household_id").agg(
        nw.col(f"past_{name}").sum().cast(nw.Float64).alias(other) for name, other in others.items()
    )
    joined = wide.join(households, on="student_id", how="left").join(sums, on="household_id", how="left")
    own = {other: nw.coalesce(nw.col(f"past_{name}"), nw.lit(0)) for name, other in others.items()}
    return joined.with_columns((nw.col(other) - own[other]).alias(other) for other in others.values())


def with_months_of_school(wide: nw.LazyFrame, past: nw.LazyFrame) -> nw.LazyFrame:
    """Add what all students of the school and year of the student's own last known record have: `_DAYS_OF_MONTHS`.

    `beside_months_of_school` makes of it what is known of the others.

    Args:
        wide: one row per student with any known year, with the last of them as `last_…`.
        past: the student years that are anybody's last, with `READ_BY_MONTHS`.
    """
    keys = {"last_school_id": "school_id", "last_school_year": "school_year"}
    sums = past.group_by(*keys.values()).agg(
        *(nw.col(name).sum().cast(nw.Int64) for name in _DAYS_OF_MONTHS), students=nw.len()
    )
    return wide.join(sums.rename({key: name for name, key in keys.items()}), on=list(keys), how="left")


def beside_months_of_school(wide: nw.LazyFrame) -> nw.LazyFrame:
    """Put `others_months_students`, and what the student would have missed as they did, in the place of the sums.

    That is `others_months_…`, by month, and `others_months_total`. The student's own days are in `wide`.
    """

    def of_others(name: str) -> nw.Expr:
        return nw.col(name) - nw.coalesce(nw.col(f"last_{name}"), nw.lit(0))

    def as_they_did(month: str) -> nw.Expr:
        rate = absence_rate(of_others(f"days_absent_month_{month}"), of_others(f"days_enrolled_month_{month}"))
        return nw.coalesce(rate, nw.lit(0.0)) * nw.col(f"last_days_enrolled_month_{month}")

    summed = {*_DAYS_OF_MONTHS, "students"}
    others = {f"others_months_{month}": as_they_did(month) for month in MONTHS}
    return wide.select(
        *(name for name in wide.collect_schema().names() if name not in summed),
        **others,
        others_months_students=nw.col("students") - 1,
        others_months_total=reduce(add, others.values()),
    )

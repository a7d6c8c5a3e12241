"""The slow, obvious twin of every feature of the catalogue: what its meaning says, in whole numbers and fractions.

A feature that reads one count of the last known year and nothing else stands in a list; every other one is
written out. A value that the records do not tell raises `NotKnown` on its way.
"""

from fractions import Fraction

from ews.tables import GRADES
from tests.twin_around import AROUND, expected_days_absent, weight_of
from tests.twin_days import (
    FROM_DAYS,
    absence_rate_last_60_days,
    in_window,
    spells_per_100_days_all_years,
    spells_per_100_days_last_year,
)
from tests.twin_known import Known, Twin, is_chronic, rate, share

# Level.


def absence_rate_last_year(one: Known) -> Fraction:
    return rate(one.last)


def absence_ratio_last_year(one: Known) -> Fraction:
    return share(one.last["days_absent"], expected_days_absent(one.last, one.world))


def absence_rate_year_before(one: Known) -> Fraction:
    return rate(one.before)


def days_absent_year_before(one: Known) -> int:
    return one.before["days_absent"]


def days_absent_all_years(one: Known) -> int:
    return sum(row["days_absent"] for row in one.years)


def days_enrolled_all_years(one: Known) -> int:
    return sum(row["days_enrolled"] for row in one.years)


def absence_rate_all_years(one: Known) -> Fraction:
    return share(days_absent_all_years(one), days_enrolled_all_years(one))


def absence_ratio_all_years(one: Known) -> Fraction:
    return share(days_absent_all_years(one), sum(expected_days_absent(row, one.world) for row in one.years))


def recent_weighted_rate(one: Known) -> Fraction:
    weights = [weight_of(row, one.world) for row in one.years]
    absent = sum(weight * row["days_absent"] for weight, row in zip(weights, one.years, strict=True))
    return share(absent, sum(weight * row["days_enrolled"] for weight, row in zip(weights, one.years, strict=True)))


def highest_rate(one: Known) -> Fraction:
    rates = [rate(row) for row in one.years if row["days_enrolled"] >= one.world.policy.min_days_enrolled]
    return max(rates) if rates else share(0, 0)


def chronic_years(one: Known) -> int:
    return sum(is_chronic(row, one.world.policy) is True for row in one.years)


# Trend.


def change_of_rate(one: Known) -> Fraction:
    return rate(one.last) - rate(one.before)


def rise_in_last_60_days(one: Known) -> Fraction:
    last = one.last
    earlier_absent = last["days_absent"] - last["days_absent_last_60"]
    earlier_enrolled = last["days_enrolled"] - last["days_enrolled_last_60"]
    return absence_rate_last_60_days(one) - share(earlier_absent, earlier_enrolled)


def change_of_spells(one: Known) -> Fraction:
    return spells_per_100_days_last_year(one) - spells_per_100_days_all_years(one)


# Stability.


def enrolled_share_last_year(one: Known) -> Fraction:
    return share(one.last["days_enrolled"], one.last["instructional_days"])


def days_enrolled_year_before(one: Known) -> int:
    return one.before["days_enrolled"]


def known_years(one: Known) -> int:
    return len(one.world.years_of(one.member.student_id))


def short_history(one: Known) -> int:
    return int(sum(row["days_enrolled"] for row in one.world.years_of(one.member.student_id)) < 60)


def years_since_last_year(one: Known) -> int:
    return one.world.target_year - one.last["school_year"]


def has_gap(one: Known) -> int:
    return int(one.last["school_year"] != one.world.target_year - 1)


# So far.


def absence_rate_so_far(one: Known) -> Fraction:
    return rate(one.so_far)


def days_absent_so_far(one: Known) -> int:
    return one.so_far["days_absent"]


def days_enrolled_so_far(one: Known) -> int:
    return one.so_far["days_enrolled"]


def blended_rate_so_far(one: Known) -> Fraction:
    """As if 40 more days had been enrolled, missed as last year's were."""
    return (one.so_far["days_absent"] + 40 * rate(one.last)) / (one.so_far["days_enrolled"] + 40)


def change_so_far(one: Known) -> Fraction:
    return rate(one.so_far) - rate(one.last)


def days_absent_last_30_days_so_far(one: Known) -> int:
    return in_window(one.so_far, "last_30")


def days_enrolled_last_30_days_so_far(one: Known) -> int:
    return one.so_far["days_enrolled_last_30"]


def spells_so_far(one: Known) -> int:
    return one.so_far["spells"]


def longest_spell_so_far(one: Known) -> int:
    return one.so_far["longest_spell"]


def days_tardy_so_far(one: Known) -> int:
    return one.so_far["days_tardy"]


def unexcused_per_100_days_so_far(one: Known) -> Fraction:
    return 100 * share(one.so_far["days_unexcused"], one.so_far["days_enrolled"])


def late_entry_days_so_far(one: Known) -> int:
    return one.so_far["late_entry_days"]


def changed_school(one: Known) -> int:
    return int(one.so_far["school_id"] != one.last["school_id"])


# Grade.


def grade_number(one: Known) -> int:
    return {"PK": -1, "KG": 0}.get(one.member.grade_level, GRADES.index(one.member.grade_level) - 1)


def enters_new_level(one: Known) -> int:
    return int(one.member.grade_level in ("KG", "06", "09"))


def _read(count: str) -> Twin:
    return lambda one: one.last[count]


READ_FROM_LAST_YEAR = {
    f"{count}_last_year": _read(count)
    for count in (
        "days_absent", "days_enrolled", "spells", "longest_spell", "single_day_spells", "monday_spells",
        "days_excused", "days_unexcused", "days_suspended", "days_tardy", "days_early_departure",
        "schools_attended", "stays", "late_entry_days", "early_exit_days",
    )
}  # fmt: skip

WRITTEN_OUT = (
    absence_rate_last_year, absence_ratio_last_year, absence_rate_year_before, days_absent_year_before,
    days_absent_all_years, days_enrolled_all_years, absence_rate_all_years, absence_ratio_all_years,
    recent_weighted_rate, highest_rate, chronic_years, change_of_rate, rise_in_last_60_days, change_of_spells,
    enrolled_share_last_year, days_enrolled_year_before, known_years, short_history, years_since_last_year, has_gap,
    absence_rate_so_far, days_absent_so_far, days_enrolled_so_far, blended_rate_so_far, change_so_far,
    days_absent_last_30_days_so_far, days_enrolled_last_30_days_so_far, spells_so_far, longest_spell_so_far,
    days_tardy_so_far, unexcused_per_100_days_so_far, late_entry_days_so_far, changed_school, grade_number,
    enters_new_level,
)  # fmt: skip

TWINS: dict[str, Twin] = {
    **AROUND, **FROM_DAYS, **READ_FROM_LAST_YEAR, **{function.__name__: function for function in WRITTEN_OUT}
}  # fmt: skip
"""The twin of each feature, by its name in the catalogue."""

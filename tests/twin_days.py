"""The slow, obvious twin of features that only daily marks can tell: windows, spells, months, weekdays, kinds."""

from fractions import Fraction

from tests.twin_around import MONTHS, expected_spells
from tests.twin_known import Known, Row, rate, share

# Recency and timing.


def in_window(row: Row, window: str) -> int:
    """Days missed of a window in which the student was enrolled at all."""
    share(0, row[f"days_enrolled_{window}"])
    return row[f"days_absent_{window}"]


def absence_rate_last_30_days(one: Known) -> Fraction:
    return share(one.last["days_absent_last_30"], one.last["days_enrolled_last_30"])


def absence_rate_last_60_days(one: Known) -> Fraction:
    return share(one.last["days_absent_last_60"], one.last["days_enrolled_last_60"])


def absence_rate_first_20_days_last_year(one: Known) -> Fraction:
    return share(one.last["days_absent_first_20"], one.last["days_enrolled_first_20"])


def days_absent_last_30_days(one: Known) -> int:
    return in_window(one.last, "last_30")


def days_absent_last_60_days(one: Known) -> int:
    return in_window(one.last, "last_60")


def days_absent_first_20_days_last_year(one: Known) -> int:
    return in_window(one.last, "first_20")


def absence_rate_first_20_days_all_years(one: Known) -> Fraction:
    absent = sum(row["days_absent_first_20"] for row in one.daily_years)
    return share(absent, sum(row["days_enrolled_first_20"] for row in one.daily_years))


# Spells.


def spells_per_100_days_last_year(one: Known) -> Fraction:
    return 100 * share(one.last["spells"], one.last["days_enrolled"])


def spells_all_years(one: Known) -> int:
    return sum(row["spells"] for row in one.daily_years)


def spell_ratio_all_years(one: Known) -> Fraction:
    return share(spells_all_years(one), sum(expected_spells(row, one.world) for row in one.daily_years))


def spells_per_100_days_all_years(one: Known) -> Fraction:
    return 100 * share(spells_all_years(one), sum(row["days_enrolled"] for row in one.daily_years))


def mean_spell_length_last_year(one: Known) -> Fraction:
    return share(one.last["days_absent"], one.last["spells"])


def single_day_share_last_year(one: Known) -> Fraction:
    return share(one.last["single_day_spells"], one.last["spells"])


def months_without_absence_last_year(one: Known) -> int:
    attended = [month for month in MONTHS if one.last[f"days_enrolled_month_{month}"]]
    return sum(one.last[f"days_absent_month_{month}"] == 0 for month in attended)


# Months.


def days_absent_worst_month_last_year(one: Known) -> int:
    return max(one.last[f"days_absent_month_{month}"] for month in MONTHS)


def month_dispersion_last_year(one: Known) -> Fraction:
    """Pearson's sum of (observed - expected)^2 / expected over the months enrolled, per degree of freedom."""
    last = one.last
    enrolled = {month: last[f"days_enrolled_month_{month}"] for month in MONTHS}
    expected = {month: days * rate(last) for month, days in enrolled.items() if days}
    pearson = [
        share((last[f"days_absent_month_{month}"] - even) ** 2, even) if even else share(0, 0)
        for month, even in expected.items()
    ]
    return share(sum(pearson, Fraction(0)), len(expected) - 1)


# Pattern.


def monday_friday_excess_last_year(one: Known) -> Fraction:
    """Mondays and Fridays missed beyond those of even absences, over absences of which 5 more are even."""
    absent = [one.last[f"days_absent_weekday_{weekday}"] for weekday in (1, 2, 3, 4, 5)]
    enrolled = [one.last[f"days_enrolled_weekday_{weekday}"] for weekday in (1, 2, 3, 4, 5)]
    own = share(absent[0] + absent[4], sum(absent))
    even = share(enrolled[0] + enrolled[4], sum(enrolled))
    return (own - even) * Fraction(sum(absent), sum(absent) + 5)


def days_absent_monday_friday_last_year(one: Known) -> int:
    return one.last["days_absent_weekday_1"] + one.last["days_absent_weekday_5"]


def days_absent_before_break_last_year(one: Known) -> int:
    return one.last["days_absent_before_break"]


def before_break_excess_last_year(one: Known) -> Fraction:
    """Days before a break missed beyond those of even absences, over absences of which 5 more are even."""
    share(0, one.last["days_enrolled_before_break"])
    own = share(one.last["days_absent_before_break"], one.last["days_absent"])
    even = share(one.last["days_enrolled_before_break"], one.last["days_enrolled"])
    return (own - even) * Fraction(one.last["days_absent"], one.last["days_absent"] + 5)


def monday_spell_share_last_year(one: Known) -> Fraction:
    return share(one.last["monday_spells"], one.last["spells"])


# Kind.


def excused_share_last_year(one: Known) -> Fraction:
    return share(one.last["days_excused"], one.last["days_absent"])


def unexcused_share_last_year(one: Known) -> Fraction:
    return share(one.last["days_unexcused"], one.last["days_absent"])


def tardy_per_100_days_last_year(one: Known) -> Fraction:
    return 100 * share(one.last["days_tardy"], one.last["days_enrolled"])


def early_departures_per_100_days_last_year(one: Known) -> Fraction:
    return 100 * share(one.last["days_early_departure"], one.last["days_enrolled"])


def part_days_missed_last_year(one: Known) -> Fraction:
    return Fraction(one.last["partial_ten_thousandths"], 10_000)


FROM_DAYS = {
    function.__name__: function
    for function in (
        absence_rate_last_30_days, absence_rate_last_60_days, absence_rate_first_20_days_last_year,
        days_absent_last_30_days, days_absent_last_60_days, days_absent_first_20_days_last_year,
        absence_rate_first_20_days_all_years, spells_per_100_days_last_year, spells_all_years, spell_ratio_all_years,
        spells_per_100_days_all_years, mean_spell_length_last_year, single_day_share_last_year,
        months_without_absence_last_year, days_absent_worst_month_last_year, month_dispersion_last_year,
        monday_friday_excess_last_year, days_absent_monday_friday_last_year, monday_spell_share_last_year,
        days_absent_before_break_last_year, before_break_excess_last_year,
        excused_share_last_year, unexcused_share_last_year, tardy_per_100_days_last_year,
        early_departures_per_100_days_last_year, part_days_missed_last_year,
    )
}  # fmt: skip

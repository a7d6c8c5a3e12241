"""The yardstick's features: from student years, as pandas, to what `ews.features` names at a term start."""

import numpy as np
import pandas as pd

GRADES = ("PK", "KG", *(f"{grade:02d}" for grade in range(1, 13)))
FIRST_GRADE_LISTED = "KG"
MONTHS = range(1, 13)

_ENTRY_GRADES = ("KG", "06", "09")
_MIN_DAYS = 10
_MIN_OTHERS = 10
_MOST_OF_A_HOUSEHOLD = 12
_EVEN_ABSENCES = 5
_PRIOR_DAYS = 25
_SHORT_HISTORY_DAYS = 60
_TEN_THOUSANDTHS = 10_000
_SUMS = ["students", "days_absent", "days_enrolled", "chronic", "known"]
_ADDED_UP = [
    "years", "days_absent", "days_enrolled", "chronic", "spells", "days_absent_first_20", "days_enrolled_first_20",
    "expected_days_absent", "expected_spells", "weighted_absent", "weighted_enrolled",
]  # fmt: skip
_OF_HOUSEHOLD = [
    "years", "students", "days_absent", "expected_days_absent", "weighted_absent", "weighted_enrolled", "spells",
    "expected_spells",
]  # fmt: skip


def features(cohort: pd.DataFrame, past: pd.DataFrame, households: pd.Series, target_year: int) -> pd.DataFrame:
    """Every feature of a term start.

    Args:
        cohort: school_id and grade_level of the target year, indexed by student_id.
        past: student years before it, by year: counts of a year, with its place.
        households: household_id, indexed by student_id.
        target_year: the school year predicted.

    Returns:
        Indexed as the cohort, float64, NaN = not known.
    """
    past = _with_status(_with_expected(past.reset_index(drop=True)))
    is_earlier = past.duplicated("student_id", keep="last")
    last = _of(cohort, past[~is_earlier].set_index("student_id"))
    before = _of(cohort, past[is_earlier].drop_duplicates("student_id", keep="last").set_index("student_id")[_SUMS])
    totals = _totals(past, target_year)
    own = _of(cohort, totals)
    around = _around(cohort, past, last)
    found = {
        **_level(last, before, own, around),
        **_timing(last, own),
        **_spells(last, own),
        **_months(last, past),
        **_pattern(last),
        **_kind(last),
        **_stability(last, before, own, target_year),
        **_household(cohort, own, totals, households),
        **_grade(cohort),
        **around,
    }
    return pd.DataFrame(found, index=cohort.index).astype("float64")


def _of(cohort: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the cohort's students, in its order; NaN where a student has none."""
    return rows.reindex(cohort.index)


def _share(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part / whole.where(whole > 0)


def _with_expected(past: pd.DataFrame) -> pd.DataFrame:
    """Add what the district's rates of the same year would give, in whole ten-thousandths."""
    sums = past.groupby("school_year")[["days_absent", "days_enrolled", "spells"]].sum()
    return past.assign(
        expected_days_absent=_expected(past, sums["days_absent"] / sums["days_enrolled"]),
        expected_spells=_expected(past, sums["spells"] / sums["days_enrolled"]),
    )


def _expected(past: pd.DataFrame, rates: pd.Series) -> pd.Series:
    days = past["days_enrolled"] * past["school_year"].map(rates)
    return np.floor(days * _TEN_THOUSANDTHS + 0.5)


def _with_status(past: pd.DataFrame) -> pd.DataFrame:
    known = past["days_enrolled"] >= _MIN_DAYS
    chronic = known & (past["days_absent"] * 10 >= past["days_enrolled"])
    return past.assign(
        students=np.int32(1),
        known=known.astype("int32"),
        chronic=chronic.astype("int32"),
        rate=past["days_absent"] / past["days_enrolled"],
    )


def _totals(past: pd.DataFrame, target_year: int) -> pd.DataFrame:
    """One row per student with any known year: sums over all of them."""
    weight = 0.5 ** (target_year - 1 - past["school_year"])
    weighted = {"weighted_absent": past["days_absent"] * weight, "weighted_enrolled": past["days_enrolled"] * weight}
    by_student = past.assign(years=past["students"], **weighted).groupby("student_id", observed=False)
    totals = by_student[_ADDED_UP].sum()
    rates = past["rate"].where(past["known"] == 1)
    totals["highest_rate"] = rates.groupby(past["student_id"], observed=False).max()
    totals["students"] = 1
    return totals[totals["years"] > 0]


def _around(cohort: pd.DataFrame, past: pd.DataFrame, last: pd.DataFrame) -> dict[str, pd.Series]:
    """Rates of the others: of the target school and grade in the school's last known year, and of last year's class."""
    latest = past[past["school_year"] == past.groupby("school_id", observed=False)["school_year"].transform("max")]
    keys = cohort.reset_index()
    own = keys[["student_id", "school_id"]].merge(latest, on=["student_id", "school_id"], how="left")
    same_grade = own["grade_level"].astype(keys["grade_level"].dtype) == keys["grade_level"]
    own = own[_SUMS].fillna(0)
    school = _sums_at(keys, latest, ["school_id"]) - own
    grade = _sums_at(keys, latest, ["school_id", "grade_level"]) - own.where(same_grade, 0)
    places = ["school_id", "grade_level", "school_year"]
    classmates = _sums_at(last[places].reset_index(), past, places) - last[_SUMS].reset_index(drop=True)
    enough = grade["known"] >= _MIN_OTHERS
    rates = {
        "school_grade_rate": _rate_of(grade),
        "school_grade_chronic_share": _share(grade["chronic"], grade["known"]).where(enough),
        "school_rate": _rate_of(school),
        "classmates_rate": _rate_of(classmates),
    }
    return {name: rate.set_axis(cohort.index) for name, rate in rates.items()}


def _sums_at(places: pd.DataFrame, rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    sums = rows.groupby(keys, observed=True)[_SUMS].sum()
    return places[keys].join(sums, on=keys)[_SUMS]


def _rate_of(others: pd.DataFrame) -> pd.Series:
    return _share(others["days_absent"], others["days_enrolled"]).where(others["students"] >= _MIN_OTHERS)


def _level(
    last: pd.DataFrame, before: pd.DataFrame, own: pd.DataFrame, around: dict[str, pd.Series]
) -> dict[str, pd.Series]:
    absent, enrolled, rate = last["days_absent"], last["days_enrolled"], last["rate"]
    spells_all_years = 100 * own["spells"] / own["days_enrolled"]
    prior = around["classmates_rate"].fillna(around["school_rate"]).fillna(rate)
    rate_before = before["days_absent"] / before["days_enrolled"]
    late, late_enrolled = last["days_absent_last_60"], last["days_enrolled_last_60"]
    return {
        "absence_rate_last_year": rate,
        "absence_ratio_last_year": _share(absent * _TEN_THOUSANDTHS, last["expected_days_absent"]),
        "days_absent_last_year": absent,
        "shrunk_rate_last_year": (absent + prior * _PRIOR_DAYS) / (enrolled + _PRIOR_DAYS),
        "absence_rate_year_before": rate_before,
        "days_absent_year_before": before["days_absent"],
        "absence_rate_all_years": own["days_absent"] / own["days_enrolled"],
        "absence_ratio_all_years": _share(own["days_absent"] * _TEN_THOUSANDTHS, own["expected_days_absent"]),
        "recent_weighted_rate": own["weighted_absent"] / own["weighted_enrolled"],
        "highest_rate": own["highest_rate"],
        "days_absent_all_years": own["days_absent"],
        "chronic_years": own["chronic"],
        "change_of_rate": rate - rate_before,
        "rise_in_last_60_days": _share(late, late_enrolled) - _share(absent - late, enrolled - late_enrolled),
        "change_of_spells": 100 * last["spells"] / enrolled - spells_all_years,
    }


def _timing(last: pd.DataFrame, own: pd.DataFrame) -> dict[str, pd.Series]:
    found = {"absence_rate_first_20_days_all_years": _share(own["days_absent_first_20"], own["days_enrolled_first_20"])}
    windows = {"last_30": "last_30_days", "last_60": "last_60_days", "first_20": "first_20_days_last_year"}
    for window, name in windows.items():
        absent, enrolled = last[f"days_absent_{window}"], last[f"days_enrolled_{window}"]
        found[f"absence_rate_{name}"] = _share(absent, enrolled)
        found[f"days_absent_{name}"] = absent.where(enrolled > 0)
    return found


def _spells(last: pd.DataFrame, own: pd.DataFrame) -> dict[str, pd.Series]:
    spells = last["spells"]
    single = spells - last["spells_of_two_or_more"]
    return {
        "spells_last_year": spells,
        "spells_per_100_days_last_year": 100 * spells / last["days_enrolled"],
        "spells_all_years": own["spells"],
        "spell_ratio_all_years": _share(own["spells"] * _TEN_THOUSANDTHS, own["expected_spells"]),
        "spells_per_100_days_all_years": 100 * own["spells"] / own["days_enrolled"],
        "mean_spell_length_last_year": _share(last["days_absent"], spells),
        "longest_spell_last_year": last["longest_spell"],
        "single_day_spells_last_year": single,
        "single_day_share_last_year": _share(single, spells),
        "monday_spells_last_year": last["monday_spells"],
        "monday_spell_share_last_year": _share(last["monday_spells"], spells),
    }


def _months(last: pd.DataFrame, past: pd.DataFrame) -> dict[str, pd.Series]:
    """What months tell: columns of months as one array, shape (students, 12)."""
    names_absent = [f"days_absent_month_{month}" for month in MONTHS]
    names_enrolled = [f"days_enrolled_month_{month}" for month in MONTHS]
    absent, enrolled = (last[names].to_numpy("float64") for names in (names_absent, names_enrolled))
    keys, total = ["school_id", "school_year"], last["days_absent"]
    of_school = past.groupby(keys, observed=True)[[*names_absent, *names_enrolled, "students"]].sum()
    of_school = last[keys].join(of_school, on=keys)
    at_school = _over(of_school[names_absent].to_numpy() - absent, of_school[names_enrolled].to_numpy() - enrolled)
    expected = at_school * enrolled
    sum_expected = expected.sum(axis=1)
    moved = np.abs(absent * sum_expected[:, None] - total.to_numpy("float64")[:, None] * expected).sum(axis=1)
    distance = _share(pd.Series(moved, last.index), 2 * sum_expected * (total + _EVEN_ABSENCES))
    squares = _over(absent * absent, enrolled).sum(axis=1)
    months = pd.Series((enrolled > 0).sum(axis=1), last.index)
    variance = _share(squares * last["days_enrolled"] / total - total, months - 1)
    clean = pd.Series(((enrolled > 0) & (absent == 0)).sum(axis=1), last.index)
    return {
        "days_absent_worst_month_last_year": pd.Series(absent.max(axis=1), last.index),
        "month_dispersion_last_year": variance.where(total > 0),
        "month_distance_last_year": distance.where((total > 0) & (of_school["students"] - 1 >= _MIN_OTHERS)),
        "months_without_absence_last_year": clean.where(total.notna()),
    }


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Part over whole, 0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _pattern(last: pd.DataFrame) -> dict[str, pd.Series]:
    absent, enrolled = last["days_absent"], last["days_enrolled"]
    ends, ends_enrolled = (last[f"days_{of}_weekday_1"] + last[f"days_{of}_weekday_5"] for of in ("absent", "enrolled"))
    week, week_enrolled = (
        last[[f"days_{of}_weekday_{day}" for day in range(1, 6)]].sum(axis=1) for of in ("absent", "enrolled")
    )
    before_break, before_break_enrolled = last["days_absent_before_break"], last["days_enrolled_before_break"]
    of_breaks = (before_break_enrolled / enrolled).where(before_break_enrolled > 0)
    return {
        "days_absent_monday_friday_last_year": ends,
        "monday_friday_excess_last_year": _excess(ends, week, _share(ends_enrolled, week_enrolled)),
        "days_absent_before_break_last_year": before_break,
        "before_break_excess_last_year": _excess(before_break, absent, of_breaks),
    }


def _excess(part: pd.Series, absences: pd.Series, expected: pd.Series) -> pd.Series:
    return ((part - absences * expected) / (absences + _EVEN_ABSENCES)).where(absences > 0)


def _kind(last: pd.DataFrame) -> dict[str, pd.Series]:
    absent, enrolled = last["days_absent"], last["days_enrolled"]
    counts = ("days_excused", "days_unexcused", "days_suspended", "days_tardy", "days_early_departure")
    return {
        **{f"{count}_last_year": last[count] for count in counts},
        "excused_share_last_year": _share(last["days_excused"], absent),
        "unexcused_share_last_year": _share(last["days_unexcused"], absent),
        "tardy_per_100_days_last_year": 100 * last["days_tardy"] / enrolled,
        "early_departures_per_100_days_last_year": 100 * last["days_early_departure"] / enrolled,
        "part_days_missed_last_year": last["partial_ten_thousandths"] / _TEN_THOUSANDTHS,
    }


def _stability(last: pd.DataFrame, before: pd.DataFrame, own: pd.DataFrame, target_year: int) -> dict[str, pd.Series]:
    counts = ("days_enrolled", "schools_attended", "stays", "late_entry_days", "early_exit_days")
    years = target_year - last["school_year"]
    return {
        **{f"{count}_last_year": last[count] for count in counts},
        "enrolled_share_last_year": last["days_enrolled"] / last["instructional_days"],
        "days_enrolled_year_before": before["days_enrolled"],
        "days_enrolled_all_years": own["days_enrolled"],
        "known_years": own["years"].fillna(0),
        "short_history": own["days_enrolled"].fillna(0) < _SHORT_HISTORY_DAYS,
        "years_since_last_year": years,
        "has_gap": (years > 1).where(years.notna()),
    }


def _household(
    cohort: pd.DataFrame, own: pd.DataFrame, totals: pd.DataFrame, households: pd.Series
) -> dict[str, pd.Series]:
    """The other students of the household, over all years known of them; too many are no household."""
    sums = totals[_OF_HOUSEHOLD].groupby(households.reindex(totals.index), observed=True).sum()
    of_home = pd.DataFrame({"home": households.reindex(cohort.index)}).join(sums, on="home")
    others = of_home[_OF_HOUSEHOLD] - own[_OF_HOUSEHOLD].fillna(0)
    others = others.where(others["students"] <= _MOST_OF_A_HOUSEHOLD)
    return {
        "household_students": others["students"],
        "household_rate": _share(others["weighted_absent"], others["weighted_enrolled"]),
        "household_ratio": _share(others["days_absent"] * _TEN_THOUSANDTHS, others["expected_days_absent"]),
        "household_spell_ratio": _share(others["spells"] * _TEN_THOUSANDTHS, others["expected_spells"]),
    }


def _grade(cohort: pd.DataFrame) -> dict[str, pd.Series]:
    grade = cohort["grade_level"]
    return {"grade_number": grade.cat.codes - 1, "enters_new_level": grade.isin(_ENTRY_GRADES)}

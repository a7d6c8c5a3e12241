"""Moments of a folder of records: the numbers by which a simulated district is compared with published figures.

A moment has a name such as ``chronic.grade.KG``; shares are shares, never percents. NaN where the records cannot tell.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ews.simulator.daily_moments import daily_moments
from ews.simulator.observe import Observed

ELEMENTARY_GRADES = ("KG", "01", "02", "03", "04", "05")
EARLY_GRADES = ("KG", "01", "02", "03")
CURVE_AT = (0.035, 0.045, 0.055, 0.065, 0.075, 0.085, 0.095, 0.11)
"""Mean absence rates of a school at which its share of chronically absent students is compared."""

_MIN_DAYS = 10
_FULL_YEAR = 0.9


def moments(seen: Observed, ordinary: Sequence[int] | None = None) -> pd.Series:
    """All moments of a folder, by name.

    Args:
        seen: the counts of the folder.
        ordinary: the school years taken as ordinary; by default all of them.
    """
    people = with_rates(seen.student_years)
    years = sorted(people["school_year"].unique())
    usual = [year for year in years if ordinary is None or year in ordinary]
    days = seen.school_days[seen.school_days["school_year"].isin(usual)]
    calm = people[people["school_year"].isin(usual)]
    parts = [
        _levels(calm),
        _shock(people, usual, years),
        _curve(people),
        _between_schools(people, calm),
        _spread(calm),
        _persistence(people, usual),
        _early(calm),
        _illness(seen.causes, usual),
        daily_moments(days),
        _siblings(calm),
        _groups(calm),
        _moves(calm),
        _mentored(people, seen.mentored),
    ]
    return pd.Series({name: value for part in parts for name, value in part.items()}, dtype=float)


def with_rates(student_years: pd.DataFrame) -> pd.DataFrame:
    """Student years long enough to have a status, with `rate` and `is_chronic` (exact counts)."""
    people = student_years[student_years["days_enrolled"] >= _MIN_DAYS].copy()
    people["rate"] = people["days_absent"] / people["days_enrolled"]
    people["is_chronic"] = people["days_absent"] * 10 >= people["days_enrolled"]
    return people


def pairs(people: pd.DataFrame, lag: int) -> pd.DataFrame:
    """Student years with the same student's year `lag` years before, suffix `_before`."""
    before = people[["student_id", "school_year", "rate", "is_chronic", "days_absent", "days_enrolled"]].copy()
    before["school_year"] += lag
    return people.merge(before, on=["student_id", "school_year"], suffixes=("", "_before"))


def level_to_chronic(people: pd.DataFrame) -> pd.DataFrame:
    """Elementary schools in single years: students, mean absence rate, share chronically absent."""
    young = people[people["grade_level"].isin(ELEMENTARY_GRADES)]
    schools = young.groupby(["school_id", "school_year"]).agg(
        students=("rate", "size"),
        rate=("rate", "mean"),
        chronic=("is_chronic", "mean"),
        grades=("grade_level", "nunique"),
    )
    return schools[(schools["students"] >= 60) & (schools["grades"] >= 5)].reset_index()


_Moments = dict[str, float]


def _levels(calm: pd.DataFrame) -> _Moments:
    grades = calm.groupby("grade_level")
    chronic, rate = grades["is_chronic"].mean(), grades["rate"].mean()
    young = calm[calm["grade_level"].isin(ELEMENTARY_GRADES)]
    return (
        {"chronic.all": calm["is_chronic"].mean(), "chronic.elementary": young["is_chronic"].mean()}
        | {f"chronic.grade.{grade}": value for grade, value in chronic.items()}
        | {f"rate.grade.{grade}": value for grade, value in rate.items()}
        | {"chronic.KG_to_03": _ratio(chronic.get("KG"), chronic.get("03"))}
    )


def _shock(people: pd.DataFrame, usual: Sequence[int], years: Sequence[int]) -> _Moments:
    chronic = people.groupby("school_year")["is_chronic"].mean()
    usual_level = chronic[list(usual)].mean()
    return {
        f"shock.year_{position}": _ratio(chronic[year], usual_level)
        for position, year in enumerate((year for year in years if year not in usual), start=1)
    }


def _curve(people: pd.DataFrame) -> _Moments:
    schools = level_to_chronic(people)
    found = {f"curve.{level:.3f}": _local_line(schools, level) for level in CURVE_AT}
    if len(schools) < 8:
        return found | {"curve.residual_sd": np.nan}
    fit = np.polyfit(schools["rate"], schools["chronic"], 2)
    return found | {"curve.residual_sd": float(np.std(schools["chronic"] - np.polyval(fit, schools["rate"])))}


def _local_line(schools: pd.DataFrame, level: float, width: float = 0.006) -> float:
    """The share chronic at a mean rate, by a weighted straight line through the schools near it."""
    away = (schools["rate"] - level).to_numpy()
    weight = schools["students"].to_numpy() * np.exp(-0.5 * (away / width) ** 2)
    near = np.abs(away) < width
    if near.sum() < 3:
        return np.nan
    return float(np.polyfit(away, schools["chronic"], 1, w=np.sqrt(weight))[1])


def _between_schools(people: pd.DataFrame, calm: pd.DataFrame) -> _Moments:
    schools = level_to_chronic(calm)
    sampling = (schools["chronic"] * (1 - schools["chronic"]) / schools["students"]).mean()
    true_variance = schools.groupby("school_year")["chronic"].var().mean() - sampling
    inside = np.clip(schools["chronic"], 0.01, 0.99)
    logit = np.log(inside / (1 - inside)).groupby(schools["school_year"]).std().mean()
    level = schools["chronic"].mean()
    before = schools.assign(school_year=schools["school_year"] + 1)
    both = schools.merge(before, on=["school_id", "school_year"], suffixes=("", "_before"))
    enough = len(both) >= 8
    return {
        "school.chronic_sd": float(np.sqrt(max(true_variance, 0.0))),
        "school.logit_sd": float(logit),
        "school.icc": _ratio(true_variance, level * (1 - level)),
        "school.year_to_year_r": both["chronic"].corr(both["chronic_before"]) if enough else np.nan,
        "school.change_sd": (both["chronic"] - both["chronic_before"]).std() if enough else np.nan,
    }


def _spread(calm: pd.DataFrame) -> _Moments:
    full = calm[calm["days_enrolled"] >= _FULL_YEAR * calm["instructional_days"]]
    young = full[full["grade_level"].isin(ELEMENTARY_GRADES)]
    within = young["days_absent"] - young.groupby(["school_id", "school_year"])["days_absent"].transform("mean")
    chronic = full[full["is_chronic"]]
    return {
        "days.mean": young["days_absent"].mean(),
        "days.cv": _ratio(within.std(), young["days_absent"].mean()),
        "days.zero_share": (young["days_absent"] == 0).mean(),
        "days.twenty_to_ten": _ratio((full["rate"] >= 0.2).mean(), full["is_chronic"].mean()),
        "days.of_chronic": chronic["days_absent"].mean(),
        "days.share_of_chronic": _ratio(chronic["days_absent"].sum(), full["days_absent"].sum()),
    }


def _persistence(people: pd.DataFrame, usual: Sequence[int]) -> _Moments:
    found = {}
    for lag in (1, 2, 3):
        both = pairs(people, lag)
        if lag == 1:
            both = both[both["school_year"].isin(usual) & (both["school_year"] - 1).isin(usual)]
        young = both[both["grade_level"].isin(ELEMENTARY_GRADES)]
        found[f"persistence.lag_{lag}"] = _rate_correlation(young)
        found[f"persistence.all_grades_lag_{lag}"] = _rate_correlation(both)
    both = pairs(people[people["school_year"].isin(usual)], 1)
    chronic = both.groupby("is_chronic_before")["is_chronic"].mean()
    young = both[both["grade_level"].isin(ELEMENTARY_GRADES)].groupby("is_chronic_before")["is_chronic"].mean()
    return found | {
        "persistence.chronic_given_chronic": chronic.get(True, np.nan),
        "persistence.chronic_given_not": chronic.get(False, np.nan),
        "persistence.elementary_chronic_given_chronic": young.get(True, np.nan),
        "persistence.elementary_chronic_given_not": young.get(False, np.nan),
    }


def _rate_correlation(both: pd.DataFrame) -> float:
    """Within school year and grade, so that levels do not correlate."""
    if len(both) < 50:
        return np.nan
    cells = both.groupby(["school_year", "grade_level"])
    return float(
        (both["rate"] - cells["rate"].transform("mean")).corr(
            both["rate_before"] - cells["rate_before"].transform("mean")
        )
    )


def _early(calm: pd.DataFrame) -> _Moments:
    there = calm[calm["first_day"] == 1]
    young = there[there["grade_level"].isin(ELEMENTARY_GRADES)]
    september = there["absent_september"]
    return {
        "early.three_in_first_20": young.loc[young["absent_first_20"] >= 3, "is_chronic"].mean(),
        "early.september_below_2": there.loc[september < 2, "is_chronic"].mean(),
        "early.september_2_to_4": there.loc[september.between(2, 4), "is_chronic"].mean(),
        "early.september_above_4": there.loc[september > 4, "is_chronic"].mean(),
    }


def _illness(causes: pd.DataFrame, usual: Sequence[int]) -> _Moments:
    if causes.empty:
        return dict.fromkeys(("illness.prevalence", "illness.length", "illness.length_sd", "illness.one_day"), np.nan)
    chosen = (causes["cause"] == "illness") & causes["school_year"].isin(usual)
    ill = causes[chosen & causes["grade_level"].isin(ELEMENTARY_GRADES)].sum(numeric_only=True)
    mean = ill["length_sum"] / ill["spells"]
    return {
        "illness.prevalence": ill["days"] / ill["days_enrolled"],
        "illness.length": mean,
        "illness.length_sd": float(np.sqrt(ill["length_square_sum"] / ill["spells"] - mean**2)),
        "illness.one_day": ill["one_day_spells"] / ill["spells"],
    }


def _siblings(calm: pd.DataFrame) -> _Moments:
    known = calm[calm["household_id"].notna() & (calm["days_enrolled"] >= 90)].copy()
    known["left"] = known["rate"] - known.groupby(["school_year", "grade_level"])["rate"].transform("mean")
    columns = known[["student_id", "household_id", "school_year", "left"]]
    both = columns.merge(columns, on=["household_id", "school_year"])
    both = both[both["student_id_x"] != both["student_id_y"]]
    return {"siblings.r": both["left_x"].corr(both["left_y"]) if len(both) > 50 else np.nan}


def _groups(calm: pd.DataFrame) -> _Moments:
    early = calm[calm["grade_level"].isin(EARLY_GRADES)]
    found = {}
    for column in ("economically_disadvantaged", "homeless", "disability", "english_learner"):
        share = early.groupby(early[column].astype("string"))["is_chronic"].mean()
        found[f"group.{column}"] = share.get("yes", np.nan)
        found[f"group.not_{column}"] = share.get("no", np.nan)
    return found


def _moves(calm: pd.DataFrame) -> _Moments:
    moved = calm["stays"] >= 2
    return {"moved.all": moved.mean(), "moved.of_chronic": moved[calm["is_chronic"]].mean()}


def _mentored(people: pd.DataFrame, mentored: pd.DataFrame) -> _Moments:
    """Before and after, of students who were chronically absent before: no programme, or one, looks like this."""
    both = pairs(people[people["days_enrolled"] >= 90], 1).merge(mentored, on=["student_id", "school_year"])
    before = both[both["is_chronic_before"] & both["accepted"].astype(bool)]
    full = before[before["days_enrolled_before"] >= 90]
    return {"mentored.change": full["rate"].mean() / full["rate_before"].mean() - 1 if len(full) else np.nan}


def _ratio(above: float | None, below: float | None) -> float:
    return np.nan if above is None or not below else float(above / below)

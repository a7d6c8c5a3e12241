"""What a person should look at, in sentences: the heaviest first."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from ews.quality.seen import Seen
from ews.school_year import SchoolYear

LONGEST_BREAK = 21
"""Days without instruction from which a gap in a calendar is rather a mistake than a holiday."""

FEWEST_DAYS, MOST_DAYS = 150, 200
"""Instructional days of a school year, in the United States mostly 170 to 185."""

UNLIKE_OTHERS = 15
"""Instructional days by which a school's year may differ from the district's middle school."""

MUCH_UNKNOWN = 0.02
"""Share of enrolled days on missing days above which a year is said to be partly unknown."""

MANY_OVERLAPS = 0.02
FAR_FROM_OTHERS = 3.0
"""Times by which a school's absence rate may differ from its district's."""


@dataclass(frozen=True)
class Remark:
    """One thing to look at.

    Attributes:
        kind: a word for it, as `missing days`.
        weight: enrolled days it concerns, so that the heaviest is told first.
        text: what was found and what to do.
    """

    kind: str
    weight: float
    text: str


def remarks(seen: Seen) -> list[Remark]:
    """Everything to look at, the heaviest first."""
    found = [*_missing_days(seen), *_calendars(seen), *_unlike(seen), *_unknown_codes(seen), *_overlaps(seen)]
    return sorted(found, key=lambda remark: (-remark.weight, remark.text))


def _missing_days(seen: Seen) -> Iterator[Remark]:
    rows = seen.schools[seen.schools["missing"].fillna(0) > 0]
    for row in rows.itertuples():
        unknown = row.unknown_days / row.enrolled_days
        yield Remark(
            "missing days",
            float(row.unknown_days),
            f"{_where(row)}: no mark at all on {int(row.missing)} of {int(row.days)} school days, the first of them "
            f"{row.missing_from:%Y-%m-%d}; {unknown:.1%} of its enrolled days are unknown. Missing submission is not "
            "perfect attendance: ask the school to send these days, or take them out of the calendar if there was no "
            "school.",
        )
    for year, of_year in rows.groupby("school_year"):
        every = seen.schools.loc[seen.schools["school_year"] == year, "enrolled_days"].sum()
        if of_year["unknown_days"].sum() > MUCH_UNKNOWN * every:
            yield Remark(
                "unknown share",
                float(every),
                f"{SchoolYear(int(year)).label}: {of_year['unknown_days'].sum() / every:.1%} of all enrolled days are "
                f"unknown. If this year was unlike others, name it in the policy so that no model learns its outcomes: "
                f"flagged_years = [{int(year)}].",
            )


def _calendars(seen: Seen) -> Iterator[Remark]:
    rows = seen.schools[seen.schools["days"].notna()]
    last = rows["school_year"].max()
    middle = rows.groupby("school_year")["days"].transform("median")
    for row, usual in zip(rows.itertuples(), middle, strict=True):
        if row.longest_gap > LONGEST_BREAK:
            yield Remark(
                "gap in the calendar",
                float(row.enrolled_days) * row.longest_gap / 365,
                f"{_where(row)}: the calendar has no instruction for {int(row.longest_gap)} days after "
                f"{row.gap_from:%Y-%m-%d}. If there was school, the days are missing from the calendar, and marks on "
                "them are refused.",
            )
        unusual = not FEWEST_DAYS <= row.days <= MOST_DAYS or abs(row.days - usual) > UNLIKE_OTHERS
        if unusual and row.school_year < last:
            yield Remark(
                "length of the year",
                float(row.students),
                f"{_where(row)}: {int(row.days)} instructional days, where the district's middle school has "
                f"{int(usual)}. Look whether its calendar is whole.",
            )


def _unlike(seen: Seen) -> Iterator[Remark]:
    rows = seen.schools.assign(rate=seen.schools["absent_days"] / seen.schools["enrolled_days"])
    of_year = rows.groupby("school_year")[["absent_days", "enrolled_days"]].transform("sum")
    usual = of_year["absent_days"] / of_year["enrolled_days"]
    far = (rows["rate"] > FAR_FROM_OTHERS * usual) | (rows["rate"] * FAR_FROM_OTHERS < usual)
    for row, rate in zip(rows[far].itertuples(), usual[far], strict=True):
        yield Remark(
            "unlike others",
            float(row.enrolled_days) / 10,
            f"{_where(row)}: {row.rate:.1%} of enrolled days absent, in the district {rate:.1%}. Look whether all its "
            "marks came in, and whether its codes mean what the map says.",
        )


def _unknown_codes(seen: Seen) -> Iterator[Remark]:
    if seen.unknown_codes:
        codes = ", ".join(f"{code or '(empty)'} ({number:,})" for code, number in seen.unknown_codes.items())
        yield Remark(
            "unknown codes",
            float(sum(seen.unknown_codes.values())),
            f"Marks were refused since nothing says what their code means: {codes}. Say it under values.category of "
            "the column map, and ingest again.",
        )


def _overlaps(seen: Seen) -> Iterator[Remark]:
    rows = int(seen.rejected.loc[seen.rejected["rule"].isin(["overlapping_stay", "stay_without_days"]), "rows"].sum())
    counts = seen.manifest["counts"]
    read = counts["enrollments"]["read"] if isinstance(counts, dict) and "enrollments" in counts else 0
    if read and rows > MANY_OVERLAPS * read:
        yield Remark(
            "overlaps",
            float(rows),
            f"{rows:,} of {read:,} stays overlap another stay of the same student and gave days up to the later one. "
            "Often the exit date of who moved was never entered; each is in rejects.csv.",
        )


def _where(row: object) -> str:
    school, year = getattr(row, "school_id", ""), getattr(row, "school_year", 0)
    return f"{school} in {SchoolYear(int(year)).label}"


def share(part: float, whole: float) -> str:
    """A share as it reads in a table; n/a over nothing.

    >>> share(1, 8), share(0, 0)
    ('12.5 %', 'n/a')
    """
    return "n/a" if pd.isna(part) or pd.isna(whole) or not whole else f"{100 * part / whole:.1f} %"

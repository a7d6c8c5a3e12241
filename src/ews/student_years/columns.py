"""The columns of `student_years`: their entry in the data dictionary, how they are kept, and how they are opened."""

from collections.abc import Collection, Mapping

import narwhals as nw

from ews.student_years.marks import ABSENT
from ews.student_years.stays import ENROLLED
from ews.tables import GRADE_LEVEL, ID_PATTERN, SCHOOL_YEAR, STUDENT_ID, Column, Table
from ews.tallies import FIRST_DAYS, LAST_DAYS, MONTHS, TALLIES, WEEKDAYS, WINDOWS, counts_in

DEFINITION = 3
"""Raised by one whenever a rule behind a column changes, so that stored years are computed anew."""

_WEEKDAY_NAMES = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays")
_NOT_DAILY = "the source is a yearly sheet"


def _days(name: str, meaning: str, null: str | None = _NOT_DAILY) -> Column:
    return Column(name, "integer", meaning, null)


def _pair(name: str, of: str) -> tuple[Column, Column]:
    return (
        _days(f"days_absent_{name}", f"Days absent {of}."),
        _days(f"days_enrolled_{name}", f"Days enrolled {of}."),
    )


_PLACE = (
    STUDENT_ID,
    SCHOOL_YEAR,
    Column(
        "school_id",
        "text",
        "The school of the year's last stay; from a yearly sheet the one with most days enrolled.",
        pattern=ID_PATTERN,
    ),
    GRADE_LEVEL,
    _days("instructional_days", "Instructional days of that school."),
)
_TOTALS = (
    _days("days_enrolled", "Days enrolled, in all schools.", None),
    _days("days_absent", "Days on which at least half was missed, for any reason.", None),
    _days("days_excused", "Days absent, mostly excused.", "reasons are not known"),
    _days("days_unexcused", "Days absent, mostly unexcused.", "reasons are not known"),
    _days("days_suspended", "Days absent, mostly through suspension.", "reasons are not known"),
    _days("days_tardy", "Days with a late arrival, absent or not."),
    _days("days_early_departure", "Days with an early departure, absent or not."),
    _days("partial_ten_thousandths", "Ten-thousandths of a day missed on days not absent, summed."),
)
_PATTERNS = (
    *(column for month in MONTHS for column in _pair(f"month_{month:02d}", f"in calendar month {month}")),
    *(column for day in WEEKDAYS for column in _pair(f"weekday_{day}", f"on {_WEEKDAY_NAMES[day - 1]}")),
    *_pair(f"first_{FIRST_DAYS}", f"among the first {FIRST_DAYS} instructional days of the school's year"),
    *(
        column
        for days in LAST_DAYS
        for column in _pair(f"last_{days}", f"among the last {days} instructional days of the school's year")
    ),
    *_pair("before_break", "on days after which the school had no instruction for three days or more"),
)
_SPELLS = (
    _days("spells", "Runs of consecutive absent instructional days within one school."),
    _days("longest_spell", "Days of the longest run; 0 without any."),
    _days("single_day_spells", "Runs of one day."),
    _days("monday_spells", "Runs of which the first day is a Monday."),
)
_STABILITY = (
    _days("stays", "Stays with at least one enrolled day."),
    _days("schools_attended", "Different schools among the stays."),
    _days("late_entry_days", "Instructional days of the first school before the first enrolled day."),
    _days("early_exit_days", "Instructional days of the last school after the last enrolled day."),
)

STUDENT_YEARS = Table(
    "student_years",
    "a student's school year, from that year's records only; who had no enrolled day has no row",
    ("student_id", "school_year"),
    (*_PLACE, *_TOTALS, *_PATTERNS, *_SPELLS, *_STABILITY),
)

_DAYS = (
    *(f"month_{month:02d}" for month in MONTHS), *(f"weekday_{day}" for day in WEEKDAYS), *WINDOWS, "before_break",
)  # fmt: skip
"""What enrolled days and absent days are both counted by."""

_OTHERS = {
    "spells": "spells",
    "monday_spells": "monday_spells",
    "tardy": "days_tardy",
    "early_departure": "days_early_departure",
}

_KINDS = {"excused": "days_excused", "unexcused": "days_unexcused", "suspended": "days_suspended"}

OF_SHEET = {name: f"{name}_of_sheet" for name in _KINDS.values()}
"""Where days absent by kind are kept as a yearly sheet tells them, which may leave one out; null from daily marks."""

_PARTIAL = "partial_ten_thousandths"

_PLAIN = tuple(
    name
    for name in STUDENT_YEARS.column_names
    if not name.endswith(_DAYS) and name not in {*_OTHERS.values(), *OF_SHEET, _PARTIAL, "single_day_spells"}
)
KEPT = (*_PLAIN, *OF_SHEET.values(), *ABSENT.values(), *ENROLLED.values())
"""The columns of a kept year: plain ones, and the sums of tallies that `opened` takes the other counts out of."""


def opened(kept: nw.LazyFrame, prefix: str = "", only: Collection[str] | None = None) -> nw.LazyFrame:
    """Student years as they are kept, with every count as a column of its own instead of tallies.

    Args:
        kept: the columns of `KEPT`, and any others, which stay; or student years that are open already.
        prefix: what stands before the name of each.
        only: the columns wanted, without the prefix; None for all of them.
    """
    packed = [f"{prefix}{name}" for name in KEPT if name not in _PLAIN]
    names = kept.collect_schema().names()
    counts = _counts(prefix) if packed[0] in names else {}
    plain = [name for name in names if name not in packed] if counts else names
    if only is None:
        return kept.select(*plain, *counts.values())
    return kept.select(counts.get(name, nw.col(name)) for name in (f"{prefix}{name}" for name in only))


def _counts(prefix: str) -> dict[str, nw.Expr]:
    """Each count that is kept in a tally, by the name of its column."""
    by_day = [counts for tally in ENROLLED for counts in _counts_of(tally, prefix)]
    named = dict(pair for counts in (_counts_of_kinds(prefix), *by_day) for pair in counts.items())
    return {**named, f"{prefix}single_day_spells": _single_day_spells(prefix)}


def _counts_of_kinds(prefix: str) -> dict[str, nw.Expr]:
    """Days by kind, of daily marks or of a sheet, and parts of days, which no sheet tells."""
    names = {count: f"{prefix}{name}" for count, name in {**_KINDS, _PARTIAL: _PARTIAL}.items()}
    counts = _named("tally_kinds", f"{prefix}{ABSENT['tally_kinds']}", names)
    of_sheet = {f"{prefix}{name}": nw.col(f"{prefix}{sheet}") for name, sheet in OF_SHEET.items()}
    return counts | {name: nw.coalesce(counts[name], sheet) for name, sheet in of_sheet.items()}


def _single_day_spells(prefix: str) -> nw.Expr:
    name = f"{prefix}single_day_spells"
    tally = next(tally for tally in ENROLLED if "spells" in TALLIES[tally])
    names = dict.fromkeys(("spells", "spells_of_two_or_more"), name)
    spells, longer = counts_in(tally, f"{prefix}{ABSENT[tally]}", names)
    return spells - longer


def _counts_of(tally: str, prefix: str) -> tuple[dict[str, nw.Expr], dict[str, nw.Expr]]:
    """Of absent days, with what is counted beside them, and of enrolled days."""
    by_day = [count for count in TALLIES[tally] if count in _DAYS]
    others = {count: f"{prefix}{_OTHERS[count]}" for count in TALLIES[tally] if count in _OTHERS}
    absent = {count: f"{prefix}days_absent_{count}" for count in by_day} | others
    enrolled = {count: f"{prefix}days_enrolled_{count}" for count in by_day}
    return (
        _named(tally, f"{prefix}{ABSENT[tally]}", absent),
        _named(tally, f"{prefix}{ENROLLED[tally]}", enrolled),
    )


def _named(tally: str, column: str, names: Mapping[str, str]) -> dict[str, nw.Expr]:
    return dict(zip(names.values(), counts_in(tally, column, names), strict=True))

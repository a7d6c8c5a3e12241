"""What the records tell of one student's attendance, in sentences and charts; no estimate in it."""

from calendar import month_name, monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ews.follow_up import days_left_to_miss
from ews.school_year import SchoolYear
from ews_serve.web.charts import (
    Calendar,
    Month,
    Months,
    Service,
    Weekdays,
    Years,
    calendar_chart,
    months_chart,
    weekdays_chart,
    years_chart,
)
from ews_serve.web.wording import counted, day_text, share_text
from ews_serve.web.years import MONTHS, Attendance, Year, trend_of

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")

MARKS = {"suspension": "suspended"}
"""Marks by the name that the calendar has for them, where it is another."""

LATE_ENTRY = (9, 15)
"""Month and day: who came later in the fall was not enrolled for the whole year."""


@dataclass(frozen=True)
class Attended:
    """The history of a student, ready to be placed.

    Attributes:
        years: rates year by year; None with less than two known years.
        months: of the latest year, and of the one before while that is young; empty where no months are known.
        weekdays: of the last year that has enough days; None where none has.
        calendars: of the same years as `months`.
        year_rows: one a year: label, grade, days, excused, not excused, late starts.
        left: what was missed this year so far, and what that means; empty while no year is open.
        left_number: how many more days can be missed before it is a tenth; empty where it cannot be told.
        empty: what to say where nothing is known; empty otherwise.
        yearly: what to say where only totals are known; empty otherwise.
    """

    years: Years | None
    months: tuple[Months, ...]
    weekdays: Weekdays | None
    calendars: tuple[Calendar, ...]
    year_rows: tuple[tuple[str, ...], ...]
    left: str
    left_number: str
    empty: str
    yearly: str


def attended(
    history: Attendance,
    target: SchoolYear | None,
    *,
    days_in_year: int | None = None,
    entered: date | None = None,
    services: Sequence[tuple[str, date]] = (),
    chronic_percent: int = 10,
) -> Attended:
    """The history in charts.

    Args:
        history: as the store keeps it.
        target: the school year of the list; None: none is published.
        days_in_year: how long the school's year is, as last year told; None: not known.
        entered: first day at the present school.
        services: what helps, and since when.
        chronic_percent: the line.
    """
    years = history.years
    shown = _shown(years)
    number, left = _left(history, target, days_in_year, entered, chronic_percent)
    return Attended(
        years=_years(years) if sum(one.rate is not None for one in years) > 1 else None,
        months=tuple(_months(history, one, services) for one in shown),
        weekdays=_weekdays(years),
        calendars=tuple(_calendar(history, one) for one in shown),
        year_rows=tuple(_year_row(one) for one in reversed(years)),
        left=left,
        left_number=number,
        empty="" if years else NOTHING_KNOWN,
        yearly=YEARLY if history.is_yearly else "",
    )


NOTHING_KNOWN = (
    "There is no attendance of earlier years in your records. The student may be new to the district, or too young. "
    "What you see and hear yourself counts for more here than any estimate."
)
YEARLY = "Your records hold totals of whole years only, so no months, weekdays or single days can be shown."


YOUNG_YEAR = 90
"""School days up to which a year is shown together with the one before."""

ENOUGH_DAYS = 60
"""School days from which weekdays can be compared."""


def _shown(years: Sequence[Year]) -> list[Year]:
    """The years to look at month by month, the latest first."""
    known = [one for one in years[-2:] if one.rate is not None and any(pair[1] for pair in one.months.values())]
    if len(known) == 2 and (known[1].days_enrolled or 0) >= YOUNG_YEAR:
        return known[1:]
    return known[::-1]


def _years(years: Sequence[Year]) -> Years:
    told = [(one.year.label, one.rate) for one in years]
    last = next(one for one in reversed(years) if one.rate is not None)
    trend = trend_of([one for one in years if one.rate is not None])
    sentence = f"In {last.year.label} the student missed {share_text(last.days_absent or 0, last.days_enrolled or 0)}"
    return years_chart("Share of days missed, year by year", f"{sentence}, {trend.text}.", told)


def _months(history: Attendance, year: Year, services: Sequence[tuple[str, date]]) -> Months:
    before = history.of(year.year.previous)
    known = [month for month in MONTHS if year.months.get(month, (0, 0))[1]]
    rows = [
        Month(month_name[int(month)][:3], year.months[month][1], year.months[month][0], _of_before(before, month))
        for month in known
    ]
    worst = max(known, key=lambda month: year.months[month][0])
    most = year.months[worst][0]
    told = f"Most days were missed in {month_name[int(worst)]}: {most}." if most else "No day was missed."
    bands = [_service(text, since, year.year, known) for text, since in services]
    title = f"Days missed by month, {year.year.label}"
    return months_chart(title, told, rows, [band for band in bands if band])


def _of_before(before: Year | None, month: str) -> float | None:
    pair = before.months.get(month) if before else None
    return pair[0] if pair else None


def _service(text: str, since: date, year: SchoolYear, known: Sequence[str]) -> Service | None:
    """A band from the day a service began, when that was in the year."""
    month = f"{since.month:02d}"
    begins_in = year.ending if since.month < 7 else year.ending - 1
    if since.year != begins_in or month not in known:
        return None
    return Service(text, known.index(month) + (since.day - 1) / 31, None)


def _weekdays(years: Sequence[Year]) -> Weekdays | None:
    year = next((one for one in reversed(years) if one.weekdays and (one.days_enrolled or 0) >= ENOUGH_DAYS), None)
    if year is None:
        return None
    days = [(name, *year.weekdays.get(str(number), (0, 0))) for number, name in enumerate(WEEKDAYS, 1)]
    total = sum(absent for _, absent, _ in days)
    name, most, _ = max(days, key=lambda day: day[1])
    if not total:
        told = "No day was missed."
    elif most * 5 >= total * 2:
        told = f"{name}s stand out: {most} of {counted(total, 'missed day')}."
    else:
        told = "No weekday stands out."
    return weekdays_chart(f"Days missed by weekday, {year.year.label}", told, days)


def _calendar(history: Attendance, year: Year) -> Calendar:
    known = [month for month in MONTHS if year.months.get(month, (0, 0))[1]]
    first, through = _school_days_of(year, known[0])[0], _school_days_of(year, known[-1], at_end=True)[-1]
    if history.data_through and history.data_through >= first:
        through = min(through, history.data_through)
    marks = ((date.fromisoformat(day), MARKS.get(kind, kind)) for day, kind in history.marks)
    of_year = [(day, kind) for day, kind in marks if first <= day <= through]
    told = f"{counted(year.days_absent or 0, 'day')} missed in {year.year.label}, each with its kind as a letter."
    return calendar_chart(f"Days of {year.year.label}", told, first, through, of_year)


def _school_days_of(year: Year, month: str, *, at_end: bool = False) -> list[date]:
    """The weekdays of a year's first month on which there was school: the last ones of it; of its last, the first."""
    number = int(month)
    begin = date(year.year.ending if number < 7 else year.year.ending - 1, number, 1)
    days = [begin.replace(day=day + 1) for day in range(monthrange(begin.year, number)[1])]
    weekdays, count = [day for day in days if day.weekday() < 5], year.months[month][1]
    return weekdays[:count] if at_end else weekdays[-count:]


def _year_row(year: Year) -> tuple[str, ...]:
    def told(value: int | None) -> str:
        return "not known" if value is None else str(value)

    unknown = year.days_absent is None or not year.days_enrolled
    days = "not known" if unknown else share_text(year.days_absent or 0, year.days_enrolled or 0)
    counts = (year.days_excused, year.days_unexcused, year.days_suspended, year.days_tardy)
    return year.year.label, days, *(told(value) for value in counts)


def _left(
    history: Attendance, target: SchoolYear | None, days_in_year: int | None, entered: date | None, percent: int
) -> tuple[str, str]:
    """How many days may still be missed this year before it counts as chronic; only while the year is open."""
    now = history.of(target) if target else None
    if target is None or now is None or now.days_absent is None or not history.days_so_far:
        return "", ""
    if days_in_year is None or history.days_so_far >= days_in_year:
        return "", ""
    if entered and entered > date(target.ending - 1, *LATE_ENTRY):
        return "", (
            f"Missed {share_text(now.days_absent, now.days_enrolled or 0)} here so far. How many days are left before "
            "a tenth cannot be told for a student who came during the year."
        )
    left = days_left_to_miss(now.days_absent, days_in_year, percent)
    through = f" by {day_text(history.data_through)}" if history.data_through else ""
    so_far = f"Missed {counted(now.days_absent, 'day')} of {history.days_so_far}{through}."
    if left:
        return counted(left, "more day"), f"can be missed this year before it is a tenth of {days_in_year}. {so_far}"
    return "No more day", f"can be missed this year without reaching a tenth of {days_in_year}. {so_far}"


def strengths(history: Attendance, target: SchoolYear | None) -> tuple[str, ...]:
    """What went well, as far as attendance tells; empty where nothing is known."""
    known = [one for one in history.years if one.rate is not None and (target is None or one.year < target)]
    if not known:
        return ()
    last = known[-1]
    return tuple(_strengths_of(last, known))


def _strengths_of(last: Year, known: Sequence[Year]) -> list[str]:
    there = (last.days_enrolled or 0) - (last.days_absent or 0)
    told = [f"Was at school on {there} of {last.days_enrolled} days in {last.year.label}."]
    clean = [month_name[int(month)] for month in MONTHS if last.months.get(month, (1, 0))[0] == 0]
    if clean:
        told.append(f"No day missed in {_listed(clean)}.")
    if trend_of(known).arrow == "↓":
        told.append("Missed less than in the year before.")
    if last.days_absent and last.days_unexcused == 0:
        told.append("Every absence was explained by the family.")
    if last.days_tardy is not None and last.days_tardy <= 2 and last.months:
        told.append("Was almost always on time.")
    return told


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

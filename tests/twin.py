"""The slow, obvious twin of `student_years`: every enrolled day of every student looked at, one by one."""

import datetime as dt
from collections import Counter
from itertools import pairwise

from ews.tables import GRADES
from tests.districts import Day, DayMark, District, Stay, YearRow, by_day, day_indexes


def student_years(
    district: District, school_year: int, *, through_day: int | None = None, closed_year_slack_days: int = 5
) -> dict[str, dict[str, object]]:
    """Student id to all columns of that student's year."""
    days = _days_that_count(district, school_year, through_day, closed_year_slack_days)
    marks = {(mark.student_id, mark.school_id, mark.date): mark for mark in by_day(district.marks)}
    rows = {}
    for student in sorted({stay.student_id for stay in district.stays}):
        stays = sorted(
            (stay for stay in district.stays if stay.student_id == student), key=lambda stay: stay.entry_date
        )
        row = _daily_row(stays, days, marks, district.days, school_year)
        if row is not None:
            rows[student] = row
    if through_day is None:
        for student, row in _sheet_rows(district.sheet, school_year).items():
            rows.setdefault(student, row)
    return rows


def _days_that_count(
    district: District, school_year: int, through_day: int | None, slack: int
) -> dict[str, dict[dt.date, int]]:
    """School to date to day index."""
    indexes = day_indexes(district.days)
    days = [day for day in district.days if day.school_year == school_year]
    if through_day is not None:
        days = [day for day in days if indexes[day.school_id, day.date] <= through_day]
    else:
        instructional = {(day.school_id, day.date) for day in days}
        marked = [mark.date for mark in district.marks if (mark.school_id, mark.date) in instructional]
        last = max(marked, default=dt.date.min)
        if len({day.date for day in days if day.date > last}) > slack or not marked:
            days = [day for day in days if day.date <= last]
    result: dict[str, dict[dt.date, int]] = {}
    for day in sorted(days):
        result.setdefault(day.school_id, {})[day.date] = indexes[day.school_id, day.date]
    return result


def _daily_row(
    stays: list[Stay],
    days: dict[str, dict[dt.date, int]],
    marks: dict[tuple[str, str, dt.date], DayMark],
    all_days: list[Day],
    school_year: int,
) -> dict[str, object] | None:
    counts: Counter[str] = Counter()
    absent_on: list[tuple[str, int, int]] = []
    seen: list[tuple[Stay, list[int]]] = []
    before_break = days_before_a_break(all_days)
    for stay in sorted(stays, key=lambda stay: stay.entry_date):
        calendar = days.get(stay.school_id, {})
        end = stay.exit_date or dt.date.max
        enrolled = [date for date in calendar if stay.entry_date <= date <= end]
        if enrolled:
            seen.append((stay, [calendar[date] for date in enrolled]))
        for date in enrolled:
            mark = marks.get((stay.student_id, stay.school_id, date))
            _count_day(counts, date, calendar[date], len(calendar), mark)
            if (stay.school_id, date) in before_break:
                counts["days_enrolled_before_break"] += 1
                counts["days_absent_before_break"] += mark is not None and mark.is_absent
            if mark and mark.is_absent:
                absent_on.append((stay.school_id, calendar[date], date.isoweekday()))
    if not seen:
        return None
    last, last_indexes = seen[-1]
    years = school_year - _year_entered(last, all_days)
    return {
        "school_year": school_year,
        "school_id": last.school_id,
        "grade_level": GRADES[min(GRADES.index(last.grade_level) + years, len(GRADES) - 1)],
        "instructional_days": len(days[last.school_id]),
        **{name: counts[name] for name in _count_names()},
        **_spells(absent_on),
        "stays": len(seen),
        "schools_attended": len({stay.school_id for stay, _ in seen}),
        "late_entry_days": seen[0][1][0] - 1,
        "early_exit_days": len(days[last.school_id]) - last_indexes[-1],
    }


def days_before_a_break(all_days: list[Day]) -> set[tuple[str, dt.date]]:
    """The days of a school whose next one in the same school year is four or more calendar days later."""
    in_order = sorted(all_days, key=lambda day: (day.school_id, day.school_year, day.date))
    return {
        day[:2]
        for day, following in pairwise(in_order)
        if day[::2] == following[::2] and (following.date - day.date).days >= 4
    }


def _count_day(counts: Counter[str], date: dt.date, index: int, length: int, mark: DayMark | None) -> None:
    names = [f"month_{date.month:02d}"]
    names += [f"weekday_{date.isoweekday()}"] * (date.isoweekday() <= 5)
    names += ["first_20"] * (index <= 20)
    names += ["last_30"] * (index > length - 30)
    names += ["last_60"] * (index > length - 60)
    absent = mark is not None and mark.is_absent
    counts["days_enrolled"] += 1
    counts["days_absent"] += absent
    for name in names:
        counts[f"days_enrolled_{name}"] += 1
        counts[f"days_absent_{name}"] += absent
    if mark is None:
        return
    counts["days_tardy"] += mark.is_tardy
    counts["days_early_departure"] += mark.is_early_departure
    if absent:
        of_kind = {"excused": "days_excused", "unexcused": "days_unexcused", "suspension": "days_suspended"}
        counts[of_kind[str(mark.kind)]] += 1
    else:
        counts["partial_ten_thousandths"] += mark.missed


def _count_names() -> list[str]:
    windows = ["first_20", "last_30", "last_60", "before_break"]
    parts = [f"month_{month:02d}" for month in range(1, 13)] + [f"weekday_{day}" for day in range(1, 6)] + windows
    kinds = ["days_enrolled", "days_absent", "days_excused", "days_unexcused", "days_suspended"]
    kinds += ["days_tardy", "days_early_departure", "partial_ten_thousandths"]
    return kinds + [f"days_{what}_{part}" for what in ("absent", "enrolled") for part in parts]


def _spells(absent_on: list[tuple[str, int, int]]) -> dict[str, int]:
    """Walk through one school after the other; a day that does not follow the one before begins a new spell."""
    spells: list[list[int]] = []
    before: tuple[str, int] | None = None
    for school, index, weekday in sorted(absent_on):
        if before == (school, index - 1):
            spells[-1].append(weekday)
        else:
            spells.append([weekday])
        before = (school, index)
    return {
        "spells": len(spells),
        "longest_spell": max(map(len, spells), default=0),
        "single_day_spells": sum(len(spell) == 1 for spell in spells),
        "monday_spells": sum(spell[0] == 1 for spell in spells),
    }


def _year_entered(stay: Stay, all_days: list[Day]) -> int:
    """The school year of the school's next day; where its calendar lacks the year of the entry, July opens a year."""
    dates = [(day.date, day.school_year) for day in all_days if day.school_id == stay.school_id]
    following = min(year for date, year in dates if date >= stay.entry_date)
    by_date = stay.entry_date.year + (stay.entry_date.month >= 7)
    return following if by_date in {year for _, year in dates} else min(following, by_date)


def _sheet_rows(sheet: list[YearRow], school_year: int) -> dict[str, dict[str, object]]:
    rows: dict[str, list[YearRow]] = {}
    for row in sheet:
        if row.school_year == school_year and row.days_enrolled > 0:
            rows.setdefault(row.student_id, []).append(row)
    return {student: _summed(schools, school_year) for student, schools in rows.items()}


def _summed(schools: list[YearRow], school_year: int) -> dict[str, object]:
    main = min(schools, key=lambda row: (-row.days_enrolled, row.school_id))
    row: dict[str, object] = dict.fromkeys([*_count_names(), *_spells([]), "instructional_days", "stays"])
    row |= dict.fromkeys(["schools_attended", "late_entry_days", "early_exit_days"])
    row |= {"school_year": school_year, "school_id": main.school_id, "grade_level": main.grade_level}
    for name in ("days_enrolled", "days_absent", "days_excused", "days_unexcused", "days_suspended"):
        values = [getattr(school, name) for school in schools]
        row[name] = None if None in values else sum(values)
    return row
